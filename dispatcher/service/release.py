"""Use case: a person releases a held dispatch; the route is looked for again, or the address the person chose is taken.

What was sealed before leaves as it is only when today's decision leads to the very same mail; else it is made again.

The choice is checked by the same rules as any other: an allowed domain, a protection. It only replaces *who*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from dispatcher.errors import IllegalMove, KeyringError, StoreError
from dispatcher.outbox.dispatch import Dispatch, ReportVersion, SourceFile
from dispatcher.outbox.states import State
from dispatcher.ports import DispatchFilter, UnitOfWork
from dispatcher.report.model import Report
from dispatcher.routing.route import Decision, RecipientRole, Wanted
from dispatcher.routing.trace import from_json
from dispatcher.routing.wanted import recipients
from dispatcher.service import oppositions
from dispatcher.service.another import disagreement
from dispatcher.service.desk import Desk
from dispatcher.service.force import put_in_force
from dispatcher.service.make import WISHES, Made, decision_json, on_paper, route_one, seal_one, with_route
from dispatcher.service.originals import read_file
from dispatcher.service.patients import masked
from dispatcher.service.render import Sheets
from dispatcher.service.resend import follow, renewed, tried

SUPERSEDED = "Une version plus récente de ce compte rendu existe : celle-ci ne part plus. La clore."
CORRUPT = "corrupt"
"""Code of a payload that no longer unpacks."""
ELSEWHERE = "Il irait maintenant à {address}, ce qui n'a pas été montré : le regarder de nouveau."
OVERRULED = "dispatch.name-overruled"
SEALED_ANEW = "dispatch.sealed-anew"
_PROOF = ("certificate", "signer", "message_id", "envid", "sealed_sha256", "renditions")
"""Told in a line of their own: evidence gives it, and keeps back the one with the reason a person typed."""
"""Event of the journal line about a name that did not agree and that a person passed over."""
DESPITE_NAME = "Vérifier la personne ; si c'est bien elle : --despite-name."
REFUSED = "dispatch.release-refused"
"""Event of the journal line about a choice that could not be followed."""
CHANGED = "Cet envoi a changé d'état entre-temps : le regarder de nouveau."


FAULTY = WISHES | {"report-check"}
"""Holds about what stands in the report itself."""
DESPITE = "Corriger dans le SIL et réexporter ; pour l'envoyer tel quel : --despite-errors."

_WAY = (
    "label",
    "recipient_id",
    "recipient_id_type",
    "address",
    "channel",
    "format",
    "envelope",
    "certificate",
)
"""What a sealed mail was made for: another value asks for another mail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What became of one dispatch."""

    id: str
    released: bool
    why: str = ""
    as_id: str = ""
    """The new dispatch it leaves as, when other bytes or another address follow what was tried before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A held dispatch that may be released, with what it was made of."""

    dispatch: Dispatch
    version: ReportVersion
    file: SourceFile


def opened(desk: Desk, dispatch_id: str, *, despite: bool = False) -> Opened | str:
    """The dispatch as it stands, or why it is not to be released (French)."""
    with desk.store.reading() as uow:
        dispatch = uow.dispatches.get(dispatch_id)
        version = uow.reports.get(dispatch.report_id) if dispatch else None
        file = uow.files.get(version.file_id) if version else None
    if dispatch is None or version is None or file is None:
        return "Aucun envoi ne porte ce numéro."
    if dispatch.state is not State.HELD:
        return "Cet envoi n'attend pas d'opérateur."
    if version.superseded:
        return SUPERSEDED
    if dispatch.hold_code in FAULTY and not despite:
        return f"{dispatch.reason} {DESPITE}"
    return Opened(dispatch=dispatch, version=version, file=file)


def release(
    desk: Desk,
    dispatch_id: str,
    *,
    to: str = "",
    reason: str,
    actor: str,
    despite: bool = False,
    despite_name: bool = False,
    expect: str = "",
) -> Released:
    """Release one held dispatch. ``to``: the address the operator chose, or empty to look again; ``expect``: the
    address he was shown, anything else is left as it is.

    A report held for what stands in it leaves only with ``despite``: releasing does not mend the report. A box of
    somebody else than the file names gets it only with ``despite_name``, which the journal keeps.
    Raises DirectoryError.
    """
    found = opened(desk, dispatch_id, despite=despite)
    if isinstance(found, str):
        return Released(id=dispatch_id, released=False, why=found)
    dispatch = found.dispatch
    other = disagreement(desk.directory, dispatch, to or expect) if to or (expect and despite_name) else ""
    if other and not despite_name:
        return _refused(desk, dispatch, f"{other} {DESPITE_NAME}", actor)
    report = report_of(desk, found.version, found.file)
    if isinstance(report, str):
        return Released(id=dispatch_id, released=False, why=report)
    made = _make_again(
        desk, Sheets(desk, found.version, report, found.file.source), dispatch, found.file.source, to, despite
    )
    if made.dispatch.state is State.HELD:
        if to or expect:
            return _refused(desk, dispatch, made.dispatch.reason, actor)
        return _still_held(desk, replace(made.dispatch, id=dispatch.id), dispatch, actor)
    if expect and made.dispatch.address != expect:
        return Released(id=dispatch_id, released=False, why=ELSEWHERE.format(address=made.dispatch.address))
    if made.dispatch.id != dispatch.id:
        return _write_anew(desk, made, dispatch, reason, actor, other)
    return _write(desk, made, dispatch, reason, actor, other)


def report_of(desk: Desk, version: ReportVersion, file: SourceFile) -> Report | str:
    """The report of a version, read again from the kept original; or why it cannot be (French)."""
    try:
        result = read_file(desk, file)
    except KeyringError as error:
        return str(error)
    if version.position >= len(result.reports):
        return "Le fichier d'origine ne se lit plus de la même façon."
    return desk.terminology.code(result.reports[version.position], file.source)[0]


def decide_again(
    desk: Desk, report: Report, source: str, wanted: Wanted, to: str = "", *, despite: bool = False
) -> Decision:
    """What the rules say today of one recipient of this very report. A preview asks the same, so that it is exact."""
    return route_one(desk, source, wanted, chosen=to, about=oppositions.about(desk, report, source, despite=despite))


def _sealed(desk: Desk, dispatch: Dispatch) -> bool:
    """Its mail is there and can be read: with its key lost or its bytes damaged it would be held again for ever."""
    try:
        with desk.store.reading() as uow:
            return uow.payloads.get(dispatch.id, "sealed") is not None
    except KeyringError:
        return False
    except StoreError as error:
        if error.code == CORRUPT:
            return False
        raise


def _make_again(desk: Desk, sheets: Sheets, dispatch: Dispatch, source: str, to: str, despite: bool) -> Made:
    wanted = wanted_of(dispatch, sheets.report)
    decision = decide_again(desk, sheets.report, source, wanted, to, despite=despite)
    kept = decision_json(desk, sheets.report, decision) | _waited(dispatch.decision)
    again = replace(dispatch, decision=kept)
    if decision.route is None:
        hold = decision.hold
        held = replace(
            again, hold_code=hold.code if hold else "paper", reason=hold.reason if hold else on_paper(decision)
        )
        return Made(dispatch=masked(desk, held, to or wanted.address))
    there = with_route(again, decision.route)
    if not to and _sealed(desk, dispatch) and _same_way(masked(desk, there, decision.route.address), dispatch):
        return _as_sealed(desk, replace(dispatch, decision=kept))
    with desk.store.reading() as uow:
        spent = tried(uow, dispatch)
    blank = with_route(replace(renewed(desk, dispatch), decision=kept), decision.route) if spent else there
    return seal_one(desk, sheets, blank, decision.route)


def _same_way(there: Dispatch, sealed: Dispatch) -> bool:
    """The mail sealed days ago, perhaps, is the one that would be sealed today."""
    return all(getattr(there, name) == getattr(sealed, name) for name in _WAY)


def _as_sealed(desk: Desk, dispatch: Dispatch) -> Made:
    """The sealed mail goes as it is, unless the last look before a hand-over would stop it again."""
    refused = desk.channels[dispatch.channel].gate.refuses(dispatch.address, dispatch.label, desk.clock.now())
    with desk.store.reading() as uow:
        refused = refused or oppositions.refuses(uow, dispatch, desk.sources)
    if refused is not None:
        return Made(dispatch=replace(dispatch, hold_code=refused.code, reason=refused.reason))
    return Made(dispatch=replace(dispatch, state=State.READY, hold_code=""))


def _waited(before: Mapping[str, object]) -> dict[str, object]:
    """Why the dispatch first waited and whom it could have meant, kept beside the decision that ends the wait."""
    if before.get("waited"):
        return {"waited": before["waited"]}
    return {"waited": before["hold"]} if before.get("hold") else {}


def wanted_of(dispatch: Dispatch, report: Report) -> Wanted:
    """As decided on; a patient's address, kept nowhere in clear, is read again from the report."""
    wanted = from_json(dispatch.decision).wanted
    if wanted.role is not RecipientRole.PATIENT:
        return wanted
    named = (one.address for one in recipients(report, copies=False) if one.role is RecipientRole.PATIENT)
    return replace(wanted, address=next(named, ""))


def _still_held(desk: Desk, dispatch: Dispatch, old: Dispatch, actor: str) -> Released:
    with desk.store.transaction() as uow:
        if _moved(uow, old):
            return Released(id=old.id, released=False, why=CHANGED)
        uow.dispatches.update(
            dispatch.id,
            actor=actor,
            event="dispatch.looked-again",
            decision=dispatch.decision,
            hold_code=dispatch.hold_code,
            reason=dispatch.reason,
        )
    return Released(id=dispatch.id, released=False, why=dispatch.reason)


def _refused(desk: Desk, dispatch: Dispatch, why: str, actor: str) -> Released:
    """What a person chose cannot be done: the dispatch keeps its hold, its candidates and its decision; told apart."""
    with desk.store.transaction() as uow:
        uow.journal.write(dispatch.id, REFUSED, actor=actor, reason=why)
    return Released(id=dispatch.id, released=False, why=why)


_FIELDS = (
    *_WAY,
    "domain",
    "signer",
    "message_id",
    "envid",
    "sealed_sha256",
    "sealed_bytes",
    "renditions",
    "decision",
)


_LOOKED_AT = ("state", "fence", "attempts", "hold_code", "reason", "address", "message_id")
"""What must stand as it did when the release was decided: else another person was faster."""


def _moved(uow: UnitOfWork, old: Dispatch) -> bool:
    """Not the dispatch any more that was looked at. Its row is locked from here on."""
    now = next(iter(uow.dispatches.locked([old.id])), None)
    return now is None or any(getattr(now, name) != getattr(old, name) for name in _LOOKED_AT)


def _write(desk: Desk, made: Made, old: Dispatch, reason: str, actor: str, overruled: str = "") -> Released:
    """Back on its way, with what was made again. Its version is now the one in force: a person says so."""
    dispatch = made.dispatch
    changes = {name: getattr(dispatch, name) for name in _FIELDS}
    try:
        with desk.store.transaction() as uow:
            version = uow.reports.get(dispatch.report_id)
            if version is None or version.superseded:
                return Released(id=dispatch.id, released=False, why=SUPERSEDED)
            if _moved(uow, old):
                return Released(id=dispatch.id, released=False, why=CHANGED)
            if overruled:
                uow.journal.write(dispatch.id, OVERRULED, actor=actor, reason=overruled)
            made_of = {name: changes.pop(name) for name in _PROOF if name in changes}
            uow.dispatches.update(dispatch.id, event=SEALED_ANEW, **made_of)
            uow.dispatches.move(
                dispatch.id,
                State.READY,
                actor=actor,
                event="dispatch.released",
                reason=reason,
                hold_code="",
                batch_id="",
                due_at=None,
                replayed_attempts=old.attempts,  # as after a replay, patience begins anew
                **changes,
            )
            fresh = uow.dispatches.list(DispatchFilter(report_id=version.id, limit=10_000))
            put_in_force(desk, uow, version, fresh)
            for kind, content in made.payloads.items():
                uow.payloads.put(dispatch.id, kind, content)
    except IllegalMove:
        return Released(id=dispatch.id, released=False, why=CHANGED)
    return Released(id=dispatch.id, released=True)


def _write_anew(desk: Desk, made: Made, old: Dispatch, reason: str, actor: str, overruled: str) -> Released:
    """Other bytes or another address than those tried before: a new dispatch; the old row stays as proof, closed."""
    new = made.dispatch
    with desk.store.transaction() as uow:
        version = uow.reports.get(old.report_id)
        if version is None or version.superseded:
            return Released(id=old.id, released=False, why=SUPERSEDED)
        if _moved(uow, old):
            return Released(id=old.id, released=False, why=CHANGED)
        if overruled:
            uow.journal.write(new.id, OVERRULED, actor=actor, reason=overruled)
        follow(uow, old, new, reason=reason, actor=actor)
        put_in_force(desk, uow, version, uow.dispatches.list(DispatchFilter(report_id=version.id, limit=10_000)))
        for kind, content in made.payloads.items():
            uow.payloads.put(new.id, kind, content)
    return Released(id=old.id, released=True, as_id=new.id)
