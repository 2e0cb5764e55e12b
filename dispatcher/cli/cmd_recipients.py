"""``dispatcher recipients list|show|save|remove``: saved lists of recipients, one a facility and purpose."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated

import typer

from dispatcher.cli import asking
from dispatcher.cli.context import settings
from dispatcher.cli.output import FAILURES, WRONG_CALL, complain, print_json, say, table
from dispatcher.cli.person import login
from dispatcher.formats.manifest.columns import judged
from dispatcher.formats.manifest.reader import Target
from dispatcher.french import counted
from dispatcher.report.identifiers import compact, finess_shape_ok
from dispatcher.routing.saved_lists import SavedList, SavedLists, spelt
from dispatcher.wiring import list_book

Json = Annotated[bool, typer.Option("--json", help="Sortie JSON.")]
Yes = Annotated[bool, typer.Option("--yes", help="Écrit sans demander.")]
group = typer.Typer(
    help="Listes de destinataires enregistrées, par établissement et usage (« send --recipients »).",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(group, name="recipients")


@group.command("list")
def listing(json: Json = False) -> None:
    """Les listes enregistrées, et les fautes de leur table."""
    look = list_book(settings()).look()
    if json:
        print_json({"lists": [asdict(one) for one in look.lists], "faults": [str(one) for one in look.faults]})
    else:
        rows = [(one.name, one.organisation, one.purpose, one.finess, str(len(one.members))) for one in look.lists]
        columns = ("Liste", "Établissement", "Usage", "FINESS", "Destinataires")
        table("Listes de destinataires", columns, rows, empty="Aucune liste enregistrée.")
    _tell(look)


@group.command("show")
def show(
    name: Annotated[str, typer.Argument(help="Nom de la liste, FINESS ou FINESS/usage.")], json: Json = False
) -> None:
    """Les destinataires d'une liste."""
    one = _found(list_book(settings()).look(), name)
    if json:
        print_json(asdict(one))
        return
    title = ", ".join(text for text in (one.name, one.organisation, one.purpose, one.finess) if text)
    table(title, ("Destinataire", "Libellé"), [(spelt(member), member.label) for member in one.members])


@group.command("save")
def save(
    name: Annotated[str, typer.Argument(help="Nom de la liste, par exemple « ehpad-glycines ».")],
    to: Annotated[
        list[str], typer.Option("--to", help="Destinataire : RPPS, finess:…, adresse ou code ; « =libellé » à la fin.")
    ],
    organisation: Annotated[str, typer.Option(help="Établissement.")] = "",
    purpose: Annotated[str, typer.Option(help="À quoi elle sert : « biologie », « pharmacie »…")] = "",
    finess: Annotated[str, typer.Option(help="FINESS de l'établissement.")] = "",
    yes: Yes = False,
) -> None:
    """Enregistre une liste, ou remplace celle de ce nom."""
    members = tuple(_member(text) for text in to)
    number = compact(finess)
    if number and not finess_shape_ok(number):
        complain("--finess : 9 caractères attendus.")
        raise typer.Exit(WRONG_CALL)
    book = list_book(settings())
    before, _ = book.look().find(name)
    one = SavedList(name=name.strip(), organisation=organisation, purpose=purpose, finess=number, members=members)
    if before is not None:
        told = (before.organisation, before.purpose, before.finess)
        organisation, purpose, number = (
            new or old for new, old in zip((organisation, purpose, number), told, strict=True)
        )
        one = replace(one, name=before.name, organisation=organisation, purpose=purpose, finess=number)
        if not yes:
            asking.or_stop(
                f"La liste « {before.name} » a {counted(len(before.members), 'destinataire')} : la remplacer ?"
            )
    book.save(one, by=login())
    say(f"Liste « {one.name} » : {counted(len(members), 'destinataire')}.")


@group.command("remove")
def remove(name: Annotated[str, typer.Argument(help="Nom de la liste.")], yes: Yes = False) -> None:
    """Retire une liste ; ses versions restent dans « sauvegardes »."""
    book = list_book(settings())
    one = _found(book.look(), name)
    if not yes:
        asking.or_stop(f"Retirer la liste « {one.name} » ({counted(len(one.members), 'destinataire')}) ?")
    book.remove(one.name, by=login())
    say(f"Liste « {one.name} » retirée.")


def _member(text: str) -> Target:
    named, _, label = text.partition("=")
    kind, bare, wrong, remark = judged("to", named.strip())
    if wrong:
        complain(f"--to : {wrong}.")
        raise typer.Exit(WRONG_CALL)
    if remark:
        complain(f"Remarque : {remark}.")
    return Target(kind=kind, text=bare, label=label.strip())


def _found(look: SavedLists, name: str) -> SavedList:
    _tell(look)
    one, why = look.find(name)
    if one is None:
        complain(f"{why[:1].upper()}{why[1:]}.")
        raise typer.Exit(FAILURES)
    return one


def _tell(look: SavedLists) -> None:
    if look.faults:
        for fault in look.faults:
            complain(f"Faute : {fault}")
        raise typer.Exit(FAILURES)
