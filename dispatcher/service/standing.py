"""Alarms that were judged where they arise, as ``status`` tells them and monitors read them (``docs/alarmes.md``).

Those with a threshold are made in ``alarms/rules.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from dispatcher.alarms.alarm import Alarm
from dispatcher.clock import paris
from dispatcher.french import age, counted, either
from dispatcher.outbox.dispatch import Lane
from dispatcher.outbox.states import STATES
from dispatcher.ports import Store
from dispatcher.service import alarms
from dispatcher.service.nodes import NodesView
from dispatcher.service.overview import ChannelStatus, StatusView
from dispatcher.service.restored import InDoubt
from dispatcher.service.untaken import Folder

_CALL = "Prévenir le destinataire par téléphone ; « dispatcher show ENVOI » dit ce qui l'arrête."
_TAKE_OVER = 'Appeler le destinataire, puis « dispatcher ladder acknowledge ENVOI --reason "…" ».'
_UNREAD = "Les accusés n'arrivent plus : rétablir la boîte, elle est relue d'elle-même ; « dispatcher check »."
SETTLE = "« dispatcher list --state unknown », puis « dispatcher settle » quand on sait, ou « dispatcher replay »."


def of_work(view: StatusView, now: datetime) -> Iterator[Alarm]:
    """Urgent mail that has not left, mail nobody reads, channels that a fault stopped, paused batches."""
    for one in view.late:
        since = f", depuis {age(now - one.created_at)}" if one.created_at is not None else ""
        text = f"résultat urgent pas encore parti : {one.id}, {STATES[one.state]}{since}."
        outside = f"résultat urgent pas encore parti : {one.id}{since}."
        yield Alarm(
            code="urgent-late",
            subject=one.id,
            text=text,
            since=one.created_at,
            detail=one.reason,
            hint=_CALL,
            outside=outside,
        )
    for one in view.calling:
        what = "résultat urgent" if one.lane is Lane.URGENT else "envoi"
        left = f", envoyé {_moment(one.sent_at)}" if one.sent_at is not None else ""
        whom = f" À prévenir : {view.called[one.id]}." if view.called.get(one.id) else ""
        text = f"{what} jamais lu : {one.id}, {one.label}{left}.{whom}"
        outside = f"{what} jamais lu : {one.id}{left}."
        yield Alarm(code="unread", subject=one.id, text=text, since=one.sent_at, hint=_TAKE_OVER, outside=outside)
    for channel in view.channels:
        if channel.tries_at is not None:
            text = f"canal « {channel.name} » arrêté par une panne ; nouvel essai {_moment(channel.tries_at)}."
            yield Alarm(
                code="channel-stopped",
                subject=channel.name,
                text=text,
                detail=channel.paused,
                outside=f"canal « {channel.name} » arrêté par une panne ; il est réessayé tout seul.",
            )
    for batch in view.paused_batches:
        outside = f"lot {batch.id} du canal « {batch.channel} » suspendu, ses envois attendent."
        yield Alarm(code="batch-paused", text=f"{outside} {batch.pause_reason}", outside=outside)


def of_intake(lying: Iterable[Folder], now: datetime, *, nobody: bool, short_of_room: str) -> Iterator[Alarm]:
    """A disk almost full, no service at all, files that lie too long. ``nobody``: see :mod:`.untaken`."""
    if short_of_room:
        text = f"disque : {short_of_room}. Plein, plus rien n'est relevé ni envoyé. Faire de la place."
        yield Alarm(code="disk", text=text)
    if nobody:
        text = "aucun service n'est en marche, ce qui attend ne partira pas. Démarrer « dispatcher run »."
        yield Alarm(code="no-service", text=text)
    for one in lying:
        if one.problem:
            outside = f"le dossier de la source « {one.source} » est inaccessible."
            text = f"source « {one.source} » : {one.problem}"
            yield Alarm(code="source-unreadable", subject=one.source, text=text, outside=outside)
        elif one.late:
            since = now - timedelta(seconds=one.oldest_seconds)
            text = f"{untaken(one)} Le journal technique du service dit pourquoi."
            yield Alarm(code="source-late", subject=one.source, text=text, since=since)


def untaken(one: Folder) -> str:
    """How many files lie in a folder, and since when."""
    are = either(one.files, "n'est pas encore pris", "ne sont pas encore pris")
    since = f"le plus ancien y est depuis {age(timedelta(seconds=one.oldest_seconds))}"
    return f"source « {one.source} » : {counted(one.files, 'fichier')} de son dossier {are} ; {since}."


def of_restored(found: InDoubt | None, paused: str) -> Iterator[Alarm]:
    """Nothing leaves: after a restore, or because a person paused everything for the reason ``paused``."""
    if found is not None:
        text = f"base restaurée le {_moment(found.restored_at)} d'une sauvegarde du {_moment(found.backup_at)} : "
        hint = f"{counted(found.count, 'élément')} à voir : « dispatcher restore --report »."
        yield Alarm(code="restored", text=f"{text}rien ne part.", since=found.restored_at, hint=hint)
    elif paused:
        outside = "tout est en pause, rien ne part."
        yield Alarm(code="all-paused", text=f"{outside} {paused}", outside=outside)


def of_channels(store: Store, view: StatusView, mailboxes: Mapping[str, bool], now: datetime) -> Iterator[Alarm]:
    """Mailboxes that cannot be read (``mailboxes``: whether each channel has one), and old doubts."""
    for name, has_one in mailboxes.items():
        line = alarms.standing_line(store, alarms.mailbox(name)) if has_one else None
        if line is not None:
            text = f"boîte des avis du canal « {name} » : {alarms.reason(line)}"
            outside = f"la boîte des avis du canal « {name} » est illisible."
            yield Alarm(code="mailbox", subject=name, text=text, since=line.at, hint=_UNREAD, outside=outside)
        heavy = alarms.standing_line(store, alarms.mailbox_fill(name)) if has_one else None
        if heavy is not None:
            text = f"boîte des avis du canal « {name} » : {alarms.reason(heavy)}"
            yield Alarm(code="mailbox-heavy", subject=name, text=text, since=heavy.at)
    for channel in view.channels:
        yield from _of_doubts(store, channel, now)


def _of_doubts(store: Store, channel: ChannelStatus, now: datetime) -> Iterator[Alarm]:
    if not channel.unknown:
        return
    if alarms.standing(store, alarms.doubt(channel.name)):
        yield Alarm(
            code="unknown-outcome",
            subject=channel.name,
            text=doubts(channel, now),
            since=channel.unknown_since,
            hint=SETTLE,
            count=channel.unknown,
        )
    unasked = alarms.standing_line(store, alarms.sent_folder(channel.name))
    if unasked is not None:
        text = f"dossier des courriers envoyés du canal « {channel.name} », impossible à interroger : "
        outside = f"le dossier des courriers envoyés du canal « {channel.name} » est illisible."
        yield Alarm(
            code="sent-folder",
            subject=channel.name,
            text=text + alarms.reason(unasked),
            since=unasked.at,
            outside=outside,
        )


def doubts(channel: ChannelStatus, now: datetime) -> str:
    """How many of a channel's outcomes are unknown, and since when."""
    since = age(now - channel.unknown_since) if channel.unknown_since is not None else "peu"
    count = counted(channel.unknown, "envoi")
    return f"{count} à l'issue inconnue sur le canal « {channel.name} », depuis {since}."


def of_nodes(seen: NodesView) -> Iterator[Alarm]:
    """What is wrong with the services on this database, and between them."""
    if seen.all_draining:
        yield Alarm(code="nodes-draining", text=f"postes : {seen.all_draining}")
    for one in seen.nodes:
        if one.silent:
            yield Alarm(
                code="node-silent", subject=one.node.name, text=f"postes : {one.silent}", since=one.node.seen_at
            )
        if one.skewed:
            yield Alarm(code="node-clock", subject=one.node.name, text=f"postes : {one.skewed}")
        if one.twin:
            yield Alarm(code="node-twin", subject=one.node.name, text=f"postes : {one.twin}")
    if seen.different:
        yield Alarm(code="nodes-differ", text=f"postes : {seen.different}")


def _moment(value: datetime) -> str:
    return paris(value).strftime("%d/%m/%Y %H:%M:%S")
