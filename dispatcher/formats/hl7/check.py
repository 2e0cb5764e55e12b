"""Does this HL7 v2 file say what the standard requires? Our own check, beside the reader, which forgives.

Bytes in, problems out, in file order; never raises. HL7 v2.5 chapters 2 (MSH), 3 (PID), 4 and 7 (OBR, OBX) and 9 (TXA),
tables 0085, 0103, 0123 and 0125; French profile of the IHE laboratory framework. ERROR when a result could be lost or
filed wrongly, WARNING when the standard is not kept, INFO for habits. No patient data in any message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from dispatcher.formats.er7.messages import Message, cut
from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.er7.segments import Segment
from dispatcher.formats.hl7.reader import read_text
from dispatcher.report.model import Problem

CHECKS = (
    "en-tête MSH",
    "patient (PID)",
    "ordre et rangs des segments",
    "champs obligatoires",
    "types et états (tables HL7)",
    "document (TXA)",
)
VALUE_TYPES = frozenset(
    "AD CE CF CK CN CNE CP CWE CX DR DT DTM ED FT GTS IS MO NA NM PN RP SN ST TM TN TS TX XAD XCN XON XPN XTN".split()  # noqa: SIM905
)
"""Table 0125."""
RESULT_STATUSES = frozenset(["C", "D", "F", "I", "N", "O", "P", "R", "S", "U", "W", "X"])
"""Table 0085, OBX-11."""
ORDER_STATUSES = frozenset(["A", "C", "F", "I", "M", "N", "O", "P", "R", "S", "X", "Y", "Z"])
"""Table 0123, OBR-25."""
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?|[+-]?\.\d+")
_MOMENT = re.compile(r"\d{4}(?:\d{2}){0,5}(?:\.\d{1,4})?(?:[+-]\d{4})?")
_VERSION = re.compile(r"2\.\d(?:\.\d)?")


def check(data: bytes, encoding: str | None = None) -> list[Problem]:
    """Every departure from the standard that we look for; what the reader itself tells is not repeated here."""
    notes = Notes()
    for message in cut(read_text(data, encoding).text).messages:
        _header(message.header, notes)
        if message.kind in ("ORU", "ORF", "MDM"):
            _patient(message, notes)
            _sequence(message, notes)
            for segment in message.segments:
                _fields(segment, notes)
        if message.kind == "MDM":
            _document(message, notes)
    return list(notes.problems)


def _header(msh: Segment, notes: Notes) -> None:
    for number, name in ((9, "type de message"), (10, "identifiant du message"), (12, "version")):
        if not msh.raw(number):
            notes.error("msh-missing", msh.where(number), f"MSH-{number} ({name}) absent, obligatoire.")
    for number, name in ((4, "émetteur"), (7, "date du message")):
        if not msh.raw(number):
            notes.warning("msh-missing", msh.where(number), f"MSH-{number} ({name}) absent, attendu.")
    if msh.raw(12) and not _VERSION.fullmatch(msh.component(12)):
        notes.warning("msh-version", msh.where(12), "MSH-12 : version inconnue ; 2.1 à 2.9 attendu.")
    if msh.component(11) not in ("P", "T", "D"):
        notes.warning(
            "msh-processing", msh.where(11), "MSH-11 : P (production), T (test) ou D (mise au point) attendu."
        )


def _patient(message: Message, notes: Notes) -> None:
    found = [segment for segment in message.segments if segment.name == "PID"]
    if not found:
        notes.error(
            "pid-missing", message.header.where(), "Message sans segment PID : à quel patient est le résultat ?"
        )
    for pid in found:
        if not pid.raw(3):
            notes.error("pid-identifier", pid.where(3), "PID-3 : aucun identifiant de patient.")
        if not pid.component(5):
            notes.error("pid-name", pid.where(5), "PID-5 : nom du patient absent.")
        if not re.match(r"\d{8}", pid.component(7)):
            notes.warning("pid-birth-date", pid.where(7), "PID-7 : date de naissance AAAAMMJJ attendue.")
        if pid.component(8) not in ("F", "M", "U", "O", "A", "N"):
            notes.warning("pid-sex", pid.where(8), "PID-8 : F, M ou U attendu.")


def _sequence(message: Message, notes: Notes) -> None:
    """OBX stand under an OBR (or TXA); ranks grow by one."""
    opened, rank, orders = message.kind == "MDM", 0, 0
    for segment in message.segments:
        if segment.name in ("OBR", "TXA"):
            opened, rank = True, 0
            if segment.name == "OBR":
                orders += 1
                _rank(segment, orders, notes)
        elif segment.name == "OBX":
            rank += 1
            if not opened:
                notes.error("obx-without-obr", segment.where(), "OBX avant tout OBR : demande inconnue.")
            _rank(segment, rank, notes)
    for obr, after in _pairs(message.segments):
        if message.kind != "MDM" and after != "OBX" and obr.component(25) not in ("X", "I", "O", "S", ""):
            notes.warning("obr-without-obx", obr.where(), "OBR sans aucun OBX : demande sans résultat.")


def _pairs(segments: Sequence[Segment]) -> Iterator[tuple[Segment, str]]:
    """Each OBR with the name of the next OBR, OBX or the empty string."""
    held: Segment | None = None
    for segment in segments:
        if segment.name in ("OBR", "OBX"):
            if held is not None:
                yield held, segment.name
            held = segment if segment.name == "OBR" else None
    if held is not None:
        yield held, ""


def _rank(segment: Segment, expected: int, notes: Notes) -> None:
    told = segment.component(1)
    if told and told != str(expected) and not (segment.name == "OBX" and told.isdigit() and int(told) > expected):
        notes.info("set-id", segment.where(1), f"{segment.name}-1 : rang {expected} attendu.")


def _fields(segment: Segment, notes: Notes) -> None:
    if segment.name == "OBR":
        if not (segment.component(4, 1) or segment.component(4, 2)):
            notes.error("obr-service", segment.where(4), "OBR-4 : examen demandé absent, obligatoire.")
        if not segment.raw(2) and not segment.raw(3):
            notes.warning("obr-number", segment.where(3), "OBR-2 et OBR-3 vides : demande sans numéro.")
        if segment.raw(25) and segment.component(25) not in ORDER_STATUSES:
            notes.warning("obr-status", segment.where(25), "OBR-25 : état hors de la table 0123.")
    elif segment.name == "OBX":
        _observation(segment, notes)


def _observation(obx: Segment, notes: Notes) -> None:
    kind, value = obx.component(2).upper(), obx.raw(5)
    if value and not kind:
        notes.error("obx-type", obx.where(2), "OBX-2 : type de la valeur absent, obligatoire quand OBX-5 est rempli.")
    elif kind and kind not in VALUE_TYPES:
        notes.warning("obx-type", obx.where(2), "OBX-2 : type hors de la table 0125.")
    if not (obx.component(3, 1) or obx.component(3, 2)):
        notes.error("obx-code", obx.where(3), "OBX-3 : analyse absente, obligatoire.")
    elif obx.component(3, 1) and not obx.component(3, 3):
        notes.info(
            "obx-coding-system", obx.where(3), "OBX-3.3 : système de codage absent (LN pour LOINC, L pour local)."
        )
    if not obx.raw(11):
        notes.error("obx-status", obx.where(11), "OBX-11 : état du résultat absent, obligatoire (F, C, P…).")
    elif obx.component(11) not in RESULT_STATUSES:
        notes.error("obx-status", obx.where(11), "OBX-11 : état hors de la table 0085 (F, C, P, R, X…).")
    for repetition in obx.composites(5):
        if kind == "NM" and not _NUMBER.fullmatch(repetition.first(1)):
            notes.warning(
                "obx-number", obx.where(5), "OBX-5 de type NM : nombre avec point décimal attendu (sinon SN ou ST)."
            )
        elif kind in ("DT", "TS", "DTM") and not _MOMENT.fullmatch(repetition.first(1)):
            notes.warning("obx-date", obx.where(5), f"OBX-5 de type {kind} : date AAAAMMJJ[HHMM] attendue.")


def _document(message: Message, notes: Notes) -> None:
    """MDM: TXA with its type, number and state; a replacement (T10) names its parent."""
    where = message.header.where()
    found = [segment for segment in message.segments if segment.name == "TXA"]
    if not found:
        notes.error("txa-missing", where, "Message MDM sans segment TXA.")
    for txa in found:
        for number, name in ((2, "type de document"), (12, "identifiant du document"), (17, "état du document")):
            if not txa.raw(number):
                notes.error("txa-field", txa.where(number), f"TXA-{number} ({name}) absent, obligatoire.")
        if message.header.component(9, 2).upper() == "T10" and not txa.raw(13):
            said = "TXA-13 : un remplacement (T10) doit nommer le document remplacé."
            notes.error("txa-parent", txa.where(13), said)
    if not any(segment.name == "OBX" and segment.raw(5) for segment in message.segments):
        notes.error("mdm-empty", where, "Message MDM sans document : OBX-5 attendu.")
