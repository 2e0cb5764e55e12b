"""Use case: where would this go, and why? For one recipient, or for all a report names. Nothing is sent."""

from __future__ import annotations

from dataclasses import dataclass

from dispatcher.report.identifiers import kind_of
from dispatcher.report.model import IdType, Report
from dispatcher.routing.route import Decision, RecipientRole, Wanted
from dispatcher.routing.rules import without_doubles
from dispatcher.routing.wanted import recipients
from dispatcher.service import oppositions
from dispatcher.service.desk import Desk
from dispatcher.service.make import Blocked, route_one, stopped_by_checks, stopped_by_status
from dispatcher.service.parts import chain_of
from dispatcher.service.patients import shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What would become of one report."""

    decisions: tuple[Decision, ...]
    """One per recipient."""
    blocked: Blocked | None = None
    """Why all of it would wait, wherever it goes."""


def resolve_report(desk: Desk, report: Report, source: str) -> Resolved:
    """Where a report would go if it came in by ``source`` now; copies as that source has it. Raises StoreError."""
    coded, _missing = desk.terminology.code(report, source)
    settings = desk.sources.get(source)
    wanted = recipients(report, copies=settings.copies if settings is not None else True)
    known = oppositions.about(desk, report, source)
    decisions = without_doubles(route_one(desk, source, one, about=known) for one in wanted)
    place = chain_of(desk, report)
    blocked = stopped_by_checks(desk, coded) or stopped_by_status(desk, report, source, known=bool(place.history))
    return Resolved(decisions=tuple(shown(decision) for decision in decisions), blocked=blocked)


def resolve_identifier(
    desk: Desk, identifier: str, *, kind: IdType | None = None, source: str = "", family: str = "", given: str = ""
) -> Decision:
    """The decision for a code or number standing alone; ``kind`` is guessed by its key when not told."""
    wanted = Wanted(
        role=RecipientRole.PRESCRIBER,
        id=identifier.strip(),
        id_type=kind or kind_of(identifier),
        label=" ".join(part for part in (family, given) if part) or identifier.strip(),
        family=family,
        given=given,
    )
    return route_one(desk, source, wanted)


def resolve_address(desk: Desk, address: str, *, source: str = "") -> Decision:
    """The decision for an address typed by a person."""
    wanted = Wanted(role=RecipientRole.ADDED, label=address, address=address)
    return shown(route_one(desk, source, wanted))
