"""A notice says that there is no such mailbox: the directories are asked once more, as after a refusal at hand-over.

The failure is written down first, with its notice; asking comes after it, in no transaction. Where they know another
box the dispatch waits for a person; nothing is sent by itself.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import State
from dispatcher.ports import Store
from dispatcher.receipts.notice import Cause, Kind, Notice
from dispatcher.routing.trace import hold_json
from dispatcher.service.elsewhere import Found, LookAgain

log = logging.getLogger(__name__)

ASKED = "dispatch.directories-asked"
"""Event: they know no other box."""


def names_no_box(notice: Notice) -> bool:
    """There is no such mailbox, or none any more: somebody may know a newer address."""
    return notice.kind is not Kind.MDN and notice.cause in {Cause.UNKNOWN_USER, Cause.INACTIVE}


def ask_again(store: Store, look_again: LookAgain, failed: Iterable[str]) -> None:
    """Ask about each that failed by such a notice. Raises StoreError."""
    for dispatch_id in failed:
        with store.reading() as uow:
            dispatch = uow.dispatches.get(dispatch_id)
        if dispatch is None or dispatch.state is not State.FAILED:
            continue
        found = look_again(dispatch)
        if found is not None:
            _write(store, dispatch, found)


def _write(store: Store, seen: Dispatch, found: Found) -> None:
    """Unless somebody decided meanwhile."""
    with store.transaction() as uow:
        now = next(iter(uow.dispatches.locked([seen.id])), None)
        if now is None or (now.state, now.fence) != (State.FAILED, seen.fence):
            return
        reason = f"{now.reason} {found.text}".strip()
        if found.hold is None:
            uow.dispatches.update(seen.id, event=ASKED, reason=reason)
            return
        decision = {**now.decision, "hold": hold_json(found.hold)}
        told: dict[str, Any] = {"hold_code": found.hold.code, "reason": reason, "decision": decision}
        uow.dispatches.move(seen.id, State.HELD, event="dispatch.held", **told)
    log.info("dispatch %s is held: the directories know another box", seen.id)
