"""The rules of routing: who gets a report, at which address, by which channel, how protected, and why.

Pure: :func:`decide` takes a wanted recipient, the looked-up :class:`Facts` and the site's :class:`Policy`, and
returns a :class:`Decision` with a sentence for every rule tried. The rules stand in :data:`RULES` in their order;
each is a small function that may choose, pass, stop (hold or paper) or not apply. They follow the resolution rules of
the project's directory notes (explicit address, local table, RPPS, structure; paperless flag; never by name) and its
promises 5 and 6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dispatcher.routing import choice, delivery
from dispatcher.routing.candidates import Entry
from dispatcher.routing.case import Case, Finding
from dispatcher.routing.facts import ChannelPolicy, Facts, Lookups, Policy, gather, lookups
from dispatcher.routing.route import Decision, Route, TraceStep, Wanted

RULES: tuple[tuple[str, Callable[[Case], Finding]], ...] = (
    ("explicit-address", choice.explicit_address),
    ("local-table", choice.local_table),
    ("national-identifier", choice.national_identifier),
    ("name-only", choice.name_only),
    ("same-person", choice.same_person),
    ("paperless", choice.paperless),
    ("one-box", choice.one_box),
    ("not-a-patient", delivery.not_a_patient),
    ("channel-and-format", delivery.channel_and_format),
    ("allowed-domain", delivery.allowed_domain),
    ("protection", delivery.protection),
)
"""Name and function of each rule, in order. A rule that stops ends the list."""


def decide(wanted: Wanted, facts: Facts, policy: Policy) -> Decision:
    """Where ``wanted`` leads: exactly one of a route, a hold or paper, with the trace. Raises nothing.

    The same three values always give the same decision; facts about other people never change it.
    """
    case = Case(wanted=wanted, facts=facts, policy=policy)
    trace: list[TraceStep] = []
    versions = dict(facts.versions)
    for name, rule in RULES:
        finding = rule(case)
        trace.append(TraceStep(rule=name, outcome=finding.outcome, text=finding.text))
        if finding.hold is not None or finding.paper:
            return Decision(
                wanted=wanted, hold=finding.hold, paper=finding.paper, trace=tuple(trace), versions=versions
            )
    return Decision(wanted=wanted, route=_route(case), trace=tuple(trace), versions=versions)


def _one_person(case: Case) -> Entry | None:
    """The directory's entry behind the address, when all entries there name the same person or structure."""
    known = [*case.boxes, *case.facts.by_address.get(case.address, ())]
    people = {(e.label, e.title, e.family, e.given): e for e in known if e.address == case.address}
    return next(iter(people.values())) if len(people) == 1 else None


def _route(case: Case) -> Route:
    assert case.channel is not None and case.envelope is not None  # the last two rules stop otherwise
    identity, wanted = case.identity, case.wanted
    entry = _one_person(case)
    chosen = bool(case.facts.chosen)  # by a person: the names of the file may be somebody else's
    label = (entry.label if entry else case.address) if chosen else case.label or wanted.label or case.address
    return Route(
        address=case.address,
        label=label,
        title=entry.title if entry else "",
        family=entry.family if entry else "" if chosen else wanted.family,
        given=entry.given if entry else "" if chosen else wanted.given,
        id=identity[1] if identity else case.wanted.id,
        id_type=identity[0] if identity else case.wanted.id_type,
        channel=case.channel.name,
        format=case.format,
        envelope=case.envelope,
        certificate=case.certificate,
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
