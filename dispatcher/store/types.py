"""Column types: the same Python values on SQLite and PostgreSQL (decision D13: aware UTC in the store)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import Dialect, SmallInteger, Text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.types import TypeDecorator, TypeEngine

from dispatcher.outbox.dispatch import Lane

E = TypeVar("E", bound=StrEnum)

_LANES = (Lane.URGENT, Lane.ROUTINE)


class Moment(TypeDecorator[datetime]):
    """An aware moment. ``timestamptz`` on PostgreSQL; on SQLite ISO 8601 text of fixed width in UTC, which sorts.

    A naive datetime is refused with ValueError: guessing its zone is how mail goes out an hour early.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        kind = TIMESTAMP(timezone=True) if dialect.name == "postgresql" else Text()
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.isoformat(timespec="microseconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(UTC)


class FreeText(TypeDecorator[str]):
    """Text that came from outside (server replies, labels). NUL and lone surrogates, which one engine or the other
    cannot store, become U+FFFD.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value if value is None or value.isprintable() else storable(value)


class Word(TypeDecorator[E]):
    """A member of a StrEnum, stored as its value."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: type[E]) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: E | None, dialect: Dialect) -> str | None:
        return None if value is None else self.kind(value).value

    def process_result_value(self, value: Any, dialect: Dialect) -> E | None:
        return None if value is None else self.kind(value)


class Rank(TypeDecorator[Lane]):
    """A lane as its rank (0 urgent, 1 routine), so that one index serves urgent mail first."""

    impl = SmallInteger
    cache_ok = True

    def process_bind_param(self, value: Lane | None, dialect: Dialect) -> int | None:
        return None if value is None else _LANES.index(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Lane | None:
        return None if value is None else _LANES[value]


class JsonText(TypeDecorator[dict[str, Any]]):
    """A JSON object as text, the same bytes on both engines."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: dict[str, Any] | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(canonical(value))

    def process_result_value(self, value: Any, dialect: Dialect) -> dict[str, Any] | None:
        return None if value is None else json.loads(value)


def canonical(value: dict[str, Any]) -> str:
    """JSON with sorted keys and no blanks: the same value gives the same text. Raises TypeError, ValueError."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def storable(text: str) -> str:
    """``text`` without what a database cannot hold."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
