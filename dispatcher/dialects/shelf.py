"""Dialects on disk: those shipped in ``mappings/dialects``, by name, and the laboratory's own, by path.

TOML text to :class:`Dialect`; :class:`dispatcher.errors.ConfigError` lists every fault, with its line and key.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from dispatcher import resources
from dispatcher.dialects.model import Dialect
from dispatcher.dialects.places import Place, parse_place
from dispatcher.errors import ConfigError, in_french
from dispatcher.faults import at_line, line_of, models, places, sentences, unreadable_toml
from dispatcher.french import counted

_FOLDER = "dialects"
_HINT = "Voir docs/dialectes.md."
_FORMATS = {"hl7v2": "HL7 v2", "hprim-sante": "HPRIM Santé", "hprim-medecins": "HPRIM Médecins"}


def names() -> tuple[str, ...]:
    """The shipped ones, in alphabetical order."""
    files = resources.mapping(_FOLDER).iterdir()
    return tuple(sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml")))


def text_of(name: str) -> str:
    """The TOML of a shipped dialect. Raises :class:`ConfigError` when there is none of that name."""
    if name not in names():
        raise _unknown(name)
    return resources.mapping_text(_FOLDER, f"{name}.toml")


def load(wanted: str, folder: Path | None = None) -> Dialect:
    """A shipped dialect by its name, or a file by its path (relative to ``folder``).

    Raises :class:`ConfigError` when there is none, or when it is wrong.
    """
    if wanted in names():
        return parse(text_of(wanted), wanted)
    path = Path(wanted) if folder is None else folder / wanted
    if not path.is_file():
        raise _unknown(wanted)
    return load_file(path)


def load_file(path: Path) -> Dialect:
    """The dialect of one file. Raises :class:`ConfigError` when it cannot be read or is wrong."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"Dialecte illisible : {path} ({in_french(error)}).") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"Dialecte illisible : {path}.", hint="Attendu : TOML en UTF-8.") from error
    return parse(text, path.stem, path.name)


def _unknown(wanted: str) -> ConfigError:
    close = get_close_matches(wanted, names(), n=1, cutoff=0.6)
    near = f" Le plus proche : « {close[0]} »." if close else ""
    return ConfigError(
        f"Dialecte introuvable : « {wanted} » n’est ni un dialecte livré, ni un fichier.{near}",
        hint="« dispatcher dialects list » dit ceux qui sont livrés.",
    )


def parse(text: str, name: str, file: str = "") -> Dialect:
    """TOML text to a dialect called ``name``. Raises :class:`ConfigError` with every fault found."""
    file = file or f"{name}.toml"
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} : {unreadable_toml(error)}.", hint="Corriger la ligne indiquée.") from error
    faults, dialect = list(_misplaced(data, text)), None
    try:
        dialect = Dialect.model_validate(data)
    except ValidationError as error:
        faults = sorted([*sentences(error, Dialect, text), *faults], key=_line)
    if dialect is None or faults:
        raise ConfigError(
            f"{file} : {counted(len(faults), 'faute')} dans ce dialecte.", faults=tuple(faults), hint=_HINT
        )
    dialect._name = name
    return dialect


def _line(told: str) -> int:
    found = re.match(r"ligne ([0-9]+)", told)
    return int(found[1]) if found else 0


# ------------------------------------------------------------------------------------------------ what fits the format


def _misplaced(data: dict[str, Any], text: str) -> Iterator[str]:
    """Keys without any effect for this format, and places of another format."""
    wanted = data.get("format")
    if wanted not in _FORMATS:
        return
    lines = dict(reversed(list(places(text))))
    for loc, field, value in given(data, Dialect):
        shown = ".".join(loc)
        formats = _formats(field)
        if formats and wanted not in formats:
            told = f"{shown} : sans effet pour {_FORMATS[wanted]} ; vaut pour {', '.join(_FORMATS[f] for f in formats)}"
            yield at_line(line_of(loc, lines), told)
            continue
        for place in _places(loc, value):
            if place.of_line is not (wanted == "hprim-medecins"):
                told = f"{shown} : « {place} » n’est pas un endroit d’un fichier {_FORMATS[wanted]}"
                yield at_line(line_of(loc, lines), told)


def given(data: dict[str, Any], model: type[BaseModel]) -> Iterator[tuple[tuple[str, ...], FieldInfo, Any]]:
    """(path, field, value) of every key of the data that the model knows, those of its tables too."""
    for name, value in data.items():
        field = model.model_fields.get(name)
        if field is None:
            continue
        below = models(field.annotation)
        rows = value if isinstance(value, list) else [value]
        if not below:
            yield (name,), field, value
        for row in rows if below else ():
            if isinstance(row, dict):
                yield from (((name, *loc), inner, found) for loc, inner, found in given(row, below[0]))


def _formats(field: FieldInfo) -> list[str]:
    extra = field.json_schema_extra
    return [str(name) for name in extra["formats"]] if isinstance(extra, dict) and "formats" in extra else []  # type: ignore[union-attr]


_WITH_PLACES = frozenset({"ignore", "constants", "defaults"})


def _places(loc: tuple[str, ...], value: Any) -> Iterator[Place]:
    """The places a value names, as far as they can be read."""
    if loc[0] != "fields" and loc != ("copies", "fields") and loc[0] not in _WITH_PLACES:
        return
    for text in [value] if isinstance(value, str) else value if isinstance(value, (list, dict)) else []:
        try:
            yield parse_place(text)
        except ValueError:
            continue
