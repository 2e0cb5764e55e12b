"""Make the dispatches of one report version: route each recipient, write the renditions, seal the mail.

Nothing here writes to the store: what it gives is committed by ``register`` in one transaction. Whatever goes wrong for
one recipient holds that recipient's dispatch with a reason; the others go on.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from dispatcher.errors import DirectoryError, DispatcherError, StoreError
from dispatcher.outbox.dispatch import Dispatch, Lane, ReportVersion
from dispatcher.outbox.states import State
from dispatcher.report import checks
from dispatcher.report.model import Report, Severity, sentences
from dispatcher.routing.about import About
from dispatcher.routing.gathering import gather
from dispatcher.routing.route import Decision, Hold, Route, Wanted
from dispatcher.routing.rules import decide, without_doubles
from dispatcher.routing.trace import as_json, with_handling
from dispatcher.service.desk import Desk
from dispatcher.service.internal import place, sentence
from dispatcher.service.render import Sheets, seal_for

log = logging.getLogger(__name__)

PATIENT = "patient-recipient"
"""Hold of routing/delivery.py: the address is a patient's."""
NOT_ASKED = "not-for-professionals"
"""Hold of a document the sender keeps from professionals."""


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
    sheets = Sheets(desk, version, report)
    decisions = without_doubles(route_one(desk, source, one) for one in wanted)
    return tuple(make_one(desk, sheets, decision, blocked) for decision in decisions if not but(decision))


def make_one(desk: Desk, sheets: Sheets, decision: Decision, blocked: Blocked | None) -> Made:
    """The dispatch for one decision: written and sealed when nothing stands against it."""
    dispatch = _blank(desk, sheets, decision)
    if blocked is not None:
        return Made(dispatch=_held(dispatch, Hold(code=blocked.code, reason=blocked.reason)))
    if (refused := _not_asked(sheets.report, decision)) is not None:
        return Made(dispatch=_held(dispatch, refused))
    if decision.paper:
        return Made(
            dispatch=replace(dispatch, state=State.PAPER, reason="Ce destinataire reçoit ses résultats sur papier.")
        )
    if decision.hold is not None or decision.route is None:
        return Made(dispatch=_held(dispatch, decision.hold))
    return seal_one(desk, sheets, dispatch, decision.route)


def _not_asked(report: Report, decision: Decision) -> Hold | None:
    """The sender asks that no professional gets this document by MSSanté: nobody does without a person. A patient's
    box has its own hold.
    """
    is_patient = decision.hold is not None and decision.hold.code == PATIENT
    if report.handling.to_professionals is not False or is_patient:
        return None
    return Hold(
        code=NOT_ASKED,
        reason="Le laboratoire demande de ne pas envoyer ce document aux professionnels (DESTMSSANTEPS = N) : "
        "le clore, ou corriger la consigne dans le SIL et réémettre.",
    )


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
    )
    return Made(dispatch=ready, payloads={**sealed.renditions, "sealed": sealed.mail.content})


def route_one(desk: Desk, source: str, wanted: Wanted, *, chosen: str = "", about: About | None = None) -> Decision:
    """Ask the directories what the rules need, and decide. ``about``: of the report; none for a mere look."""
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
            about=about,
        )
    except DirectoryError as error:
        return Decision(wanted=wanted, hold=Hold(code="directory-unavailable", reason=str(error)))
    return decide(wanted, facts, desk.policy)


def _blank(desk: Desk, sheets: Sheets, decision: Decision) -> Dispatch:
    version, wanted, route = sheets.version, decision.wanted, decision.route
    kept = with_handling(as_json(decision), sheets.report.handling)
    label = wanted.label
    if decision.hold is not None and decision.hold.code == PATIENT:
        kept, label = _masked(kept, wanted.address or wanted.label), "boîte d'un patient"
    dispatch = Dispatch(
        id=desk.store.new_id("D"),
        report_id=version.id,
        chain=version.chain,
        version=version.version,
        state=State.HELD,
        recipient_key=desk.cipher.hash(wanted.key),
        role=wanted.role,
        label=label or "destinataire non nommé",
        recipient_id=wanted.id,
        recipient_id_type=wanted.id_type,
        lane=Lane.URGENT if sheets.urgent else Lane.ROUTINE,
        created_at=desk.clock.now(),
        decision=kept,
    )
    return dispatch if route is None else with_route(dispatch, route)


def _masked(decision: dict[str, object], address: str) -> dict[str, object]:
    """The decision without the address: that of a patient's mailbox is the INS, and index tables hold no identity."""
    text = json.dumps(decision, ensure_ascii=False)
    local = address.partition("@")[0]
    masked: dict[str, object] = json.loads(text.replace(local, "patient") if local else text)
    return masked


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
    return replace(dispatch, state=State.HELD, hold_code=hold.code, reason=hold.reason)
