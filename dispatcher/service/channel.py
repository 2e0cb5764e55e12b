"""A channel as the use cases see it: one sending account with its transport, pace and retry policy."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from dispatcher.outbox.batching import BatchRule
from dispatcher.outbox.breaker import BreakerRule
from dispatcher.outbox.doubt import DoubtPolicy
from dispatcher.outbox.ledger import Ledger
from dispatcher.outbox.pacing import DAY, PaceLimit, Shares, Window, per_minute
from dispatcher.outbox.retry import RetryPolicy
from dispatcher.ports import Transport
from dispatcher.receipts.notices import Opener
from dispatcher.routing.trust import Gate
from dispatcher.service.elsewhere import LookAgain
from dispatcher.settings import ChannelSettings, PaceSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """Everything needed to send by one account."""

    name: str
    settings: ChannelSettings
    transport: Transport
    limit: PaceLimit
    retry: RetryPolicy
    batch: BatchRule
    lease: timedelta
    gate: Gate
    """Asked right before a mail leaves."""
    sources: frozenset[str] = frozenset()
    """Names of the sources in the settings: an opposition from any other holds for all (``service.oppositions``)."""
    look_again: LookAgain | None = field(default=None, compare=False, repr=False)
    """Asked when a server knows no mailbox of that name (``service.look_again``); None: nobody is."""
    opener: Opener | None = field(default=None, compare=False, repr=False)
    """Opens notices enciphered for this channel; None: they wait for a person."""
    doubt: DoubtPolicy = field(default_factory=DoubtPolicy)
    breaker: BreakerRule = field(default_factory=BreakerRule)
    shares: Shares = field(default_factory=Shares)
    """What one domain, mailbox or connection may get of ``limit``."""
    sessions: dict[str, Ledger] = field(default_factory=dict, compare=False, repr=False)
    """What each line of this process handed over lately: one that connects again goes on where it was."""

    late: dict[str, float] = field(default_factory=dict, compare=False, repr=False)
    """Seconds that a start takes to be written down, for lines where that is long: their grants count from then on."""

    @property
    def scope(self) -> str:
        """Name of this channel's row in the pace book."""
        return f"channel:{self.name}"


def limit_of(pace: PaceSettings) -> PaceLimit:
    """What the whole channel may hand over."""
    longer = ((pace.per_hour, timedelta(hours=1)), (pace.per_day, DAY))
    return per_minute(
        pace.per_minute,
        pace.burst,
        longer=tuple(Window(most, length) for most, length in longer if most is not None),
        jitter=pace.jitter,
        warm_up=tuple(pace.warm_up),
        reserve=pace.urgent_reserve,
    )


def shares_of(pace: PaceSettings) -> Shares:
    """What one domain, mailbox or connection may get of it."""

    def limit(count: int | None) -> PaceLimit | None:
        return per_minute(count, count) if count is not None else None

    return Shares(
        domain=limit(pace.per_domain),
        domains={name: per_minute(count, count) for name, count in pace.domains.items()},
        mailbox=limit(pace.per_mailbox),
        session=limit(pace.per_session),
        urgent=pace.urgent_share,
    )
