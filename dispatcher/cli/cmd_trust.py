"""``dispatcher trust import|verify|show``: the list of allowed domains (``list|diff|restore``: cmd_trust_kept.py)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from dispatcher.cli import cmd_trust_kept, cmd_trust_sync
from dispatcher.cli.cmd_trust_kept import changes, difference_json, tell_difference
from dispatcher.cli.context import config_exists, office, settings
from dispatcher.cli.output import FAILURES, complain, moment, print_json, say
from dispatcher.cli.person import actor
from dispatcher.clock import SystemClock
from dispatcher.directory.syncing.runner import brought
from dispatcher.directory.trust.allowed_domains import AllowedDomainList, Trust, Verdict, verify
from dispatcher.directory.trust.fetching import TrustSync
from dispatcher.directory.trust.kept import (
    KIND,
    SYNC,
    Retention,
    find_version,
    generated_of,
    history,
    import_list,
    load_list,
)
from dispatcher.errors import ConfigError, DispatcherError, in_french
from dispatcher.service.wording import actor as name_of
from dispatcher.settings import TrustSettings

Json = Annotated[bool, typer.Option("--json", help="Sortie JSON.")]
group = typer.Typer(help="Liste blanche des domaines autorisés.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(group, name="trust")


cmd_trust_kept.register(group)
cmd_trust_sync.register(group)


def retention(wanted: TrustSettings) -> Retention:
    """How long accepted lists are kept."""
    return Retention(versions=wanted.keep_versions, months=wanted.keep_months)


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
    """Juge une liste sans la prendre : empreinte, signature, chaîne, signataire, date.

    Sans --roots, la liste est aussi comparée à celle en service, qu'une plus ancienne ne remplace pas.
    """
    held = None if roots is not None else _held()
    verdict = verify(_content(file), _trust(roots, signer), now=SystemClock().now(), held=held)
    if json:
        print_json(verdict.as_json())
    else:
        _told(verdict)
    _end(verdict)


def _held() -> datetime | None:
    """Date of the list in force, which an older one may not replace; None (said) when the store cannot be asked."""
    try:
        parts = office()
    except DispatcherError as error:
        complain(f"La liste en service n'a pas pu être consultée ({error.message}) : l'âge n'est pas comparé.")
        return None
    with parts.store.reading() as uow:
        newest = next(iter(uow.reference.versions(KIND)), None)
    parts.close()
    return generated_of(newest.version) if newest else None


@group.command("import")
def import_file(file: Annotated[Path, typer.Argument(help="Liste (XML signé).")], json: Json = False) -> None:
    """Juge une liste et la met en service ; refusée, celle d'avant reste."""
    content, trust, parts = _content(file), _trust(None, None), office()
    now, keeping = parts.clock.now(), retention(parts.settings.trust)
    with parts.store.transaction() as uow:
        before = uow.reference.newest(KIND)
        verdict = import_list(content, trust, uow.reference, now=now, actor=actor(), retention=keeping)
        found, touched = changes(uow, before[1] if before else None, verdict.content, trust, now)
    if verdict.accepted:
        brought(TrustSync(parts.settings.trust, parts.settings.directory.folder, parts.store, parts.clock), parts.clock)
    parts.close()
    if json:
        more = difference_json(found, touched) if verdict.accepted else {}
        print_json({**verdict.as_json(), **more})
    else:
        _told(verdict)
        if verdict.accepted:
            tell_difference(found, touched)
    _end(verdict)


@group.command("show")
def show(
    domain: Annotated[str, typer.Option(help="Dit si ce domaine est permis.")] = "",
    version: Annotated[str, typer.Option(help="Une liste gardée, au lieu de celle en service.")] = "",
    json: Json = False,
) -> None:
    """La liste en service, ou une liste gardée."""
    parts = office()
    trust, now = _trust(None, None), parts.clock.now()
    with parts.store.reading() as uow:
        if version:
            content = find_version(uow.reference, version)[1]
            current = AllowedDomainList(content, trust, now=now, still_valid=False)
        else:
            current = load_list(trust, uow.reference, now=now)
        told = next((one for one in history(uow) if one.version == current.version), None)
    parts.close()
    if json:
        print_json({**_shown(current, domain), **(asdict(told) if told else {})})
    elif not current.version:
        complain("Aucune liste en service : rien ne peut partir par un canal MSSanté ou S/MIME.")
        complain("  → « dispatcher trust import FICHIER »")
    else:
        say(f"Liste du {moment(current.generated)}, {len(current.domains)} domaines, signée par {current.signer}.")
        if told is not None:
            who = "par la synchronisation" if told.by == SYNC else f"par {name_of(told.by)}"
            say(f"Prise le {moment(told.accepted_at)} {who}{', en service' if told.in_force else ', plus en service'}.")
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


def _told(verdict: Verdict) -> None:
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


def _end(verdict: Verdict) -> None:
    if not verdict.accepted:
        raise typer.Exit(FAILURES)


_WORDS = {True: "bonne", False: "mauvaise", None: "non jugée"}
