"""The states of a dispatch and of a source file, and the moves between them. One table; a move outside it raises.

Two rules hold here and nowhere else: which moves exist, and which states are ends. The diagram in ``docs/states.md`` is
generated from :data:`MOVES` and :data:`FILE_MOVES` (``python -m dispatcher.outbox.states``) and a test compares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from dispatcher.errors import IllegalMove

S = TypeVar("S", bound=StrEnum)


class State(StrEnum):
    """State of a dispatch (design §6)."""

    HELD = "held"
    """Waits for a person: recipient unknown, ambiguous, untrusted; content fault."""
    READY = "ready"
    """Sealed, waits for a batch."""
    QUEUED = "queued"
    """In a batch, waits for its turn under the pace."""
    SENDING = "sending"
    """Claimed by a worker."""
    SENT = "sent"
    """Accepted by our operator (SMTP reply)."""
    DELIVERED = "delivered"
    """In the recipient's mailbox (DSN delivered or relayed)."""
    READ = "read"
    """Read or filed by the recipient's software (MDN)."""
    DEFERRED = "deferred"
    """Refused for now; due again later."""
    UNKNOWN = "unknown"
    """Line lost after the final dot; settled by a receipt or a person."""
    FAILED = "failed"
    """Refused for good, or gave up."""
    PAPER = "paper"
    """To be sent on paper."""
    WITHDRAWN = "withdrawn"
    """Superseded by a newer version, or cancelled, before it left."""
    CLOSED = "closed"
    """Ended by a person, with a reason."""


_S = State

MOVES: dict[State, frozenset[State]] = {
    _S.HELD: frozenset({_S.READY, _S.PAPER, _S.WITHDRAWN, _S.CLOSED}),
    _S.READY: frozenset({_S.QUEUED, _S.HELD, _S.PAPER, _S.WITHDRAWN, _S.CLOSED}),
    _S.QUEUED: frozenset(
        {_S.SENDING, _S.READY, _S.DEFERRED, _S.HELD, _S.PAPER, _S.WITHDRAWN, _S.CLOSED, _S.FAILED, _S.UNKNOWN}
    ),
    _S.SENDING: frozenset({_S.SENT, _S.QUEUED, _S.DEFERRED, _S.UNKNOWN, _S.FAILED, _S.HELD}),
    _S.SENT: frozenset({_S.DELIVERED, _S.READ, _S.FAILED, _S.PAPER, _S.CLOSED}),
    _S.DELIVERED: frozenset({_S.READ, _S.FAILED, _S.PAPER, _S.CLOSED}),
    _S.READ: frozenset(),
    _S.DEFERRED: frozenset({_S.QUEUED, _S.SENDING, _S.HELD, _S.FAILED, _S.PAPER, _S.WITHDRAWN, _S.CLOSED}),
    _S.UNKNOWN: frozenset({_S.SENT, _S.DELIVERED, _S.READ, _S.FAILED, _S.QUEUED, _S.PAPER, _S.CLOSED}),
    _S.FAILED: frozenset({_S.QUEUED, _S.HELD, _S.READY, _S.DELIVERED, _S.READ, _S.PAPER, _S.WITHDRAWN, _S.CLOSED}),
    _S.PAPER: frozenset({_S.CLOSED, _S.READ, _S.DELIVERED, _S.WITHDRAWN}),
    _S.WITHDRAWN: frozenset({_S.CLOSED}),
    _S.CLOSED: frozenset({_S.READ, _S.DELIVERED}),
}
"""From each state, the states it may move to. ``failed → delivered`` and ``failed → read`` are late good news;
``queued`` to ``deferred``, ``failed`` or ``unknown`` is the undo of a replay that has not left."""

UNFINISHED = frozenset({_S.HELD, _S.READY, _S.QUEUED, _S.SENDING, _S.DEFERRED, _S.UNKNOWN, _S.FAILED, _S.PAPER})
"""States that still ask something of the program or of a person: paper has to be printed, then closed."""

NOT_SENT = UNFINISHED - {_S.PAPER}
"""States in which nobody can say that the operator has it, nor has a person ended it."""

NOT_YET_LEFT = frozenset({_S.HELD, _S.READY, _S.QUEUED, _S.DEFERRED})
"""States in which a newer version may still withdraw the dispatch."""

BLOCKING = (State.SENDING, State.UNKNOWN)
"""An older version in one of these may still arrive: the newer waits."""


class FileState(StrEnum):
    """State of a source file (design §6)."""

    RECEIVED = "received"
    READ = "read"
    DONE = "done"
    WAITING = "waiting"
    QUARANTINED = "quarantined"
    DUPLICATE = "duplicate"


OPEN_FILES = (FileState.WAITING, FileState.RECEIVED, FileState.READ, FileState.QUARANTINED)
"""Files nobody is done with."""

FILE_MOVES: dict[FileState, frozenset[FileState]] = {
    FileState.WAITING: frozenset({FileState.RECEIVED}),
    FileState.RECEIVED: frozenset({FileState.READ, FileState.QUARANTINED, FileState.DUPLICATE}),
    FileState.READ: frozenset({FileState.DONE, FileState.QUARANTINED, FileState.DUPLICATE}),
    FileState.QUARANTINED: frozenset({FileState.RECEIVED, FileState.DONE}),
    FileState.DUPLICATE: frozenset({FileState.RECEIVED}),
    FileState.DONE: frozenset(),
}


STATES: dict[State, str] = {
    State.HELD: "en attente d'un opérateur",
    State.READY: "prêt, attend un lot",
    State.QUEUED: "en file",
    State.SENDING: "en cours d'envoi",
    State.SENT: "envoyé",
    State.DELIVERED: "remis",
    State.READ: "lu",
    State.DEFERRED: "remis à plus tard",
    State.UNKNOWN: "issue inconnue",
    State.FAILED: "en échec",
    State.PAPER: "sur papier",
    State.WITHDRAWN: "retiré",
    State.CLOSED: "clos",
}
"""In French, as people read them."""

FILE_STATES: dict[FileState, str] = {
    FileState.WAITING: "s'écrit encore",
    FileState.RECEIVED: "reçu",
    FileState.READ: "lu",
    FileState.DONE: "traité",
    FileState.QUARANTINED: "en quarantaine",
    FileState.DUPLICATE: "doublon",
}
"""The same for source files."""
_SEE = "Les passages possibles : docs/states.md."


def check_move(old: State, new: State) -> None:
    """Raise :class:`dispatcher.errors.IllegalMove` unless ``old`` may become ``new``."""
    if new not in MOVES[old]:
        way = f"Un envoi « {STATES[old]} » ne peut pas passer à « {STATES[new]} »."
        raise IllegalMove(f"Cet envoi est déjà « {STATES[old]} »." if new is old else way, hint=_SEE)


def check_file_move(old: FileState, new: FileState) -> None:
    """Raise :class:`dispatcher.errors.IllegalMove` unless file state ``old`` may become ``new``."""
    if new not in FILE_MOVES[old]:
        way = f"Un fichier « {FILE_STATES[old]} » ne peut pas passer à « {FILE_STATES[new]} »."
        raise IllegalMove(f"Ce fichier est déjà « {FILE_STATES[old]} »." if new is old else way, hint=_SEE)


def diagram() -> str:
    """The moves as a Mermaid state diagram, sorted, for ``docs/states.md``."""
    return _mermaid(MOVES)


def file_diagram() -> str:
    """The same for source files."""
    return _mermaid(FILE_MOVES)


def _mermaid(moves: Mapping[S, frozenset[S]]) -> str:
    lines = ["stateDiagram-v2"]
    lines += [f"    {old} --> {new}" for old, targets in moves.items() for new in sorted(targets)]
    return "\n".join(lines)


if __name__ == "__main__":
    import sys

    sys.stdout.write(f"{diagram()}\n\n{file_diagram()}\n")
