"""``dispatcher evidence ID --out FILE`` and ``dispatcher evidence verify FILE``."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from dispatcher.cli.context import office
from dispatcher.cli.output import FAILURES, WRONG_CALL, complain, print_json, say
from dispatcher.cli.person import actor
from dispatcher.cli.replay_ask import reason_given
from dispatcher.french import counted
from dispatcher.receipts.evidence_check import Checked, check
from dispatcher.service.prove import Wish, prove
from dispatcher.whole_file import put
from dispatcher.wiring.proving import proving_of

VERIFY = "verify"


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("evidence")(evidence)


def evidence(
    item: Annotated[str, typer.Argument(metavar="ENVOI|verify", help="Numéro d'envoi (D…), ou « verify ».")],
    file: Annotated[Path | None, typer.Argument(help="Avec « verify » : la preuve à vérifier (.zip).")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Où écrire la preuve (.zip).")] = None,
    with_mail: Annotated[bool, typer.Option("--with-mail", help="Joint le courrier scellé (chiffré).")] = False,
    with_content: Annotated[
        bool, typer.Option("--with-content", help="Joint le contenu médical ; demande --reason, gardé au journal.")
    ] = False,
    reason: Annotated[str, typer.Option("--reason", help="Pourquoi le contenu est demandé.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Sortie JSON.")] = False,
) -> None:
    """La preuve d'un envoi, qu'un tiers vérifie avec openssl et sha256sum ; « evidence verify FICHIER » la relit."""
    if item == VERIFY:
        _verify(file or out, json)
        return
    if out is None or file is not None:
        complain("Donner le fichier à écrire : « dispatcher evidence D… --out preuve.zip ».")
        raise typer.Exit(WRONG_CALL)
    if out.exists():
        complain(f"« {out} » existe déjà : une preuve n'est jamais écrasée.")
        raise typer.Exit(WRONG_CALL)
    wish = Wish(
        actor=actor(), mail=with_mail, content=with_content, reason=reason_given(reason) if with_content else ""
    )
    _make(item, out, wish, json)


def _make(item: str, out: Path, wish: Wish, json: bool) -> None:
    parts = office()
    with ExitStack() as closing:
        made = prove(proving_of(parts, closing), item, wish)
    if made is None:
        complain(f"Aucun envoi ne porte le numéro {item}.")
        complain("  → « dispatcher list » montre les envois.")
        raise typer.Exit(FAILURES)
    put(out, made.archive)
    if json:
        print_json({"dispatch": item, "file": str(out), "sha256": made.sha256, "missing": list(made.missing)})
        return
    say(f"Preuve de l'envoi {item} : « {out} », {len(made.archive)} octets.")
    say(f"Empreinte, gardée au journal : {made.sha256}")
    for text in made.missing:
        say(f"À noter : {text}.")
    say("« LISEZMOI.txt », dedans, dit comment tout vérifier avec openssl et sha256sum.")
    if wish.content:
        complain("Ce fichier contient des résultats d'examens : ne le remettre qu'à qui a le droit de les lire.")


def _verify(file: Path | None, json: bool) -> None:
    """Needs neither configuration nor store."""
    if file is None:
        complain("Donner la preuve à vérifier : « dispatcher evidence verify preuve.zip ».")
        raise typer.Exit(WRONG_CALL)
    found = check(file.read_bytes())
    if json:
        print_json({"file": str(file), "intact": not found.faults, **asdict(found)})
    else:
        _tell(found)
    if found.faults:
        raise typer.Exit(FAILURES)


def _tell(found: Checked) -> None:
    for fault in found.faults:
        complain(f"FAUX : {fault}")
    if found.faults:
        complain(f"Cette preuve n'est pas intacte : {counted(len(found.faults), 'faute')}.")
        complain(
            "  → Ne pas s'y fier ; en demander une autre au laboratoire (« dispatcher evidence ENVOI --out FICHIER »)."
        )
        return
    say(
        f"Preuve intacte de l'envoi {found.dispatch} : {counted(found.files, 'fichier')}, "
        f"{counted(found.lines, 'ligne')} du journal."
    )
    if found.kept_back:
        say(f"{counted(found.kept_back, 'ligne')} de plus, non données : une personne y a écrit un motif.")
    say(f"Signée par : {found.signer}")
    say(f"Empreinte de ce certificat, à comparer à celle que donne le laboratoire : {found.fingerprint}")
