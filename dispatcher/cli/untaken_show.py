"""What ``status`` tells that the database cannot know: files no service has taken, no service at all, a full disk."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import timedelta

from dispatcher.cli.output import complain, say
from dispatcher.errors import IntakeError
from dispatcher.french import age, counted, either
from dispatcher.outbox.states import FileState
from dispatcher.service import nodes
from dispatcher.service.overview import StatusView
from dispatcher.settings import Settings
from dispatcher.store.copies import sqlite_file
from dispatcher.wiring import Office

LEAST_FREE = 1_000_000_000
"""Bytes; less is told."""
LONG = timedelta(minutes=10)
"""A file that lies longer in its folder, beyond the patience of its source, is an alarm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """Files that lie in the folder of a source. Only their number: a name may be a patient's."""

    source: str
    files: int
    oldest_seconds: float
    late: bool
    problem: str = ""
    """Why nobody can look into it (French)."""


def folders(office: Office) -> tuple[Folder, ...]:
    """One per source whose folder is not empty, or cannot be read."""
    found = []
    for spool in office.spools():
        try:
            since = spool.lying()
        except IntakeError as error:
            found.append(Folder(source=spool.name, files=0, oldest_seconds=0, late=True, problem=str(error)))
            continue
        if since:
            oldest = max(0.0, office.clock.now().timestamp() - min(since))
            patience = office.settings.sources[spool.name].patience_seconds
            late = oldest > LONG.total_seconds() + patience
            found.append(Folder(source=spool.name, files=len(since), oldest_seconds=oldest, late=late))
    return tuple(found)


def nobody_works(office: Office, view: StatusView, lying: tuple[Folder, ...]) -> bool:
    """Something waits for a service, and none runs. One that died without a word has an alarm of its own."""
    waiting = sum(channel.waiting for channel in view.channels) + sum(one.files for one in lying)
    waiting += view.files.get(FileState.RECEIVED, 0) + view.files.get(FileState.READ, 0)
    return bool(waiting) and not nodes.view(office.store).nodes


def full_disk(settings: Settings) -> str:
    """Free space that will not last, of the configuration or the SQLite database, in French; empty: enough."""
    database = sqlite_file(settings.store.url, settings.folder)
    places = [settings.folder] if database is None else [settings.folder, database.parent]
    free = min(shutil.disk_usage(place).free for place in places if place.is_dir())
    return f"{free // 1_000_000} Mo libres seulement" if free < LEAST_FREE else ""


def tell(office: Office, view: StatusView, lying: tuple[Folder, ...]) -> None:
    """The alarms of this file."""
    if text := full_disk(office.settings):
        complain(f"ALARME, disque : {text}. Plein, plus rien n'est relevé ni envoyé. Faire de la place.")
    if nobody_works(office, view, lying):
        complain("ALARME : aucun service n'est en marche, ce qui attend ne partira pas. Démarrer « dispatcher run ».")
    for one in lying:
        if one.problem:
            complain(f"ALARME, source « {one.source} » : {one.problem}")
            continue
        are = either(one.files, "n'est pas encore pris", "ne sont pas encore pris")
        since = f"le plus ancien y est depuis {age(timedelta(seconds=one.oldest_seconds))}"
        text = f"source « {one.source} » : {counted(one.files, 'fichier')} de son dossier {are} ; {since}."
        if one.late:
            complain(f"ALARME, {text} Le journal technique du service dit pourquoi.")
        else:
            say(f"{text[0].upper()}{text[1:]}")
