"""Every alarm that stands now, gathered from all parts: told by ``status``, by ``/ready`` and by whoever watches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from dispatcher.directory.at_hand import looked_at, watched
from dispatcher.directory.trust.fetching import NAME as ALLOWED_DOMAINS
from dispatcher.ports import EVERYTHING
from dispatcher.report.model import Severity
from dispatcher.service import alarms, standing
from dispatcher.service.anchor import SUBJECT as JOURNAL
from dispatcher.service.check import check_reference
from dispatcher.service.nodes import NodesView
from dispatcher.service.overview import StatusView
from dispatcher.service.restored import in_doubt
from dispatcher.service.standing import Alarm
from dispatcher.service.untaken import Folder, nobody_works
from dispatcher.store.room import short_of_room

if TYPE_CHECKING:
    from dispatcher.wiring import Office

UNANSWERED = "Rien n'est perdu : elles sont redonnées d'elles-mêmes ; « dispatcher answers list --state due »."


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


def paused_everywhere(parts: Office) -> str:
    """Reason of the pause of everything; empty when there is none."""
    with parts.store.reading() as uow:
        return uow.pace.paused(EVERYTHING, parts.clock.now()) or ""


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
    fetched = watched(parts.settings, parts.clock, parts.store)
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
    for source in looked_at(parts.settings):
        if source.problem and source.name not in names:
            text = f"{source.title} : {source.problem.rstrip('.')}."
            yield Alarm(code="directory", text=text, hint=source.hint)
