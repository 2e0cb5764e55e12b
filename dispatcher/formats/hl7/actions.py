"""First sending, replacement or deletion of a document: what event, order and result say, and whether they agree.

HL7 v2.5 chapter 9 §9.6 (MDM events, TXA-17 and TXA-19); the French document volet ties event, ORC-1 and OBX-11
together (initial: T02, NW, F; replacement: T10, RO, C; deletion: T04, CA, D), shared notes "HL7 v2" §5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.er7.segments import Segment
from dispatcher.formats.er7.status import letter as status_letter
from dispatcher.formats.hl7.datatypes import moment, practitioners
from dispatcher.formats.hl7.groups import Order as OrderGroup
from dispatcher.report.model import Order, Report, SourceDocument, Status

VOLET = "CISIS_CDA_HL7"
"""Begins the name of the profile in MSH-21."""


class Action(StrEnum):
    """What is asked about a document."""

    INITIAL = "première transmission"
    REPLACE = "remplacement"
    DELETE = "suppression"


_EVENTS = {"T02": Action.INITIAL, "T10": Action.REPLACE, "T04": Action.DELETE, "T11": Action.DELETE}
_ORDERS = {"NW": Action.INITIAL, "RO": Action.REPLACE, "RP": Action.REPLACE, "CA": Action.DELETE, "OC": Action.DELETE}
_CANCELS = frozenset({"CA", "OC"})
_RESULTS = {"F": Action.INITIAL, "C": Action.REPLACE, "D": Action.DELETE, "W": Action.DELETE}
_WITHOUT_RESULT = frozenset({"D", "W", "X"})
"""OBX-11 (table 0085): deleted, posted as wrong, cannot be obtained."""
_UNFINISHED = frozenset({"DI", "DO", "IN", "IP", "PA"})
"""TXA-17 (table 0271): dictated, documented, incomplete, in progress, pre-authenticated."""
_REPLACES = frozenset({"T07", "T08", "T09", "T10"})
"""Edits and replacements (chapter 9 §9.6.7 to .10)."""


def follows_volet(header: Segment, orders: Sequence[OrderGroup]) -> bool:
    """The message is under the French volet: its profile says so, or flags of its table stand in it."""
    return VOLET in header.text(21).upper() or any(order.wishes for order in orders)


def asked(event: str, orders: Sequence[OrderGroup]) -> dict[str, set[Action]]:
    """Everything each place says, under the rules of the volet: ``{"ORC-1": {Action.REPLACE}, …}``.

    Beside a deletion, a result or a document that is not deleted (OBX-11) speaks against it.
    """
    said: dict[str, set[Action]] = {}
    if event in _EVENTS:
        said["MSH-9"] = {_EVENTS[event]}
    standing = False
    for order in orders:
        if order.orc is not None and (action := _ORDERS.get(order.orc.component(1).upper())):
            said.setdefault("ORC-1", set()).add(action)
        for line in order.lines:
            letter = status_letter(line.obx.component(11))
            if line.obx.raw(2).upper() in ("ED", "RP") and (action := _RESULTS.get(letter)):
                said.setdefault("OBX-11", set()).add(action)
            elif letter and letter not in _WITHOUT_RESULT:
                standing = True
    if standing and any(Action.DELETE in actions for actions in said.values()):
        said.setdefault("OBX-11", set()).add(Action.INITIAL)
    return said


def with_action(report: Report, said: dict[str, set[Action]]) -> Report:
    """The status by what is asked. A deletion that something contradicts holds: nobody guesses about one."""
    actions = {action for spoken in said.values() for action in spoken}
    if len(actions) > 1:
        notes = Notes()
        told = ", ".join(
            f"{place} : {' et '.join(action.value for action in Action if action in spoken)}"
            for place, spoken in said.items()
        )
        if Action.DELETE in actions:
            notes.error(
                "document-action",
                "MSH",
                f"Action contradictoire sur le document ({told}). Vérifier dans le SIL, puis réémettre.",
            )
            return replace(report, problems=report.problems + notes.problems)
        notes.warning(
            "handling-action",
            "MSH",
            f"Action mal accordée sur le document ({told}), lue comme un remplacement. Corriger l’export du SIL.",
        )
        report = replace(report, problems=report.problems + notes.problems)
    if actions == {Action.DELETE}:
        return replace(report, status=Status.CANCELLED)
    if Action.REPLACE in actions and report.status is Status.FINAL:
        return replace(report, status=Status.CORRECTED)
    return report


def cancelled_order(report: Report, orders: Sequence[OrderGroup]) -> Report:
    """An order control that cancels (ORC-1 = CA or OC) over validated results: nobody knows which of the two holds."""
    cancels = any(order.orc is not None and order.orc.component(1).upper() in _CANCELS for order in orders)
    if not cancels or not any(one.status in ("F", "C") for one in report.observations):
        return report
    notes = Notes()
    notes.error(
        "mixed-status",
        "ORC-1",
        "États contradictoires : la demande est annulée (ORC-1) mais porte des résultats validés (OBX-11 = F ou C). "
        "Faire corriger et réémettre.",
    )
    return replace(report, problems=report.problems + notes.problems)


# ------------------------------------------------------------------------------------------------ MDM


def implied_status(txa: Segment | None) -> str:
    """Status of a document whose OBR and OBX give none: TXA-17. Empty without TXA."""
    if txa is None:
        return ""
    return "P" if txa.component(17).upper() in _UNFINISHED else "F"


def from_txa(report: Report, txa: Segment | None, event: str) -> Report:
    """An MDM: numbers, copies and date from TXA where the order gives none; replacement and cancellation by event."""
    # A document needs no OBR above it.
    report = replace(report, problems=tuple(one for one in report.problems if one.code != "missing-order"))
    if event in _REPLACES and report.status is Status.FINAL:
        report = replace(report, status=Status.CORRECTED)
    if event == "T11" or (txa is not None and txa.component(19).upper() == "CA"):
        report = replace(report, status=Status.CANCELLED)
    if txa is None:
        return report
    notes = Notes()
    return replace(
        report,
        order=Order(placer=report.order.placer or txa.component(14), filler=report.order.filler or txa.component(15)),
        prescriber=report.prescriber or next(iter(practitioners(txa, 5, notes)), None),
        copies=report.copies or tuple(practitioners(txa, 23, notes)),
        collected_at=report.collected_at or moment(txa, 4, notes),
        source_document=_source(txa),
        problems=report.problems + notes.problems,
    )


def _source(txa: Segment) -> SourceDocument | None:
    """Identity of the document (TXA-12) and of the one it replaces (TXA-13)."""
    number = entity(txa, 12)
    return SourceDocument(id=number, replaces=entity(txa, 13)) if number else None


def entity(segment: Segment, place: int) -> str:
    """EI: ``extension^^root^ISO`` as ``root^extension``; a root alone, or a bare number, as it is."""
    composite = segment.composite(place)
    extension, root = composite.first(1), composite.first(3)
    return f"{root}^{extension}" if root and extension else root or extension


def numbered(report: Report) -> Report:
    """A document without any order number goes by its set, else by the document it replaces, else by itself: the same
    in every version, as far as the file tells.
    """
    known = report.source_document
    if known is None or report.order.filler:
        return report
    number = known.set_id or known.replaces or known.id
    return replace(report, order=Order(placer=report.order.placer, filler=number.rpartition("^")[2]))
