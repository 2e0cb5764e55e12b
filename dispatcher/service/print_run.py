"""Use case: a print run (tirage). What waits on paper becomes one PDF of letters, one a recipient, with its list.

Made in two steps, so that a file is on the disk before the run is written down: :func:`make_run` renders, and
:func:`keep_run` commits only when everything in it still waits on paper. A dispatch is in one run at a time; to print
it again takes a reason.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dispatcher.errors import ConfigError, DispatcherError, StoreError
from dispatcher.formats.pdf.letters import LetterWriter, Line, Sheet, joined, pages_of
from dispatcher.formats.pdf.wording import day
from dispatcher.outbox.dispatch import Dispatch, ReportVersion, SourceFile
from dispatcher.outbox.states import State
from dispatcher.ports import DispatchFilter, PrintRun, Store, UnitOfWork
from dispatcher.report.model import Report, Status
from dispatcher.routing.choice import NOTHING_TO_PRINT
from dispatcher.routing.postal import Postal, PostalTable
from dispatcher.routing.route import RecipientRole
from dispatcher.service.desk import Desk
from dispatcher.service.release import report_of
from dispatcher.service.render import Sheets
from dispatcher.service.restored import in_doubt
from dispatcher.service.where_to_post import where_to_post

AFTER = "Clore celles qui sont parties (« paper posted » ou « close »), puis « dispatcher resume --everything »."
MOST = 10_000
"""Dispatches that wait to be printed, looked at."""
RUN_MOST = 500
"""Dispatches of one run."""
UNKNOWN_ID = "Aucun envoi ne porte ce numéro."
NOT_PAPER = "Cet envoi n'est pas sur papier."
NOTHING = "La table des destinataires dit de ne rien envoyer : rien à imprimer, à clore."
IN_RUN = "Déjà dans le tirage {run} : « paper printed {run} » s'il est bon, sinon le refaire avec un motif (--reason)."
PRINTED = "Déjà imprimé : pour l'imprimer de nouveau, donner un motif (--reason)."
REPLACED = "Une version plus récente de ce compte rendu existe : ne pas imprimer celle-ci."
CHANGED = "Des envois de ce tirage ont changé entre-temps ({ids}) : rien n'est gardé, relancer."


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperRules:
    """What the site decided."""

    table: Callable[[], PostalTable]
    """Read when it is asked for. Raises ConfigError."""
    duplex: bool = False
    window: tuple[float, float] = (110, 57)
    """Where the address begins on the sheet, in millimetres from the left and the top."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A dispatch on paper that nobody has printed yet."""

    dispatch: Dispatch
    run: str = ""
    """The run it is in already."""
    nothing: bool = False
    """To be closed, not printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """Everything one recipient gets."""

    postal: Postal
    sheets: tuple[Sheet, ...]
    parts: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A run as rendered, not yet kept."""

    run: PrintRun | None
    """None: nothing to print."""
    ids: tuple[str, ...] = ()
    pdf: bytes = field(default=b"", repr=False)
    listing: bytes = field(default=b"", repr=False)
    """The same list as CSV."""
    letters: int = 0
    incomplete: tuple[str, ...] = ()
    """Dispatches whose address the post could not deliver: to be completed by hand."""
    refused: tuple[tuple[str, str], ...] = ()


def waiting(uow: UnitOfWork) -> tuple[Waiting, ...]:
    """What waits on paper, oldest first."""
    runs = uow.prints.waiting()
    found = uow.dispatches.list(DispatchFilter(states=(State.PAPER,), unprinted=True, limit=MOST))
    return tuple(
        Waiting(dispatch=one, run=runs.get(one.id, ""), nothing=NOTHING_TO_PRINT in one.reason) for one in found
    )


def make_run(
    desk: Desk, letters: LetterWriter, rules: PaperRules, ids: Sequence[str], *, actor: str, why: str = ""
) -> Made:
    """Render what ``ids`` name, all that waits without them. ``why``: the reason to print again. Raises ConfigError,
    StoreError; what cannot be rendered is refused, the others are printed.
    """
    chosen, refused = _chosen(desk, ids, again=bool(why.strip()))
    table, groups = rules.table(), dict[object, list[tuple[Dispatch, Postal, Sheet, bytes]]]()
    for one in chosen[:RUN_MOST]:
        try:
            key, made = _one(desk, letters, table, one)
        except StoreError:
            raise
        except DispatcherError as error:
            refused.append((one.id, str(error)))
            continue
        groups.setdefault(key, []).append(made)
    ready = [_letter(desk, letters, rules, mine) for mine in groups.values()]
    if not ready:
        return Made(run=None, refused=tuple(refused))
    run_id, now = desk.store.new_id("T"), desk.clock.now()
    pdf, lines = _bound(desk, letters, ready, run_id, now, duplex=rules.duplex)
    done = tuple(sheet.id for letter in ready for sheet in letter.sheets)
    run = PrintRun(
        id=run_id,
        made_at=now,
        actor=actor,
        count=len(done),
        sha256=hashlib.sha256(pdf).hexdigest(),
        why=why.strip(),
    )
    return Made(
        run=run,
        ids=done,
        pdf=pdf,
        listing=_csv(run_id, ready, lines),
        letters=len(ready),
        incomplete=tuple(sheet.id for one in ready if not one.postal.complete for sheet in one.sheets),
        refused=tuple(refused),
    )


def keep_run(store: Store, made: Made) -> None:
    """Write the run down. Raises StoreError ``changed`` when something in it does not wait on paper any more."""
    if made.run is None:
        return
    with store.transaction() as uow:
        found = {one.id: one for one in uow.dispatches.locked(made.ids)}
        runs = uow.prints.waiting() if not made.run.why else {}
        gone = [one for one in made.ids if not _still(found.get(one), again=bool(made.run.why)) or one in runs]
        if gone:
            raise StoreError(CHANGED.format(ids=", ".join(gone[:5])), hint="« dispatcher paper list ».", code="changed")
        uow.prints.add(made.run, made.ids)


def _still(one: Dispatch | None, *, again: bool) -> bool:
    return one is not None and one.state is State.PAPER and (again or one.printed_at is None)


# ------------------------------------------------------------------------------------------------ choosing


def _chosen(desk: Desk, ids: Sequence[str], *, again: bool) -> tuple[list[Dispatch], list[tuple[str, str]]]:
    if in_doubt(desk.store) is not None:
        raise ConfigError(
            "Base restaurée : ces lettres ont pu être imprimées et postées depuis la sauvegarde.", hint=AFTER
        )
    with desk.store.reading() as uow:
        if not ids:
            return [one.dispatch for one in waiting(uow) if not one.run and not one.nothing], []
        runs = uow.prints.waiting()
        found = [(one, uow.dispatches.get(one)) for one in dict.fromkeys(members(uow, ids))]
    chosen, refused = list[Dispatch](), list[tuple[str, str]]()
    for name, one in found:
        why = UNKNOWN_ID if one is None else _against(one, runs, again=again)
        if one is None or why:
            refused.append((name, why))
        else:
            chosen.append(one)
    return chosen, refused


def members(uow: UnitOfWork, ids: Iterable[str]) -> list[str]:
    """A run stands for the dispatches in it."""
    return [one for name in ids for one in (uow.prints.members(name) or (name,))]


def _against(one: Dispatch, runs: dict[str, str], *, again: bool) -> str:
    if one.state is not State.PAPER:
        return NOT_PAPER
    if NOTHING_TO_PRINT in one.reason:
        return NOTHING
    if again:
        return ""
    return IN_RUN.format(run=runs[one.id]) if one.id in runs else PRINTED if one.printed_at is not None else ""


# ------------------------------------------------------------------------------------------------ rendering


def _one(
    desk: Desk, letters: LetterWriter, table: PostalTable, one: Dispatch
) -> tuple[object, tuple[Dispatch, Postal, Sheet, bytes]]:
    """One dispatch, rendered, with the key of the letter it goes into. Raises DispatcherError."""
    with desk.store.reading() as uow:
        version = uow.reports.get(one.report_id)
        file = uow.files.get(version.file_id) if version is not None else None
    if version is None or file is None:
        raise StoreError("Le compte rendu n'est plus là.", code="not-found")
    if version.superseded:
        raise DispatcherError(REPLACED)
    report = report_of(desk, version, file)
    if isinstance(report, str):
        raise DispatcherError(report)
    postal = where_to_post(one, report, file.source, table, desk.directory)
    sheet = Sheet(
        id=one.id,
        order=version.order_filler,
        day=day(report.reported_at),
        version=version.version,
        cancelled=report.status is Status.CANCELLED,
    )
    content = _content(desk, letters, one, version, file, report, sheet)
    pages_of(content)
    return _key(one, file.source, postal), (one, postal, sheet, content)


def _content(
    desk: Desk,
    letters: LetterWriter,
    one: Dispatch,
    version: ReportVersion,
    file: SourceFile,
    report: Report,
    sheet: Sheet,
) -> bytes:
    """What was mailed, when it was; a cancellation is a letter without any result."""
    if sheet.cancelled:
        return letters.cancellation(desk.laboratory, report, sheet, desk.clock.now())
    with desk.store.reading() as uow:
        kept = uow.payloads.get(one.id, "rendition:pdf")
    return kept or Sheets(desk, version, report, file.source).pdf.content


def _key(one: Dispatch, source: str, postal: Postal) -> object:
    """What goes into one envelope: only what is surely one recipient's, at one address. Never two patients'."""
    if one.role == RecipientRole.PATIENT or not one.recipient_id:
        return one.id
    local = source if one.recipient_id_type == "local" else ""
    return one.recipient_id_type, one.recipient_id, local, postal.lines


def _letter(
    desk: Desk, letters: LetterWriter, rules: PaperRules, mine: Sequence[tuple[Dispatch, Postal, Sheet, bytes]]
) -> Letter:
    postal = mine[0][1]
    sheets = tuple(sheet for _, _, sheet, _ in mine)
    cover = letters.cover(desk.laboratory, postal.lines, sheets, desk.clock.now(), window=rules.window)
    if not rules.duplex:
        return Letter(postal=postal, sheets=sheets, parts=(cover, *(content for *_, content in mine)))
    parts = [joined([part], duplex=True)[0] for part in (cover, *(content for *_, content in mine))]
    return Letter(postal=postal, sheets=sheets, parts=tuple(parts))


def _bound(
    desk: Desk, letters: LetterWriter, ready: Sequence[Letter], run: str, now: datetime, *, duplex: bool
) -> tuple[bytes, list[Line]]:
    """Everything in one PDF, the list first; rendered twice, since its own length moves the pages it tells."""
    lengths = [sum(map(pages_of, letter.parts)) for letter in ready]
    front = b""
    lines: list[Line] = []
    before = 0
    for _ in range(2):
        lines, at = [], before + 1
        for number, (letter, length) in enumerate(zip(ready, lengths, strict=True), 1):
            ids = tuple(sheet.id for sheet in letter.sheets)
            shown = letter.postal.lines if letter.postal.complete else (*letter.postal.lines, "ADRESSE À COMPLÉTER")
            lines.append(
                Line(number=number, label=letter.postal.name, address=shown, ids=ids, first=at, last=at + length - 1)
            )
            at += length
        front, before = joined([letters.contents(desk.laboratory, run, lines, now)], duplex=duplex)
    return joined([front, *(part for letter in ready for part in letter.parts)])[0], lines


def _csv(run: str, ready: Sequence[Letter], lines: Sequence[Line]) -> bytes:
    out = io.StringIO(newline="")
    rows = csv.writer(out, delimiter=";")
    rows.writerow(("tirage", "lettre", "destinataire", "adresse", "complete", "envoi", "dossier", "version", "pages"))
    for letter, line in zip(ready, lines, strict=True):
        for sheet in letter.sheets:
            address = " / ".join(letter.postal.lines)
            complete = "oui" if letter.postal.complete else "non"
            rows.writerow(
                (run, line.number, line.label, address, complete, sheet.id, sheet.order, sheet.version,
                 f"{line.first}-{line.last}")
            )  # fmt: skip
    return b"\xef\xbb\xbf" + out.getvalue().encode()
