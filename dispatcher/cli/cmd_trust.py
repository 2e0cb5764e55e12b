"""``dispatcher trust import|verify|show``: the list of allowed domains."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dispatcher.cli.context import config_exists, office, settings
from dispatcher.cli.output import FAILURES, complain, moment, print_json, say
from dispatcher.clock import SystemClock
from dispatcher.directory.trust.allowed_domains import AllowedDomainList, Trust, Verdict, verify
from dispatcher.directory.trust.kept import import_list, load_list
from dispatcher.errors import ConfigError, in_french

Json = Annotated[bool, typer.Option("--json", help="Sortie JSON.")]
group = typer.Typer(help="Liste blanche des domaines autorisés.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(group, name="trust")


def _trust(roots: Path | None, signer: str | None) -> Trust:
    """What is pinned: the options, else the configuration."""
    if roots is not None:
        return Trust.of(roots, signer or "alb.mssante.fr")
    if not config_exists():
        raise ConfigError(
            "Ni --roots ni configuration : à quelle racine comparer ?", hint="Donner --roots FICHIER.PEM."
        )
    wanted = settings().trust
    return Trust.of(wanted.roots, signer or wanted.signer_cn, wanted.crl)


@group.command("verify")
def verify_file(
    file: Annotated[Path, typer.Argument(help="Liste (XML signé).")],
    roots: Annotated[
        Path | None, typer.Option(help="Certificats racine épinglés (PEM) ; sinon la configuration.")
    ] = None,
    signer: Annotated[str | None, typer.Option(help="Nom (CN) du signataire attendu.")] = None,
    json: Json = False,
) -> None:
    """Juge une liste sans la prendre : empreinte, signature, chaîne, signataire, date."""
    verdict = verify(_content(file), _trust(roots, signer), now=SystemClock().now())
    _told(verdict, json)


@group.command("import")
def import_file(file: Annotated[Path, typer.Argument(help="Liste (XML signé).")], json: Json = False) -> None:
    """Juge une liste et la met en service ; refusée, celle d'avant reste."""
    content, trust, parts = _content(file), _trust(None, None), office()
    with parts.store.transaction() as uow:
        verdict = import_list(content, trust, uow.reference, now=parts.clock.now())
    parts.close()
    _told(verdict, json)


@group.command("show")
def show(
    domain: Annotated[str, typer.Option(help="Dit si ce domaine est permis.")] = "",
    json: Json = False,
) -> None:
    """La liste en service."""
    parts = office()
    with parts.store.reading() as uow:
        current = load_list(_trust(None, None), uow.reference, now=parts.clock.now())
    parts.close()
    if json:
        print_json(_shown(current, domain))
    elif not current.version:
        complain("Aucune liste en service : rien ne peut partir par un canal MSSanté ou S/MIME.")
        complain("  → « dispatcher trust import FICHIER »")
    else:
        say(f"Liste du {moment(current.generated)}, {len(current.domains)} domaines, signée par {current.signer}.")
        if domain:
            say(f"« {domain} » : {'permis' if current.allows(domain) else 'refusé'}.")
    if not current.version or (domain and not current.allows(domain)):
        raise typer.Exit(FAILURES)


def _shown(current: AllowedDomainList, domain: str) -> dict[str, object]:
    shown: dict[str, object] = {
        "version": current.version,
        "generated": current.generated,
        "domains": len(current.domains),
        "signer": current.signer,
    }
    return {**shown, "allowed": current.allows(domain)} if domain else shown


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{file} : illisible ({in_french(error)}).", hint="Vérifier le chemin et les droits."
        ) from error


def _told(verdict: Verdict, json: bool) -> None:
    if json:
        print_json(verdict.as_json())
    else:
        for label, value in (
            ("Empreinte", verdict.digest),
            ("Signature", verdict.signature),
            ("Chaîne", verdict.chain),
        ):
            say(f"{label} : {_WORDS[value]}")
        if verdict.signer:
            say(f"Signataire : {verdict.signer}")
        if verdict.generated is not None:
            say(f"Générée le {moment(verdict.generated)}, {verdict.domains} domaines.")
        for note in verdict.notes:
            say(note)
        for reason in verdict.reasons:
            complain(reason)
        (say if verdict.accepted else complain)("Liste acceptée." if verdict.accepted else "Liste refusée.")
    if not verdict.accepted:
        raise typer.Exit(FAILURES)


_WORDS = {True: "bonne", False: "mauvaise", None: "non jugée"}
