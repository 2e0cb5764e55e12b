"""What is learned of a recipient's receipts, as people and programs read it."""

from __future__ import annotations

from dispatcher.ports import Scope, SupportRow
from dispatcher.receipts.support import DELIVERY, READING, Expected, expected


def judged(row: SupportRow) -> Expected:
    """The verdict on one row alone."""
    return expected(row, None) if row.scope is Scope.DOMAIN else expected(None, row)


def verdicts(row: SupportRow) -> dict[str, str]:
    """For programs."""
    found = judged(row)
    return {"delivery": str(found.delivery), "reading": str(found.reading)}


def verdicts_in_french(row: SupportRow) -> tuple[str, str]:
    """Delivery (of a domain only) and reading."""
    found = judged(row)
    delivery = DELIVERY[found.delivery] if row.scope is Scope.DOMAIN else "selon son domaine"
    return delivery, READING[found.reading]


def sentence(found: Expected) -> str:
    """What may be expected of the recipient of a dispatch."""
    return f"{DELIVERY[found.delivery]} ; {READING[found.reading]}"
