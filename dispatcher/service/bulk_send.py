"""Use case: a bulk send (envoi groupé) as a durable thing: ordered, taken in, gone on with after a stop.

The order is written down before its first document is taken in; each document is taken in, in one commit with its place
in the order. So a stop at any moment loses nothing, and the same order given again goes on with the same send: what it
has is not taken in twice. From there the documents go the way of every file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from dispatcher.errors import DispatcherError, StoreError
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import FileState, State
from dispatcher.ports import BulkSend, DispatchFilter, Store, Taken, UnitOfWork
from dispatcher.service.bulk import take_in
from dispatcher.service.bulk_order import Item, Order, sealed
from dispatcher.service.bulk_rules import seal
from dispatcher.service.chosen import more_of
from dispatcher.service.desk import Desk

ORDER, TITLE = "order", "title"
"""Kinds of the payloads."""
GROUP = 10
"""Documents of one commit."""
CHANGED = "a changé depuis que l'envoi a été préparé ; le remettre tel quel, ou préparer un autre envoi"
Read = Callable[[Item], Taken]
"""Opens a document where it lies. Raises ``OSError`` or :class:`DispatcherError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """What a manifest says otherwise than when it was sent before."""

    send: BulkSend
    added: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    """Names of files."""
    same: int = 0

    @property
    def any_shared(self) -> bool:
        """Something of the earlier send is in it again."""
        return bool(self.same or self.changed)


@dataclass(slots=True, kw_only=True)
class TakenIn:
    """What became of the documents of an order."""

    count: int = 0
    """Taken in by this call."""
    faults: list[str] = field(default_factory=list)
    """French, one sentence for each document that is not."""


def differences(desk: Desk, order: Order) -> Differences | None:
    """Against the last send from the same manifest; None when there is none, or it is this very order."""
    if not order.place:
        return None
    with desk.store.reading() as uow:
        if uow.bulk.by_digest(order.digest(desk.cipher)) is not None:
            return None
        before = uow.bulk.last_from(desk.cipher.hash(order.place))
    if before is None:
        return None
    old = {item.name: item for item in load(desk.store, before.id).items}
    new = {item.name: sealed(item, desk.cipher) for item in order.items}
    both = [name for name in new if name in old]
    changed = tuple(name for name in both if _facts_of(old[name]) != _facts_of(new[name]))
    return Differences(
        send=before,
        added=tuple(name for name in new if name not in old),
        gone=tuple(name for name in old if name not in new),
        changed=changed,
        same=len(both) - len(changed),
    )


def _facts_of(item: Item) -> object:
    return item.sha256, item.facts_key, {(one.key, one.address) for one in item.wanted}


def open_send(desk: Desk, order: Order, actor: str) -> tuple[BulkSend, bool]:
    """The send of this order, and whether it was there before."""
    send = BulkSend(
        id=desk.store.new_id("G"),
        digest=order.digest(desk.cipher),
        place=desk.cipher.hash(order.place) if order.place else "",
        made_at=desk.clock.now(),
        actor=actor,
        files=len(order.items),
        count=order.count,
    )
    kept = replace(order, items=tuple(sealed(item, desk.cipher) for item in order.items)).numbered()
    with desk.store.transaction() as uow:
        found = uow.bulk.add(send)
        uow.bulk.alone(found.id)
        if found.id == send.id:
            uow.payloads.put(send.id, ORDER, kept.to_json())
            uow.payloads.put(send.id, TITLE, json.dumps(order.title).encode())
        elif _missing(uow, found.id, kept):
            uow.payloads.put(found.id, ORDER, kept.to_json())  # the documents may lie elsewhere by now
    return found, found.id != send.id


def load(store: Store, send_id: str) -> Order:
    """What was ordered. Raises StoreError ``not-found``."""
    with store.reading() as uow:
        content = uow.payloads.get(send_id, ORDER) if uow.bulk.get(send_id) is not None else None
    if content is None:
        raise StoreError(
            f"Envoi groupé inconnu : {send_id}.", hint="« dispatcher send --list » les montre.", code="not-found"
        )
    return Order.from_json(content)


def missing(store: Store, send_id: str, order: Order | None = None) -> tuple[int, ...]:
    """Places of documents not taken in yet, or that could not be read when they were."""
    order = order or load(store, send_id)
    with store.reading() as uow:
        return _missing(uow, send_id, order)


def _missing(uow: UnitOfWork, send_id: str, order: Order) -> tuple[int, ...]:
    items = uow.bulk.items(send_id)
    files = {position: uow.files.get(file_id) for position, file_id in items.items()}
    bad = {position for position, file in files.items() if file is not None and file.state is FileState.QUARANTINED}
    return tuple(item.position for item in order.items if item.position not in items or item.position in bad)


def take(
    desk: Desk,
    send_id: str,
    read: Read,
    stop: Callable[[], bool] = lambda: False,
    told: Callable[[int], None] = lambda _count: None,
) -> TakenIn:
    """Take in what is missing, a few documents a commit. One that is gone or changed is told; the others go on."""
    order, done = load(desk.store, send_id), TakenIn()
    items = {item.position: item for item in order.items}
    wanted = [items[position] for position in missing(desk.store, send_id, order)]
    while wanted and not stop():
        group, wanted = wanted[:GROUP], wanted[GROUP:]
        done.count += _commit(desk, send_id, list(_read(group, read, done)))
        told(len(group))
    return done


def _read(group: Sequence[Item], read: Read, done: TakenIn) -> Iterable[tuple[Item, Taken]]:
    for item in group:
        try:
            taken = read(item)
        except DispatcherError as error:
            done.faults.append(f"« {item.name} » : {error.message}")
            continue
        if seal(taken) != item.sha256:
            done.faults.append(f"« {item.name} » {CHANGED}.")
            continue
        yield item, taken


def _commit(desk: Desk, send_id: str, group: Sequence[tuple[Item, Taken]]) -> int:
    count = 0
    with desk.store.transaction() as uow:
        uow.bulk.alone(send_id)
        there = uow.bulk.items(send_id)
        for item, taken in group:
            before = uow.files.get(there[item.position]) if item.position in there else None
            if before is not None and before.state is not FileState.QUARANTINED:
                continue  # another command was faster
            uow.bulk.put_item(send_id, item.position, take_in(uow, desk, taken, item.wanted))
            count += 1
    return count


def forget_facts(desk: Desk, send_id: str) -> None:
    """Of documents that are prepared: their patients stand with them now, the order need not keep them as well. One
    that could not be read keeps its own, to be taken in anew.
    """
    with desk.store.transaction() as uow:
        uow.bulk.alone(send_id)
        content = uow.payloads.get(send_id, ORDER)
        order = Order.from_json(content) if content is not None else Order(title="")
        if not any(item.facts for item in order.items):
            return
        files = {position: uow.files.get(file_id) for position, file_id in uow.bulk.items(send_id).items()}
        over = {at for at, file in files.items() if file is not None and file.state in _PREPARED}
        items = tuple(replace(item, facts=()) if item.position in over else item for item in order.items)
        uow.payloads.put(send_id, ORDER, replace(order, items=items).to_json())


def forget_names(uow: UnitOfWork, send_id: str) -> None:
    """What is over is kept no longer: names of files, which may be a patient's, and recipients. The sums stay."""
    content = uow.payloads.get(send_id, ORDER)
    if content is not None:
        items = Order.from_json(content).items
        bare = tuple(
            Item(position=one.position, path="", name=f"document {at}", lines=one.lines, asked=one.asked)
            for at, one in enumerate(items, 1)
        )
        uow.payloads.put(send_id, ORDER, Order(title="(noms effacés)", items=bare).to_json())
    uow.bulk.drop_payload(send_id, TITLE)


_PREPARED = frozenset({FileState.DONE, FileState.DUPLICATE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a send is, whoever does the work: a command or the service."""

    files: int
    prepared: int
    dispatches: int
    moving: int
    """Files and mails in somebody's hands, or to leave by pace. None: all left, or wait for a person or the post."""

    @property
    def gone(self) -> int:
        """Dispatches with nothing more to do here."""
        return max(0, self.dispatches - self.moving)


MOVING = frozenset({State.READY, State.QUEUED, State.SENDING})
OPEN = frozenset({FileState.RECEIVED, FileState.READ, FileState.WAITING})


class Follow:
    """Looks at a send again and again; what is over is not looked at twice."""

    def __init__(self, store: Store, send_id: str) -> None:
        self._store = store
        self._send_id = send_id
        self._over: dict[str, int] = {}
        """Dispatches of each file that is over."""

    def look(self) -> Progress:
        """How far it is now."""
        unread = moving = dispatches = 0
        with self._store.reading() as uow:
            files = uow.bulk.items(self._send_id).values()
            for file_id in files:
                if file_id in self._over:
                    continue
                file = uow.files.get(file_id)
                if file is not None and file.state in OPEN:
                    unread += 1
                    continue
                found = dispatches_of(uow, file_id)
                going = sum(one.state in MOVING for one in found)
                if going:
                    moving, dispatches = moving + going, dispatches + len(found)
                else:
                    self._over[file_id] = len(found)
        count = len(files)
        total = dispatches + sum(self._over.values())
        return Progress(files=count, prepared=count - unread, dispatches=total, moving=moving + unread)


def dispatches_of(uow: UnitOfWork, file_id: str) -> tuple[Dispatch, ...]:
    """What a file led to: of each report and recipient the latest, which stands for those it sends again."""
    mine = uow.dispatches.list(DispatchFilter(file_id=file_id, limit=1000))
    more = (uow.dispatches.get(one) for one in more_of(uow, file_id))
    latest: dict[tuple[str, str], Dispatch] = {}
    for one in (*mine, *(found for found in more if found is not None)):
        before = latest.get((one.report_id, one.recipient_key))
        if before is None or (one.created_at, one.id) > (before.created_at, before.id):
            latest[one.report_id, one.recipient_key] = one
    return tuple(latest.values())
