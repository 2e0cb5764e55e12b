"""Sending accounts: the settings of a channel become its rules and its transport."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from dispatcher.outbox.doubt import DoubtPolicy
from dispatcher.outbox.retry import RetryPolicy
from dispatcher.ports import AllowedDomains
from dispatcher.routing.facts import ChannelPolicy
from dispatcher.routing.trust import Gate
from dispatcher.service.channel import Channel, limit_of, shares_of
from dispatcher.settings import ChannelSettings, Settings
from dispatcher.transport.open import open_transport
from dispatcher.wiring.schedule import batch_rule


def channel(name: str, settings: ChannelSettings, whole: Settings, domains: Callable[[], AllowedDomains]) -> Channel:
    """One sending account with its rules."""
    retry = whole.retry
    return Channel(
        name=name,
        settings=settings,
        transport=open_transport(settings),
        limit=limit_of(settings.pace),
        shares=shares_of(settings.pace),
        retry=RetryPolicy(
            first=timedelta(minutes=retry.first_minutes),
            factor=retry.factor,
            maximum=timedelta(minutes=retry.max_minutes),
            give_up=timedelta(hours=retry.give_up_hours),
            urgent_give_up=timedelta(hours=retry.critical_give_up_hours),
            full_first=timedelta(minutes=retry.full_first_minutes),
            full_maximum=timedelta(minutes=retry.full_max_minutes),
            pause=timedelta(minutes=retry.pause_minutes),
            pause_maximum=timedelta(minutes=retry.pause_max_minutes),
        ),
        batch=batch_rule(settings.batch),
        lease=timedelta(seconds=whole.service.lease_seconds),
        gate=Gate(channel=ChannelPolicy.of(name, settings), domains=domains, max_age_days=whole.trust.max_age_days),
        sources=frozenset(whole.sources),
        doubt=doubt(settings),
    )


def doubt(settings: ChannelSettings) -> DoubtPolicy:
    """What a channel does about dispatches of unknown outcome."""
    wanted = settings.unknown
    after = wanted.resend_after_hours
    return DoubtPolicy(
        resend_after=None if after is None else timedelta(hours=after),
        max_resends=wanted.max_resends,
        alarm_after=timedelta(hours=wanted.alarm_after_hours),
    )
