"""Use case: the statement of a bulk send (relevé): what became of every document for every recipient, at any time.

Its sums reconcile: what was asked for (counted when it was ordered) and what an operator had added since are found
again, each once, under one word. A document that got lost on the way would show as a difference.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dispatcher.clock import paris
from dispatcher.errors import StoreError
from dispatcher.formats.pdf.statements import StatementLine, StatementPage
from dispatcher.outbox.dispatch import Dispatch, SourceFile
from dispatcher.outbox.statement import WORDS
from dispatcher.outbox.states import STATES, FileState, State
from dispatcher.ports import BulkSend, UnitOfWork
from dispatcher.service.bulk_order import Item, Order
from dispatcher.service.bulk_send import MOVING, OPEN, dispatches_of, load
from dispatcher.service.desk import Desk

WAITING, PREPARING, REFUSED, KNOWN, LOST = "waiting", "preparing", "refused", "known", "lost"
BESIDE: dict[str, str] = {
    WAITING: "pas encore pris en charge",
    PREPARING: "en préparation",
    REFUSED: "illisible, non envoyé",
    KNOWN: "déjà confié auparavant",
    LOST: "INTROUVABLE",
}
"""Lines that led to no dispatch of their own, in French."""
IN_FRENCH: dict[str, str] = {
    "read": "lus",
    "delivered": "remis",
    "sent": "envoyés",
    "pending": "en cours",
    "failed": "en échec",
    "paper": "sur papier",
    "withdrawn": "retirés",
    "closed": "clos",
    WAITING: "pas encore pris en charge",
    PREPARING: "en préparation",
    REFUSED: "illisibles",
    KNOWN: "déjà confiés auparavant",
}
_OF_STATE = {state: word for word, states in WORDS.items() for state in states}
_REMARKS = {
    WAITING: "« dispatcher send --resume {id} » continue l'envoi.",
    PREPARING: "Le service, ou « dispatcher send --resume {id} », le prépare.",
    KNOWN: "Ce destinataire a déjà reçu ce contenu par un autre envoi, ou il est nommé deux fois : rien n'est renvoyé.",
    LOST: "Ne rien effacer ; « dispatcher journal verify », puis une sauvegarde, puis le support.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the statement."""

    name: str
    lines: tuple[int, ...] = ()
    """Of the manifest."""
    word: str
    state: str
    """French."""
    recipient: str = ""
    address: str = ""
    dispatch: Dispatch | None = None
    remark: str = ""

    @property
    def bad(self) -> bool:
        """Asks for a person."""
        waits = self.dispatch is not None and self.dispatch.state in (State.HELD, State.UNKNOWN)
        return waits or self.word in (WAITING, REFUSED, LOST, "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkStatement:
    """A bulk send as it stands."""

    send: BulkSend
    title: str
    at: datetime
    entries: tuple[Entry, ...] = ()
    added: int = 0
    """Dispatches beyond what was asked for: an operator had added that recipient before."""

    @property
    def incoming(self) -> int:
        """What is to be found again."""
        return self.send.count + self.added

    @property
    def words(self) -> Mapping[str, int]:
        """Every word that counts something, in the order of the statement."""
        counts = {word: sum(entry.word == word for entry in self.entries) for word in IN_FRENCH}
        return {word: count for word, count in counts.items() if count}

    @property
    def reconciles(self) -> bool:
        """What was asked for is what is found."""
        return self.incoming == sum(self.words.values())

    @property
    def through(self) -> bool:
        """Everything left, or waits for a person or the post."""
        moving = {WAITING, PREPARING, LOST}
        return not any(
            entry.word in moving or (entry.dispatch is not None and entry.dispatch.state in MOVING)
            for entry in self.entries
        )

    @property
    def good(self) -> bool:
        """Nothing of it asks for a person."""
        return self.reconciles and not any(entry.bad for entry in self.entries)

    def sentence(self) -> str:
        """« 12 demandés = 8 lus + 3 remis + 1 en cours »; says when the sums do not reconcile."""
        parts = " + ".join(f"{count} {IN_FRENCH[word]}" for word, count in self.words.items()) or "0"
        more = f" + {self.added} ajoutés par un opérateur" if self.added else ""
        if not self.reconciles:
            return f"{self.send.count} demandés{more} ≠ {parts}. Le relevé ne tombe pas juste : appeler le support."
        return f"{self.send.count} demandés{more} = {parts}"


def statement_of(desk: Desk, send_id: str) -> BulkStatement:
    """As everything stands now. Raises StoreError ``not-found``."""
    order = load(desk.store, send_id)
    with desk.store.reading() as uow:
        send = uow.bulk.get(send_id)
        if send is None:
            raise StoreError(f"Envoi groupé inconnu : {send_id}.", code="not-found")
        return _statement(desk, uow, send, order)


def _statement(desk: Desk, uow: UnitOfWork, send: BulkSend, order: Order) -> BulkStatement:
    files, entries, added = uow.bulk.items(send.id), list[Entry](), 0
    for item in order.items:
        file_id = files.get(item.position)
        file = uow.files.get(file_id) if file_id else None
        if file_id is None or file is None:
            word = WAITING if file_id is None else LOST
            entries += _nobody(send, item, word, item.asked, "")
            continue
        found = dispatches_of(uow, file_id)
        entries += [_entry(item, one) for one in found]
        added += max(0, len(found) - item.asked)
        if len(found) < item.asked:
            told = {one.recipient_key for one in found}
            rest = [one.label or one.address for one in item.wanted if desk.cipher.hash(one.key) not in told]
            word = _word(file)
            reason = file.reason if word == REFUSED else ""
            entries += _nobody(send, item, word, item.asked - len(found), reason, rest)
    return BulkStatement(send=send, title=order.title, at=desk.clock.now(), entries=tuple(entries), added=added)


def _word(file: SourceFile) -> str:
    if file.state in OPEN:
        return PREPARING
    return REFUSED if file.state is FileState.QUARANTINED else KNOWN


def _nobody(send: BulkSend, item: Item, word: str, count: int, reason: str, labels: Sequence[str] = ()) -> list[Entry]:
    """Lines without a dispatch."""
    names = list(labels) or [one.label or one.address for one in item.wanted]
    names = (names + [""] * count)[:count]
    remark = reason or _REMARKS.get(word, "").format(id=send.id)
    return [
        Entry(name=item.name, lines=item.lines, word=word, state=BESIDE[word], recipient=name, remark=remark)
        for name in names
    ]


def _entry(item: Item, one: Dispatch) -> Entry:
    return Entry(
        name=item.name,
        lines=item.lines,
        word=_OF_STATE[one.state],
        state=STATES[one.state],
        recipient=one.label,
        address=one.address,
        dispatch=one,
        remark=one.reason,
    )


# --------------------------------------------------------------------------------------------------- as a table

COLUMNS = ("envoi_groupe", "ligne", "fichier", "destinataire", "adresse", "etat", "envoye_le", "remis_le", "lu_le",
           "numero", "remarque")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An entry in words, for a table or a page."""

    cells: tuple[str, ...]
    word: str = field(default="")


def rows_of(statement: BulkStatement) -> tuple[Row, ...]:
    """As :data:`COLUMNS`."""
    return tuple(Row(cells=_cells(statement, one), word=one.word) for one in statement.entries)


def _cells(statement: BulkStatement, one: Entry) -> tuple[str, ...]:
    sent = one.dispatch
    return (
        statement.send.id,
        " ".join(map(str, one.lines)),
        one.name,
        one.recipient,
        one.address,
        one.state,
        day_and_hour(sent.sent_at if sent else None),
        day_and_hour(sent.delivered_at if sent else None),
        day_and_hour(sent.read_at if sent else None),
        sent.id if sent else "",
        one.remark,
    )


def page_of(statement: BulkStatement) -> StatementPage:
    """For the PDF."""
    return StatementPage(
        id=statement.send.id,
        title=statement.title,
        ordered_at=statement.send.made_at,
        actor=statement.send.actor.removeprefix("operator:"),
        asked=statement.send.count,
        added=statement.added,
        files=statement.send.files,
        words={IN_FRENCH[word].capitalize(): count for word, count in statement.words.items()},
        reconciles=statement.reconciles,
        lines=[_line(one) for one in statement.entries],
    )


def _line(one: Entry) -> StatementLine:
    sent = one.dispatch
    told = (
        ("envoyé", sent.sent_at if sent else None),
        ("remis", sent.delivered_at if sent else None),
        ("lu", sent.read_at if sent else None),
    )
    return StatementLine(
        name=one.name,
        recipient=one.recipient,
        address=one.address,
        state=one.state,
        moments=tuple(f"{word} {day_and_hour(when)}" for word, when in told if when is not None),
        id=sent.id if sent else "",
        remark=one.remark,
        bad=one.bad,
    )


def day_and_hour(moment: datetime | None) -> str:
    """« 22/11/2026 14:05 », Paris; empty for None."""
    return paris(moment).strftime("%d/%m/%Y %H:%M") if moment is not None else ""


def as_csv(statement: BulkStatement) -> bytes:
    """For Excel: semicolons, BOM, CRLF; the sums on the last lines. No cell is a formula."""
    out = io.StringIO(newline="")
    rows = csv.writer(out, delimiter=";")
    rows.writerow(COLUMNS)
    for row in rows_of(statement):
        rows.writerow([_harmless(cell) for cell in row.cells])
    rows.writerow([])
    rows.writerow([statement.send.id, "", f"Relevé du {day_and_hour(statement.at)}", *[""] * 8])
    rows.writerow([statement.send.id, "", "demandés", str(statement.send.count), *[""] * 7])
    if statement.added:
        rows.writerow([statement.send.id, "", "ajoutés par un opérateur", str(statement.added), *[""] * 7])
    for word, count in statement.words.items():
        rows.writerow([statement.send.id, "", IN_FRENCH[word], str(count), *[""] * 7])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _harmless(text: str) -> str:
    """A name that begins like a formula is shown as a text."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text
