"""``dispatcher receipts read|import|list|show|close|tie|support``."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated, Any

import typer

from dispatcher.cli.context import office
from dispatcher.cli.output import FAILURES, WRONG_CALL, complain, moment, print_json, say, table
from dispatcher.cli.person import actor
from dispatcher.cli.replay_ask import agree_or_stop, reason_given
from dispatcher.cli.support_show import verdicts, verdicts_in_french
from dispatcher.cli.told import told as tell_changed
from dispatcher.clock import PARIS
from dispatcher.errors import in_french
from dispatcher.french import counted
from dispatcher.outbox.states import STATES
from dispatcher.ports import Fetched, ReceiptRow, Scope
from dispatcher.receipts.mbox import mails
from dispatcher.receipts.readout import as_json, understood
from dispatcher.service import deal_with
from dispatcher.service.collect import Collected, take_notice
from dispatcher.service.wording import ACTIONS, RECEIPTS

Json = Annotated[bool, typer.Option("--json", help="Sortie JSON.")]
Files = Annotated[list[Path], typer.Argument(help="Courriers (.eml), ou boîtes exportées (mbox).")]
MOST = 100_000
"""Notices closed by one command."""
group = typer.Typer(help="Accusés : avis de remise, de lecture, d'erreur.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(group, name="receipts")


@group.command("read")
def read(files: Files, json: Json = False) -> None:
    """Ce que disent des avis, sans base ni configuration."""
    answers = [_answer(path) for path in files]
    if json:
        print_json({"files": answers})
    else:
        for answer in answers:
            _tell(answer)
    if not all(understood(answer) for answer in answers):
        raise typer.Exit(FAILURES)


def _answer(path: Path) -> dict[str, Any]:
    try:
        return as_json(str(path), path.read_bytes())
    except OSError as error:
        problem = {
            "code": "unreadable-file",
            "severity": "error",
            "where": str(path),
            "message": f"Fichier illisible : {in_french(error)}. Vérifier le chemin et les droits.",
        }
        return {"path": str(path), "problems": [problem], "notices": []}


def _row(notice: dict[str, str | None]) -> tuple[str, ...]:
    code = notice["status"] or notice["code"]
    kind, action = (notice[name] or "" for name in ("kind", "action"))
    cells = (
        RECEIPTS.get(kind, kind),
        ACTIONS.get(action, action),
        code,
        notice["recipient"],
        notice["message_id"],
        notice["diagnostic"],
    )
    return tuple(cell or "" for cell in cells)


def _tell(answer: dict[str, Any]) -> None:
    table(
        str(answer["path"]),
        ("Genre", "Action", "Code", "Destinataire", "Message", "Détail"),
        [_row(notice) for notice in answer["notices"]],
        empty=f"{answer['path']} : aucun avis reconnu.",
    )
    for problem in answer["problems"]:
        complain(f"{answer['path']} : {problem['message']}")


@group.command("import")
def import_files(files: Files, channel: Annotated[str, typer.Option(help="Canal.")] = "", json: Json = False) -> None:
    """Fait entrer des avis reçus autrement ; ils changent l'état des envois comme ceux de la boîte."""
    parts = office()
    result = Collected()
    name = channel or next(iter(parts.channels))
    if name not in parts.channels:
        complain(f"Aucun canal « {name} ». Canaux : {', '.join(parts.channels)}.")
        raise typer.Exit(WRONG_CALL)
    for path, data in _contents(files):
        for mail in mails(data):
            result.mails += 1
            fetched = Fetched(uid=path.name, content=mail)
            take_notice(name, fetched, parts.store, parts.clock, result, parts.channels[name].opener)
    if json:
        print_json(
            {"mails": result.mails, "notices": result.notices, "matched": result.matched, "changes": result.changes}
        )
    else:
        count, matched = counted(result.mails, "courrier"), counted(result.matched, "rattaché")
        say(f"{count}, {result.notices} avis, {matched} à un envoi.")
    if result.matched < result.notices or not result.notices:
        raise typer.Exit(FAILURES)


@group.command("list")
def list_receipts(
    unmatched: Annotated[bool, typer.Option("--unmatched", help="Seulement ceux sans envoi correspondant.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Nombre de lignes.")] = 100,
    json: Json = False,
) -> None:
    """Les avis reçus, les plus récents d'abord ; --unmatched : ceux qu'une personne doit examiner."""
    parts = office()
    with parts.store.reading() as uow:
        found = uow.receipts.unmatched(limit + 1) if unmatched else uow.receipts.latest(limit + 1)
    if json:
        print_json([asdict(row) for row in found[:limit]])
        return
    rows = [
        (
            r.id,
            moment(r.at),
            RECEIPTS.get(r.kind, r.kind),
            r.status or r.code or ACTIONS.get(r.action, r.action),
            r.dispatch_id or "–",
            _effect(r),
        )
        for r in found[:limit]
    ]
    empty = "Aucun avis sans envoi correspondant." if unmatched else "Aucun avis reçu."
    table("", ("Avis", "Reçu", "Genre", "Code", "Envoi", "Effet"), rows, empty=empty, cut_last=True)
    if len(found) > limit:
        say(f"Il y en a d'autres : « --limit {limit * 10} » en montre plus.")
    if unmatched and found:
        say("« dispatcher receipts show AVIS » dit ce que contient un avis ; « --out FICHIER » l'écrit tel que reçu.")
        say('« receipts tie AVIS ENVOI --reason "…" » le rattache ; « receipts close AVIS --reason "…" » le règle.')


def _effect(row: ReceiptRow) -> str:
    """What it changed, and who dealt with it."""
    return " ".join(part for part in (_dealt(row), row.note) if part)


def _dealt(row: ReceiptRow) -> str:
    if row.dealt_at is None:
        return ""
    return f"Réglé par {row.dealt_by.removeprefix('operator:')} le {moment(row.dealt_at)} : {row.dealt_why}."


@group.command("close")
def close(
    ids: Annotated[list[str] | None, typer.Argument(help="Numéros d'avis (A…).")] = None,
    reason: Annotated[str, typer.Option("--reason", help="Ce qui a été fait (obligatoire), gardé au journal.")] = "",
    before: Annotated[str, typer.Option(help="Tous ceux reçus avant ce jour (AAAA-MM-JJ).")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Avec --before : sans demander confirmation.")] = False,
    count: Annotated[int | None, typer.Option(help="Avec --before : le nombre attendu d'avis.")] = None,
    json: Json = False,
) -> None:
    """Règle des avis qui attendaient une personne : ils ne sont plus comptés ; qui, quand et pourquoi sont gardés."""
    if bool(ids) == bool(before):
        complain("Dire lesquels : des numéros d'avis (A…), ou --before AAAA-MM-JJ.")
        raise typer.Exit(WRONG_CALL)
    until = _start_of(before) if before else None
    parts = office()
    given, chosen = reason_given(reason, json=json), tuple(ids or ())
    if until is not None:
        chosen = deal_with.old_ones(parts.store, until, MOST)
        if chosen:
            question = f"Ces avis, reçus avant le {until:%d/%m/%Y}, attendent une personne. Les dire tous réglés ?"
            above = parts.settings.service.ask_count_above
            agree_or_stop(len(chosen), question, above=above, yes=yes, said=count, json=json)
        elif not json:
            say("Aucun avis d'avant ce jour n'attend une personne.")
    tell_changed(deal_with.close(parts.store, parts.clock, chosen, reason=given, actor=actor()), "réglé|réglés", json)


def _start_of(day: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(day), time(), PARIS)
    except ValueError:
        complain("--before : date attendue sous la forme 2026-11-22.")
        raise typer.Exit(WRONG_CALL) from None


@group.command("tie")
def tie(
    item: Annotated[str, typer.Argument(help="Numéro d'avis (A…).")],
    dispatch: Annotated[str, typer.Argument(help="Numéro de l'envoi dont il parle (D…).")],
    reason: Annotated[str, typer.Option("--reason", help="Ce qui le montre (obligatoire), gardé au journal.")] = "",
    json: Json = False,
) -> None:
    """Rattache un avis à l'envoi dont il parle : il en change l'état comme s'il l'avait trouvé tout seul."""
    parts = office()
    given = reason_given(reason, json=json)
    with parts.store.reading() as uow:
        row = uow.receipts.get(item)
    channel = parts.channels.get(row.channel) if row is not None else None
    done = deal_with.tie(
        parts.store,
        parts.clock,
        item,
        dispatch,
        reason=given,
        actor=actor(),
        opener=channel.opener if channel is not None else None,
        look_again=channel.look_again if channel is not None else None,
    )
    if json:
        print_json({"receipt": item, "dispatch": dispatch, **asdict(done)})
    elif not done.refused:
        say(f"Avis {item} rattaché à l'envoi {dispatch}. {done.note}")
        say(f"L'envoi est maintenant : {STATES[done.state]}." if done.state else "L'état de l'envoi ne change pas.")
    else:
        complain(f"{item} : {done.refused}")
    if done.refused:
        raise typer.Exit(FAILURES)


@group.command("show")
def show(
    item: Annotated[str, typer.Argument(help="Numéro d'avis (A…).")],
    out: Annotated[Path | None, typer.Option(help="Écrit le courrier tel que reçu dans ce fichier.")] = None,
    json: Json = False,
) -> None:
    """Un avis : ce qu'il dit, à quel envoi il a été rattaché, ou pourquoi à aucun."""
    parts = office()
    with parts.store.reading() as uow:
        row = uow.receipts.get(item)
        content = uow.payloads.get(item, "notice") if row is not None else None
    if row is None:
        complain(f"Aucun avis ne porte le numéro {item}.")
        complain("  → « dispatcher receipts list » montre les avis.")
        raise typer.Exit(FAILURES)
    channel = parts.channels.get(row.channel)
    told = as_json(item, content, channel.opener if channel is not None else None) if content is not None else None
    if out is not None:
        _write(out, content)
    if json:
        print_json({"receipt": asdict(row), "read": told})
        return
    say(f"Avis {row.id}, {RECEIPTS.get(row.kind, row.kind)}, reçu le {moment(row.at)}, canal « {row.channel} »")
    say(f"Envoi {row.dispatch_id}" if row.dispatch_id else "Sans envoi correspondant")
    for line in filter(None, (row.note, _dealt(row))):
        say(f"  {line}")
    if told is None:
        say("Son contenu n'est plus dans la base.")
    else:
        _tell(told)


def _write(out: Path, content: bytes | None) -> None:
    if content is None:
        complain("Le contenu de cet avis n'est plus dans la base : rien n'est écrit.")
        raise typer.Exit(FAILURES)
    try:
        out.write_bytes(content)
    except OSError as error:
        complain(f"{out} : {in_french(error)}. Rien n'est écrit.")
        raise typer.Exit(FAILURES) from error


@group.command("support")
def support(
    channel: Annotated[str, typer.Option(help="Un canal.")] = "",
    addresses: Annotated[bool, typer.Option("--addresses", help="Aussi par adresse.")] = False,
    json: Json = False,
) -> None:
    """Quels accusés chaque destinataire donne, d'après ce qui est revenu et ce qui ne l'est pas."""
    parts = office()
    with parts.store.reading() as uow:
        found = uow.support.list(channel, None if addresses else Scope.DOMAIN)
    if json:
        print_json([asdict(row) | verdicts(row) for row in found])
        return
    rows = [
        (row.name, row.channel, *verdicts_in_french(row), str(row.silent), str(row.unread))
        for row in sorted(found, key=lambda row: (row.name.rpartition("@")[2], row.name))
    ]
    columns = ("Destinataire", "Canal", "Remise", "Lecture", "Sans avis", "Sans lecture")
    table("Accusés par destinataire", columns, rows, empty="Rien n'est encore appris : aucun avis reçu.")
    if rows:
        say("« Sans avis », « Sans lecture » : envois de suite restés sans réponse. Appris, sans réglage.")


def _contents(files: list[Path]) -> list[tuple[Path, bytes]]:
    found = []
    for path in files:
        try:
            found.append((path, path.read_bytes()))
        except OSError as error:
            complain(f"{path} : illisible ({in_french(error)}). Vérifier le chemin et les droits.")
    return found
