"""The looks of the service into its mailboxes: each mailbox for itself, so that a server that hangs delays no other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial

from dispatcher.daemon import doubt, mailboxes, steps
from dispatcher.daemon.mailboxes import Patience
from dispatcher.daemon.membership import Membership
from dispatcher.service.channel import Channel
from dispatcher.wiring import Office

Job = Callable[[], object]


class Rounds:
    """One look into a mailbox at a time: some servers lock them (POP3). Channels may share one."""

    def __init__(self, office: Office, member: Membership | None) -> None:
        self._office = office
        self._member = member
        self._patience = Patience(office.clock)
        places = {name: _place(channel) for name, channel in office.channels.items()}
        locks = {place: threading.Lock() for place in places.values()}
        self._locks = {name: locks[place] for name, place in places.items()}

    @property
    def most(self) -> int:
        """Looks that may be waited for at once, when every server hangs."""
        return max(1, 3 * len(self._locks))

    def ticks(self) -> Mapping[str, tuple[float, Job]]:
        """By name: every how many seconds, and what. Three for each channel."""
        office, member, found = self._office, self._member, dict[str, tuple[float, Job]]()
        for name in self._locks:
            jobs: dict[str, tuple[float, Job]] = {
                "collect": (office.settings.service.collect_seconds, self._collecting(name)),
                "care": (mailboxes.CARE_SECONDS, partial(mailboxes.care_one, office, name, member)),
                "doubt": (doubt.SECONDS, partial(doubt.settle_one, office, name, member)),
            }
            found |= {f"{what}-{name}": (every, self._alone(name, job)) for what, (every, job) in jobs.items()}
        return found

    def told(self, name: str) -> Job:
        """The server told of new mail: it works, whatever was before."""
        self._patience.worked(name)
        return self._alone(name, self._collecting(name))

    def _collecting(self, name: str) -> Job:
        return partial(steps.collect_one, self._office, name, self._member, self._patience)

    def _alone(self, name: str, job: Job) -> Job:
        def look() -> object:
            with self._locks[name]:
                return job()

        return look


def _place(channel: Channel) -> tuple[object, ...]:
    """What two channels with one mailbox have in common."""
    box = channel.settings.mailbox
    return (channel.name,) if box is None else (box.kind, box.path, box.host, box.port, box.user)
