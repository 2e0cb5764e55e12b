"""``release --remember`` and ``release --code``: show a plan, ask, store the rule, release exactly what was shown."""

from __future__ import annotations

import typer

from dispatcher.cli import asking
from dispatcher.cli.output import DONE, FAILURES, print_json, say
from dispatcher.cli.person import actor
from dispatcher.cli.release_ask import How
from dispatcher.cli.release_show import plan_json, show_plan, told
from dispatcher.ports import LocalRules
from dispatcher.service.desk import Desk
from dispatcher.service.learn import Plan, remember, spoken


def together(desk: Desk, rules: LocalRules | None, plan: Plan, how: How, *, agreed: bool = False) -> None:
    """``agreed``: a person has just said yes to the one dispatch he named; he is asked again only about others."""
    if not how.json:
        show_plan(plan)
    if plan.refusal is not None or not plan.going:
        if how.json:
            print_json(plan_json(plan))
        raise typer.Exit(FAILURES if plan.refusal is not None or plan.staying else DONE)
    if how.json and not how.yes:
        print_json(plan_json(plan))
        return
    several = len(plan.going) > 1 or not agreed
    if not how.yes and several and not asking.yes(f"Libérer exactement ces {len(plan.going)} envois ?"):
        say("Rien n'a été retenu ni libéré.")
        raise typer.Exit(FAILURES)
    results = remember(desk, rules, plan, reason=how.reason, actor=actor(), despite_name=how.despite_name)
    if plan.rule is not None and plan.rule.written and not how.json and any(one.released for one in results):
        say(f"Retenu : {spoken(plan.rule.after)}. « dispatcher directory local undo » le reprend.")
    told(results, plan, how.json)
