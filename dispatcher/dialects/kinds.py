"""Kinds of values a dialect may hold, each with the sentence that tells a wrong one (French)."""

from __future__ import annotations

import codecs
import re
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator

from dispatcher.dialects.places import Place, parse_place
from dispatcher.dialects.words import check_mask, check_template

OID = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]*)){2,}")


def _charset(name: str) -> str:
    try:
        known = codecs.lookup(name).name
    except LookupError:
        raise ValueError(
            f"jeu de caractères inconnu : « {name[:30]} » (par exemple cp1252, cp850, mac-roman)"
        ) from None
    if not re.match(r"iso8859|cp\d|utf-(?:8|16|32)|mac-|ascii", known):
        raise ValueError(f"« {name[:30]} » n’est pas un jeu de caractères de fichier")
    return name


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except Exception:  # whatever the machine's table of zones says of a wrong name
        raise ValueError(f"fuseau inconnu : « {name[:40]} » (par exemple Indian/Reunion)") from None
    return name


def _system(text: str) -> str:
    if text in ("LOINC", "local") or OID.fullmatch(text):
        return text
    raise ValueError(f"« {text[:40]} » : attendu LOINC, local, ou un OID")


def check_oid(text: str) -> str:
    if not OID.fullmatch(text):
        raise ValueError(f"« {text[:40]} » n’est pas un OID")
    return text


def check_finess(text: str) -> str:
    if text and not re.fullmatch(r"[0-9][0-9AB][0-9]{7}", text):
        raise ValueError("FINESS : neuf caractères attendus")
    return text


def check_suffix(text: str) -> str:
    if not re.fullmatch(r"[^\s/\\*]{1,20}", text):
        raise ValueError("suffixe de fichier attendu, par exemple « .OK »")
    return text


_SETTLED = frozenset("DWXION")
"""Letters of HL7 0085 and 0123 (HPRIM: the same) that say there is no result, or none any more."""
_UNFINISHED = frozenset("PRSA")
_FINAL = frozenset("FCU")


def check_state(table: str, letter: str, meant: str) -> None:
    """Raises :class:`ValueError` when a withdrawn or unfinished state of the standard would be taken for more.

    An order deleted (HPRIM, ``D`` or ``W``) may be called cancelled (``X``).
    """
    if letter == meant or (table == "order" and letter in ("D", "W") and meant == "X"):
        return
    if letter in _SETTLED:
        raise ValueError(
            f"{table} : « {letter} » (retiré, non rendu ou en attente, tables HL7 0085 et 0123) ne peut pas devenir "
            f"« {meant} » ; enlever cette ligne"
        )
    if letter in _UNFINISHED and meant in _FINAL:
        raise ValueError(
            f"{table} : « {letter} » (non définitif, tables HL7 0085 et 0123) ne peut pas devenir « {meant} » ; "
            "enlever cette ligne, ou faire corriger l’export du SIL"
        )


def _capital(text: object) -> object:
    return text.strip().upper() if isinstance(text, str) else text


def folded(text: str) -> str:
    return " ".join(text.split()).casefold()


_IDENTITY = "l’identité d’un patient vient du fichier, jamais d’un dialecte"
_STATES = ({("OBX", 11), ("OBR", 25)}, "l’état se traduit dans la table [status]")
_SIGNS = ({("MSH", 1), ("MSH", 2), ("H", 1)}, "les séparateurs sont lus dans le fichier")
_SAFE = (
    ({("OBX", 3), ("OBX", 5)}, "un résultat et son code viennent du fichier ; leur sens se dit dans [codes]"),
    (
        {("OBX", 2), ("OBX", 6), ("OBX", 7)},
        "le type, l’unité et les bornes d’un résultat viennent du fichier, jamais d’un dialecte",
    ),
    (
        {(name, n) for name in ("OBR", "ORC") for n in (2, 3)} | {("L", 9)},
        "un numéro de demande ou de dossier est propre à chaque compte rendu ; son endroit se dit dans [fields]",
    ),
    (
        {("TXA", n) for n in (12, 13, 17, 19)},
        "le numéro, la version et l’état d’un document viennent du fichier, jamais d’un dialecte",
    ),
    _STATES,
    (
        {("PID", n) for n in (2, 3, 4, 5, 6, 7, 8, 9, 32)} | {("P", n) for n in (2, 3, 5, 6, 7, 8, 11, 38)},
        _IDENTITY,
    ),
    ({("L", n) for n in (1, 2, 3, 7, 8)}, _IDENTITY),
    _SIGNS,
)
"""Places that no constant and no default may fill (HL7 v2.5, HPRIM Santé, lines of HPRIM Médecins)."""
_NEEDED = (
    (
        {("OBX", n) for n in (2, 3, 5, 6)},
        "un résultat, son code, son type et son unité ne se vident pas ; leur sens se dit dans [codes]",
    ),
    (_STATES[0] | {("TXA", 17), ("TXA", 19)}, "un état ne se vide pas ; il se traduit dans la table [status]"),
    (
        {("PID", n) for n in (3, 5, 7, 8)}
        | {("P", n) for n in (2, 5, 6, 7, 8, 11)}
        | {("L", n) for n in (1, 2, 3, 7, 8)},
        "l’identité d’un patient ne se vide pas ; ce qui est écrit ailleurs se dit dans [fields]",
    ),
    _SIGNS,
)
"""Places that ``ignore`` may not empty."""


def _fillable(place: Place) -> Place:
    for places, why in _SAFE:
        if (place.segment, place.field) in places:
            raise ValueError(f"« {place} » : {why}")
    return place


def _ignorable(place: Place) -> Place:
    for places, why in _NEEDED:
        if (place.segment, place.field) in places:
            raise ValueError(f"« {place} » : {why}")
    return place


def _plain(place: Place) -> Place:
    if place.where is not None or place.repetition:
        raise ValueError(f"« {place} » : ici un champ entier ou une composante, sans crochets ni parenthèses")
    return place


At = Annotated[Place, PlainValidator(parse_place)]
"""Where to read something."""
Filled = Annotated[At, AfterValidator(_plain), AfterValidator(_fillable)]
Emptied = Annotated[At, AfterValidator(_plain), AfterValidator(_ignorable)]
Charset = Annotated[str, AfterValidator(_charset)]
Zone = Annotated[str, AfterValidator(_zone)]
System = Annotated[str, AfterValidator(_system)]
Mask = Annotated[str, Field(min_length=1, max_length=40), AfterValidator(check_mask)]
Text = Annotated[str, Field(max_length=200)]
Letter = Annotated[str, BeforeValidator(_capital), Field(max_length=10)]
Result = Literal["O", "I", "S", "P", "R", "F", "C", "W", "D", "X", "U", "N"]
OrderLetter = Literal["O", "I", "S", "A", "P", "C", "R", "F", "X"]
Flag = Literal["", "L", "H", "LL", "HH", "<", ">", "N", "A", "AA", "S", "I", "R"]
Names = Literal["family-given", "given-family", "joined", "joined-given-first"]
Role = Literal["loinc", "local", "ignore"]


Oid = Annotated[str, AfterValidator(check_oid)]
Finess = Annotated[str, AfterValidator(check_finess)]
Suffix = Annotated[str, AfterValidator(check_suffix)]
Template = Annotated[str, Field(max_length=80), AfterValidator(check_template)]
Word = Annotated[str, Field(min_length=1, max_length=30), AfterValidator(folded)]
