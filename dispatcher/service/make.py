"""Make the dispatches of one report version: route each recipient, write the renditions, seal the mail.

Nothing here writes to the store: what it gives is committed by ``register`` in one transaction. Whatever goes wrong for
one recipient holds that recipient's dispatch with a reason; the others go on.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from dispatcher.errors import DirectoryError, DispatcherError, StoreError
from dispatcher.outbox.dispatch import Dispatch, Lane, ReportVersion
from dispatcher.outbox.states import State
from dispatcher.report import checks
from dispatcher.report.model import Report, Severity, Status, sentences
from dispatcher.routing.about import About
from dispatcher.routing.addresses import hidden, is_patient
from dispatcher.routing.gathering import gather
from dispatcher.routing.route import Decision, Hold, Route, Wanted
from dispatcher.routing.rules import RULES, decide, without_doubles
from dispatcher.routing.trace import as_json, with_handling
from dispatcher.service import oppositions
from dispatcher.service.desk import Desk
from dispatcher.service.internal import place, sentence
from dispatcher.service.oppositions import KEPT, hashes, recipient_opposes
from dispatcher.service.patients import RECIPIENT, masked
from dispatcher.service.render import Sheets, seal_for

log = logging.getLogger(__name__)

WISHES = frozenset(next(rule.holds for rule in RULES if rule.name == "handling"))
"""Holds of what the sender asks of the document: those of that row of the rules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """Why nothing of a report may leave by itself. French reason."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One dispatch ready to be written down, with its payloads by kind."""

    dispatch: Dispatch
    payloads: Mapping[str, bytes] = field(default_factory=dict, repr=False)


def stopped_by_checks(desk: Desk, report: Report) -> Blocked | None:
    """What the reader and our checks hold against a coded report, or None."""
    rules = checks.Rules(now=desk.clock.now(), severities=desk.severities, allow_test_ins=desk.allow_test_ins)
    errors = [p for p in checks.before_leaving(report, rules) if p.severity is Severity.ERROR]
    return Blocked(code="report-check", reason=sentences(errors)) if errors else None


CANCELLED_REPORT = "cancelled-report"
"""Hold code: a person tells the recipient."""


def cancelled(*, known: bool) -> Blocked:
    """A person tells the recipient."""
    told = "déjà transmis" if known else "que ce programme n'a pas transmis"
    reason = f"Le laboratoire annule un compte rendu {told} : prévenir le destinataire, puis clore."
    return Blocked(code=CANCELLED_REPORT, reason=reason)


def stopped_by_status(desk: Desk, report: Report, source: str, *, known: bool) -> Blocked | None:
    """A cancellation of a report not ``known`` here goes to nobody by itself, nor does one of a source that asks for a
    person, nor a partial report of a source that sends complete ones only."""
    settings = desk.sources.get(source)
    if report.status is Status.CANCELLED:
        asks = settings is not None and settings.cancellations == "hold"
        return cancelled(known=known) if asks or not known else None
    if report.status is Status.PARTIAL and settings is not None and settings.partial == "hold":
        return Blocked(code="partial-report", reason="Compte rendu partiel : cette source n'envoie que les complets.")
    return None


def make(
    desk: Desk,
    version: ReportVersion,
    report: Report,
    source: str,
    blocked: Blocked | None,
    *,
    wanted: Sequence[Wanted],
    but: Callable[[Decision], bool] = lambda decision: False,
) -> tuple[Made, ...]:
    """One dispatch per recipient of ``wanted``, in that order; none for decisions that ``but`` is true for."""
    sheets = Sheets(desk, version, report, source)
    known = oppositions.about(desk, report, source)
    decisions = without_doubles(route_one(desk, source, one, about=known) for one in wanted)
    return tuple(make_one(desk, sheets, decision, blocked) for decision in decisions if not but(decision))


def make_one(desk: Desk, sheets: Sheets, decision: Decision, blocked: Blocked | None) -> Made:
    """The dispatch for one decision: written and sealed when nothing stands against it."""
    dispatch = _blank(desk, sheets, decision)
    if blocked is not None:
        return Made(dispatch=_held(dispatch, Hold(code=blocked.code, reason=blocked.reason)))
    if decision.paper:
        return Made(dispatch=replace(dispatch, state=State.PAPER, reason=on_paper(decision)))
    if decision.hold is not None or decision.route is None:
        return Made(dispatch=_held(dispatch, decision.hold))
    return seal_one(desk, sheets, dispatch, decision.route)


def on_paper(decision: Decision) -> str:
    """Why nothing leaves electronically, as the rule that ended the way says it: an opposition, the laboratory's table
    (paper, or nothing at all), the directory's refusal of electronic mail."""
    return decision.trace[-1].text if decision.trace else "Ce destinataire reçoit ses résultats sur papier."


def seal_one(desk: Desk, sheets: Sheets, dispatch: Dispatch, route: Route) -> Made:
    """Write the renditions for this route and seal them; what cannot be written or sealed is held."""
    try:
        sealed = seal_for(desk, sheets, dispatch, route)
    except StoreError:
        raise
    except DispatcherError as error:
        log.warning("dispatch %s held: %s", dispatch.id, error.code)
        return Made(dispatch=_held(dispatch, Hold(code=error.code, reason=str(error))))
    except Exception as error:  # nobody foresaw it: this recipient waits, the others get theirs
        log.error("dispatch %s held: unexpected %s", dispatch.id, place(error))
        reason = sentence(error, "en écrivant ou scellant cet envoi", "puis libérer l'envoi")
        return Made(dispatch=_held(dispatch, Hold(code="internal-fault", reason=reason)))
    ready = replace(
        dispatch,
        state=State.READY,
        hold_code="",
        reason=sealed.note,
        message_id=sealed.mail.message_id,
        envid=dispatch.id,
        signer=sealed.mail.signer,
        sealed_sha256=sealed.mail.sha256,
        sealed_bytes=sealed.mail.size,
        renditions=" ".join(
            f"{kind.partition(':')[2]}={digest(one)}" for kind, one in sorted(sealed.renditions.items())
        ),
    )
    payloads = {**sealed.renditions, "sealed": sealed.mail.content}
    if sealed.certificates:
        payloads["certificate"] = sealed.certificates
    if is_patient(route.address):
        payloads[RECIPIENT] = route.address.encode()
    return Made(dispatch=masked(desk, ready, route.address), payloads=payloads)


def digest(content: bytes) -> str:
    """SHA-256, hex."""
    return hashlib.sha256(content).hexdigest()


def route_one(
    desk: Desk,
    source: str,
    wanted: Wanted,
    *,
    chosen: str = "",
    about: About | None = None,
    unread: frozenset[str] = frozenset(),
) -> Decision:
    """Ask the directories what the rules need, and decide. ``about``: of the report; none for a mere look.

    ``unread``: boxes that nobody reads; another one of the same recipient is looked for.
    """
    try:
        facts = gather(
            wanted,
            desk.policy,
            source=source,
            directory=desk.directory,
            domains=desk.domains(),
            certificates=desk.certificates,
            now=desk.clock.now(),
            chosen=chosen,
            unread=unread,
            about=about,
            opposed=recipient_opposes(desk, source),
        )
    except DirectoryError as error:
        return Decision(wanted=wanted, hold=Hold(code="directory-unavailable", reason=str(error)))
    return decide(wanted, facts, desk.policy)


def _blank(desk: Desk, sheets: Sheets, decision: Decision) -> Dispatch:
    version, wanted, route = sheets.version, decision.wanted, decision.route
    kept = decision_json(desk, sheets.report, decision)
    now = desk.clock.now()
    dispatch = Dispatch(
        id=desk.store.new_id("D"),
        report_id=version.id,
        chain=version.chain,
        version=version.version,
        state=State.HELD,
        recipient_key=desk.cipher.hash(wanted.key),
        role=wanted.role,
        label=wanted.label or "destinataire non nommé",
        recipient_id=wanted.id,
        recipient_id_type=wanted.id_type,
        lane=Lane.URGENT if sheets.urgent else Lane.ROUTINE,
        created_at=now,
        escalate_at=now + desk.urgent_within if sheets.urgent else None,
        decision=kept,
    )
    if route is None:
        return masked(desk, dispatch, wanted.address)
    return with_route(dispatch, route)


def decision_json(desk: Desk, report: Report, decision: Decision) -> dict[str, object]:
    """What is kept of a decision: itself, the sender's wishes, and under what an opposition may stand."""
    kept = with_handling(as_json(decision), report.handling)
    return {**kept, KEPT: hashes(desk, report.patient, decision)}


def with_route(dispatch: Dispatch, route: Route) -> Dispatch:
    """The dispatch on its way by ``route``."""
    return replace(
        dispatch,
        label=route.label or dispatch.label,
        recipient_id=route.id,
        recipient_id_type=route.id_type,
        address=route.address,
        domain=route.address.rpartition("@")[2],
        channel=route.channel,
        format=route.format,
        envelope=route.envelope,
        certificate=route.certificate,
    )


def _held(dispatch: Dispatch, hold: Hold | None) -> Dispatch:
    hold = hold or Hold(code="no-route", reason="Aucun itinéraire pour ce destinataire.")
    return replace(dispatch, state=State.HELD, hold_code=hold.code, reason=hidden(hold.reason, "patient"))
