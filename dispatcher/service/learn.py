"""Use case: learning with a person. One choice stores a rule, and every held dispatch the rule settles goes with it.

First a plan, which changes nothing: the rule, which dispatches would go, to whom each, which would stay and why. Then
exactly that set, fixed by its numbers and addresses; what changed in between is left and told. The rule is written
first: a stop right after leaves it in the table, and :func:`plan_code` finds what it settles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dispatcher.clock import paris
from dispatcher.errors import StoreError
from dispatcher.outbox.dispatch import Dispatch, ReportVersion, SourceFile
from dispatcher.outbox.states import State
from dispatcher.ports import Directory, DispatchFilter, LocalRules, UnitOfWork
from dispatcher.report.model import IdType
from dispatcher.routing.candidates import Entry, LocalEntry
from dispatcher.routing.facts import Identity, own_identity
from dispatcher.routing.owners import numbers_of
from dispatcher.routing.route import Decision, Hold, Wanted
from dispatcher.routing.trace import from_json
from dispatcher.service.another import behind, disagreement, labels
from dispatcher.service.choose import Choice
from dispatcher.service.desk import Desk
from dispatcher.service.release import DESPITE_NAME, Released, decide_again, release, report_of
from dispatcher.service.rule import BY_HAND, WRONG_RECORD, NoRule, Rule, drafts, same_name

MOST = 10_000
"""Held dispatches looked at for one code."""
RULE = "rule.remembered"
"""Event of the journal line about the rule itself; its subject is :data:`SUBJECT`."""
SUBJECT = "table:local"
OTHER_NAME = "Le fichier nomme quelqu'un d'autre sous ce code ({name}) : à regarder à part."
FOR_ALL = "La règle vaudrait pour tous les résultats de ce code."
NOWHERE = "Rien à retenir : avec cette règle l'envoi resterait en attente. {reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """One dispatch that would leave."""

    id: str
    named: str
    """As the file calls the recipient."""
    label: str
    """Whose box it is for the directories; the table's own word only where they know nobody behind it."""
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would be stored and released. Nothing has happened yet."""

    rule: Rule | None
    going: tuple[Going, ...] = ()
    staying: tuple[tuple[str, str], ...] = ()
    """Other held dispatches of this code: number, and why it stays."""
    refusal: NoRule | None = None
    """Why nothing can be remembered."""
    version: str = ""
    """Of the table that was looked at."""
    warning: str = ""
    """French: what to look at twice before saying yes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    dispatch: Dispatch
    wanted: Wanted
    version: ReportVersion
    file: SourceFile

    @property
    def source(self) -> str:
        return self.file.source


class _With:
    """The directories as they would answer with one line written."""

    def __init__(self, directory: Directory, rule: Rule) -> None:
        self._under = directory
        self._rule = rule

    def versions(self) -> dict[str, str]:
        return self._under.versions()

    def by_identifier(self, id_type: IdType, identifier: str) -> tuple[Entry, ...]:
        return self._under.by_identifier(id_type, identifier)

    def people(self, id_type: IdType, identifier: str) -> tuple[Entry, ...]:
        return self._under.people(id_type, identifier)

    def equivalents(self, id_type: IdType, identifier: str) -> tuple[Identity, ...]:
        return self._under.equivalents(id_type, identifier)

    def by_address(self, address: str) -> tuple[Entry, ...]:
        return self._under.by_address(address)

    def search(self, text: str, limit: int = 20) -> tuple[Entry, ...]:
        return self._under.search(text, limit)

    def local(self, source: str, code: str) -> tuple[LocalEntry, ...]:
        found, before, after = self._under.local(source, code), self._rule.before, self._rule.after
        if self._rule.written:  # a label a person taught is compared, one typed by hand is not: as it will be read
            after = replace(after, added_by=after.added_by or "operator")
        if before is not None:
            return tuple(after if line == before else line for line in found)
        if " ".join(code.split()) != after.code or after.source not in {"", source}:
            return found
        return (*(line for line in found if line.code == after.code), after)


def plan_rule(desk: Desk, rules: LocalRules, dispatch_id: str, choice: Choice, *, instead: bool = False) -> Plan:
    """The rule this choice makes, and what it would settle. Raises :class:`dispatcher.errors.DirectoryError`."""
    version = rules.version()
    with desk.store.reading() as uow:
        dispatch = uow.dispatches.get(dispatch_id)
        asked = _held(uow, dispatch, {}) if dispatch is not None else None
    if asked is None:
        return Plan(rule=None, refusal=NoRule(why="Cet envoi n'attend pas qu'on choisisse un destinataire."))
    source = _scope(desk, asked.source)
    if source is None:
        return Plan(rule=None, refusal=NoRule(why=BY_HAND))
    other = disagreement(desk.directory, asked.dispatch, choice.address)
    own = own_identity(asked.wanted)
    if other and own is not None:
        why = WRONG_RECORD.format(number=f"{own[0]} {own[1]}", other=other[:1].lower() + other[1:])
        return Plan(rule=None, refusal=NoRule(why=why, alone=True))
    found = drafts(
        asked.wanted,
        choice,
        desk.directory.local(asked.source, asked.wanted.id) if asked.wanted.id else (),
        source=source,
        today=paris(desk.clock.now()).date(),
        equivalents=_equivalents(desk, asked.wanted),
        instead=instead,
    )
    if isinstance(found, NoRule):
        return Plan(rule=None, refusal=found)
    rule, decision = _first_that_leads(desk, asked, found, choice.address)
    if rule is None:
        reason = decision.hold.reason if decision.hold is not None else "Elle mènerait ailleurs."
        return Plan(rule=None, refusal=NoRule(why=NOWHERE.format(reason=reason)))
    going, staying = _settled(desk, rule, asked.wanted, asked.wanted.id)
    warning = f"{other} {FOR_ALL}" if other else ""
    return Plan(rule=rule, going=going, staying=staying, version=version, warning=warning)


def plan_code(desk: Desk, code: str, source: str | None = None) -> Plan:
    """The held dispatches of this code that the table and the directories settle by now, no rule to write."""
    going, staying = _settled(desk, None, None, code, source)
    return Plan(rule=None, going=going, staying=staying)


def remember(
    desk: Desk, rules: LocalRules | None, plan: Plan, *, reason: str, actor: str, despite_name: bool = False
) -> tuple[Released, ...]:
    """Store the rule of the plan and release exactly its dispatches; each tells what became of it.

    A plan with a warning is followed only with ``despite_name``: otherwise nothing is written nor released.
    Raises :class:`dispatcher.errors.DirectoryError` before anything is released: the table changed since the plan
    (``table-changed``), or could not be written.
    """
    if plan.warning and not despite_name:
        why = f"{plan.warning} {DESPITE_NAME}"
        return tuple(Released(id=one.id, released=False, why=why) for one in plan.going)
    said = reason
    if plan.rule is not None:
        rule = plan.rule.after
        if plan.rule.written and rules is not None:
            version = rules.write(plan.rule.before, rule, version=plan.version, by=actor.partition(":")[2], why=reason)
            with desk.store.transaction() as uow:
                uow.journal.write(SUBJECT, RULE, actor=actor, version=version, **_facts(rule))
        said = f"{reason} ; règle retenue : {spoken(rule)}"
    return tuple(
        release(desk, one.id, reason=said, actor=actor, expect=one.address, despite_name=despite_name)
        for one in plan.going
    )


def spoken(rule: LocalEntry) -> str:
    """``code « D001 » → RPPS 99700000013``; an address with the name it is confirmed for."""
    name = f" (au nom de « {rule.label} »)" if rule.label else ""
    parts = [f"{rule.id_type} {rule.identifier}" if rule.identifier else "", rule.address and f"{rule.address}{name}"]
    return f"code « {rule.code} » → {', '.join(part for part in parts if part)}"


def _facts(rule: LocalEntry) -> dict[str, str]:
    told = {"code": rule.code, "source": rule.source, "identifier": rule.identifier, "address": rule.address}
    return {name: text for name, text in told.items() if text}


def _scope(desk: Desk, source: str) -> str | None:
    """For which source the rule holds: the very one that gave the code; None when nobody can tell which that is."""
    return source if source in desk.sources else None


def _equivalents(desk: Desk, wanted: Wanted) -> tuple[Identity, ...]:
    own = own_identity(wanted)
    return () if own is None else numbers_of(own, lambda one: desk.directory.equivalents(*one))[1:]


def _first_that_leads(desk: Desk, asked: _Held, found: Sequence[Rule], address: str) -> tuple[Rule | None, Decision]:
    decision = Decision(wanted=asked.wanted)
    for rule in found:
        decision = _decided(replace(desk, directory=_With(desk.directory, rule)), asked)
        if decision.route is not None and decision.route.address == address:
            return rule, decision
    return None, decision


def _settled(
    desk: Desk, rule: Rule | None, named: Wanted | None, code: str, source: str | None = None
) -> tuple[tuple[Going, ...], tuple[tuple[str, str], ...]]:
    """Every dispatch held for who ``code`` is: where it would go with the rule, or why it would stay."""
    there = desk if rule is None else replace(desk, directory=_With(desk.directory, rule))
    going: list[Going] = []
    staying: list[tuple[str, str]] = []
    for one in held_for(desk, code, source):
        another = named is not None and one.wanted.id_type is not named.id_type
        if another and _decided(there, one).route is None:
            continue  # the same digits as a number of another kind, and the rule does not lead it anywhere
        if named is not None and not same_name(named, one.wanted):
            staying.append((one.dispatch.id, OTHER_NAME.format(name=one.wanted.label or one.wanted.family)))
            continue
        decision = _decided(there, one)
        if decision.route is None:
            staying.append((one.dispatch.id, decision.hold.reason if decision.hold else "Sur papier."))
        else:
            address = decision.route.address
            known = behind(desk.directory, one.dispatch, address)
            label = labels(known) if known else decision.route.label
            going.append(Going(id=one.dispatch.id, named=one.wanted.label, label=label, address=address))
    return tuple(going), tuple(staying)


def _decided(desk: Desk, one: _Held) -> Decision:
    """What releasing it would decide: by its own report, whose wishes and patient count too."""
    try:
        report = report_of(desk, one.version, one.file)
    except StoreError as error:
        report = str(error)
    if isinstance(report, str):
        return Decision(wanted=one.wanted, hold=Hold(code="unreadable", reason=report))
    return decide_again(desk, report, one.source, one.wanted)


def held_for(desk: Desk, code: str, source: str | None = None) -> tuple[_Held, ...]:
    """Held dispatches whose file gives this code and which wait for nothing but a recipient, oldest first."""
    wanted = DispatchFilter(states=(State.HELD,), recipient=code, limit=MOST)
    files: dict[str, SourceFile | None] = {}
    with desk.store.reading() as uow:
        found = [_held(uow, dispatch, files) for dispatch in uow.dispatches.list(wanted)]
    return tuple(one for one in found if one is not None and one.wanted.id == code and source in {None, one.source})


def _held(uow: UnitOfWork, dispatch: Dispatch, files: dict[str, SourceFile | None]) -> _Held | None:
    """None when it is not held by the rules of routing: a fault of the report, a person, a newer version…"""
    wanted = waits_for_recipient(dispatch)
    version = uow.reports.get(dispatch.report_id) if wanted is not None else None
    if wanted is None or version is None or version.superseded:
        return None
    if version.file_id not in files:
        files[version.file_id] = uow.files.get(version.file_id)
    file = files[version.file_id]
    return None if file is None else _Held(dispatch=dispatch, wanted=wanted, version=version, file=file)


def waits_for_recipient(dispatch: Dispatch) -> Wanted | None:
    """Whom a dispatch is wanted for that the rules of routing hold; None when it waits for something else."""
    if dispatch.state is not State.HELD:
        return None
    try:
        decision = from_json(dispatch.decision)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return decision.wanted if decision.hold is not None and decision.hold.code == dispatch.hold_code else None
