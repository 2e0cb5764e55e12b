"""Moves of a dispatch: every change of state passes here, is checked against the table of moves, and is journalled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Update, bindparam, insert, update

from dispatcher.errors import LeaseLost, StoreError
from dispatcher.feedback.events import OF_LADDER
from dispatcher.outbox.breaker import CHANNEL
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import State, check_move
from dispatcher.report.folding import fold
from dispatcher.store.rows import DISPATCH
from dispatcher.store.session import Session
from dispatcher.store.tables import destinations
from dispatcher.store.tables import dispatches as table

_ONE = DISPATCH.select.where(table.c.id == bindparam("id"))
_LOCKED = _ONE.with_for_update()
_INSERT = insert(table)

_FIXED = frozenset(
    {"id", "report_id", "chain", "version", "state", "fence", "lease_owner", "submitting_since", "returns"}
)
CHANGEABLE = frozenset(field.name for field in fields(Dispatch)) - _FIXED
"""Fields that :meth:`DispatchMoves.move` and :meth:`DispatchMoves.update` accept."""

JOURNALLED = (
    "reason",
    "hold_code",
    "reply",
    "attempts",
    "due_at",
    "channel",
    "format",
    "envelope",
    "recipient_id",
    "address",
    "certificate",
    "signer",
    "message_id",
    "envid",
    "sealed_sha256",
    "renditions",
    "lane",
    "batch_id",
)
"""Fields whose change is told in the journal: what evidence is made of. No label, no routing trace."""

_STAMPS = {State.SENT: "sent_at", State.DELIVERED: "delivered_at", State.READ: "read_at"}
"""Filled in when the caller gives no moment: without it no one could say later how long it took."""

_UNREAD = frozenset({State.SENT, State.DELIVERED})
"""Entered from any other state, the ladder looks at it anew; left, it looks no more (``store/ladders.py``)."""

_ARRIVED = frozenset(_STAMPS)
"""States that tell themselves what became of it."""

_UNDECIDED = frozenset({State.QUEUED, State.HELD, State.DEFERRED})
"""From ``sending`` to one of these: if it was a probe it may never have begun, and said nothing."""

_PROBE_OVER = (
    update(destinations)
    .where(
        destinations.c.channel == bindparam("of_channel"),
        destinations.c.domain.in_([CHANNEL, bindparam("of_domain")]),
        destinations.c.state == "half",
        destinations.c.probe == bindparam("of_id"),
    )
    .values(probe_at=bindparam("now"))
)

_END_OF_LEASE: dict[str, Any] = {"lease_owner": "", "lease_until": None, "submitting_since": None}
"""What leaving ``sending`` wipes out."""

_SEARCHED = frozenset({"label", "address", "recipient_id"})
_READ_FIRST = _SEARCHED | {"channel"}
"""What the holder of a lease cannot change without a look at the row: its search text, its tally."""


class DispatchMoves:
    """The part of :class:`dispatcher.ports.Dispatches` that writes single rows."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, dispatch: Dispatch, *, actor: str = "daemon") -> None:
        """Insert, with its journal line. Raises StoreError ``conflict``: this id or Message-ID exists."""
        if dispatch.created_at is None:
            dispatch = replace(dispatch, created_at=self._session.now())
        if dispatch.state is State.DEFERRED and dispatch.due_at is None:
            dispatch = replace(dispatch, due_at=self._session.now())
        self._session.write(_INSERT, DISPATCH.row(dispatch) | {"lease_until": None, "search": searchable(dispatch)})
        self._session.tallies.change("dispatch", dispatch.channel, dispatch.state, 1)
        told = {name: getattr(dispatch, name) for name in JOURNALLED if getattr(dispatch, name)}
        self._session.journal.write(
            dispatch.id,
            "dispatch.added",
            actor=actor,
            state=dispatch.state,
            report_id=dispatch.report_id,
            version=dispatch.version,
            **told,
        )
        self._session.answers.moved(dispatch, actor, "dispatch.added")

    def get(self, dispatch_id: str) -> Dispatch | None:
        """The dispatch, or None."""
        row = self._session.read(_ONE, {"id": dispatch_id}).first()
        return None if row is None else DISPATCH.value(row)

    def find_message(self, *, message_id: str = "", envid: str = "") -> Dispatch | None:
        """By Message-ID (with angle brackets), else by envelope id; None when neither is known or given."""
        for column, wanted in ((table.c.message_id, message_id), (table.c.envid, envid)):
            if wanted:
                found = DISPATCH.select.where(column == wanted, column != "").order_by(table.c.id).limit(1)
                row = self._session.read(found).first()
                if row is not None:
                    return DISPATCH.value(row)
        return None

    def move(
        self,
        dispatch_id: str,
        state: State,
        *,
        fence: int | None = None,
        actor: str = "daemon",
        event: str = "",
        **changes: Any,
    ) -> Dispatch:
        """Change state, with its journal line (``event``, else ``dispatch.<state>``); gives the dispatch as it is now.

        With ``fence`` given the caller speaks as the holder of a lease: LeaseLost when the row was claimed again or is
        no longer ``sending``. Raises :class:`dispatcher.errors.IllegalMove`, StoreError ``not-found``, TypeError for a
        field that cannot be changed.
        """
        _check(changes)
        values: dict[str, Any] = {"state": state, **changes}
        if state is State.UNKNOWN:
            values["unknown_since"] = changes.get("unknown_since") or self._session.now()
        event = event or f"dispatch.{state}"
        if fence is not None:
            return self._move_held(dispatch_id, fence, values, actor, event)
        old = self._locked(dispatch_id)
        check_move(old.state, state)
        stamp = _STAMPS.get(state)
        if stamp is not None and stamp not in values and getattr(old, stamp) is None:
            values[stamp] = self._session.now()
        return self._write(old, values, actor, event, {"from": old.state})

    def update(self, dispatch_id: str, *, actor: str = "daemon", event: str, **changes: Any) -> Dispatch:
        """Change fields without a change of state, with its journal line. Raises as :meth:`move`."""
        _check(changes)
        return self._write(self._locked(dispatch_id), dict(changes), actor, event, {})

    def _move_held(self, dispatch_id: str, fence: int, values: dict[str, Any], actor: str, event: str) -> Dispatch:
        """A move out of ``sending`` by the holder of the lease: one statement, since this is done for every mail."""
        check_move(State.SENDING, values["state"])
        stamp = _STAMPS.get(values["state"])
        if stamp is not None and values.get(stamp) is None:
            values[stamp] = self._session.now()
        self._set_due(values, None)
        if values["state"] is State.SENT:
            values |= {"climb_at": values["sent_at"], "rung": 0}
        columns = values | _END_OF_LEASE
        old = None if values.keys().isdisjoint(_READ_FIRST) else self._locked(dispatch_id)
        if old is not None:
            columns["search"] = searchable(replace(old, **values))
        params = {f"new_{name}": value for name, value in columns.items()}
        statement = _update_held(tuple(sorted(columns)))
        row = self._session.write(statement, params | {"of_id": dispatch_id, "of_fence": fence}).first()
        if row is None:
            self._locked(dispatch_id)
            raise lease_lost(dispatch_id)
        told = {name: values[name] for name in JOURNALLED if values.get(name)}
        self._session.journal.write(dispatch_id, event, actor=actor, **{"from": State.SENDING}, **told)
        new = DISPATCH.value(row)
        self._session.answers.moved(new, actor, event)
        self._count(new.channel if old is None else old.channel, State.SENDING, new)
        self._end_probe(new if old is None else old, new.state)
        return new

    def _end_probe(self, old: Dispatch, state: State) -> None:
        """The next mail may try at once where this one was to, and did not say whether the way is open."""
        if state in _UNDECIDED:
            params = {"of_channel": old.channel, "of_domain": old.domain, "of_id": old.id, "now": self._session.now()}
            self._session.write(_PROBE_OVER, params)

    def _count(self, channel: str, state: State, new: Dispatch) -> None:
        self._session.tallies.moved("dispatch", (channel, state), (new.channel, new.state))

    def _set_due(self, values: dict[str, Any], known: datetime | None) -> None:
        """Whatever is deferred is due at some time: without one, nobody would ever find it."""
        if values.get("state") is State.DEFERRED and values.get("due_at", known) is None:
            values["due_at"] = self._session.now()

    def _set_climb(self, values: dict[str, Any], old: Dispatch) -> None:
        """Reading, an end and paper stop the ladder; paper, too, may be perhaps in the box of a mail that had left."""
        new = values.get("state", old.state)
        if new in _UNREAD and old.state not in _UNREAD:
            values |= {"climb_at": self._session.now(), "rung": 0}
        elif new is not old.state and new not in _UNREAD and old.climb_at is not None:
            values.setdefault("climb_at", None)
        if new is State.FAILED and old.acknowledged_at is not None:
            values["acknowledged_at"] = None  # that is news to whoever took it over
        if new is State.PAPER and old.state in _UNREAD and old.doubted_at is None:
            values.setdefault("doubted_at", old.delivered_at or old.sent_at or self._session.now())

    def _locked(self, dispatch_id: str) -> Dispatch:
        row = self._session.read_locked(_LOCKED, {"id": dispatch_id}).first()
        if row is None:
            raise StoreError(f"Envoi inconnu : {dispatch_id}.", hint="Vérifier le numéro.", code="not-found")
        return DISPATCH.value(row)

    def _write(
        self, old: Dispatch, values: dict[str, Any], actor: str, event: str, detail: Mapping[str, object]
    ) -> Dispatch:
        """Write ``values`` (fields of Dispatch) over ``old`` and tell the journal what changed."""
        if old.state is State.UNKNOWN and values.get("state", old.state) is not State.UNKNOWN:
            values |= {"unknown_since": None}
            if values["state"] not in _ARRIVED:
                values.setdefault("doubted_at", old.doubted_at or old.unknown_since or self._session.now())
        self._set_due(values, old.due_at)
        self._set_climb(values, old)
        if old.state is State.SENDING and values.get("state", old.state) is not State.SENDING:
            columns = values | _END_OF_LEASE
            values |= {"lease_owner": "", "submitting_since": None}
        else:
            columns = dict(values)
        new = replace(old, **values)
        if not values.keys().isdisjoint(_SEARCHED):
            columns["search"] = searchable(new)
        if columns:
            params = {f"new_{name}": value for name, value in columns.items()}
            self._session.write(_update(tuple(sorted(columns))), params | {"of_id": old.id})
        self._count(old.channel, old.state, new)
        if old.state is State.SENDING:
            self._end_probe(old, new.state)
        told = {name: values[name] for name in JOURNALLED if name in values and values[name] != getattr(old, name)}
        self._session.journal.write(old.id, event, actor=actor, **detail, **told)
        if new.state is not old.state or event in OF_LADDER:
            self._session.answers.moved(new, actor, event)
        return new


@lru_cache(maxsize=512)
def _update(names: tuple[str, ...]) -> Update:
    """UPDATE of these columns; built once per set of names, since building costs more than running."""
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    return update(table).where(table.c.id == bindparam("of_id")).values(values)


@lru_cache(maxsize=512)
def _update_held(names: tuple[str, ...]) -> Update:
    """As :func:`_update`, of a row that is ``sending`` under this fence; gives the row."""
    return (
        _update(names)
        .where(table.c.fence == bindparam("of_fence"), table.c.state == State.SENDING)
        .returning(*DISPATCH.columns)
    )


def _check(changes: Mapping[str, Any]) -> None:
    wrong = sorted(changes.keys() - CHANGEABLE)
    if wrong:
        raise TypeError(f"fields of a dispatch that cannot be changed: {', '.join(wrong)}")


def lease_lost(dispatch_id: str) -> LeaseLost:
    """The error of a late worker."""
    return LeaseLost(
        f"L'envoi {dispatch_id} n'est plus tenu par ce poste : rien n'a été écrit.",
        hint="Un autre poste l'a repris après la fin du bail.",
    )


def searchable(dispatch: Dispatch) -> str:
    """What a person may search a recipient by, folded."""
    return fold(f"{dispatch.label}\n{dispatch.address}\n{dispatch.recipient_id}")
