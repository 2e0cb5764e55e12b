"""The statement of a batch or of a bulk send (relevé): what became of everything that went in. Pure.

Its sums always reconcile: in = read + delivered + sent + pending + failed + paper + withdrawn + closed. ``in`` is
counted apart from the eight words (the size of the batch when it was formed), so that a lost item shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dispatcher.errors import StoreError
from dispatcher.outbox.states import State

PENDING = frozenset({State.HELD, State.READY, State.QUEUED, State.SENDING, State.DEFERRED, State.UNKNOWN})
"""States in which nobody can say yet how it ends."""

WORDS: dict[str, frozenset[State]] = {
    "read": frozenset({State.READ}),
    "delivered": frozenset({State.DELIVERED}),
    "sent": frozenset({State.SENT}),
    "pending": PENDING,
    "failed": frozenset({State.FAILED}),
    "paper": frozenset({State.PAPER}),
    "withdrawn": frozenset({State.WITHDRAWN}),
    "closed": frozenset({State.CLOSED}),
}
"""The eight words and the states behind each; together every state, each once (a test holds it)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """How many went in, and how many stand under each of the eight words."""

    incoming: int
    read: int = 0
    delivered: int = 0
    sent: int = 0
    pending: int = 0
    failed: int = 0
    paper: int = 0
    withdrawn: int = 0
    closed: int = 0

    @classmethod
    def of(cls, counts: Mapping[State, int], incoming: int | None = None) -> Statement:
        """From the number in each state. ``incoming``: what is known to have gone in; None: just these."""
        sums = {word: sum(counts.get(state, 0) for state in states) for word, states in WORDS.items()}
        return cls(incoming=sum(sums.values()) if incoming is None else incoming, **sums)

    @classmethod
    def of_states(cls, states: Iterable[State], incoming: int | None = None) -> Statement:
        """From the states themselves, one an item."""
        counts: dict[State, int] = {}
        for state in states:
            counts[state] = counts.get(state, 0) + 1
        return cls.of(counts, incoming)

    @property
    def total(self) -> int:
        """Sum of the eight words."""
        return sum(self.words().values())

    @property
    def reconciles(self) -> bool:
        """What went in is what is found."""
        return self.incoming == self.total

    def words(self) -> dict[str, int]:
        """The eight words with their numbers, in the order of the formula."""
        return {word: int(getattr(self, word)) for word in WORDS}

    def as_json(self) -> dict[str, int]:
        """``in`` and the eight words."""
        return {"in": self.incoming, **self.words()}

    def check(self, what: str = "") -> Statement:
        """Itself. Raises :class:`dispatcher.errors.StoreError` ``statement`` when ``in`` is not the sum."""
        if not self.reconciles:
            raise StoreError(
                f"Le relevé{f' de {what}' if what else ''} ne tombe pas juste : {self.incoming} entré(s), "
                f"{self.total} retrouvé(s).",
                hint="Ne rien effacer ; « dispatcher journal verify », puis une sauvegarde, puis le support.",
                code="statement",
            )
        return self
