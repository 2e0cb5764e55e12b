"""``dispatcher trust sync``: fetch the list of allowed domains from its web address."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from dispatcher.cli.cmd_trust_kept import changes, difference_json, pinned, tell_difference
from dispatcher.cli.context import office
from dispatcher.cli.output import FAILURES, complain, moment, print_json, say
from dispatcher.directory.syncing import runner
from dispatcher.directory.syncing.base import SyncReport
from dispatcher.directory.trust.fetching import TrustSync
from dispatcher.directory.trust.kept import KIND, content_of
from dispatcher.errors import ConfigError, DirectoryError
from dispatcher.wiring import Office


def register(group: typer.Typer) -> None:
    """Add the command of this file to ``dispatcher trust``."""
    group.command("sync")(sync)


def sync(
    full: Annotated[bool, typer.Option("--full", help="Télécharge même si le serveur n'a rien de nouveau.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Sortie JSON.")] = False,
) -> None:
    """Va chercher la liste et la juge. Un échec ou un refus garde celle en service, et le dit (code 1)."""
    parts = office()
    if not parts.settings.trust.url:
        raise ConfigError(
            "Aucune adresse n'est configurée pour la liste blanche.",
            hint="Renseigner « url » dans [trust], ou importer la liste : « dispatcher trust import FICHIER ».",
        )
    one = TrustSync(parts.settings.trust, parts.settings.directory.folder, parts.store, parts.clock)
    with parts.store.reading() as uow:
        before = uow.reference.newest(KIND)
    try:
        report = runner.run(one, parts.clock, full=full)
    except DirectoryError as error:
        as_of = one.as_of()
        if json:
            print_json({"ok": False, "code": error.code, "message": error.message, "hint": error.hint, "as_of": as_of})
        else:
            complain(error.message)
            kept = f"La liste du {moment(as_of)} reste en service." if as_of else "Aucune liste n'est en service."
            if error.hint:
                complain(f"  → {error.hint}")
            complain(f"  {kept}")
        raise typer.Exit(FAILURES) from error
    _tell(parts, report, before[1] if before else None, json)
    parts.close()


def _tell(parts: Office, report: SyncReport, before: bytes | None, json: bool) -> None:
    trust, now = pinned(parts), parts.clock.now()
    with parts.store.reading() as uow:
        newest = uow.reference.newest(KIND)
        after = content_of(newest[1], trust, now) if newest else None
        found, touched = changes(uow, before, after, trust, now)
    if json:
        print_json({"ok": True, **asdict(report), **difference_json(found, touched)})
    elif not report.changed:
        say(f"Rien de nouveau : la liste du {moment(report.as_of)} reste en service.")
        for note in report.notes:
            say(f"  {note}")
    else:
        say(f"Liste du {moment(report.as_of)} en service, {report.rows} domaines.")
        tell_difference(found, touched)
