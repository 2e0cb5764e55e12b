"""Where mail and answers leave the house, as the use cases need it.

Part of ``ports``, which gives all these names on; import them from there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dispatcher.outbox.dispatch import Accepted


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """Sealed bytes and their SMTP envelope (RFC 5321 §2.3.1)."""

    sender: str
    recipient: str
    message_id: str
    envid: str
    content: bytes = field(repr=False)


class Stamper(Protocol):
    """A time-stamping authority (RFC 3161)."""

    def ask(self, request: bytes) -> bytes:
        """Its response, DER. Raises :class:`dispatcher.errors.TransportError`."""


class TransportSession(Protocol):
    """One open connection to our operator."""

    def send(self, mail: Mail, in_time: Callable[[], bool] | None = None) -> Accepted:
        """Hand over one mail. Raises one of the four :class:`dispatcher.errors.TransportError` classes.

        ``in_time`` is asked right before the first command about it, which may be long after the call: the line may
        have had to be opened again. When it says no, :class:`dispatcher.errors.NotBegun` is raised instead.
        """

    def close(self) -> None:
        """Say goodbye; never raises."""


class Transport(Protocol):
    """Where a channel hands its mail over."""

    def open(self) -> TransportSession:
        """Connect. Raises :class:`dispatcher.errors.OurFault` or :class:`dispatcher.errors.TryLater`."""

    def abort(self) -> None:
        """Break every open line now, from any thread (a stop that cannot wait); never raises.

        Who waits on one gets what a lost line gives: unknown after the final dot, :class:`TryLater` before it.
        """


class AnswerLine(Protocol):
    """Where answers to one source go: a return folder, or an MLLP server of its LIS."""

    def give(self, name: str, content: bytes) -> bytes:
        """Hand over one file (or one message), all or nothing; gives what comes back (empty from a folder).

        The same name again replaces it. Raises :class:`dispatcher.errors.OurFault` (folder, settings),
        :class:`dispatcher.errors.TryLater` (not given), :class:`dispatcher.errors.OutcomeUnknown` (given, no answer).
        """

    def close(self) -> None: ...
