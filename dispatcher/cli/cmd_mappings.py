"""``dispatcher mappings check|missing|propose`` and, from ``mappings_edit.py``, ``import|confirm|reject|circuit``."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from dispatcher.cli import mappings_edit
from dispatcher.cli.code_folder import CODES, CodeFolder, open_folder, today
from dispatcher.cli.context import config_exists, office, settings
from dispatcher.cli.output import FAILURES, complain, print_json, say, table
from dispatcher.errors import DispatcherError
from dispatcher.french import counted
from dispatcher.ports import GapRow
from dispatcher.report.model import Battery, Code, Observation, Patient, Report, Severity, Specimen
from dispatcher.settings import TerminologySettings
from dispatcher.terminology.audit import CHECKS, Around, audit
from dispatcher.terminology.entries import Missing, MissingKind, Proposal
from dispatcher.terminology.rows import Faults, Finding
from dispatcher.terminology.tables import Terminology
from dispatcher.terminology.worksheet import Wanted, worksheet
from dispatcher.whole_file import put
from dispatcher.wiring import terminology

Json = Annotated[bool, typer.Option("--json", help="Sortie JSON.")]
Folder = Annotated[Path | None, typer.Option("--folder", help="Dossier des tables ; sinon celui de la configuration.")]
group = typer.Typer(help="Tables de codes : LOINC, unités, drapeaux.", no_args_is_help=True)

KINDS = {
    MissingKind.CODE: "code sans LOINC",
    MissingKind.LOINC: "LOINC refusé",
    MissingKind.UNIT: "unité inconnue",
    MissingKind.UNIT_CONFLICT: "unité qui ne va pas",
    MissingKind.SPECIMEN: "échantillon inconnu",
    MissingKind.FLAG: "drapeau inconnu",
}
IN_CODES = frozenset({MissingKind.CODE, MissingKind.LOINC})
"""What a line of ``codes.csv`` settles; the rest belongs in the other tables."""


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    mappings_edit.register(group)
    app.add_typer(group, name="mappings")


# ----------------------------------------------------------------------------------------------------- check


@group.command("check")
def check(folder: Folder = None, json: Json = False) -> None:
    """Relit les tables livrées et celles du laboratoire ; dit tout ce qui est à corriger, ligne par ligne."""
    wanted = settings().terminology if config_exists() else TerminologySettings()
    place = open_folder(folder) if folder or wanted.folder else None
    terms, findings = _findings(place) if place else (terminology(wanted), ())
    errors = sum(one.severity is Severity.ERROR for one in findings)
    if json:
        print_json(_counts(terms, findings))
    else:
        _tell(terms, place, findings)
    if errors:
        raise typer.Exit(FAILURES)


def _findings(place: CodeFolder) -> tuple[Terminology, tuple[Finding, ...]]:
    if not place.path.is_dir():
        raise DispatcherError(
            f"Dossier introuvable : {place.path}.", hint="Vérifier --folder ou « [terminology] folder »."
        )
    terms, faults = place.survey()
    found = list(faults.findings)
    try:
        book, content = place.book()
        if content is not None:
            found += audit(terms, book, Around(today(), place.sources))
    except DispatcherError as error:
        if not faults.faults:
            told = Faults()
            told.add(CODES, 1, "", error.message, "les colonnes de docs/mappings.md")
            found += told.findings
    order = sorted(found, key=lambda one: (one.severity is not Severity.ERROR, one.file, one.line))
    return terms, tuple(dict.fromkeys(order))


def _counts(terms: Terminology, findings: tuple[Finding, ...]) -> dict[str, Any]:
    own = [entry for entries in terms.own.codes.values() for entry in entries]
    errors = sum(one.severity is Severity.ERROR for one in findings)
    return {
        "analyses": len(terms.analyses),
        "own_codes": len(own),
        "confirmed": len(own),
        "circuit": len(terms.own.circuit),
        "errors": errors,
        "warnings": len(findings) - errors,
        "findings": [asdict(one) for one in findings],
        "notes": list(terms.notes),
    }


def _tell(terms: Terminology, place: CodeFolder | None, findings: tuple[Finding, ...]) -> None:
    say(f"Tables livrées : {len(terms.analyses)} analyses.")
    if place is None:
        say("Pas de tables du laboratoire : « [terminology] folder » les nomme.")
        return
    own = sum(map(len, terms.own.codes.values()))
    circuit = f" ; circuit de la biologie : {len(terms.own.circuit)} codes" if terms.own.circuit else ""
    say(f"Tables du laboratoire : {own} codes confirmés et utilisés{circuit}.")
    for severity, title in ((Severity.ERROR, "À corriger : le service ne démarre pas"), (Severity.WARNING, "À revoir")):
        rows = [
            (one.file, str(one.line or ""), one.column, one.found, one.todo)
            for one in findings
            if one.severity is severity
        ]
        if rows:
            table(f"{title} ({len(rows)})", ("Fichier", "Ligne", "Colonne", "Trouvé", "À faire"), rows)
    if not findings:
        say("Rien à corriger.")
    else:
        counts = Counter(one.check for one in findings)
        say(
            "En bref : "
            + " ; ".join(f"{CHECKS.get(name, name)} : {count}" for name, count in counts.most_common())
            + "."
        )


# --------------------------------------------------------------------------------------------------- missing


@group.command("missing")
def missing(
    source: Annotated[str, typer.Option(help="Une source.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="Nombre de lignes.")] = 200,
    out: Annotated[
        Path | None, typer.Option("--out", help="Écrit la liste des codes dans un fichier à remplir, puis à importer.")
    ] = None,
    json: Json = False,
) -> None:
    """Ce que les tables ne connaissent pas, le plus fréquent d'abord, avec des propositions à confirmer."""
    parts = office()
    with parts.store.reading() as uow:
        gaps = uow.gaps.list(source=source, limit=limit)
    parts.close()
    terms = parts.desk.terminology
    rows = [(gap, terms.propose(_as_missing(gap))) for gap in gaps if still_missing(terms, _as_missing(gap))]
    if out is not None:
        _write_sheet(out, rows)
    if json:
        print_json([{**asdict(gap), "proposals": [asdict(p) for p in proposals]} for gap, proposals in rows])
        return
    if out is not None:
        return
    table(
        "À compléter dans codes.csv (une ligne ne sert qu'une fois confirmée par un biologiste)",
        ("Genre", "Source", "Code", "Libellé", "Unité", "Fois", "Propositions"),
        [_row(gap, proposals) for gap, proposals in rows],
        empty="Rien ne manque : tous les codes et toutes les unités sont connus.",
    )


def still_missing(terms: Terminology, gap: Missing) -> bool:
    """The tables still do not know it: what was settled since it was noted is no longer shown."""
    if gap.kind not in IN_CODES and gap.kind is not MissingKind.UNIT:
        return True
    known = terms.specimen(gap.specimen) if gap.specimen else None
    specimen = Specimen(text=gap.specimen, code=known.code if known else "") if gap.specimen else None
    observation = Observation(code=Code(code=gap.code, text=gap.label, system="L"), unit=gap.unit)
    report = Report(patient=Patient(), batteries=(Battery(specimen=specimen, observations=(observation,)),))
    _, still = terms.code(report, gap.source)
    kinds = {one.kind for one in still}
    return bool(kinds & (IN_CODES if gap.kind in IN_CODES else {gap.kind}))


def _write_sheet(out: Path, rows: list[tuple[GapRow, tuple[Proposal, ...]]]) -> None:
    codes = [
        Wanted(missing=_as_missing(gap), count=gap.count, last_at=gap.last_at, proposals=proposals)
        for gap, proposals in rows
        if MissingKind(gap.kind) in IN_CODES
    ]
    put(out, worksheet(codes).encode("utf-8-sig"))
    others = Counter(KINDS[MissingKind(gap.kind)] for gap, _ in rows if MissingKind(gap.kind) not in IN_CODES)
    complain(f"{counted(len(codes), 'code écrit')} dans {out}.")
    complain("Remplir loinc, confirme_par et confirme_le, puis : dispatcher mappings import FICHIER.")
    for kind, count in others.most_common():
        typer.echo(
            f"Hors de ce fichier : {kind}, {counted(count, 'ligne')} (« dispatcher mappings missing » les montre).",
            err=True,
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


# --------------------------------------------------------------------------------------------------- propose


@group.command("propose")
def propose(
    codes: Annotated[list[str] | None, typer.Argument(help="Codes du SIL ; sans eux, tous ceux à confirmer.")] = None,
    label: Annotated[str, typer.Option(help="Libellé, pour un code qui n'est pas dans codes.csv.")] = "",
    unit: Annotated[str, typer.Option(help="Unité.")] = "",
    specimen: Annotated[str, typer.Option(help="Milieu.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="Propositions par code.")] = 3,
    folder: Folder = None,
    json: Json = False,
) -> None:
    """Propose des codes LOINC, du plus vraisemblable au moins, chacun avec ses raisons. Rien n'est écrit."""
    asked = _asked(codes or [], Missing(kind=MissingKind.CODE, label=label, unit=unit, specimen=specimen), folder)
    terms, gaps = asked
    rows = [(gap, terms.propose(gap, limit)) for gap in gaps]
    if json:
        print_json([{**asdict(gap), "proposals": [asdict(p) for p in proposals]} for gap, proposals in rows])
        return
    lines = []
    for gap, proposals in rows:
        said = " · ".join(text for text in (gap.label, gap.unit, gap.specimen) if text)
        for number, one in enumerate(proposals):
            first = (gap.code, said) if number == 0 else ("", "")
            lines.append((*first, one.loinc, one.display, one.reason))
        if not proposals:
            lines.append((gap.code, said, "–", "", "aucune analyse de ce nom pour cette unité et ce milieu"))
    table("", ("Code", "Libellé, unité, milieu", "LOINC", "Nom", "Raisons"), lines, empty="Aucun code à confirmer.")


def _asked(codes: list[str], typed: Missing, folder: Path | None) -> tuple[Terminology, list[Missing]]:
    """The tables, and what each code of the call says: from ``codes.csv`` when it stands there, else as typed."""
    place = open_folder(folder) if folder or (config_exists() and settings().terminology.folder) else None
    if place is None:
        return terminology(), [replace(typed, code=code) for code in codes or [""] if code or typed.label]
    terms, _ = place.survey()
    found = []
    for line in place.book()[0].lines:
        if (line.code in codes) or (not codes and not typed.label and not line.confirmed):
            found.append(
                replace(
                    typed,
                    source=line.source,
                    code=line.code,
                    label=typed.label or line.label,
                    unit=typed.unit or line.unit,
                    specimen=typed.specimen or line.specimen,
                )
            )
    known = {gap.code for gap in found}
    found += [replace(typed, code=code) for code in codes if code not in known]
    return terms, found or ([typed] if typed.label and not codes else [])
