"""Use case: the evidence of one dispatch, as a ZIP that a third party checks without this program.

Lines of the journal about the dispatch, its report and its file go in, each with its way to an anchor; what no anchor
covers yet is anchored now. Contents (source, renditions, notices that name the patient) go in only when a person asks
for them with a reason, which the journal keeps, and the evidence with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from dispatcher.clock import Clock, paris
from dispatcher.errors import StoreError
from dispatcher.formats.pdf.summary import SummaryPrinter
from dispatcher.outbox.dispatch import Dispatch, JournalLine, ReportVersion, SourceFile
from dispatcher.ports import AnchorRow, ReceiptRow, Signer, Store, UnitOfWork
from dispatcher.receipts import archive, evidence, redaction
from dispatcher.receipts.evidence import Anchor, Proved, Receipt
from dispatcher.receipts.evidence_guide import Held, guide
from dispatcher.receipts.tree import paths
from dispatcher.routing.addresses import is_patient
from dispatcher.routing.route import Envelope
from dispatcher.sealing import proof
from dispatcher.service.anchor import Anchoring, anchor
from dispatcher.service.proof_facts import About, facts, summary

PURGED = "le contenu a été purgé le {day:%d/%m/%Y}, à la fin de sa conservation (les empreintes sont gardées)"
CONTENT_ASKED, MADE = "dispatch.proof-with-content", "dispatch.proof-made"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proving:
    """What evidence is made with."""

    store: Store
    clock: Clock
    anchoring: Anchoring
    printer: SummaryPrinter
    laboratory: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What goes in besides."""

    actor: str
    mail: bool = False
    """The sealed bytes."""
    content: bool = False
    """The source file, the renditions, and every notice whole."""
    reason: str = ""
    """Asked for with ``content``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """The ZIP and what is told about it."""

    archive: bytes = field(repr=False)
    sha256: str
    missing: tuple[str, ...] = ()
    """French: what is no longer, or never was, in the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    dispatch: Dispatch
    report: ReportVersion
    file: SourceFile
    receipts: tuple[tuple[ReceiptRow, bytes | None, bytes | None], ...]
    """Each with the notice whole, or the extract that a purge left of it."""
    certificate: bytes | None
    mail: bytes | None
    contents: dict[str, bytes]
    missing: tuple[str, ...]


def prove(proving: Proving, dispatch_id: str, wish: Wish) -> Proven | None:
    """None when there is no such dispatch. Raises ``DispatcherError``: no signing key, journal broken, key missing."""
    if not _told(proving.store, dispatch_id, wish):
        return None
    found = _found(proving.store, dispatch_id, wish)
    if found is None:
        return None
    lines = _lines(proving, found, whole=wish.content)
    now = proving.clock.now()
    signer = proving.anchoring.signer(now)
    receipts = tuple(_receipt(found, *held, wish) for held in found.receipts)
    about = About(
        laboratory=proving.laboratory,
        dispatch=found.dispatch,
        report=found.report,
        file=found.file,
        receipts=receipts,
        now=now,
    )
    files = {
        **evidence.journal_files(lines),
        **evidence.receipt_files(receipts),
        **_extras(found, wish),
        evidence.LABORATORY: _chain(signer),
        evidence.FACTS: evidence.facts_json(facts(about)),
        evidence.GUIDE: _guide(proving, found, lines, receipts, wish).encode(),
        evidence.SUMMARY: proving.printer.write(summary(about, lines), now),
    }
    sums = evidence.sums(files)
    files |= {evidence.SUMS: sums, evidence.SIGNATURE: proof.sign_detached(sums, signer)}
    packed = archive.pack({f"preuve-{dispatch_id}/{name}": content for name, content in files.items()})
    digest = evidence.sha256(packed)
    with proving.store.transaction() as uow:
        uow.journal.write(dispatch_id, MADE, actor=wish.actor, sha256=digest, content=wish.content, mail=wish.mail)
    return Proven(archive=packed, sha256=digest, missing=found.missing)


def _told(store: Store, dispatch_id: str, wish: Wish) -> bool:
    """There is such a dispatch; who asks for its content, and why, is written down before it is read."""
    with store.reading() as uow:
        known = uow.dispatches.get(dispatch_id) is not None
    if known and wish.content:
        with store.transaction() as uow:
            uow.journal.write(dispatch_id, CONTENT_ASKED, actor=wish.actor, reason=wish.reason)
    return known


def _found(store: Store, dispatch_id: str, wish: Wish) -> _Found | None:
    with store.reading() as uow:
        dispatch = uow.dispatches.get(dispatch_id)
        report = uow.reports.get(dispatch.report_id) if dispatch is not None else None
        file = uow.files.get(report.file_id) if report is not None else None
        if dispatch is None or report is None or file is None:
            return None
        mail = uow.payloads.get(dispatch_id, "sealed")
        certificate = uow.payloads.get(dispatch_id, "certificate")
        contents = _contents(uow, dispatch, file) if wish.content else {}
        missing = []
        if file.purged_at is not None:
            missing.append(PURGED.format(day=paris(file.purged_at)))
        elif mail is None and dispatch.sealed_sha256:
            missing.append("le courrier scellé n'est plus gardé (son empreinte l'est)")
        if certificate is None and dispatch.envelope == Envelope.SMIME:
            missing.append("le certificat du destinataire n'a pas été gardé (son empreinte l'est)")
        rows = uow.receipts.of_dispatch(dispatch_id)
        held = [(row, uow.payloads.get(row.id, "notice"), uow.payloads.get(row.id, "extract")) for row in rows]
    missing += [_less(row, part) for row, whole, part in held if whole is None]
    return _Found(
        dispatch=dispatch,
        report=report,
        file=file,
        receipts=tuple(held),
        certificate=certificate,
        mail=mail,
        contents=contents,
        missing=tuple(missing),
    )


_ENDINGS = {"pdf": "pdf", "cda": "xml", "cda-n1": "xml", "hprim-medecins": "hpr", "hprim-sante": "hpr"}


def _contents(uow: UnitOfWork, dispatch: Dispatch, file: SourceFile) -> dict[str, bytes]:
    """The source file under its number (its name may hold the patient's), and what was written of it."""
    found: dict[str, bytes] = {}
    original = uow.payloads.get(file.id, "original")
    if original is not None:
        found[f"contenu/source-{file.id}"] = original
    for kind in uow.payloads.kinds(dispatch.id):
        name = kind.removeprefix("rendition:")
        content = uow.payloads.get(dispatch.id, kind) if name != kind else None
        if content is not None and evidence.sha256(content) in dispatch.renditions:
            found[f"contenu/{name}.{_ENDINGS.get(name, 'bin')}"] = content
    return found


def _lines(proving: Proving, found: _Found, *, whole: bool) -> tuple[Proved, ...]:
    """Every line about it, on its way to an anchor; those that none covers yet are anchored first. ``whole``: also what
    people typed.
    """
    for _ in range(2):
        with proving.store.reading() as uow:
            lines = [line for subject in _subjects(found) for line in uow.journal.of_subject(subject)]
            newest = uow.anchors.newest()
            if newest is not None and max(line.number for line in lines) <= newest.last:
                return tuple(_proved(uow, lines, whole=whole))
        anchor(proving.anchoring)
    raise StoreError(
        "Le journal avance plus vite qu'il n'est signé.", hint="Recommencer dans un instant.", code="journal-moving"
    )


def _subjects(found: _Found) -> tuple[str, ...]:
    return found.file.id, found.report.id, found.dispatch.id


def _proved(uow: UnitOfWork, lines: Sequence[JournalLine], *, whole: bool) -> Iterable[Proved]:
    typed = () if whole else evidence.typed(lines)
    groups: dict[int, tuple[AnchorRow, list[JournalLine]]] = {}
    for line in lines:
        row = uow.anchors.covering(line.number)
        if row is None:
            raise StoreError(
                f"Aucune ancre ne couvre la ligne {line.number} du journal.",
                hint="« dispatcher journal verify » dit ce qui manque.",
                code="journal-broken",
            )
        groups.setdefault(row.last, (row, []))[1].append(line)
    for row, members in groups.values():
        ways = paths(uow.journal.digests(row.first, row.last), (line.number - row.first for line in members))
        kept = Anchor(last=row.last, statement=row.statement, signature=row.signature, stamp=row.stamp)
        yield from (
            Proved(
                line=line,
                way=ways[line.number - row.first],
                anchor=kept,
                given=evidence.names_nobody(line, typed),
            )
            for line in members
        )


def _less(row: ReceiptRow, part: bytes | None) -> str:
    what = "n'est plus gardé que par son extrait" if part is not None else "n'est plus gardé"
    return f"l'accusé {row.id} {what} (son empreinte l'est)"


_OF_MACHINES = frozenset({"dsn", "mdn"})
"""What else comes back may be a person's letter."""


def _receipt(found: _Found, row: ReceiptRow, content: bytes | None, kept: bytes | None, wish: Wish) -> Receipt:
    machine = row.kind in _OF_MACHINES and content is not None and redaction.only_a_report(content)
    whole = content is not None and (row.kind == "smtp" or wish.content or (machine and _quiet(found, content)))
    patient = is_patient(found.dispatch.address)
    return Receipt(
        id=row.id,
        kind=row.kind,
        at=row.at.isoformat(),
        said=" ".join(part for part in (row.action, row.status or row.code, row.note) if part),
        digest=row.digest.partition(":")[0],
        content=content if whole else None,
        extract="" if whole or patient else _extract(content, kept),
    )


def _extract(content: bytes | None, kept: bytes | None) -> str:
    if content is not None:
        return redaction.extract(content)
    return kept.decode() if kept is not None else ""


def _quiet(found: _Found, notice: bytes) -> bool:
    """The notice can be given whole: it says nothing that an envelope hid."""
    if found.dispatch.envelope != Envelope.SMIME or is_patient(found.dispatch.address) or found.mail is None:
        return False
    return redaction.quiet(notice, redaction.subject_of(found.mail))


def _extras(found: _Found, wish: Wish) -> dict[str, bytes]:
    extras = dict(found.contents)
    if found.certificate is not None:
        extras[evidence.RECIPIENT] = found.certificate
    if found.mail is not None and (wish.mail or wish.content):
        extras[evidence.MAIL] = found.mail
    return extras


def _chain(signer: Signer) -> bytes:
    return b"".join(proof.as_pem(one) for one in (signer.certificate, *signer.chain))


def _guide(
    proving: Proving, found: _Found, lines: tuple[Proved, ...], receipts: tuple[Receipt, ...], wish: Wish
) -> str:
    return guide(
        Held(
            dispatch=found.dispatch.id,
            laboratory=proving.laboratory,
            stamped=any(line.anchor.stamp is not None for line in lines),
            kept_back=any(not line.given for line in lines),
            certificate=found.certificate is not None,
            received=any(one.content is not None for one in receipts),
            extracts=any(one.extract for one in receipts),
            mail=evidence.MAIL in _extras(found, wish),
            content=wish.content,
        )
    )
