"""Status of a report from its orders and results. Shared rules for HL7 v2 and HPRIM Santé letters.

HL7 v2.5 tables 0123 (OBR-25) and 0085 (OBX-11). Sent only when all is F or C; C replaces; D and W take back; an order
that says final over results that are not is contradictory and waits for a person (shared notes "HL7 v2" §3).
"""

from __future__ import annotations

from collections.abc import Sequence

from dispatcher.formats.er7.notes import Notes
from dispatcher.report.folding import fold
from dispatcher.report.model import Severity, Status

_ORDER_OPEN = frozenset("OISAPR")
_RESULT_OPEN = frozenset("IPRS")
_TAKEN_BACK = frozenset("DW")
_VALID = frozenset("FC")
_NO_RESULT = frozenset("XNO")
_KNOWN_ORDER = frozenset("OISAPCRFXYZ")
_KNOWN_RESULT = frozenset("OISPRFCWDXUNV")


_WORDS = {
    **dict.fromkeys(("final", "definitif", "valide"), "F"),
    **dict.fromkeys(("preliminary", "provisoire"), "P"),
    **dict.fromkeys(("corrected", "corrige"), "C"),
    **dict.fromkeys(("cancelled", "canceled", "annule"), "X"),
}


def letter(text: str) -> str:
    """The letter of OBR-25 or OBX-11, in capital; some write its meaning in full (``Final``, ``Validé``)."""
    return _WORDS.get(fold(text), text.upper()) if len(text) > 1 else text.upper()


def report_status(orders: Sequence[tuple[str, Sequence[str]]], where: str, implied: str, notes: Notes) -> Status:
    """``[(letter of the order, letters of its results), …]`` to one status; contradictions go to ``notes``.

    ``implied`` is the letter that holds when the file gives none at all, or the empty string.
    """
    letters = {order for order, _ in orders if order}
    results = {letter for _, own in orders for letter in own if letter}
    unknown = _tell_unknown(letters, results, where, notes)
    if not letters and not results and implied:
        letters = {implied}
    if not letters and not results:
        notes.warning(
            "missing-status",
            where,
            "Aucun état de validation dans le fichier (OBR-25 et OBX-11 vides) : compte rendu lu comme définitif.",
        )
        return Status.FINAL
    if _cancelled(letters, results):
        return Status.CANCELLED
    for order, own in orders:
        if order in ("F", "C") and not _RESULT_OPEN.isdisjoint(own):
            notes.error(
                "mixed-status",
                where,
                f"États contradictoires : OBR-25 = {order} mais des résultats sont encore "
                f"{', '.join(sorted(set(own) & _RESULT_OPEN))} (OBX-11). Faire valider ou réémettre.",
            )
            break
    if any(order == "X" and not _VALID.isdisjoint(own) for order, own in orders):
        notes.error(
            "mixed-status",
            where,
            "États contradictoires : demande annulée (OBR-25 = X) mais résultats validés (OBX-11 = F ou C). "
            "Faire corriger et réémettre.",
        )
    if unknown or not _ORDER_OPEN.isdisjoint(letters) or not _RESULT_OPEN.isdisjoint(results):
        return Status.PARTIAL
    if "C" in letters or "C" in results or not _TAKEN_BACK.isdisjoint(results):
        return Status.CORRECTED
    return Status.FINAL


def _cancelled(orders: set[str], results: set[str]) -> bool:
    """Every result taken back, or every order cancelled and no result given."""
    if results and results <= _TAKEN_BACK:
        return True
    return orders == {"X"} and results <= _NO_RESULT


def _tell_unknown(orders: set[str], results: set[str], where: str, notes: Notes) -> bool:
    if any("\n" in letter for letter in (*orders, *results)):
        notes.error(
            "broken-status",
            where,
            "Un état (OBR-25 ou OBX-11) se continue sur la ligne suivante : un résultat peut y être collé. "
            "Comparer avec le dossier du laboratoire et faire réexporter.",
        )
    unknown = sorted((orders - _KNOWN_ORDER) | (results - _KNOWN_RESULT))
    if unknown:
        notes.add(
            "unknown-status",
            Severity.WARNING,
            where,
            f"État inconnu ({', '.join(letter[:3] for letter in unknown)}) : lu comme non définitif. "
            "Attendu une lettre des tables HL7 0123 (OBR-25) ou 0085 (OBX-11).",
        )
    return bool(unknown)
