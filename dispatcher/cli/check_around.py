"""What ``check`` says of everything around: other folders, tables, ports, disk, clock, database, backups, retention."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import combinations
from pathlib import Path

from dispatcher.daemon import processes
from dispatcher.daemon.troubles import RELEASED
from dispatcher.errors import ConfigError, DispatcherError
from dispatcher.french import age, counted
from dispatcher.report.model import Severity
from dispatcher.service import nodes
from dispatcher.service.check import Finding, bad, good, warning
from dispatcher.settings import Settings
from dispatcher.store.copies import sqlite_file
from dispatcher.store.room import short_of_room
from dispatcher.wiring import Office
from dispatcher.wiring.tables import paper_rules

FULL = 100_000_000
"""Bytes free below which nothing more is taken in for long."""
STEP = timedelta(minutes=5)
"""A journal that ends so far in the future was written by another clock."""
SKEW = timedelta(seconds=5)
BACKUP_DAYS = 7
LEGAL_DAYS = 3650
"""Code de la santé publique, article L1142-28."""
_WRITE = "Le créer, ou donner au compte de service le droit d'y écrire."


def settled(wanted: Settings) -> Iterator[Finding]:
    """What the settings and the disk say, before anything is opened."""
    yield from _shared_folders(wanted)
    yield from _other_folders(wanted)
    yield from _postal(wanted)
    yield from _retention(wanted)


def _error(subject: str, text: str, hint: str, key: str) -> Finding:
    return Finding(subject=subject, severity=Severity.ERROR, text=text, hint=hint, key=key)


# ------------------------------------------------------------------------------------------------ folders


def _shared_folders(wanted: Settings) -> Iterator[Finding]:
    """Two sources may share a folder when no file is both's."""
    for (one, first), (two, second) in combinations(wanted.sources.items(), 2):
        if first.folder.resolve() != second.folder.resolve() or not _overlap(first.patterns, second.patterns):
            continue
        text = f"même dossier et mêmes noms que la source « {one} » : un fichier irait à l'une ou à l'autre"
        hint = "Donner à chacune son dossier, ou des noms différents."
        yield _error(f"source {two}", text, hint, f"sources.{two}.folder")


def _overlap(mine: list[str], theirs: list[str]) -> bool:
    """Some name could fit both; two patterns that differ are taken for different unless one takes everything."""
    everything = {"*", "*.*"}
    return bool(set(mine) & set(theirs) or everything & {*mine, *theirs})


def _other_folders(wanted: Settings) -> Iterator[Finding]:
    for name, source in wanted.sources.items():
        if source.archive is not None and not _makeable(source.archive):
            yield _unwritable(f"source {name}", "archive", source.archive, f"sources.{name}.archive")
    for name, channel in wanted.channels.items():
        if channel.folder is not None and channel.transport == "folder" and not _makeable(channel.folder):
            yield _unwritable(f"canal {name}", "dossier de répétition", channel.folder, f"channels.{name}.folder")
    anchors = wanted.journal.anchor_folder
    if anchors is not None and not _makeable(anchors):
        yield _unwritable("journal", "dossier des ancres", anchors, "journal.anchor_folder")
    database = sqlite_file(wanted.store.url, wanted.folder)
    if database is not None and database.parent.is_dir() and not writable(database.parent):
        yield _unwritable("base de données", "dossier de la base", database.parent, "store.url")


def writable(folder: Path) -> bool:
    """Tried, with a hidden file that no source takes: what a share says of its rights is not what it does."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".dispatcher-"):
            return os.access(folder, os.R_OK)
    except OSError:
        return False


def _unwritable(subject: str, what: str, folder: Path, key: str) -> Finding:
    return _error(subject, f"{what} où rien ne peut être écrit : {folder}", _WRITE, key)


def _makeable(folder: Path) -> bool:
    """Writable, or to be made by the program: it makes these folders itself."""
    there = next((one for one in (folder, *folder.parents) if one.exists()), folder)
    return writable(there)


def _postal(wanted: Settings) -> Iterator[Finding]:
    """The laboratory's table of postal addresses, when there is one."""
    if not wanted.paper.addresses.is_file():
        return
    try:
        count = len(paper_rules(wanted.paper).table().entries)
    except ConfigError as error:
        faults = " ; ".join(error.faults[:5])
        text = f"{error.message} {faults}".strip()
        yield _error("table des adresses", text, error.hint, "paper.addresses")
    except (OSError, DispatcherError) as error:
        yield _error("table des adresses", f"illisible : {error}", "Attendu : un CSV.", "paper.addresses")
    else:
        yield good("table des adresses", counted(count, "adresse"))


def _retention(wanted: Settings) -> Iterator[Finding]:
    days = wanted.retention.proof_days
    if days < LEGAL_DAYS:
        yield Finding(
            subject="conservation",
            severity=Severity.WARNING,
            text=f"la preuve n'est gardée que {counted(days, 'jour')}",
            hint="Dix ans (Code de la santé publique, L1142-28) : proof_days = 3650, ou plus.",
            key="retention.proof_days",
        )


# ------------------------------------------------------------------------------------------------ machine


def machine(wanted: Settings, now: datetime) -> Iterator[Finding]:
    """Clock and disk."""
    if now < RELEASED:
        yield _error("horloge", "l'heure de la machine est fausse", "Régler l'heure (NTP) avant tout envoi.", "")
    database = sqlite_file(wanted.store.url, wanted.folder)
    folders = [wanted.folder, *([database.parent] if database is not None else [])]
    free = min(shutil.disk_usage(folder).free for folder in folders if folder.is_dir())
    if free < FULL:
        text = f"{free // 1_000_000} Mo libres : le disque est plein"
        yield _error("disque", text, "Faire de la place : rien n'est plus pris ni envoyé.", "store.url")
    elif text := short_of_room(wanted.store.url, wanted.folder):
        yield warning("disque", text, "Faire de la place.")
    else:
        yield good("disque", f"{free // 1_000_000_000} Go libres")


# ------------------------------------------------------------------------------------------------ database


def installed(parts: Office) -> Iterator[Finding]:
    """What the open database says: key, clock, backups; and a port that somebody else has."""
    yield from _master_key(parts)
    yield from _clock(parts)
    yield from _backups(parts)
    yield from _aside(parts.settings, parts.clock.now())
    yield from _metrics_port(parts)


def _master_key(parts: Office) -> Iterator[Finding]:
    """Another key than the one the database was written with: nothing kept could be read or sent."""
    with parts.store.reading() as uow:
        newest = uow.files.list(limit=20)
    known = [file for file in newest if file.purged_at is None]
    if known and not any(file.path for file in known):
        hint = "Remettre le « master.key » de cette installation depuis sa sauvegarde ; ne rien envoyer avant."
        yield _error("clé maîtresse", "ce n'est pas la clé de cette base : rien n'y est lisible", hint, "keys.master")
    elif known:
        yield good("clé maîtresse", "elle ouvre ce que la base garde")


def _clock(parts: Office) -> Iterator[Finding]:
    """Against the journal's own past, and against the other nodes' common clock."""
    now = parts.clock.now()
    with parts.store.reading() as uow:
        latest = uow.files.list(limit=1)
        seen = uow.nodes.list()
    ahead = max([file.received_at for file in latest] + [node.seen_at for node in seen], default=now) - now
    if ahead > STEP:
        text = f"en retard de {age(ahead)} sur ce que la base a déjà noté"
        yield _error("horloge", text, "Régler l'heure (NTP) : le débit et les délais en dépendent.", "")
        return
    wrong = [node for node in seen if abs(node.skew) > SKEW.total_seconds()]
    for node in wrong:
        text = f"le nœud « {node.name} » s'écarte de {node.skew:+.0f} s de l'heure de la base"
        yield warning("horloge", text, "Régler l'heure (NTP) de cette machine et du serveur PostgreSQL.")
    if not wrong:
        yield good("horloge", "cohérente avec ce que la base a noté")


def _backups(parts: Office) -> Iterator[Finding]:
    with parts.store.reading() as uow:
        row = uow.installation.row()
        anything = bool(uow.files.list(limit=1))
    at = row.backup_at if row is not None else None
    hint = "« dispatcher backup DOSSIER --keep 14 », chaque jour, par le planificateur du poste."
    if at is None and anything:
        yield warning("sauvegarde", "aucune n'a jamais été faite", hint)
    elif at is not None and parts.clock.now() - at > timedelta(days=BACKUP_DAYS):
        yield warning("sauvegarde", f"la dernière date de {age(parts.clock.now() - at)}", hint)
    elif at is not None:
        yield good("sauvegarde", f"la dernière date de {age(parts.clock.now() - at)}")


def _aside(wanted: Settings, now: datetime) -> Iterator[Finding]:
    """Databases that a restore moved aside: no purge reaches them."""
    database = sqlite_file(wanted.store.url, wanted.folder)
    if database is None:
        return
    limit = now - timedelta(days=wanted.retention.contents_days)
    old = [
        path.name
        for path in sorted(database.parent.glob(f"{database.name}.avant-*"))
        if path.stat().st_mtime < limit.timestamp()
    ]
    if old:
        text = (
            f"{counted(len(old), 'base')} de côté depuis une restauration, plus vieille que la conservation : {old[0]}"
        )
        yield warning("conservation", text, "L'effacer : la purge ne l'atteint pas.")


def _metrics_port(parts: Office) -> Iterator[Finding]:
    """A port of ours that another program has; while our own service runs it is ours."""
    wanted = parts.settings.metrics
    if not wanted.port:
        return
    seen = nodes.view(parts.store, processes.runs).nodes
    if any(one.node.host == socket.gethostname() and not one.silent for one in seen):
        yield good("mesures", f"le service tient le port {wanted.port}")
        return
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((wanted.host, wanted.port))
        except OSError:
            text = f"{wanted.host}:{wanted.port} est déjà pris par un autre programme, ou n'est pas à cette machine"
            yield _error("mesures", text, "Choisir un autre « port ».", "metrics.port")
        else:
            yield good("mesures", f"port {wanted.port} libre")


def refused(error: ConfigError) -> list[Finding]:
    """A configuration that cannot be read: one finding a fault."""
    whole = bad("configuration", error)
    return [whole, *(Finding(subject="configuration", severity=Severity.ERROR, text=fault) for fault in error.faults)]
