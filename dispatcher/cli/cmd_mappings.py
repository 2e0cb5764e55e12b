"""``dispatcher mappings check|missing``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from dispatcher.cli.context import config_exists, office, settings
from dispatcher.cli.output import print_json, say, table
from dispatcher.ports import GapRow
from dispatcher.settings import TerminologySettings
from dispatcher.terminology.entries import Missing, MissingKind, Proposal
from dispatcher.wiring import terminology

Json = Annotated[bool, typer.Option("--json", help="Sortie JSON.")]
group = typer.Typer(help="Tables de codes : LOINC, unités, drapeaux.", no_args_is_help=True)

KINDS = {
    MissingKind.CODE: "code sans LOINC",
    MissingKind.LOINC: "LOINC refusé",
    MissingKind.UNIT: "unité inconnue",
    MissingKind.UNIT_CONFLICT: "unité qui ne va pas",
    MissingKind.SPECIMEN: "échantillon inconnu",
    MissingKind.FLAG: "drapeau inconnu",
}


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(group, name="mappings")


@group.command("check")
def check(json: Json = False) -> None:
    """Relit les tables livrées et celles du laboratoire ; dit toutes les fautes à la fois."""
    wanted = settings().terminology if config_exists() else TerminologySettings()
    folder, terms = wanted.folder, terminology(wanted)
    own = [entry for entries in terms.own.codes.values() for entry in entries]
    counts = {
        "analyses": len(terms.analyses),
        "own_codes": len(own),
        "notes": list(terms.notes),
        "confirmed": sum(1 for entry in own if entry.confirmed_by and entry.confirmed_on),
    }
    if json:
        print_json(counts)
        return
    say(f"Tables livrées : {counts['analyses']} analyses.")
    if folder is None:
        say("Pas de tables du laboratoire : « [terminology] folder » les nomme.")
    else:
        say(f"Tables du laboratoire : {counts['own_codes']} codes, {counts['confirmed']} confirmés et utilisés.")
    for note in terms.notes:
        say(note)


@group.command("missing")
def missing(
    source: Annotated[str, typer.Option(help="Une source.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="Nombre de lignes.")] = 200,
    json: Json = False,
) -> None:
    """Ce que les tables ne connaissent pas, le plus fréquent d'abord, avec des propositions à confirmer."""
    parts = office()
    with parts.store.reading() as uow:
        gaps = uow.gaps.list(source=source, limit=limit)
    parts.close()
    rows = [(gap, parts.desk.terminology.propose(_as_missing(gap))) for gap in gaps]
    if json:
        print_json([{**asdict(gap), "proposals": [asdict(p) for p in proposals]} for gap, proposals in rows])
        return
    table(
        "À compléter dans codes.csv (une ligne ne sert qu'une fois confirmée par un biologiste)",
        ("Genre", "Source", "Code", "Libellé", "Unité", "Fois", "Propositions"),
        [_row(gap, proposals) for gap, proposals in rows],
        empty="Rien ne manque : tous les codes et toutes les unités sont connus.",
    )


def _as_missing(gap: GapRow) -> Missing:
    return Missing(
        kind=MissingKind(gap.kind),
        source=gap.source,
        code=gap.code,
        label=gap.label,
        unit=gap.unit,
        specimen=gap.specimen,
        text=gap.text,
        reason=gap.reason,
    )


def _row(gap: GapRow, proposals: tuple[Proposal, ...]) -> tuple[str, ...]:
    proposed = " | ".join(f"{p.loinc} {p.usual}" for p in proposals) or "–"
    kind = KINDS[MissingKind(gap.kind)]
    return (kind, gap.source, gap.code, gap.label or gap.text, gap.unit, str(gap.count), proposed)
