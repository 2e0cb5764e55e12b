"""Walking through values whatever they are made of."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any


def field_names(value: object) -> tuple[str, ...]:
    """Names of the fields of a dataclass's value, those that it is made from; none of anything else."""
    kind: Any = type(value)
    return _of_kind(kind)


@cache
def _of_kind(kind: Any) -> tuple[str, ...]:
    """``dataclasses.fields`` looks through all of them at every call, and a report has thousands of values."""
    return tuple(field.name for field in fields(kind) if field.init) if is_dataclass(kind) else ()
