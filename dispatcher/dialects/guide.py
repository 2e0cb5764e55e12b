"""Every key of a dialect with its meaning and an example, taken from the model: for the guide and the command line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel

from dispatcher.dialects.model import ALL, Dialect
from dispatcher.faults import models

_SHORT = {"hl7v2": "HL7", "hprim-sante": "Santé", "hprim-medecins": "Médecins"}


@dataclass(frozen=True, slots=True)
class Row:
    """One key. ``table`` is empty at the head of the file; ``listed`` when the table repeats (``[[…]]``)."""

    table: str
    name: str
    formats: tuple[str, ...]
    sense: str
    example: str
    listed: bool = False

    @property
    def key(self) -> str:
        """``fields.filler``."""
        return f"{self.table}.{self.name}" if self.table else self.name

    @property
    def toml(self) -> str:
        """The example in its table."""
        head = f"[[{self.table}]]\n" if self.listed else f"[{self.table}]\n" if self.table else ""
        return head + self.example


def rows() -> tuple[Row, ...]:
    """All keys, those of the head first, then table by table."""
    return tuple(sorted(_rows(Dialect, "", listed=False), key=lambda row: row.table != ""))


def _rows(model: type[BaseModel], table: str, *, listed: bool) -> Iterator[Row]:
    for name, field in model.model_fields.items():
        extra = field.json_schema_extra
        if field.description is not None and field.examples and isinstance(extra, dict):
            told = extra["formats"]
            formats = tuple(str(one) for one in told) if isinstance(told, list) else ALL
            yield Row(table, name, formats, field.description, str(field.examples[0]), listed)
        below = models(field.annotation)
        if below:
            inner = f"{table}.{name}" if table else name
            yield from _rows(below[0], inner, listed=str(field.annotation).startswith("tuple"))


def markdown() -> str:
    """The table of ``docs/dialectes.md``: one per table of the file."""
    parts = []
    found = rows()
    for table in dict.fromkeys(row.table for row in found):
        own = [row for row in found if row.table == table]
        head = f"[[{table}]]" if own[0].listed else f"[{table}]" if table else ""
        lines = [f"#### `{head}`" if head else "#### En tête du fichier", "", "| clé | formats | sens | exemple |"]
        lines.append("|---|---|---|---|")
        for row in own:
            formats = "tous" if row.formats == ALL else ", ".join(_SHORT[one] for one in row.formats)
            lines.append(f"| `{row.name}` | {formats} | {row.sense} | `{row.example}` |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"
