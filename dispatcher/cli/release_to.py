"""``release --to``: never without the names shown and a yes, and remembered when the person wants it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NoReturn

import typer

from dispatcher.cli import asking
from dispatcher.cli.output import DONE, FAILURES, complain, print_json, say
from dispatcher.cli.person import actor
from dispatcher.cli.release_ask import How, refused
from dispatcher.cli.release_plan import together
from dispatcher.cli.release_show import show_plan, show_proposals, told
from dispatcher.directory.local.book import CHANGED
from dispatcher.errors import DirectoryError
from dispatcher.french import counted
from dispatcher.ports import LocalRules
from dispatcher.service.desk import Desk
from dispatcher.service.learn import Plan, plan_rule, spoken
from dispatcher.service.proposed import Proposal, propose
from dispatcher.service.release import Released, release


def release_to(desk: Desk, rules: LocalRules, named: Sequence[str], to: str, how: How) -> None:
    """The dispatches ``named`` to the one a person chose."""
    proposals = [propose(desk, item, to, despite=how.despite) for item in named]
    going = [one for one in proposals if not one.refusal]
    left = [Released(id=one.id, released=False, why=one.refusal) for one in proposals if one.refusal]
    if not going:
        told(left, None, how.json)
    if how.json and not how.yes:
        if how.keep:
            together(desk, rules, _plan(desk, rules, going[0], how), how)
            return
        _preview(proposals)
    if not how.json:
        show_proposals(going)
    how = _agreed(going, left, how)
    unlearned = _unlearned(desk, rules, going[0], how) if how.keep else None
    if unlearned is None and (how.keep or _wants(desk, rules, going, how)):
        _remember(desk, rules, going[0], how)
    each = {"reason": how.reason, "actor": actor()}
    done = [
        release(desk, one.id, to=one.address, **each, despite=how.despite, despite_name=how.despite_name)
        for one in going
    ]
    told([*left, *done], unlearned, how.json)


def _unlearned(desk: Desk, rules: LocalRules, one: Proposal, how: How) -> Plan | None:
    """Why this choice makes no rule, where the dispatch leaves all the same; None in all other cases."""
    plan = _plan(desk, rules, one, how)
    if plan.refusal is None or not (plan.refusal.alone and how.despite_name):
        return None
    if not how.json:
        show_plan(plan)
    return plan


def _preview(proposals: Sequence[Proposal]) -> NoReturn:
    names = ("id", "named", "label", "address", "held", "warning", "refusal")
    print_json({"done": [], "would": [{name: getattr(one, name) for name in names} for one in proposals]})
    raise typer.Exit(FAILURES if any(one.refusal for one in proposals) else DONE)


def _agreed(going: Sequence[Proposal], left: Sequence[Released], how: How) -> How:
    """The options as the person's answer leaves them; ends the command on a no."""
    doubtful = next((one for one in going if one.warning), None)
    count = "cet envoi" if len(going) == 1 else f"exactement ces {len(going)} envois"
    question = f"Libérer {count} vers {going[0].label}, {going[0].address} ?"
    why = refused(how, question, doubtful.warning if doubtful else "", doubtful.word if doubtful else "")
    if why:
        told([*left, *(Released(id=one.id, released=False, why=why) for one in going)], None, how.json)
    return replace(how, despite_name=doubtful is not None)


def _plan(desk: Desk, rules: LocalRules, one: Proposal, how: How) -> Plan:
    return plan_rule(desk, rules, one.id, one.choice, instead=how.instead)


def _wants(desk: Desk, rules: LocalRules, going: Sequence[Proposal], how: How) -> bool:
    """Asked at a terminal about one dispatch, when there is something to remember: never about one that leaves in
    spite of its faults, which no rule does."""
    if len(going) != 1 or how.yes or how.json or how.despite:
        return False
    plan = _plan(desk, rules, going[0], how)
    if plan.rule is None or not plan.rule.written:
        if plan.refusal is not None:
            say(plan.refusal.why)
        return False
    others = len(plan.going) - 1
    more = f" ; règle aussi {counted(others, 'autre envoi')}" if others > 0 else ""
    return asking.yes(f"Retenir pour la prochaine fois ({spoken(plan.rule.after)}{more}) ?")


def _remember(desk: Desk, rules: LocalRules, one: Proposal, how: How) -> None:
    while True:
        try:
            return together(desk, rules, _plan(desk, rules, one, how), how, agreed=True)
        except DirectoryError as error:
            if error.code != CHANGED or how.json or how.yes:
                raise
            complain("La table a changé entre-temps : voici de nouveau ce qui se passerait.")
