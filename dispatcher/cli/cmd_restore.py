"""``dispatcher restore``: a backup put back, paused until a person has seen what may have left already."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from dispatcher.cli import backup_folder, backup_parts
from dispatcher.cli.backup_folder import Saved, stamp
from dispatcher.cli.context import office, settings
from dispatcher.cli.output import WRONG_CALL, complain, print_json, say
from dispatcher.cli.person import actor
from dispatcher.cli.restored_show import restored_json, show_restored
from dispatcher.clock import Clock, SystemClock
from dispatcher.daemon import processes
from dispatcher.daemon.dump import fill
from dispatcher.errors import StoreError
from dispatcher.keyring.master import AesGcmCipher, MasterKey
from dispatcher.service import nodes
from dispatcher.service.restored import REASON, begin, in_doubt
from dispatcher.settings import Settings
from dispatcher.store import copies, schema, turnstile
from dispatcher.store.engine import open_store


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("restore")(restore)


def restore(
    folder: Annotated[Path | None, typer.Argument(help="La sauvegarde, ou le dossier qui en contient.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Une base est déjà là : la mettre de côté.")] = False,
    report: Annotated[bool, typer.Option("--report", help="Ce qui a pu partir déjà, après une restauration.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Sortie JSON.")] = False,
) -> None:
    """Remet une sauvegarde en place ; rien ne part avant « dispatcher resume --everything --reason "…" »."""
    if report == (folder is not None):
        complain("Donner le dossier d'une sauvegarde, ou --report seul.")
        raise typer.Exit(WRONG_CALL)
    if folder is not None:
        wanted, saved = settings(), backup_folder.read(folder)
        aside = put_back(wanted, saved, SystemClock(), force=force)
        again, differ = backup_parts.put_back(saved.manifest, saved.folder, wanted.folder)
        if not json:
            _tell_files(aside, again, differ)
    found = in_doubt(office().store)
    if json:
        print_json(restored_json(found))
    elif found is None:
        say("Cette base ne sort pas d'une sauvegarde, ou elle a été remise en marche depuis.")
    else:
        show_restored(found)


def _tell_files(aside: str, again: list[str], differ: list[str]) -> None:
    if aside:
        say(f"La base qui était là est gardée : {aside}.")
    if again:
        say(f"Remis à leur place, car absents : {', '.join(again)}.")
    if differ:
        say(f"Différents de la sauvegarde, laissés tels quels : {', '.join(differ)}.")


def put_back(wanted: Settings, saved: Saved, clock: Clock, *, force: bool) -> str:
    """The backup becomes the database; gives where the former one is kept, empty when there was none.

    Raises :class:`StoreError`, before anything is changed: other engine, newer schema, keys missing, a service at work,
    a database there without ``force``; with code ``journal``: its chain is broken.
    """
    file = copies.sqlite_file(wanted.store.url, wanted.folder)
    engine, revision = saved.manifest["engine"], saved.manifest["revision"]
    if (engine == "sqlite") != (file is not None):
        text = f"Sauvegarde d'une base {engine} ; « store.url » en nomme une autre."
        raise _refused(text, "Changer « store.url » dans dispatcher.toml, ou prendre une autre sauvegarde.")
    if revision not in schema.REVISIONS:
        text = f"Sauvegarde d'une base en version {revision}, connue jusqu'à {schema.REVISIONS[-1]}."
        raise _refused(text, "Installer la version du programme qui l'a faite.", "schema-newer")
    keys = MasterKey.load(wanted.keys.master)
    lacking = sorted(set(saved.manifest["master_keys"]) - {key.id for key in keys.keys})
    if lacking:
        text = f"Clés maîtresses absentes de {keys.path} : {', '.join(lacking)}."
        raise _refused(text, "Remettre la copie de « master.key » gardée à part.", "unknown-key")
    there = file.exists() if file is not None else not copies.is_empty(wanted.store.url)
    if there and not force:
        text = "Une base de données est déjà là : rien n'est fait."
        raise _refused(text, "Avec --force elle est mise de côté, et gardée.", "not-empty")
    cipher = keys.cipher()
    if there:
        _nobody_at_work(wanted, cipher, clock)
    if file is not None:
        return _sqlite(saved, file, cipher, clock)
    aside = copies.move_schema_aside(wanted.store.url, stamp(clock.now())) if there else ""
    fill(wanted.store.url, saved.database, REASON)
    _begin(wanted.store.url, saved, cipher, clock)
    return f"schéma « {aside} »" if aside else ""


def _sqlite(saved: Saved, file: Path, cipher: AesGcmCipher, clock: Clock) -> str:
    """Made ready beside, upgraded and paused; it takes its place at the very end."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = file.with_name(f"{file.name}.restauration")
    try:
        beside.unlink(missing_ok=True)
        beside.touch(mode=0o600)
        shutil.copyfile(saved.database, beside)
        _begin(f"sqlite:///{beside}", saved, cipher, clock)
        aside = copies.put_in_place(beside, file, stamp(clock.now()))
    finally:
        for end in ("", "-wal", "-shm", turnstile.SUFFIX):
            beside.with_name(beside.name + end).unlink(missing_ok=True)
    return str(aside or "")


def _begin(url: str, saved: Saved, cipher: AesGcmCipher, clock: Clock) -> None:
    """Compare with the manifest, upgrade, verify the journal, write down that it was restored."""
    facts, journal = copies.facts_of(url), saved.manifest["journal"]
    if (facts.number, facts.digest) != (journal["number"], journal["digest"]):
        text = f"Le journal de la sauvegarde finit à la ligne {facts.number}, et non {journal['number']} comme dit."
        raise _refused(text, "Prendre une autre sauvegarde.", "journal")
    store = open_store(url, cipher, clock)
    try:
        broken = begin(store, clock, saved.made_at, facts.number, actor=actor())
    finally:
        store.close()
    if broken:
        raise _refused(f"Journal de la sauvegarde rompu : {broken}", "Prendre une autre sauvegarde.", "journal")


def _nobody_at_work(wanted: Settings, cipher: AesGcmCipher, clock: Clock) -> None:
    """A service would go on sending from the database that is moved aside."""
    try:
        store = open_store(wanted.store.url, cipher, clock, create=False, folder=wanted.folder)
    except StoreError:
        return  # damaged or of another version: nobody can say
    try:
        alive = [one.node.name for one in nodes.view(store, processes.runs).nodes if not one.silent or one.runs]
    finally:
        store.close()
    if alive:
        text = f"Un service est en marche sur cette base : {', '.join(alive)}."
        raise _refused(text, "L'arrêter ; s'il est mort, attendre une minute ou « dispatcher nodes forget ».", "busy")


def _refused(text: str, hint: str, code: str = "backup") -> StoreError:
    return StoreError(text, hint=hint, code=code)
