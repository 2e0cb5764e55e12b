"""``dispatcher check``: configuration, folders, keys, TLS, directory, list, clock, disk; all faults at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from dispatcher import wiring
from dispatcher.cli import (
    check_answers,
    check_around,
    check_certificates,
    check_lines,
    cmd_directory_drift,
    cmd_directory_status,
    directory_alarms,
)
from dispatcher.cli.cmd_conformance import users_kit
from dispatcher.cli.context import CONFIG, settings
from dispatcher.cli.output import FAILURES, WRONG_CALL, complain, print_json, say
from dispatcher.clock import SystemClock
from dispatcher.dialects import shelf
from dispatcher.directory.at_hand import watched
from dispatcher.directory.trust.allowed_domains import Trust
from dispatcher.directory.trust.kept import load_list
from dispatcher.errors import ConfigError, DispatcherError, IntakeError, KeyringError, StoreError
from dispatcher.formats.pdf.trial import trial
from dispatcher.formats.pdf_index.rules import rules_of
from dispatcher.french import counted
from dispatcher.keyring.inventory import Kind, list_keys, places
from dispatcher.report.model import Severity
from dispatcher.service.check import (
    UNREACHED,
    Finding,
    bad,
    check_channels,
    check_conformance,
    check_reference,
    check_tallies,
    good,
    warning,
)
from dispatcher.settings import Settings
from dispatcher.wiring import Office
from dispatcher.wiring.layouts import pdf_layout

NETWORK_FILE_SYSTEMS = frozenset({"cifs", "smb3", "nfs", "nfs4", "fuse.sshfs"})


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("check")(check)


def check(
    offline: Annotated[bool, typer.Option("--offline", help="Ne se connecte à aucun opérateur.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Sortie JSON.")] = False,
) -> None:
    """Tout est-il prêt ? Dit toutes les fautes à la fois. Code 1 s'il y en a."""
    findings, ready = _findings(connect=not offline)
    findings = check_lines.with_lines(findings, CONFIG.resolve())
    if json:
        print_json([asdict(finding) for finding in findings])
    else:
        _tell(findings)
    if not ready:
        raise typer.Exit(WRONG_CALL)
    if any(finding.severity is Severity.ERROR for finding in findings):
        raise typer.Exit(FAILURES)


def _findings(*, connect: bool) -> tuple[list[Finding], bool]:
    """All of them; False: the configuration itself cannot be read."""
    try:
        wanted = settings()
    except ConfigError as error:
        return check_around.refused(error), False
    findings = [good("configuration", "lue, sans faute"), *_folders(wanted), *_dialects(wanted), *_indexes(wanted)]
    findings += [*check_answers.folders(wanted), *_keys(wanted), *check_around.settled(wanted)]
    findings += check_around.machine(wanted, SystemClock().now())
    findings += _identity(wanted)
    try:
        parts = wiring.build(wanted, upgrade=False)
    except DispatcherError as error:
        findings.append(replace(bad("installation", error), key=_key_of(error)))
    else:
        try:
            findings += _installed(parts, connect=connect)
            findings += check_around.installed(parts)
        except StoreError as error:
            findings.append(replace(bad("base de données", error), key="store.url"))
        findings += _layout(wanted)
        parts.close()
    return findings, True


def _installed(parts: Office, *, connect: bool) -> Iterator[Finding]:
    yield from check_channels(parts.desk, connect=connect)
    yield from _allowed_domains(parts)
    fetched = {one.name for one in watched(parts.settings, parts.clock)}
    yield from cmd_directory_status.findings(parts.settings, fetched)
    yield from directory_alarms.findings(parts.settings, parts.clock, parts.store)
    yield from check_certificates.findings(parts.settings, parts.clock, connect=connect)
    yield from cmd_directory_drift.findings(parts)
    yield from check_tallies(parts.store)
    yield from check_answers.lines(parts, connect=connect)
    yield from check_conformance(parts.desk, elsewhere=users_kit())
    problem = parts.directory.table.problem
    if problem is not None:
        yield bad("table des destinataires", problem)
    for name in parts.channels if connect else ():
        try:
            mailbox = parts.open_mailbox(name)
            if mailbox is None:
                yield warning(f"canal {name}", "pas de boîte des avis : ni remise ni lecture ne seront connues")
                continue
            try:
                next(iter(mailbox.fetch(1)), None)  # a Maildir is opened by its first look only
                mailbox.sent(["<essai@verification.invalid>"], since=parts.clock.now())  # where there is a Sent folder
            finally:
                mailbox.close()
            yield good(f"canal {name}, boîte des avis", "accessible")
        except DispatcherError as error:
            found = bad(f"canal {name}, boîte des avis", error)
            yield found if found.hint else replace(found, hint=UNREACHED)


def _allowed_domains(parts: Office) -> Iterator[Finding]:
    """Its age; before it, why it cannot be used at all (a root that is missing, a list that was changed)."""
    wanted = parts.settings.trust
    try:
        with parts.store.reading() as uow:
            load_list(Trust.of(wanted.roots, wanted.signer_cn, wanted.crl), uow.reference, now=parts.clock.now())
    except DispatcherError as error:
        yield bad("liste blanche", error)
    else:
        yield from check_reference(parts.desk, wanted.warn_age_days)


def _layout(wanted: Settings) -> Iterator[Finding]:
    """The laboratory's own layout, tried on an invented report."""
    if wanted.pdf.layout is None:
        return
    with ExitStack() as closing:
        faults = trial(pdf_layout(closing, wanted.pdf))
    if not faults:
        yield good("mise en page", "le compte rendu d'essai se rend sans faute")
    for fault in faults:
        yield Finding(
            subject="mise en page", severity=Severity.ERROR, text=fault, hint="Corriger reglages.typ ou report.typ."
        )


def _folders(wanted: Settings) -> Iterator[Finding]:
    if not wanted.sources:
        yield warning("sources", "aucun dossier surveillé", "Ajouter une section [sources.NOM].")
    for name, source in wanted.sources.items():
        subject = f"source {name}"
        if not source.folder.is_dir():
            hint = "Créer le dossier, ou corriger « folder »."
            yield bad(subject, IntakeError(f"dossier introuvable : {source.folder}.", hint=hint))
        elif not check_around.writable(source.folder):
            hint = "Donner au compte de service le droit de lire et de retirer les fichiers."
            yield bad(subject, IntakeError(f"dossier interdit : {source.folder}.", hint=hint))
        elif source.watch == "native" and _file_system(source.folder) in NETWORK_FILE_SYSTEMS:
            yield warning(subject, "partage réseau : les évènements s'y perdent", 'Mettre watch = "polling".')
        else:
            yield good(subject, f"{source.folder} accessible")
        below = [item.name for item in source.folder.iterdir() if item.is_dir()] if source.folder.is_dir() else []
        if below:
            text = f"{counted(len(below), 'sous-dossier')} : ce qui y est n'est pas pris"
            yield warning(subject, text, "Donner à chacun sa propre section [sources.NOM].")


def _dialects(wanted: Settings) -> Iterator[Finding]:
    """The dialect of every source, each with all its faults."""
    for name, source in wanted.sources.items():
        if source.dialect is None:
            continue
        subject = f"source {name}, dialecte"
        try:
            dialect = shelf.load(source.dialect, wanted.folder)
        except ConfigError as error:
            yield bad(subject, error)
            for fault in error.faults:
                yield Finding(subject=subject, severity=Severity.ERROR, text=fault)
        else:
            yield good(subject, f"{dialect.name} ({dialect.format}) : {dialect.title}")


def _indexes(wanted: Settings) -> Iterator[Finding]:
    """How every source says whose its PDFs are, each with all its faults."""
    for name, source in wanted.sources.items():
        if source.index is None:
            continue
        subject = f"source {name}, index des PDF"
        try:
            rules_of(source.index)
        except ConfigError as error:
            yield bad(subject, error)
            for fault in error.faults:
                yield Finding(subject=subject, severity=Severity.ERROR, text=fault)
        else:
            yield good(subject, "modèle du nom, colonnes et champs compris")


def _file_system(folder: Path) -> str:
    """Type of the file system a folder stands on (Linux), or empty."""
    best, kind = "", ""
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    place = str(folder.resolve())
    for line in mounts:
        _device, point, found, *_rest = line.split(" ")
        inside = place == point or place.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, found
    return kind


def _keys(wanted: Settings) -> Iterator[Finding]:
    unused = {f"channels.{name}.client_cert" for name, one in wanted.channels.items() if one.transport == "folder"}
    for info in list_keys(places(wanted), SystemClock().now()):
        subject = f"clé {info.owner or info.kind}"
        if info.problem and info.kind in {Kind.TLS, Kind.MASTER} and info.owner not in unused:
            yield Finding(subject=subject, severity=Severity.ERROR, text=info.problem, key=info.owner)
        elif info.problem:
            yield warning(subject, info.problem)
        elif info.days_left is not None and info.days_left < 60:
            yield warning(subject, f"expire dans {info.days_left} jours", "Installer la suivante dès maintenant.")


def _identity(wanted: Settings) -> Iterator[Finding]:
    if wanted.laboratory.biologist.rpps.startswith("1000000000"):
        yield warning("laboratoire", "identité d'essai", "Mettre la vôtre dans [laboratory] avant la mise en service.")


def _key_of(error: DispatcherError) -> str:
    """Which setting keeps the parts from being built."""
    return {KeyringError: "keys.master", StoreError: "store.url"}.get(type(error), "")


def _tell(findings: list[Finding]) -> None:
    marks = {Severity.INFO: "ok  ", Severity.WARNING: "!   ", Severity.ERROR: "NON "}
    for finding in findings:
        where = f"ligne {finding.line}, " if finding.line and finding.severity is not Severity.INFO else ""
        line = f"{marks[finding.severity]}{where}{finding.subject} : {finding.text}"
        (complain if finding.severity is Severity.ERROR else say)(line)
        if finding.hint:
            (complain if finding.severity is Severity.ERROR else say)(f"      → {finding.hint}")
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    say("Tout est prêt." if not errors else f"{counted(errors, 'faute')} à corriger.")
