"""What ``release`` shows: whom each file names, where each would go, what stays, and what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, NoReturn

import typer

from dispatcher.cli.output import DONE, FAILURES, complain, print_json, say, table
from dispatcher.french import counted
from dispatcher.service.learn import Going, Plan, spoken
from dispatcher.service.proposed import Proposal
from dispatcher.service.release import Released

SHOWN = 20
"""Dispatches listed one by one; more are counted by address."""


def show_going(going: Sequence[Going | Proposal]) -> None:
    """« Le fichier nomme … / Partirait vers … », one line a dispatch."""
    rows = [(one.id, one.named or "–", one.label, one.address) for one in going[:SHOWN]]
    columns = ("Envoi", "Le fichier nomme", "Partirait vers", "Adresse")
    table(f"{counted(len(going), 'envoi')} à libérer", columns, rows, empty="Aucun envoi à libérer.")
    if len(going) > SHOWN:
        counts = Counter(one.address for one in going)
        listed = ", ".join(f"{address} ({count})" for address, count in counts.most_common())
        say(f"… et {counted(len(going) - SHOWN, 'autre')}. En tout, par adresse : {listed}.")


def show_proposals(proposals: Sequence[Proposal]) -> None:
    """The same, with why each waits and what does not agree."""
    show_going(proposals)
    for one in proposals[:SHOWN]:
        say(f"{one.id} attend : {one.held}")
    for text in dict.fromkeys(one.warning for one in proposals if one.warning):
        complain(f"Attention. {text}")


def show_plan(plan: Plan) -> None:
    """The rule, what it would settle, what would stay."""
    if plan.refusal is not None:
        complain(plan.refusal.why)
        for line in plan.refusal.against:
            complain(f"  ligne {line.line} : {spoken(line)}{f', {line.label}' if line.label else ''}")
        return
    if plan.rule is not None:
        before = plan.rule.before
        where = f"à la place de : {spoken(before)}" if before is not None and plan.rule.written else "ligne nouvelle"
        say(f"Règle : {spoken(plan.rule.after)} ({where if plan.rule.written else 'déjà dans la table'}).")
    if plan.warning:
        complain(f"Attention. {plan.warning}")
    show_going(plan.going)
    for item, why in plan.staying[:SHOWN]:
        say(f"Reste en attente : {item}. {why}")
    if len(plan.staying) > SHOWN:
        say(f"… et {counted(len(plan.staying) - SHOWN, 'autre')} en attente.")


def plan_json(plan: Plan) -> dict[str, Any]:
    """A plan for programs."""
    rule = plan.rule
    return {
        "rule": None if rule is None else asdict(rule.after) | {"new": rule.before is None, "written": rule.written},
        "going": [asdict(one) for one in plan.going],
        "staying": [list(one) for one in plan.staying],
        "refusal": plan.refusal.why if plan.refusal is not None else None,
        "against": [asdict(line) for line in plan.refusal.against] if plan.refusal is not None else [],
        "version": plan.version,
        "warning": plan.warning,
    }


def told(results: Sequence[Released], plan: Plan | None, json: bool) -> NoReturn:
    """What became of each, and the exit code."""
    done = [one.id for one in results if one.released]
    refused = [(one.id, one.why) for one in results if not one.released]
    anew = {one.id: one.as_id for one in results if one.as_id}
    if json:
        ends = {"done": done, "refused": [list(one) for one in refused], "anew": anew}
        print_json(ends | (plan_json(plan) if plan is not None else {}))
    else:
        if done:
            say(f"{len(done)} {'libéré' if len(done) == 1 else 'libérés'} : {', '.join(done)}")
        for old, new in anew.items():
            say(f"{old} avait déjà été tenté : il part autrement, sous le numéro {new}.")
        for item, why in refused:
            complain(f"{item} : {why}")
    raise typer.Exit(FAILURES if refused else DONE)
