"""One thread for each mailbox whose server tells of new mail by itself: notices count within seconds.

It only says when to look; the look at fixed times goes on beside it, and does all the work where there is no IDLE.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from dispatcher.daemon.membership import Membership
from dispatcher.errors import DispatcherError
from dispatcher.ports import Listener
from dispatcher.service import alarms
from dispatcher.service.internal import place
from dispatcher.wiring import Office

log = logging.getLogger(__name__)

WAIT = 60.0
"""Seconds of one wait: whether the mailbox is still in the care of this node is asked in between."""
FIRST = 1.0
LONGEST = 300.0
"""Seconds between two tries to connect; twice as long each time in a row."""
NOT_OURS = 2.0
"""How often is asked whether another node let go of the mailbox."""


class Listening:
    """Starts with the service, ends with it. ``look`` reads one mailbox now, and never raises."""

    def __init__(self, office: Office, member: Membership, look: Callable[[str], None]) -> None:
        self._office = office
        self._member = member
        self._look = look
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """A thread for each mailbox that may be listened to."""
        for name in self._office.channels:
            if self._office.open_listener(name) is not None:
                thread = threading.Thread(target=self._listen, args=(name,), name=f"listen-{name}", daemon=True)
                self._threads.append(thread)
                thread.start()

    def stop(self, seconds: float) -> None:
        """Ask for the end, and wait for it at most so long."""
        self._stop.set()
        for thread in self._threads:
            thread.join(seconds)

    def _listen(self, name: str) -> None:
        wait = FIRST
        while not self._stop.is_set():
            if not self._ours(name):
                self._stop.wait(NOT_OURS)
                continue
            heard, useful = self._one_line(name)
            if not useful:
                return
            wait = FIRST if heard else min(2 * wait, LONGEST)
            self._stop.wait(wait)

    def _one_line(self, name: str) -> tuple[bool, bool]:
        """Listen until the line is lost; gives whether it worked at all, and whether to come back."""
        heard, listener = False, self._office.open_listener(name)
        if listener is None:
            return False, False
        try:
            while not self._stop.is_set() and self._ours(name):
                told = listener.wait(WAIT, self._stop.is_set)
                if told is None:
                    log.info("channel %s: its mailbox cannot tell of new mail; it is looked at now and then", name)
                    return heard, False
                heard = True
                if told:
                    self._look(name)
        except DispatcherError as error:
            log.log(logging.INFO if heard else logging.WARNING, "channel %s: listening ended (%s)", name, error.code)
        except Exception as error:  # nobody foresaw it: the look at fixed times goes on
            log.error("channel %s: listening: unexpected %s", name, place(error))
        finally:
            _close(listener)
        return heard, True

    def _ours(self, name: str) -> bool:
        return self._member.owns(alarms.mailbox(name))


def _close(listener: Listener) -> None:
    try:
        listener.close()
    except Exception as error:
        log.debug("a listener did not close: %s", place(error))
