"""A channel as the use cases see it: one sending account with its transport, pace and retry policy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from dispatcher.outbox.batching import BatchRule
from dispatcher.outbox.pacing import PaceLimit
from dispatcher.outbox.retry import RetryPolicy
from dispatcher.ports import Transport
from dispatcher.settings import ChannelSettings


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

    @property
    def scope(self) -> str:
        """Name of this channel's row in the pace book."""
        return f"channel:{self.name}"
