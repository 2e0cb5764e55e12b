"""Faults of a TOML file that pydantic found, as French sentences: which line, which key, what was expected.

Used for the configuration and for the dialects of sources: whoever writes such a file sees every fault at once, each
with its line and, for an unknown key, the nearest one that exists.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

Place = tuple[int | str, ...]

_FRENCH = {
    "missing": "valeur absente, obligatoire",
    "extra_forbidden": "clé inconnue",
    "string_pattern_mismatch": "forme refusée, attendu : {pattern}",
    "string_type": "texte attendu",
    "string_too_short": "texte vide, au moins {min_length} caractère attendu",
    "string_too_long": "texte trop long, au plus {max_length} caractères",
    "int_parsing": "nombre entier attendu",
    "int_type": "nombre entier attendu",
    "float_parsing": "nombre attendu",
    "bool_parsing": "true ou false attendu",
    "literal_error": "valeur refusée, attendu : {expected}",
    "greater_than": "doit être supérieur à {gt}",
    "greater_than_equal": "doit être au moins {ge}",
    "less_than_equal": "doit être au plus {le}",
    "too_short": "au moins {min_length} élément attendu",
    "tuple_type": 'liste attendue : ["…", "…"]',
    "list_type": 'liste attendue : ["…", "…"]',
    "dict_type": "table attendue : une ligne « clé = valeur » par entrée",
    "model_type": "table attendue : une ligne « clé = valeur » par entrée",
    "model_attributes_type": "table attendue : une ligne « clé = valeur » par entrée",
}
_HOLES = ("pattern", "expected", "gt", "ge", "le", "min_length", "max_length")


def sentences(error: ValidationError, model: type[BaseModel], text: str = "") -> tuple[str, ...]:
    """One sentence per fault, in the order of the file. ``text`` is the TOML itself, for the line numbers."""
    lines = dict(reversed(list(places(text))))
    found = [(_line_of(fault, lines), _sentence(fault, model)) for fault in error.errors()]
    return tuple(at_line(line, told) for line, told in sorted(found, key=lambda one: one[0] or 0))


def _line_of(fault: ErrorDetails, lines: dict[Place, int]) -> int | None:
    """A rule about a whole table names the key it is about."""
    loc = fault["loc"]
    if fault["type"] == "value_error":
        words = re.findall(r"[a-z_]+", str(fault["msg"]))
        named = next((lines[(*loc, word)] for word in words if (*loc, word) in lines), None)
        if named is not None:
            return named
    return line_of(loc, lines)


_TOML = (
    ("Cannot overwrite", "cette clé est déjà écrite plus haut"),
    ("Cannot declare", "cette table est déjà écrite plus haut"),
    ("Cannot mutate", "cette table est déjà écrite plus haut"),
    ("Expected '='", "« = » attendu après la clé"),
    ("Illegal character", "guillemet fermant oublié ?"),
    ("Unterminated string", "guillemet fermant oublié ?"),
    ("Invalid value", "valeur illisible : un texte se met entre guillemets"),
    ("Unclosed", "crochet ou accolade non fermé"),
    ("Expected newline", "une seule valeur par ligne ; guillemet ou virgule oublié ?"),
    ("Unescaped", "dans un texte, « \\ » s’écrit « \\\\ », ou bien le texte se met entre apostrophes"),
    ("Invalid statement", "ni clé, ni table"),
)
"""How the messages of tomllib begin, and what a person should look for."""


def unreadable_toml(error: tomllib.TOMLDecodeError) -> str:
    """``TOML illisible, ligne 3, colonne 9 : guillemet fermant oublié ?``."""
    told = str(error)
    place = re.search(r"at line ([0-9]+), column ([0-9]+)", told)
    where = f"ligne {place[1]}, colonne {place[2]}" if place else "à la fin du fichier"
    sense = next((french for start, french in _TOML if told.startswith(start)), told.partition(" (at")[0])
    return f"TOML illisible, {where} : {sense}"


def at_line(line: int | None, told: str) -> str:
    """``ligne 12, fields.filler : …``."""
    return f"ligne {line}, {told}" if line else told


def _sentence(fault: ErrorDetails, model: type[BaseModel]) -> str:
    loc = tuple(part for part in fault["loc"] if part != "[key]")
    text = _FRENCH.get(fault["type"])
    if text is None:
        text = str(fault["msg"]).removeprefix("Value error, ")
    else:
        context: dict[str, Any] = {**dict.fromkeys(_HOLES, "?"), **fault.get("ctx", {})}
        text = text.format(**context).replace(" or ", " ou ")
    if fault["type"] == "extra_forbidden":
        text += _nearest(loc, model)
    elif fault["type"] == "string_type" and isinstance(fault["input"], dict):
        text += " ; une clé qui contient un point s’écrit entre guillemets"
    return f"{'.'.join(map(str, loc)) or 'fichier'} : {text}"


# ------------------------------------------------------------------------------------------------ the nearest key


def _nearest(loc: Place, model: type[BaseModel]) -> str:
    """What was probably meant: a key of the same table spelt nearly so, or this very key in another table."""
    wrong = str(loc[-1])
    here = _model_at(loc[:-1], model)
    known = list(here.model_fields) if here is not None else []
    if close := get_close_matches(wrong, known, n=1, cutoff=0.6):
        return f" ; la plus proche ici : « {close[0]} »"
    elsewhere = dict(_keys(model))
    if wrong in elsewhere:
        return f" ; elle se met {_in(elsewhere[wrong])}"
    if close := get_close_matches(wrong, list(elsewhere), n=1, cutoff=0.75):
        return f" ; la plus proche : « {close[0]} », {_in(elsewhere[close[0]])}"
    return f" ; connues ici : {', '.join(known)}" if known else " (faute de frappe ?)"


def _in(table: str) -> str:
    return f"dans la table [{table}]" if table else "en tête du fichier, hors de toute table"


def _model_at(loc: Place, model: type[BaseModel]) -> type[BaseModel] | None:
    for part in loc:
        if isinstance(part, int) or part not in model.model_fields:
            continue  # a rank in a list, a name the user chose
        below = models(model.model_fields[part].annotation)
        if not below:
            return None
        model = below[0]
    return model


def _keys(model: type[BaseModel], table: str = "") -> Iterator[tuple[str, str]]:
    """(key, its table) of the whole file; of two tables with the same key the upper one is told."""
    for name, field in model.model_fields.items():
        for below in models(field.annotation):
            yield from _keys(below, f"{table}.{name}" if table else name)
    yield from ((name, table) for name in model.model_fields)


def models(annotation: Any) -> list[type[BaseModel]]:
    """The pydantic models an annotation holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in models(part)]


# ------------------------------------------------------------------------------------------------ where it stands

_TABLE = re.compile(r"\s*(\[\[?)([^\[\]]+)\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")


def places(text: str) -> Iterator[tuple[Place, int]]:
    """(path, line) of every table and key of a TOML text; lines inside a list or a long string may be taken for one."""
    table: Place = ()
    ranks: dict[Place, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if found := _TABLE.match(line):
            table = _parts(found[2])
            if found[1] == "[[":
                ranks[table] = ranks.get(table, -1) + 1
                table = (*table, ranks[table])
            yield table, number
        elif found := _KEY.match(line):
            parts = _parts(found[1])
            yield from (((*table, *parts[:depth]), number) for depth in range(1, len(parts) + 1))


def _parts(text: str) -> Place:
    return tuple(part.strip("\"'") for part in _PART.findall(text))


def line_of(loc: Place, lines: dict[Place, int]) -> int | None:
    """Line of a key, else of the nearest table or key above it."""
    wanted = tuple(part for part in loc if part != "[key]")
    while wanted:
        if wanted in lines:
            return lines[wanted]
        wanted = wanted[:-1]
    return None
