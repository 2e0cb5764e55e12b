"""How a person is told of an alarm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from dispatcher.store_ports.alarms import AlarmNote


class AlarmWay(Protocol):
    """A mail server, a web address, a program, a log of the system."""

    @property
    def name(self) -> str:
        """As in the settings: ``mail``, ``webhook``, ``command``, ``syslog``, ``event_log``."""

    @property
    def joins(self) -> bool:
        """A person reads it: several messages may be one."""

    def give(self, notes: Sequence[AlarmNote]) -> None:
        """Tell these, together when :attr:`joins`. Raises :class:`dispatcher.errors.TransportError`: none was told."""
