"""The alarms of ``status``: gathered from everywhere, told to a person or listed for a monitor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from dispatcher.cli import cmd_directory_status, directory_alarms
from dispatcher.cli.output import complain
from dispatcher.cli.restored_show import paused_everywhere
from dispatcher.daemon import processes
from dispatcher.directory.trust.fetching import NAME as ALLOWED_DOMAINS
from dispatcher.report.model import Severity
from dispatcher.service import alarms, nodes, overview, standing, untaken
from dispatcher.service.anchor import SUBJECT as JOURNAL
from dispatcher.service.check import check_reference
from dispatcher.service.nodes import NodesView
from dispatcher.service.overview import StatusView
from dispatcher.service.restored import in_doubt
from dispatcher.service.standing import Alarm
from dispatcher.service.untaken import Folder, nobody_works
from dispatcher.store.room import short_of_room
from dispatcher.wiring import Office

UNANSWERED = "Rien n'est perdu : elles sont redonnées d'elles-mêmes ; « dispatcher answers list --state due »."
SHOWN = 5
"""Of one kind told one by one; of more only the number."""


def gather(parts: Office, view: StatusView, lying: Sequence[Folder], seen: NodesView) -> tuple[Alarm, ...]:
    """Every alarm that stands, in the order in which a person should read them."""
    settings, now = parts.settings, parts.clock.now()
    room, nobody = short_of_room(settings.store.url, settings.folder), nobody_works(view, lying, len(seen.nodes))
    mailboxes = {name: channel.mailbox is not None for name, channel in settings.channels.items()}
    return (
        *standing.of_work(view, now),
        *standing.of_intake(lying, now, nobody=nobody, short_of_room=room),
        *_table(parts),
        *standing.of_restored(in_doubt(parts.store), paused_everywhere(parts)),
        *standing.of_channels(parts.store, view, mailboxes, now),
        *_answers(parts),
        *standing.of_nodes(seen),
        *_journal(parts),
        *_directories(parts),
    )


def gathered(parts: Office) -> tuple[Alarm, ...]:
    """The same, everything looked at now."""
    view = overview.status(parts.store, parts.clock, parts.channels)
    lying = untaken.folders(parts.spools(), parts.settings.sources, parts.clock)
    return gather(parts, view, lying, nodes.view(parts.store, processes.runs))


def _table(parts: Office) -> Iterator[Alarm]:
    problem = parts.directory.table.problem
    if problem is not None:
        text = f"la table des destinataires est fautive ; la dernière bonne reste en service. {problem}"
        yield Alarm(code="local-table", text=text)


def _journal(parts: Office) -> Iterator[Alarm]:
    reason = alarms.standing(parts.store, JOURNAL)
    if reason:
        yield Alarm(
            code="journal", text=f"journal non signé, ou rompu : {reason}", hint="docs/preuves.md dit quoi faire."
        )


def _answers(parts: Office) -> Iterator[Alarm]:
    for way in parts.answer_ways():
        line = alarms.standing_line(parts.store, way.name)
        if line is not None:
            text = f"réponses au SIL de la source « {way.source} » : {line.detail.get('reason', '')}"
            yield Alarm(code="answers", text=text, since=line.at, hint=UNANSWERED)


def _directories(parts: Office) -> Iterator[Alarm]:
    fetched = directory_alarms.watched(parts.settings, parts.clock, parts.store)
    for one in fetched:
        if one.alarm:
            code = "allowed-domains" if one.name == ALLOWED_DOMAINS else "directory"
            text = f"{one.title} : {one.alarm}"
            yield Alarm(code=code, text=text, since=one.state.failing_since, hint=one.hint)
    if not any(one.alarm for one in fetched if one.name == ALLOWED_DOMAINS):
        for found in check_reference(parts.desk):
            if found.severity is Severity.ERROR:
                text = f"{found.subject} : {found.text}."
                yield Alarm(code="allowed-domains", text=text, hint=found.hint)
    names = {one.name for one in fetched}
    for source in cmd_directory_status.looked_at(parts.settings):
        if source.problem and source.name not in names:
            text = f"{source.title} : {source.problem.rstrip('.')}."
            yield Alarm(code="directory", text=text, hint=source.hint)


def tell(found: Sequence[Alarm]) -> None:
    """On standard error, those of one kind together."""
    for _, together in groupby(found, key=lambda one: one.code):
        same = list(together)
        for one in same[:SHOWN]:
            complain(f"ALARME, {one.text}")
            if one.detail:
                complain(f"  {one.detail}")
            if one.hint and one.hint != same[-1].hint:
                complain(f"  → {one.hint}")
        if len(same) > SHOWN:
            complain(f"  Et {len(same) - SHOWN} autres : « dispatcher status --json ».")
        if same[-1].hint:
            complain(f"  → {same[-1].hint}")


def as_json(found: Sequence[Alarm]) -> list[dict[str, Any]]:
    """For monitors."""
    return [
        {
            "code": one.code,
            "text": f"{one.text[0].upper()}{one.text[1:]} {one.detail}".rstrip(),
            "since": one.since,
            "hint": one.hint,
        }
        for one in found
    ]
