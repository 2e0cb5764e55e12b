"""How one source names its PDFs and the columns of its indexes. Settings in, one value for reader and intake out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from dispatcher.clock import PARIS
from dispatcher.errors import ConfigError
from dispatcher.formats.pdf_index.words import field_of, key
from dispatcher.settings.index import IndexSettings

_PLACE = re.compile(r"\{(\w+)(?::([^{}]+))?\}")
_DIRECTIVES = {"%Y": "[0-9]{4}", "%y": "[0-9]{2}", "%m": "[0-9]{2}", "%d": "[0-9]{2}", "%H": "[0-9]{2}"} | {
    "%M": "[0-9]{2}",
    "%S": "[0-9]{2}",
}
IDENTITY = frozenset({"name", "birth_name", "used_name", "first_given", "given_names", "birth_date", "ins", "nss"})
"""Fields that name a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexRules:
    """What the configuration of a source says of its indexes. Nothing said: names of the shipped table, a header."""

    fields: tuple[tuple[str, str], ...] = ()
    """Folded column or tag name and its field; wins over the shipped names."""
    columns: tuple[str, ...] = ()
    """Fields of a CSV without a header, in order; empty for a column that is not read."""
    pattern: re.Pattern[str] | None = None
    """What the name of a PDF says, with one named group a field."""
    dates: tuple[tuple[str, str], ...] = ()
    """Field and strptime form of the dates in a file name."""

    @property
    def own(self) -> dict[str, str]:
        """The laboratory's names, folded."""
        return dict(self.fields)


def rules_of(settings: IndexSettings | None) -> IndexRules | None:
    """From the settings of a source; None when they say nothing. Raises :class:`ConfigError` with every fault."""
    if settings is None:
        return None
    return _rules(tuple(settings.fields.items()), tuple(settings.columns), settings.file_name)


@lru_cache(maxsize=64)
def _rules(fields: tuple[tuple[str, str], ...], columns: tuple[str, ...], file_name: str) -> IndexRules:
    faults: list[str] = []
    own = tuple((key(name), _known(told, "fields", faults)) for name, told in fields)
    positions = tuple(_known(told, "columns", faults) if told.strip(" -") else "" for told in columns)
    pattern, dates = _pattern(file_name, faults) if file_name else (None, ())
    if faults:
        raise ConfigError(
            "Section « index » d'une source : réglage refusé.",
            faults=tuple(faults),
            hint="Noms de champs admis : ceux de docs/pdf.md (dossier, nom_naissance, prenom, date_naissance, rpps…).",
        )
    return IndexRules(fields=own, columns=positions, pattern=pattern, dates=dates)


def _known(told: str, where: str, faults: list[str]) -> str:
    field, _ = field_of(told)
    if not field:
        faults.append(f"index.{where} : champ inconnu « {told} »")
    return field


def _pattern(text: str, faults: list[str]) -> tuple[re.Pattern[str] | None, tuple[tuple[str, str], ...]]:
    """A regular expression with named groups, or a template ``{dossier}_{nom}_{date_naissance:%Y%m%d}.pdf``."""
    found = _expression(text, faults) if "(?P<" in text else _template(text, faults)
    if found[0] is not None and not faults and not found[0].groupindex:
        faults.append("index.file_name : aucun champ dans ce modèle, par exemple {dossier}")
    return found


def _expression(text: str, faults: list[str]) -> tuple[re.Pattern[str] | None, tuple[tuple[str, str], ...]]:
    named = re.sub(r"\(\?P<(\w+)>", lambda m: f"(?P<{_known(m[1], 'file_name', faults) or m[1]}>", text)
    try:
        return re.compile(named, re.IGNORECASE), ()
    except re.error as error:
        faults.append(f"index.file_name : expression rationnelle refusée ({error.msg}, caractère {error.pos})")
        return None, ()


def _template(text: str, faults: list[str]) -> tuple[re.Pattern[str] | None, tuple[tuple[str, str], ...]]:
    parts: list[str] = []
    dates: list[tuple[str, str]] = []
    at = 0
    seen: set[str] = set()
    for place in _PLACE.finditer(text):
        parts.append(re.escape(text[at : place.start()]))
        at = place.end()
        field = _known(place[1], "file_name", faults)
        if field in seen:
            faults.append(f"index.file_name : champ répété « {place[1]} »")
        seen.add(field)
        if place[2]:
            dates.append((field, place[2]))
            body = _date_expression(place[2], faults)
        else:
            body = _free(text, at, place[1], faults)
        parts.append(f"(?P<{field or 'x'}>{body})")
    parts.append(re.escape(text[at:]))
    if faults:
        return None, ()
    return re.compile("".join(parts), re.IGNORECASE), tuple(dates)


def _free(text: str, at: int, name: str, faults: list[str]) -> str:
    """Anything but what follows it, so that a name that holds the separator fits nothing and waits for a person."""
    follows = text[at : at + 1]
    if follows == "{":
        faults.append(f"index.file_name : rien ne sépare « {name} » du champ suivant")
    return f"[^{re.escape(follows)}]+" if follows and follows != "{" else ".+"


def _date_expression(form: str, faults: list[str]) -> str:
    pieces = re.split(r"(%.)", form)
    for piece in pieces:
        if piece.startswith("%") and piece not in _DIRECTIVES:
            faults.append(f"index.file_name : « {piece} » inconnu, attendu {' '.join(_DIRECTIVES)}")
    return "".join(_DIRECTIVES.get(piece, re.escape(piece)) for piece in pieces)


def said_by_name(rules: IndexRules, name: str) -> dict[str, str] | None:
    """Field and text, when the bare file name follows the pattern of the source; dates as ISO text."""
    found = rules.pattern.fullmatch(name) if rules.pattern is not None else None
    if found is None:
        return None
    said = {field: text for field, text in found.groupdict().items() if text}
    for field, form in rules.dates:
        try:
            when = datetime.strptime(said.get(field, ""), form).replace(tzinfo=PARIS)
        except ValueError:
            continue  # a day that is none stays as it is: the reader says so
        said[field] = when.isoformat(sep=" ") if "%H" in form else _day_text(when, form)
    return said


def _day_text(when: datetime, form: str) -> str:
    """Two digits of a year stay two: the century is the reader's question."""
    return when.strftime("%d/%m/%y") if "%y" in form else when.date().isoformat()
