"""Deciding: who gets a report, at which address, by which channel, how protected, and why.

Pure: :func:`decide` takes a wanted recipient, the looked-up :class:`Facts` and the site's :class:`Policy`, and
returns a :class:`Decision` with a sentence for every rule tried. The rules stand in ``table.RULES``; each is a small
function that may choose, pass, stop (hold or paper) or not apply.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dispatcher.routing.candidates import Entry
from dispatcher.routing.case import Case, Finding, not_applicable, ordered
from dispatcher.routing.facts import Facts, Lookups, lookups, opposition_keys
from dispatcher.routing.gathering import gather
from dispatcher.routing.policy import ChannelPolicy, Policy
from dispatcher.routing.route import Decision, Route, TraceStep, Wanted
from dispatcher.routing.table import RULES, Audience, Rule


def decide(wanted: Wanted, facts: Facts, policy: Policy) -> Decision:
    """Where ``wanted`` leads: exactly one of a route, a hold or paper, with the trace. Raises nothing.

    The same three values always give the same decision; facts about other people never change it.
    """
    case = Case(wanted=wanted, facts=facts, policy=policy)
    trace: list[TraceStep] = []
    for rule in RULES:
        finding = _asked(rule, case)
        trace.append(TraceStep(rule=rule.name, outcome=finding.outcome, text=finding.text))
        if finding.hold is not None or finding.paper:
            told = _told(case, trace)
            return replace(told, hold=finding.hold, paper=finding.paper)
    return replace(_told(case, trace), route=_route(case))


def _asked(rule: Rule, case: Case) -> Finding:
    if rule.audience is Audience.PROFESSIONALS and case.patient:
        return not_applicable("Ne vaut que pour un professionnel ou une structure, et ce destinataire est le patient.")
    if rule.audience is Audience.PATIENT and not case.patient:
        return not_applicable("Ne vaut que pour la boîte d'un patient, et ce destinataire n'en est pas un.")
    return rule.apply(case)


def _told(case: Case, trace: Iterable[TraceStep]) -> Decision:
    """Everything a person may want to know years later, but the outcome."""
    facts = case.facts
    ages = {**facts.ages, **({"allowed-domains": facts.list_age_days} if facts.list_age_days is not None else {})}
    return Decision(
        wanted=case.wanted,
        trace=tuple(trace),
        versions=dict(facts.versions),
        ages={name: round(age, 1) for name, age in ages.items()},
        line=case.line.line if case.line else 0,
        used=() if case.patient or not case.address else ordered(_entries(case)),
        refused=tuple(case.refused),
        opposition=opposition_keys(case.wanted, facts, case.address),
    )


def _entries(case: Case) -> list[Entry]:
    """What the directories know of the address of the route."""
    known = [*case.boxes, *case.facts.by_address.get(case.address, ())]
    return [entry for entry in known if entry.address == case.address]


def _entry_of_all(case: Case) -> Entry | None:
    """The directory's entry behind the address, when all entries there name the same person or structure."""
    people = {(e.label, e.title, e.family, e.given): e for e in _entries(case)}
    return next(iter(people.values())) if len(people) == 1 else None


def _route(case: Case) -> Route:
    assert case.channel is not None and case.envelope is not None  # the last two rules stop otherwise
    identity, wanted = case.identity, case.wanted
    entry = _entry_of_all(case)
    chosen = bool(case.facts.chosen)  # by a person: the names of the file may be somebody else's
    label = (entry.label if entry else case.address) if chosen else case.label or wanted.label or case.address
    return Route(
        address=case.address,
        label=case.label if case.patient else label,
        title=entry.title if entry else "",
        family=entry.family if entry else "" if chosen else wanted.family,
        given=entry.given if entry else "" if chosen else wanted.given,
        id=identity[1] if identity else case.wanted.id,
        id_type=identity[0] if identity else case.wanted.id_type,
        channel=case.channel.name,
        format=case.format,
        envelope=case.envelope,
        certificate=case.certificate,
        last_message=case.patient and case.facts.about.handling.last_message,
    )


def without_doubles(decisions: Iterable[Decision]) -> tuple[Decision, ...]:
    """Decisions of one report, each mailbox and each person once: the first stays.

    Two names in a file may turn out to be one mailbox (a code and an RPPS); one mail is enough. Holds and paper stay.
    """
    kept: list[Decision] = []
    seen: set[tuple[str, str]] = set()
    for decision in decisions:
        route = decision.route
        if route is None:
            kept.append(decision)
            continue
        marks = {("address", route.address)}
        if route.id and not decision.wanted.address:
            marks.add((str(route.id_type), route.id))
        if marks & seen:
            continue
        seen |= {("address", route.address), (str(route.id_type), route.id)} if route.id else marks
        kept.append(decision)
    return tuple(kept)


__all__ = [
    "RULES",
    "ChannelPolicy",
    "Facts",
    "Lookups",
    "Policy",
    "decide",
    "gather",
    "lookups",
    "without_doubles",
]
