"""Would receiving software take this HPRIM Santé file? Our own check, stricter than the reader.

Bytes in, problems out, in file order; never raises. No complete normative text was available: structure, required
fields, lengths and letters are those that known receivers enforce (HPRIM Santé 2.1 to 2.5). ERROR when one of them
rejects the file or a result in it, WARNING when a rule is not kept, INFO for habits. No patient data in any message.
"""

from __future__ import annotations

import re

from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.er7.segments import Segment
from dispatcher.formats.hprim_sante.cutting import Message, cut
from dispatcher.formats.hprim_sante.header import read_header
from dispatcher.formats.hprim_sante.results import FILE_TYPES
from dispatcher.formats.text import decode
from dispatcher.report.model import Problem

CHECKS = (
    "structure H P OBR OBX L",
    "champs obligatoires",
    "longueurs",
    "comptes du segment L",
    "états, types et drapeaux",
    "jeu de caractères et fins de ligne",
)
MAX_LINE = 220
"""Characters of one line; longer segments go on in ``A`` lines."""
REQUIRED = {
    "H": ((4, "émetteur"), (9, "destinataire"), (12, "version"), (13, "date")),
    "P": ((1, "rang"), (2, "identifiant du patient"), (5, "nom du patient")),
    "OBR": ((1, "rang"), (3, "numéro de la demande"), (4, "analyses demandées")),
    "OBX": ((1, "rang"), (2, "type de valeur"), (3, "analyse"), (11, "état")),
}
LENGTHS = {
    "H": {2: 12, 3: 12, 4: 40, 5: 100, 6: 7, 7: 40, 8: 40, 9: 40, 10: 80, 11: 1, 12: 10, 13: 26},
    "P": {1: 4, 2: 36, 3: 16, 4: 16, 5: 48, 6: 24, 8: 1, 10: 200, 12: 40, 13: 60, 14: 60, 15: 60, 25: 100},
    "OBR": {1: 4, 2: 23, 3: 23, 5: 2, 6: 26, 7: 26, 8: 26, 13: 300, 15: 300, 16: 60, 22: 26, 25: 1, 28: 150, 31: 300},
    "OBX": {
        1: 10,
        2: 3,
        3: 120,
        4: 20,
        5: 64000,
        6: 20,
        7: 60,
        8: 10,
        9: 5,
        10: 5,
        11: 2,
        12: 26,
        13: 20,
        14: 26,
        16: 60,
    },
    "C": {1: 10, 2: 1},
    "L": {3: 4, 4: 10, 5: 12},
}
"""Longest repetition of a field, in characters."""
LONGER = {"2.3": {("H", 2): 255}, "2.5": {("P", 5): 999, ("P", 6): 999, ("OBR", 16): 999}}
"""What later versions let grow."""
TYPES = frozenset(["NM", "ST", "TX", "CE", "GC", "AD", "CK", "CNA", "DT", "PN", "TN", "GB", "GN", "TS"]) | FILE_TYPES
FLAGS = frozenset(
    "L H LL HH < > N A AA U D B W R I S MS VS NULL".split()  # noqa: SIM905
)
RESULT_STATUSES = frozenset(["R", "P", "F", "C", "I", "D", "X", "U"])
ORDER_STATUSES = frozenset(["F", "P", "M", "I", "R", "C", "O", "D", "X"])
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
_ABOVE = {"P": ("H", "P", "OBR", "OBX", "C"), "OBR": ("P", "OBR", "OBX", "C"), "OBX": ("OBR", "OBX", "C")}
_STANDING = frozenset({"H", "P", "OBR", "OBX", "C", "L"})


def check(data: bytes, encoding: str | None = None) -> list[Problem]:
    """Every departure from what the known receivers take; what the reader itself tells is not repeated here."""
    notes = Notes()
    decoded = decode(data, override=encoding)
    _bytes(data, decoded.encoding, notes)
    for message in cut(decoded.text).messages:
        quiet = Notes()
        header = read_header(message.header, quiet)
        shifted = any(problem.code == "shifted-header" for problem in quiet.problems)
        _order(message, notes)
        ranks: dict[str, int] = {}
        for segment in message.segments:
            if segment.name == "H" and shifted:
                continue  # The reader has told it; every length behind H.4 would be told wrongly.
            _segment(segment, header.version, notes)
            _ranks(segment, ranks, notes)
    return list(notes.problems)


def _bytes(data: bytes, encoding: str, notes: Notes) -> None:
    longest = max((len(line) for line in re.split(rb"[\r\n]", data)), default=0)
    if longest > MAX_LINE:
        said = f"Ligne de {longest} caractères ; {MAX_LINE} au plus, la suite allant sur une ligne A."
        notes.warning("line-length", "fichier", said)
    ends = set(re.findall(rb"\r\n|\n|\r", data))
    if len(ends) > 1:
        notes.warning("mixed-line-ends", "fichier", "Fins de ligne mélangées ; CRLF partout attendu.")
    if encoding == "utf-8" and not data.isascii():
        said = "Fichier en UTF-8 : ISO 8859-1 est le jeu de caractères attendu par défaut."
        notes.info("encoding-utf-8", "fichier", said)


def _order(message: Message, notes: Notes) -> None:
    """H, then P, OBR under P, OBX under OBR, L at the end; every OBR has a result."""
    before, open_order = "H", None
    for segment in message.segments[1:]:
        if segment.name not in _STANDING:
            continue
        allowed = _ABOVE.get(segment.name)
        if allowed is not None and before not in allowed:
            said = f"{segment.name} après {before} ; attendu sous {' ou '.join(allowed)}."
            notes.error("segment-order", segment.where(), said)
        if segment.name in ("OBR", "P", "L") and open_order is not None:
            notes.warning("obr-without-obx", open_order.where(), "OBR sans aucun OBX : des logiciels le refusent.")
        if segment.name != "C":
            open_order = segment if segment.name == "OBR" else None
        before = segment.name
    if not any(segment.name == "P" for segment in message.segments) and message.header.component(6) == "ORU":
        notes.error("no-patient", message.header.where(), "Message de résultats sans segment P.")


def _segment(segment: Segment, version: str, notes: Notes) -> None:
    for number, name in REQUIRED.get(segment.name, ()):
        if not segment.raw(number):
            said = f"{segment.name}.{number} ({name}) absent, obligatoire."
            notes.error("missing-field", segment.where(number), said)
    longer = LONGER.get(version, {})
    for number, usual in LENGTHS.get(segment.name, {}).items():
        most = longer.get((segment.name, number), usual)
        longest = max((len(part) for part in segment.separators.repetitions(segment.raw(number))), default=0)
        if longest > most:
            said = f"{segment.name}.{number} : {longest} caractères, {most} au plus."
            notes.warning("field-length", segment.where(number), said)
    match segment.name:
        case "P" if segment.component(8).upper() not in ("F", "M", "U"):
            notes.warning("sex", segment.where(8), "P.8 : F, M ou U attendu.")
        case "OBR":
            _request(segment, notes)
        case "OBX":
            _result(segment, notes)


def _request(obr: Segment, notes: Notes) -> None:
    if obr.raw(3) and not (obr.component(3, 2) or obr.component(3, 1)):
        notes.error("missing-field", obr.where(3), "OBR.3 : numéro de la demande vide ; des logiciels la refusent.")
    if obr.raw(25) and obr.component(25).upper() not in ORDER_STATUSES:
        notes.warning("order-status", obr.where(25), "OBR.25 : F, P, M, I, R, C, O, D ou X attendu.")


def _result(obx: Segment, notes: Notes) -> None:
    kind = obx.component(2).upper()
    if kind and kind not in TYPES:
        notes.warning("value-type", obx.where(2), "OBX.2 : type de valeur inconnu.")
    if obx.raw(3) and not (obx.component(3, 1) and obx.component(3, 3)):
        said = "OBX.3 : code et système de codage attendus ; des logiciels refusent le résultat."
        notes.error("code-incomplete", obx.where(3), said)
    if obx.raw(11) and obx.component(11).upper() not in RESULT_STATUSES:
        notes.error(
            "result-status", obx.where(11), "OBX.11 : R, P, F, C, I, D, X ou U attendu ; résultat refusé sinon."
        )
    flags = [flag.first(1).upper() for flag in obx.composites(8)]
    if any(flag and flag not in FLAGS for flag in flags):
        notes.warning("flag", obx.where(8), "OBX.8 : L, H, LL, HH, N, A… attendu.")
    if kind == "NM" and any(not _NUMBER.fullmatch(value.first(1)) for value in obx.composites(5)):
        notes.warning("number", obx.where(5), "OBX.5 de type NM : nombre avec point décimal attendu.")
    if kind == "FIC" and not obx.component(5, 2):
        notes.error("file-name", obx.where(5), "OBX.5 de type FIC : nom du fichier absent.")


def _ranks(segment: Segment, ranks: dict[str, int], notes: Notes) -> None:
    """P count in the message, OBR in the patient, OBX in the request."""
    below = {"P": ("OBR", "OBX"), "OBR": ("OBX",), "OBX": ()}
    if segment.name not in below:
        return
    ranks[segment.name] = ranks.get(segment.name, 0) + 1
    for name in below[segment.name]:
        ranks[name] = 0
    told = segment.component(1)
    if told and told != str(ranks[segment.name]):
        said = f"{segment.name}.1 : rang {ranks[segment.name]} attendu."
        notes.info("rank", segment.where(1), said)
