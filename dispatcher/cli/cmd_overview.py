"""``dispatcher status``, ``list``, ``show`` and ``explain``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer

from dispatcher.alarms.alarm import Alarm
from dispatcher.cli import answers_show, cmd_directory_drift, directory_alarms, status_alarms, support_show
from dispatcher.cli.context import office
from dispatcher.cli.doubt_show import tell_doubts
from dispatcher.cli.forecast_show import sentence
from dispatcher.cli.held_show import show_held, tell_held
from dispatcher.cli.output import DONE, FAILURES, complain, moment, print_json, say, table
from dispatcher.cli.restored_show import restored_json
from dispatcher.cli.unread_show import tell_paper, tell_unread
from dispatcher.daemon import processes
from dispatcher.directory.at_hand import watched
from dispatcher.french import age, counted
from dispatcher.outbox.dispatch import Dispatch, SourceFile
from dispatcher.outbox.states import FILE_STATES, OPEN_FILES, STATES, UNFINISHED, State
from dispatcher.ports import DispatchFilter
from dispatcher.service import alarms, nodes, overview, untaken, waits
from dispatcher.service.explain import explain
from dispatcher.service.restored import in_doubt
from dispatcher.service.standing import untaken as untaken_sentence
from dispatcher.service.wording import EVENTS, RECEIPTS, actor, envelope
from dispatcher.store.room import short_of_room
from dispatcher.wiring import Office
from dispatcher.wiring.standing import everything, paused_everywhere, split

Json = Annotated[bool, typer.Option("--json", help="Sortie JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("status")(status)
    app.command("list")(list_dispatches)
    app.command("show")(show)
    app.command("explain")(explain_dispatch)


def status(json: Json = False) -> None:
    """Tout va bien ? Les alarmes, le plus ancien envoi non terminé, les comptes, la fin prévue. Code 1 : une alarme."""
    parts = office()
    view = overview.status(parts.store, parts.clock, parts.channels)
    lying = untaken.folders(parts.spools(), parts.settings.sources, parts.clock)
    seen = nodes.view(parts.store, processes.runs)
    found = everything(parts, view, lying, seen)
    if json:
        alarming, foreseen = split(found)
        listed = {"alarms": status_alarms.as_json(alarming), "notices": status_alarms.as_json(foreseen)}
        print_json({**listed, **_status_json(parts, view, lying, seen)})
    else:
        status_alarms.tell(found)
        _tell(parts, view, lying, found)
    raise typer.Exit(FAILURES if split(found)[0] else DONE)


def _tell(parts: Office, view: overview.StatusView, lying: Sequence[untaken.Folder], found: Sequence[Alarm]) -> None:
    """What is no alarm."""
    for one in lying:
        if not one.late:
            text = untaken_sentence(one)
            say(f"{text[0].upper()}{text[1:]}")
    answers_show.tell(parts)
    tell_doubts(parts, view, found)
    directory_alarms.warn(parts.settings, parts.clock, parts.store)
    _tell_oldest(view, parts.clock.now(), all_taken=not lying)
    tell_unread(view.unread, view.digest)
    tell_paper(view.to_print)
    _tell_counts(parts, view)
    _tell_channels(view)
    drifted = cmd_directory_drift.number(parts)
    if drifted is not None and drifted.drifting:
        day = f"{moment(drifted.at)} : {counted(drifted.drifting, 'destinataire changé')} depuis le dernier envoi"
        say(f"Au {day}. {cmd_directory_drift.SEE}")
    if view.unmatched:
        told = f"{counted(view.unmatched, 'avis reçu')} sans envoi correspondant"
        say(f"{told} : « dispatcher receipts list --unmatched ».")


def _tell_channels(view: overview.StatusView) -> None:
    rows = [
        (
            c.name,
            str(c.waiting),
            f"{c.per_minute}/min",
            moment(c.through_at) if c.through_at else "–",
            c.paused or "ouvert",
        )
        for c in view.channels
    ]
    table("Canaux", ("Canal", "En attente", "Débit", "Fin prévue", "Situation"), rows)
    for channel in view.channels:
        if told := sentence(channel.name, channel.waiting, channel.forecast):
            say(told)


def _unread_mailboxes(parts: Office) -> dict[str, str]:
    """By channel: why the service cannot read the mailbox of its notices."""
    return _mailbox_alarms(parts, alarms.mailbox)


def _heavy_mailboxes(parts: Office) -> dict[str, str]:
    """By channel: why the operator may soon close its mailbox (too full, too old)."""
    return _mailbox_alarms(parts, alarms.mailbox_fill)


def _mailbox_alarms(parts: Office, subject: Callable[[str], str]) -> dict[str, str]:
    watched = [name for name, channel in parts.settings.channels.items() if channel.mailbox is not None]
    found = {name: alarms.standing(parts.store, subject(name)) for name in watched}
    return {name: reason for name, reason in found.items() if reason}


def _status_json(
    parts: Office, view: overview.StatusView, lying: Sequence[untaken.Folder], seen: nodes.NodesView
) -> dict[str, Any]:
    problem, drifted = parts.directory.table.problem, cmd_directory_drift.number(parts)
    return {
        "dispatches": {str(state): count for state, count in view.dispatches.items()},
        "files": {str(state): count for state, count in view.files.items()},
        "paused_batches": [asdict(one) for one in view.paused_batches],
        "late": [dispatch_json(one) for one in view.late],
        "unread": view.unread,
        "calling": [dispatch_json(one) for one in view.calling],
        "digest": asdict(view.digest) if view.digest is not None else None,
        "to_print": view.to_print,
        "oldest": dispatch_json(view.oldest) if view.oldest else None,
        "oldest_age_seconds": view.oldest_age.total_seconds() if view.oldest_age else None,
        "channels": [asdict(channel) for channel in view.channels],
        "unmatched_receipts": view.unmatched,
        "oldest_file": file_json(view.oldest_file) if view.oldest_file else None,
        "oldest_silent": dispatch_json(view.oldest_silent) if view.oldest_silent else None,
        "quiet_domains": view.quiet_domains,
        "directories": [directory_alarms.as_json(one) for one in watched(parts.settings, parts.clock, parts.store)],
        "answers": answers_show.as_json(parts),
        "mailboxes": [{"channel": name, "alarm": reason} for name, reason in _unread_mailboxes(parts).items()],
        "mailboxes_full": [{"channel": name, "alarm": reason} for name, reason in _heavy_mailboxes(parts).items()],
        "doubts": [
            {"channel": c.name, "alarm": alarms.standing(parts.store, alarms.doubt(c.name))} for c in view.channels
        ],
        "paused": paused_everywhere(parts) or None,
        "restored": restored_json(in_doubt(parts.store)),
        "folders": [asdict(one) for one in lying],
        "no_service": untaken.nobody_works(view, lying, len(seen.nodes)),
        "disk": short_of_room(parts.settings.store.url, parts.settings.folder) or None,
        "nodes": list(seen.alarms),
        "local_table": str(problem) if problem else None,
        "drifting": drifted.drifting if drifted is not None else None,
        "drifting_at": drifted.at if drifted is not None else None,
    }


def _tell_counts(parts: Office, view: overview.StatusView) -> None:
    table(
        "Envois",
        ("État", "Nombre"),
        [(STATES[s], str(n)) for s, n in view.dispatches.items() if n],
        empty="Aucun envoi.",
    )
    if view.dispatches.get(State.HELD):
        tell_held(parts, view.dispatches[State.HELD])
    table(
        "Fichiers",
        ("État", "Nombre"),
        [(FILE_STATES[s], str(n)) for s, n in view.files.items() if n],
        empty="Aucun fichier.",
    )


def _tell_oldest(view: overview.StatusView, now: datetime, *, all_taken: bool) -> None:
    """First what waits longest: a dispatch, a file, a mail without any answer."""
    oldest, file, silent = view.oldest, view.oldest_file, view.oldest_silent
    if oldest is not None and view.oldest_age is not None:
        say(f"Plus ancien envoi non terminé : {oldest.id}, {STATES[oldest.state]}, depuis {age(view.oldest_age)}.")
        if oldest.reason:
            say(f"  {oldest.reason}")
    if file is not None:
        since = age(now - file.received_at)
        say(f"Plus ancien fichier non terminé : {file.id or file.source}, {FILE_STATES[file.state]}, depuis {since}.")
        if file.reason:
            say(f"  {file.reason}")
    if silent is not None and silent.sent_at is not None:
        say(f"Plus ancien envoi sans aucun accusé : {silent.id}, depuis {age(now - silent.sent_at)}.")
    if view.quiet_domains:
        count = counted(view.quiet_domains, "domaine")
        say(f"Sans avis de remise, comme appris, donc non compté ici : {count} (« dispatcher receipts support »).")
    if oldest is None and file is None and all_taken:
        say("Rien n'attend : tous les fichiers sont traités, tous les envois sont partis ou terminés.")


def list_dispatches(
    state: Annotated[list[State] | None, typer.Option(help="Un état, ou plusieurs.")] = None,
    unfinished: Annotated[bool, typer.Option("--unfinished", help="Seulement ce qui n'est pas terminé.")] = False,
    channel: Annotated[str, typer.Option(help="Un canal.")] = "",
    batch: Annotated[str, typer.Option(help="Un lot.")] = "",
    recipient: Annotated[str, typer.Option(help="Partie du nom, de l'adresse ou de l'identifiant.")] = "",
    order: Annotated[str, typer.Option(help="Numéro de dossier du laboratoire, exact.")] = "",
    held: Annotated[
        bool, typer.Option("--held", help="Ce qui attend un opérateur, groupé par ce qui le réglerait.")
    ] = False,
    files: Annotated[bool, typer.Option("--files", help="Les fichiers non terminés ou en quarantaine.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Nombre de lignes.")] = 100,
    json: Json = False,
) -> None:
    """Les envois, les plus récents d'abord ; avec --unfinished, le plus ancien d'abord."""
    if files:
        _list_files(limit, json)
        return
    if held:
        show_held(office(), limit, json)
        return
    states = tuple(state or ()) or (tuple(UNFINISHED) if unfinished else ())
    wanted = DispatchFilter(
        states=states,
        channel=channel,
        batch_id=batch,
        recipient=recipient,
        order=order,
        oldest_first=unfinished,
        limit=limit + 1,
    )
    with office().store.reading() as uow:
        found = uow.dispatches.list(wanted)
    print_dispatches(found[:limit], json)
    if len(found) > limit and not json:
        say(f"Il y en a d'autres : « --limit {limit * 10} » en montre plus.")


def _list_files(limit: int, json: bool) -> None:
    with office().store.reading() as uow:
        found = uow.files.list(states=OPEN_FILES, limit=limit)
    if json:
        print_json([file_json(file) for file in found])
        return
    rows = [(f.id or "–", f.source, FILE_STATES[f.state], moment(f.received_at), f"{f.size}", f.reason) for f in found]
    columns = ("Fichier", "Source", "État", "Reçu", "Octets", "Remarque")
    table("", columns, rows, empty="Aucun fichier en attente ni en quarantaine.")


def print_dispatches(found: tuple[Dispatch, ...], json: bool) -> None:
    """A list of dispatches, as JSON or as a table."""
    if json:
        print_json([dispatch_json(dispatch) for dispatch in found])
        return
    rows = [
        (d.id, STATES[d.state], d.label, d.address or "–", d.channel or "–", moment(d.created_at), d.reason)
        for d in found
    ]
    columns = ("Envoi", "État", "Destinataire", "Adresse", "Canal", "Créé", "Remarque")
    table("", columns, rows, empty="Aucun envoi.", cut_last=True)


def dispatch_json(dispatch: Dispatch) -> dict[str, Any]:
    """A dispatch for programs."""
    return asdict(dispatch)


def file_json(file: SourceFile) -> dict[str, Any]:
    """A source file for programs. Its path and name stay out: a LIS may have put a patient's name there."""
    return {name: value for name, value in asdict(file).items() if name not in {"path", "name"}}


def _view_json(view: overview.DispatchView | overview.FileView) -> dict[str, Any]:
    shown = {**asdict(view), "file": file_json(view.file) if view.file is not None else None}
    if isinstance(view, overview.DispatchView):
        shown["waits_for"] = [{"id": one.id, "state": one.state} for one in view.waits_for]
    return shown


def show(
    item: Annotated[str, typer.Argument(help="Numéro d'envoi (D…) ou de fichier (F…).")], json: Json = False
) -> None:
    """Un envoi ou un fichier : son état, son histoire, ses accusés."""
    parts = office()
    view = overview.show(parts.store, item)
    if view is None:
        _show_file(parts.store, item, json)
        return
    if json:
        print_json(_view_json(view))
        return
    d = view.dispatch
    say(f"Envoi {d.id} – {STATES[d.state]}" + (f" – {d.reason}" if d.reason else ""))
    facts = [
        ("Destinataire", f"{d.label} ({d.recipient_id_type} {d.recipient_id})" if d.recipient_id else d.label),
        ("Adresse", d.address),
        ("Canal, format, protection", f"{d.channel}, {d.format}, {envelope(d.envelope)}" if d.channel else ""),
        ("Compte rendu", f"{d.report_id}, version {d.version}"),
        ("Fichier", view.file.id if view.file else ""),
        ("Contenu", _purged(view.file)),
        ("Lot", d.batch_id),
        ("Message-ID", d.message_id),
        ("Tentatives", str(d.attempts)),
        ("Accusés de ce destinataire", support_show.sentence(view.expects) if view.expects else ""),
        ("Dernière réponse", d.reply),
    ]
    table("", ("", ""), [fact for fact in facts if fact[1]])
    for older in view.waits_for:
        say(waits.sentence(older))
    _timeline(view.timeline)
    rows = [(moment(r.at), RECEIPTS.get(r.kind, r.kind), r.status or r.code, r.note) for r in view.receipts]
    table("Accusés", ("Heure", "Genre", "Code", "Effet"), rows, empty="Aucun accusé pour l'instant.")


def _purged(file: SourceFile | None) -> str:
    at = file.purged_at if file is not None else None
    return f"purgé le {moment(at)}, la preuve est gardée" if at is not None else ""


def _show_file(store: Any, item: str, json: bool) -> None:
    view = overview.show_file(store, item)
    if view is None:
        complain(f"Aucun envoi ni fichier ne porte le numéro {item}.")
        complain("  → « dispatcher list » montre les envois.")
        raise typer.Exit(FAILURES)
    if json:
        print_json(_view_json(view))
        return
    say(f"Fichier {view.file.id} – {FILE_STATES[view.file.state]} – {view.file.size} octets")
    if view.file.purged_at is not None:
        say(f"  contenu et nom purgés le {moment(view.file.purged_at)}, source « {view.file.source} »")
    else:
        say(f"  « {view.file.name} », source « {view.file.source} »")
    if view.file.reason:
        say(f"  {view.file.reason}")
    _timeline(view.timeline)
    rows = [(d.id, STATES[d.state], d.label, d.reason) for d in view.dispatches]
    table("Envois", ("Envoi", "État", "Destinataire", "Remarque"), rows, empty="Aucun envoi.")


def _timeline(lines: Any) -> None:
    rows = [(moment(line.at), EVENTS.get(line.event, line.event), actor(line.actor)) for line in lines]
    table("Histoire", ("Heure", "Évènement", "Par"), rows)


def explain_dispatch(item: Annotated[str, typer.Argument(help="Numéro d'envoi (D…).")], json: Json = False) -> None:
    """Pourquoi ce destinataire, cette adresse, ce format, ce certificat, cette heure."""
    parts = office()
    explanation = explain(parts.store, parts.channels, item)
    if explanation is None:
        complain(f"Aucun envoi ne porte le numéro {item}.")
        complain("  → « dispatcher list » montre les envois.")
        raise typer.Exit(FAILURES)
    if json:
        print_json(explanation.as_json())
        return
    for line in explanation.lines:
        say(line)
