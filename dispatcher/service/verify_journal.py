"""Use case: is the journal whole, and does it still say what the laboratory signed?

One pass over the lines: the chain is computed again, and at each anchor's last line what it signed is compared. Anchors
that were copied elsewhere (``exported``) are held against the journal too: they find one that was made anew as a whole,
anchors included.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dispatcher.clock import paris
from dispatcher.errors import KeyringError, SealError, StoreError
from dispatcher.outbox.dispatch import JournalLine
from dispatcher.ports import AnchorRow, Store, UnitOfWork
from dispatcher.receipts.anchor import NONE, Statement, digest, parse
from dispatcher.receipts.tree import Tree
from dispatcher.sealing import proof
from dispatcher.service.anchor import ANCHORED, STAMPED, SUBJECT

UNREADABLE = "corrupt"
"""Code of what the database cannot give (:mod:`dispatcher.errors`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """An anchor as it lies in a folder."""

    name: str
    statement: str
    signature: bytes = field(repr=False)
    stamp: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was found. ``fault``: French, the first bad entry; empty when all is well."""

    lines: int
    fault: str = ""
    anchors: int = 0
    exported: int = 0
    """Of those in the folder."""
    anchored_to: int = 0
    """Last line that is signed."""
    anchored_at: datetime | None = None
    stamped: int = 0
    """Anchors with a good time-stamp."""
    remarks: tuple[str, ...] = ()


@dataclass(slots=True)
class _Watch:
    """Told every line in order; remembers what the anchors speak of."""

    heads: dict[int, str]
    roots: dict[int, str]
    tree: Tree = field(default_factory=Tree)

    def __call__(self, number: int, line: str) -> None:
        self.tree.add(line)
        if number in self.heads:
            self.heads[number] = line
        if number in self.roots:
            self.roots[number] = self.tree.root()
            self.tree = Tree()


def verify_journal(store: Store, exported: Sequence[Exported] = (), roots: Sequence[bytes] = ()) -> Verified:
    """``roots``: certificates (DER) that time-stamps must go back to. Raises :class:`dispatcher.errors.StoreError`."""
    with store.reading() as uow:
        try:
            rows = uow.anchors.list()
        except StoreError as error:
            if error.code != UNREADABLE:
                raise
            return Verified(lines=0, fault=error.message)
        copies = [(copy, parse(copy.statement)) for copy in exported]
        lasts = [row.last for row in rows] + [told.last for _, told in copies if told is not None]
        watch = _Watch(dict.fromkeys(lasts, ""), dict.fromkeys((row.last for row in rows), ""))
        lines, fault = uow.journal.verify(watch)
        if fault:
            return Verified(lines=lines, fault=fault, anchors=len(rows))
        fault = _first(_anchor_faults(uow, rows, watch, lines, roots)) or _untold(uow, rows)
        remarks: list[str] = []
        row = uow.installation.row()
        known = _Known(uow, row.store_id if row is not None else "", watch, lines, _restores(uow))
        fault = fault or _first(_copy_fault(known, copy, told, remarks) for copy, told in copies)
    newest = rows[-1] if rows else None
    return Verified(
        lines=lines,
        fault=fault,
        anchors=len(rows),
        exported=len(copies),
        anchored_to=newest.last if newest is not None else 0,
        anchored_at=newest.at if newest is not None else None,
        stamped=sum(row.stamp is not None for row in rows),
        remarks=tuple(remarks),
    )


def _first(faults: Iterable[str]) -> str:
    return next((fault for fault in faults if fault), "")


def _named(first: int, last: int, at: datetime) -> str:
    return f"l'ancre signée le {paris(at):%d/%m/%Y à %H:%M:%S} (lignes {first} à {last})"


def _anchor_faults(
    uow: UnitOfWork, rows: Sequence[AnchorRow], watch: _Watch, lines: int, roots: Sequence[bytes]
) -> Iterable[str]:
    """One entry per kept anchor, oldest first."""
    before, expected = NONE, 1
    for row in rows:
        yield _anchor_fault(uow, row, (before, expected), watch, lines) or _stamp_fault(row, roots)
        before, expected = digest(row.statement), row.last + 1


def _anchor_fault(uow: UnitOfWork, row: AnchorRow, after: tuple[str, int], watch: _Watch, lines: int) -> str:
    name = _named(row.first, row.last, row.at)
    told = parse(row.statement)
    if (
        told is None
        or (told.first, told.last) != (row.first, row.last)
        or int(told.at.timestamp()) != int(row.at.timestamp())
    ):
        return f"Ancre changée : {name} ne dit plus ce qu'elle disait."
    if why := _signature_fault(uow, row.statement, row.signature, row.signer):
        return f"Ancre changée : {name}, {why}."
    if (told.before, told.first) != after:
        return f"Ancre retirée ou ajoutée : {name} ne suit pas celle d'avant."
    if row.last > lines:
        return f"Journal coupé : il s'arrête à la ligne {lines}, {name} va plus loin."
    if (watch.heads[row.last], watch.roots[row.last]) != (told.head, told.root):
        return f"Journal réécrit entre les lignes {row.first} et {row.last} : ce n'est pas ce que dit {name}."
    return ""


def _signature_fault(uow: UnitOfWork, statement: str, signature: bytes, signer: str) -> str:
    try:
        signed = proof.verify(statement.encode(), signature)
        known = uow.anchors.certificate(signed.fingerprint)
    except SealError:
        return "sa signature n'est plus juste"
    except KeyringError:
        return "le certificat gardé pour elle a été changé"
    if (signer and signed.fingerprint != signer) or known != signed.certificate:
        return f"elle est signée par un certificat qui n'est pas du laboratoire ({signed.fingerprint[:16]}…)"
    return ""


def _stamp_fault(row: AnchorRow, roots: Sequence[bytes]) -> str:
    if row.stamp is None or not proof.stamping():
        return ""
    try:
        proof.check_stamp(row.signature, row.stamp, roots)
    except SealError as error:
        return f"{error.message} Il s'agit de {_named(row.first, row.last, row.at)}."
    return ""


def _untold(uow: UnitOfWork, rows: Sequence[AnchorRow]) -> str:
    """Every anchor has its line in the journal, and every such line its anchor."""
    kept = {row.last: f"{digest(row.statement)} {hashlib.sha256(row.signature).hexdigest()}" for row in rows}
    for line in uow.journal.of_subject(SUBJECT):
        if line.event != ANCHORED:
            continue
        last = line.detail.get("last")
        if kept.pop(last if isinstance(last, int) else 0, "") != line.detail.get("sha256"):
            span = f"des lignes {line.detail.get('first')} à {last}"
            return f"Ancre retirée ou changée : celle {span}, que dit la ligne {line.number}."
    return _unstamped(uow, rows) or _first(
        f"Ancre ajoutée hors du programme : celle qui finit à la ligne {last}." for last in sorted(kept)
    )


def _unstamped(uow: UnitOfWork, rows: Sequence[AnchorRow]) -> str:
    told = {line.detail.get("last"): line.detail for line in uow.journal.of_subject(SUBJECT) if line.event == STAMPED}
    for row in rows:
        known = told[row.last].get("sha256") if row.last in told else None
        if known != (hashlib.sha256(row.stamp).hexdigest() if row.stamp is not None else None):
            return f"Horodatage retiré, ajouté ou changé : celui de {_named(row.first, row.last, row.at)}."
    return ""


def _restores(uow: UnitOfWork) -> tuple[JournalLine, ...]:
    return tuple(line for line in uow.journal.of_subject("store") if line.event == "store.restored")


@dataclass(frozen=True, slots=True)
class _Known:
    uow: UnitOfWork
    store_id: str
    watch: _Watch
    lines: int
    restores: tuple[JournalLine, ...]


def _copy_fault(known: _Known, copy: Exported, told: Statement | None, remarks: list[str]) -> str:
    """What is wrong with an anchor of the folder, or with the journal held against it."""
    if told is None:
        return f"« {copy.name} » : ce n'est pas une ancre, ou elle a été changée."
    name = _named(told.first, told.last, told.at)
    if told.store != known.store_id:
        return f"« {copy.name} » : ancre d'une autre base ({told.store}, celle-ci : {known.store_id or 'sans nom'})."
    lost = next((line for line in known.restores if _lost(told, line)), None)
    why = _signature_fault(known.uow, copy.statement, copy.signature, "")
    if why and lost is None:
        return f"« {copy.name} » : {name}, {why}."
    if known.watch.heads.get(told.last) == told.head:
        return ""
    if lost is not None:
        remarks.append(
            f"« {copy.name} » : {name} porte sur ce que la restauration du {paris(lost.at):%d/%m/%Y à %H:%M} "
            f"(ligne {lost.number}) a perdu."
        )
        return ""
    if told.last > known.lines:
        return f"Journal coupé : il s'arrête à la ligne {known.lines}, {name} va plus loin (« {copy.name} »)."
    return f"Journal réécrit : au plus tard à la ligne {told.last}, ce n'est pas ce que dit {name} (« {copy.name} »)."


def _lost(told: Statement, restored: JournalLine) -> bool:
    """Made between the backup and the restore that went back to it."""
    number = restored.detail.get("journal_number")
    return isinstance(number, int) and told.last > number and told.at <= restored.at
