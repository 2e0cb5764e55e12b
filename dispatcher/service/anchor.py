"""Use case: the head of the journal, signed with a key of the laboratory.

The chain alone shows a changed line; who can write into the database can make the whole chain anew. An anchor stops
that: the lines up to it cannot be other ones any more without the laboratory's key. What an anchor would cover is
verified first: a broken journal is never signed.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dispatcher.clock import Clock
from dispatcher.errors import DispatcherError, KeyringError, StoreError
from dispatcher.ports import AnchorRow, Keyring, Signer, Stamper, Store, UnitOfWork
from dispatcher.receipts.anchor import NONE, Statement, digest
from dispatcher.receipts.tree import Tree
from dispatcher.sealing import proof

log = logging.getLogger(__name__)

SUBJECT = "journal"
"""Of the journal's lines, and of the alarm, about the journal itself."""
ANCHORED, STAMPED = "journal.anchored", "journal.stamped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchoring:
    """What making an anchor needs."""

    store: Store
    clock: Clock
    signer: Callable[[datetime], Signer]
    """Raises :class:`KeyringError`; ``no-key``: the laboratory signs nothing."""
    every: timedelta
    stamper: Stamper | None = None
    """Where anchors are time-stamped."""
    roots: tuple[bytes, ...] = ()
    """Certificates (DER) its stamps must go back to."""


def signer_of(keyring: Keyring, channels: Iterable[str], at: datetime) -> Signer:
    """The key of the first channel that has one good on that date. Raises :class:`KeyringError`."""
    refused: KeyringError | None = None
    for name in channels:
        try:
            return keyring.signer(name, at)
        except KeyringError as error:
            refused = error if refused is None or refused.code == "no-key" else refused
    raise refused or KeyringError("Aucun canal.", code="no-key")


def due(anchoring: Anchoring) -> bool:
    """The last anchor is a day old (``[journal] anchor_hours``), or there is none; and something was written since."""
    with anchoring.store.reading() as uow:
        newest = uow.anchors.newest()
        if not _news(uow, newest):
            return False
    if newest is None:
        return True
    age = anchoring.clock.now() - newest.at
    return age >= anchoring.every or age < timedelta()  # made by a clock that stood ahead: it would be for long


def anchor(anchoring: Anchoring, *, actor: str = "daemon") -> AnchorRow | None:
    """Sign what was written since the last anchor; None when that is nothing.

    Raises :class:`StoreError` ``journal-broken``, :class:`KeyringError`, :class:`dispatcher.errors.SealError`.
    """
    store_id = _store_id(anchoring.store)
    while True:
        with anchoring.store.reading() as uow:
            newest = uow.anchors.newest()
            if not _news(uow, newest):
                return None
            statement = _statement(uow, store_id, newest, anchoring.clock.now())
        signer = anchoring.signer(anchoring.clock.now())
        row, certificate = _signed(statement, signer)
        with anchoring.store.transaction() as uow:
            uow.anchors.alone()
            if uow.anchors.newest() != newest:
                continue  # somebody else was faster
            told = f"{statement.digest} {hashlib.sha256(row.signature).hexdigest()}"
            uow.anchors.add(row, certificate, told=told, actor=actor)
        log.info("journal anchored up to line %d", row.last)
        return stamp(anchoring, row)


def stamp(anchoring: Anchoring, row: AnchorRow) -> AnchorRow:
    """Have an anchor time-stamped when an authority is set; it stands without when that one does not answer."""
    if anchoring.stamper is None or row.stamp is not None:
        return row
    try:
        request = proof.stamp_request(row.signature)
        answer = anchoring.stamper.ask(request)
        proof.check_stamp(row.signature, answer, anchoring.roots, request=request)
    except DispatcherError as error:
        log.warning("anchor %d not time-stamped (%s); tried again later", row.last, error.code)
        return row
    with anchoring.store.transaction() as uow:
        uow.anchors.stamp(row.last, answer)
    return replace(row, stamp=answer)


def stamp_missing(anchoring: Anchoring) -> int:
    """Time-stamp the anchors that have none yet; gives how many were."""
    if anchoring.stamper is None:
        return 0
    with anchoring.store.reading() as uow:
        missing = uow.anchors.unstamped()
    return sum(stamp(anchoring, row).stamp is not None for row in missing)


def _news(uow: UnitOfWork, newest: AnchorRow | None) -> bool:
    """Something but what is told of the last anchor itself."""
    last, _ = uow.journal.last()
    signed = newest.last if newest is not None else 0
    own = [line for line in uow.journal.of_subject(SUBJECT) if line.event in {ANCHORED, STAMPED}]
    return last - signed > sum(line.number > signed for line in own)


def _store_id(store: Store) -> str:
    with store.reading() as uow:
        row = uow.installation.row()
    if row is not None:
        return row.store_id
    with store.transaction() as uow:
        return uow.installation.store_id()


def _statement(uow: UnitOfWork, store_id: str, newest: AnchorRow | None, now: datetime) -> Statement:
    before = newest.last if newest is not None else 0
    known = next(iter(uow.journal.digests(before, before)), NONE)
    tree = Tree()
    last, fault = uow.journal.verify(lambda _, line: tree.add(line), after=(before, known))
    if fault:
        raise StoreError(
            f"Journal rompu, non signé. {fault}",
            hint="« dispatcher journal verify » le relit tout entier. Garder la base telle qu'elle est et prévenir le "
            "responsable : quelqu'un l'a changée hors du programme, ou le disque est abîmé.",
            code="journal-broken",
        )
    return Statement(
        store=store_id,
        first=before + 1,
        last=last,
        head=next(iter(uow.journal.digests(last, last))),
        root=tree.root(),
        before=digest(newest.statement) if newest is not None else NONE,
        at=now,
    )


def _signed(statement: Statement, signer: Signer) -> tuple[AnchorRow, bytes]:
    fingerprint, certificate = proof.signer_certificate(signer)
    row = AnchorRow(
        last=statement.last,
        first=statement.first,
        at=statement.at,
        statement=statement.text,
        signature=proof.sign_detached(statement.text.encode(), signer),
        signer=fingerprint,
    )
    return row, certificate
