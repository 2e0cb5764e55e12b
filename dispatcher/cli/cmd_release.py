"""``dispatcher release``: look again, send where a person says, and remember it for the next time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any, NoReturn

import typer

from dispatcher import wiring
from dispatcher.cli import asking
from dispatcher.cli.context import office
from dispatcher.cli.output import DONE, FAILURES, WRONG_CALL, complain, print_json, say, table
from dispatcher.cli.person import actor
from dispatcher.directory.local.book import CHANGED
from dispatcher.directory.local.rules import TableRules
from dispatcher.errors import DirectoryError
from dispatcher.service.choose import Choice, choose
from dispatcher.service.desk import Desk
from dispatcher.service.learn import Plan, plan_code, plan_rule, remember, spoken
from dispatcher.service.release import Released
from dispatcher.service.release import release as release_one

SHOWN = 20
"""Dispatches listed one by one; more are counted by address."""


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("release")(release)


def release(
    ids: Annotated[list[str] | None, typer.Argument(help="Numéros d'envoi (D…).")] = None,
    to: Annotated[
        str, typer.Option("--to", help="Numéro d'un candidat (voir « explain »), adresse, ou identifiant national.")
    ] = "",
    keep: Annotated[
        bool, typer.Option("--remember", help="Retient ce choix dans la table, et libère tout ce qu'il règle.")
    ] = False,
    instead: Annotated[
        bool, typer.Option("--replace", help="Avec --remember : remplace la ligne qui dit autre chose.")
    ] = False,
    code: Annotated[str, typer.Option("--code", help="Tout ce qui attend pour ce code et que la table règle.")] = "",
    source: Annotated[str | None, typer.Option(help="Avec --code : seulement cette source.")] = None,
    despite: Annotated[
        bool, typer.Option("--despite-errors", help="Envoie tel quel un compte rendu retenu pour une faute.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Libère sans demander ce qui est montré.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Motif, gardé au journal.")] = "libéré par un opérateur",
    json: Annotated[
        bool, typer.Option("--json", help="Sortie JSON ; un lot se montre d'abord, --yes l'envoie.")
    ] = False,
) -> None:
    """Libère des envois en attente : recherche refaite, ou destinataire choisi et, au besoin, retenu."""
    named = ids or []
    parts = office()
    if wrong := _wrong_call(named, to, keep, code):
        complain(wrong)
        raise typer.Exit(WRONG_CALL)
    if code:
        _together(parts.desk, None, plan_code(parts.desk, code, source), yes=yes, reason=reason, json=json)
        return
    rules = TableRules(wiring.table_book(parts.settings, parts.clock))
    if to and len(named) == 1 and (keep or (asking.interactive() and not json)):
        _choose_and_learn(parts.desk, rules, named[0], to, keep, instead, yes, reason, json)
        return
    _one_by_one(parts.desk, named, to, reason, despite, json)


def _wrong_call(named: Sequence[str], to: str, keep: bool, code: str) -> str:
    if bool(named) == bool(code):
        return "Donner des numéros d'envoi, ou --code CODE."
    if keep and (not to or len(named) != 1):
        return "--remember demande un seul envoi et --to."
    if to.strip().isdigit() and len(to.strip()) <= 3 and len(named) != 1:
        return "Un numéro de candidat vaut pour un seul envoi."
    return ""


def _one_by_one(desk: Desk, named: Sequence[str], to: str, reason: str, despite: bool, json: bool) -> None:
    results = []
    for item in named:
        choice = _chosen(desk, item, to) if to else Choice(address="")
        if choice.refusal:
            results.append(Released(id=item, released=False, why=choice.refusal))
            continue
        address = choice.address
        results.append(release_one(desk, item, to=address, reason=reason, actor=actor(), despite=despite))
    _told(results, None, json)


def _chosen(desk: Desk, item: str, to: str) -> Choice:
    with desk.store.reading() as uow:
        dispatch = uow.dispatches.get(item)
    if dispatch is None:
        return Choice(address="", refusal="Aucun envoi ne porte ce numéro.")
    return choose(desk, dispatch, to)


def _choose_and_learn(
    desk: Desk, rules: TableRules, item: str, to: str, keep: bool, instead: bool, yes: bool, reason: str, json: bool
) -> None:
    choice = _chosen(desk, item, to)
    if choice.refusal:
        _told([Released(id=item, released=False, why=choice.refusal)], None, json)
    if not json:
        _show_choice(choice)
    while True:
        plan = plan_rule(desk, rules, item, choice, instead=instead)
        if not keep and not _wants(plan):
            _one_by_one(desk, [item], choice.address, reason, False, json)
        try:
            return _together(desk, rules, plan, yes=yes, reason=reason, json=json)
        except DirectoryError as error:
            if error.code != CHANGED or json or yes:
                raise
            complain("La table a changé entre-temps : voici de nouveau ce qui se passerait.")


def _show_choice(choice: Choice) -> None:
    entry = choice.entry
    known = f"{entry.label}, {entry.id_type} {entry.identifier}, " if entry is not None and entry.identifier else ""
    number = f"Candidat {choice.number} : " if choice.number else "Choisi : "
    say(f"{number}{known or (entry.label + ', ' if entry is not None else '')}{choice.address}")


def _wants(plan: Plan) -> bool:
    """Asked once, when there is something to remember."""
    if plan.rule is None or not plan.rule.written:
        if plan.refusal is not None:
            say(plan.refusal.why)
        return False
    others = len(plan.going) - 1
    more = f" ; règle aussi {others} autre(s) envoi(s)" if others > 0 else ""
    return asking.yes(f"Retenir pour la prochaine fois ({spoken(plan.rule.after)}{more}) ?")


def _together(desk: Desk, rules: TableRules | None, plan: Plan, *, yes: bool, reason: str, json: bool) -> None:
    """Show the plan, ask, store the rule, release exactly what was shown."""
    if not json:
        _show(plan)
    if plan.refusal is not None or not plan.going:
        if json:
            print_json(_plan_json(plan))
        raise typer.Exit(FAILURES if plan.refusal is not None or plan.staying else DONE)
    if json and not yes:
        print_json(_plan_json(plan))
        return
    several = len(plan.going) > 1 or plan.warning
    if not yes and several and not asking.yes(f"Libérer exactement ces {len(plan.going)} envois ?"):
        say("Rien n'a été retenu ni libéré.")
        raise typer.Exit(FAILURES)
    results = remember(desk, rules, plan, reason=reason, actor=actor())
    if plan.rule is not None and plan.rule.written and not json:
        say(f"Retenu : {spoken(plan.rule.after)}. « dispatcher directory local undo » le reprend.")
    _told(results, plan, json)


def _show(plan: Plan) -> None:
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
        complain(plan.warning)
    rows = [(one.id, one.named or "–", one.label, one.address) for one in plan.going[:SHOWN]]
    columns = ("Envoi", "Le fichier nomme", "Partirait vers", "Adresse")
    table(f"{len(plan.going)} envoi(s) à libérer", columns, rows, empty="Aucun envoi à libérer.")
    if len(plan.going) > SHOWN:
        counts = Counter(one.address for one in plan.going)
        listed = ", ".join(f"{address} ({count})" for address, count in counts.most_common())
        say(f"… et {len(plan.going) - SHOWN} autre(s). En tout, par adresse : {listed}.")
    for item, why in plan.staying[:SHOWN]:
        say(f"Reste en attente : {item}. {why}")
    if len(plan.staying) > SHOWN:
        say(f"… et {len(plan.staying) - SHOWN} autre(s) en attente.")


def _plan_json(plan: Plan) -> dict[str, Any]:
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


def _told(results: Sequence[Released], plan: Plan | None, json: bool) -> NoReturn:
    done = [one.id for one in results if one.released]
    refused = [(one.id, one.why) for one in results if not one.released]
    if json:
        told = {"done": done, "refused": [list(one) for one in refused]}
        print_json(told | (_plan_json(plan) if plan is not None else {}))
    else:
        if done:
            say(f"{len(done)} {'libéré' if len(done) == 1 else 'libérés'} : {', '.join(done)}")
        for item, why in refused:
            complain(f"{item} : {why}")
    raise typer.Exit(FAILURES if refused else DONE)
