"""Rows of cells as CSV text: the one way our tables are written."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence


def written(rows: Iterable[Sequence[str]], separator: str, newline: str) -> str:
    """Rows as CSV text, quoted where needed."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, lineterminator=newline).writerows(rows)
    return text.getvalue()
