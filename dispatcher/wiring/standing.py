"""Every alarm that stands now, gathered from all parts: told by ``status``, by ``/ready`` and by whoever watches."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from dispatcher.alarms import rules
from dispatcher.alarms.alarm import Alarm, Level
from dispatcher.alarms.facts import Ending, Fault, Thresholds
from dispatcher.directory.at_hand import looked_at, watched
from dispatcher.directory.certificates.found import Found
from dispatcher.directory.trust.fetching import NAME as ALLOWED_DOMAINS
from dispatcher.errors import DispatcherError, KeyringError, StoreError
from dispatcher.keyring.inventory import KeyInfo, Kind, list_keys, places
from dispatcher.outbox.calendar import Calendar
from dispatcher.ports import EVERYTHING
from dispatcher.report.model import Severity
from dispatcher.service import alarm_facts, alarms, nodes, overview, standing, untaken
from dispatcher.service.anchor import SUBJECT as JOURNAL
from dispatcher.service.anchor import signer_of
from dispatcher.service.check import check_reference
from dispatcher.service.internal import place
from dispatcher.service.restored import in_doubt
from dispatcher.settings.alarms import AlarmSettings
from dispatcher.store.room import short_of_room
from dispatcher.wiring import recipient_certificates
from dispatcher.wiring.kept import Kept
from dispatcher.wiring.schedule import laboratory_hours

if TYPE_CHECKING:
    from dispatcher.wiring import Office

log = logging.getLogger(__name__)

_LOOK = "« dispatcher check » dit quel dossier ou quel fichier ne peut pas être lu ; en corriger les droits."
UNANSWERED = "Rien n'est perdu : elles sont redonnées d'elles-mêmes ; « dispatcher answers list --state due »."
_KEYS = "« dispatcher keys list » ; installer la suivante par « dispatcher keys import » (docs/settings.md)."
_KINDS = {Kind.SIGNING: "la clé de signature", Kind.TLS: "le certificat client", Kind.AUTHORITY: "l'autorité"}
_ASK = "Demander au destinataire s'il publie le suivant ; sans lui ses envois seront mis en attente."
_RENEW = "« dispatcher trust import », ou « dispatcher directory sync »."
_SIGN = "« dispatcher keys import », puis « dispatcher journal anchor » (docs/preuves.md)."


_keys_kept: Kept[tuple[KeyInfo, ...]] = Kept()
_certificates_kept: Kept[tuple[Found, ...]] = Kept()


def thresholds(settings: AlarmSettings, calendar: Calendar) -> Thresholds:
    """When a fact becomes an alarm."""
    return Thresholds(
        calendar=calendar,
        silence=timedelta(hours=settings.silence_hours),
        silence_of={name: timedelta(hours=hours) for name, hours in settings.silence.items()},
        oldest=timedelta(hours=settings.oldest_hours),
        held_count=settings.held_count,
        held=timedelta(hours=settings.held_hours),
        failed=timedelta(hours=settings.failed_hours),
        failure_percent=settings.failure_percent,
        failure_least=settings.failure_least,
        quarantine=timedelta(hours=settings.quarantine_hours),
        paper=timedelta(hours=settings.paper_hours),
        pause=timedelta(hours=settings.pause_hours),
        backup=timedelta(days=settings.backup_days),
        expiry_days=tuple(settings.expiry_days),
    )


def gather(
    parts: Office, view: overview.StatusView, lying: Sequence[untaken.Folder], seen: nodes.NodesView
) -> tuple[Alarm, ...]:
    """Every alarm that stands, in the order in which a person should read them; notices left out."""
    return split(everything(parts, view, lying, seen))[0]


def everything(
    parts: Office, view: overview.StatusView, lying: Sequence[untaken.Folder], seen: nodes.NodesView
) -> tuple[Alarm, ...]:
    """The same, and what is only to be foreseen after them."""
    settings, now = parts.settings, parts.clock.now()
    room = short_of_room(settings.store.url, settings.folder, settings.alarms.disk_free_mb * 1_000_000)
    nobody = untaken.nobody_works(view, lying, len(seen.nodes))
    mailboxes = {name: channel.mailbox is not None for name, channel in settings.channels.items()}
    looks: dict[str, Callable[[], Iterable[Alarm]]] = {
        "envois": lambda: standing.of_work(view, now),
        "dossiers": lambda: standing.of_intake(lying, now, nobody=nobody, short_of_room=room),
        "table": lambda: _table(parts),
        "restauration": lambda: standing.of_restored(in_doubt(parts.store), paused_everywhere(parts)),
        "canaux": lambda: standing.of_channels(parts.store, view, mailboxes, now),
        "réponses": lambda: _answers(parts),
        "postes": lambda: standing.of_nodes(seen),
        "journal": lambda: _journal(parts),
        "annuaires": lambda: _directories(parts),
        **_judged(parts),
    }
    found = [alarm for name, look in looks.items() for alarm in _seen(name, look)]
    return tuple(sorted(found, key=lambda one: one.level is Level.NOTICE))


def _seen(name: str, look: Callable[[], Iterable[Alarm]]) -> tuple[Alarm, ...]:
    """One part; a fault nobody foresaw in it (a folder that may not be read) is an alarm, and hides no other part's."""
    try:
        return tuple(look())
    except StoreError:
        raise
    except Exception as error:
        log.error("alarms: part %s cannot be judged, %s", name, place(error))
        text = f"la partie « {name} » des alarmes ne peut pas être jugée ({type(error).__name__})."
        return (Alarm(code="tick", subject=f"alarms:{name}", text=text, outside=text, hint=_LOOK),)


def split(found: Sequence[Alarm]) -> tuple[tuple[Alarm, ...], tuple[Alarm, ...]]:
    """Those that press, and those that are only to be foreseen."""
    pressing = tuple(one for one in found if one.level is not Level.NOTICE)
    return pressing, tuple(one for one in found if one.level is Level.NOTICE)


def _judged(parts: Office) -> dict[str, Callable[[], Iterable[Alarm]]]:
    """Those with a threshold."""
    settings, now = parts.settings.alarms, parts.clock.now()
    limits = thresholds(settings, laboratory_hours(parts.settings.ladder))

    def work() -> Iterable[Alarm]:
        facts = alarm_facts.work_facts(
            parts.store, parts.clock, parts.settings.sources, parts.settings.channels, settings.failure_last
        )
        return rules.of_work(facts, limits, now)

    return {
        "seuils": work,
        "service": lambda: rules.of_faults(alarm_facts.troubles(parts.store)),
        "clés": lambda: rules.of_faults(_key_faults(parts)),
        "échéances": lambda: rules.of_endings(_endings(parts), limits, now),
    }


def _key_faults(parts: Office) -> Iterator[Fault]:
    for info in keys_now(parts):
        if info.problem and (info.in_use or info.kind is Kind.SIGNING) and info.kind is not Kind.RECIPIENT:
            what = _KINDS.get(info.kind, "la clé maîtresse")
            yield Fault(
                code="key-fault",
                subject=f"{info.kind} {info.owner} {info.fingerprint[:8]}".strip(),
                text=f"{what} de « {info.owner} » : {info.problem}",
                outside=f"{what} de « {info.owner} » est inutilisable.",
                hint=_KEYS,
            )
    wanted = parts.settings.journal
    try:
        signer_of(parts.desk.keyring, [wanted.signer] if wanted.signer else list(parts.channels), parts.clock.now())
    except KeyringError:
        text = "aucun canal n'a de clé de signature utilisable : le journal n'est pas signé, aucune preuve ne l'est."
        yield Fault(code="no-signer", subject="", text=text, hint=_SIGN, notice=True)


def _endings(parts: Office) -> Iterator[Ending]:
    for info in keys_now(parts):
        told = info.kind in _KINDS and info.days_left is not None and not info.problem
        if told and info.valid_to is not None and (info.in_use or info.kind is Kind.SIGNING):
            what = f"{_KINDS[info.kind]} de « {info.owner} » ({info.subject})"
            yield Ending(code="key-expiring", what=what, until=info.valid_to, hint=_KEYS)
    for one in _expiring_certificates(parts):
        yield Ending(code="certificate-expiring", what=one.fingerprint, until=one.expires, hint=_ASK)
    for source in watched(parts.settings, parts.clock, parts.store):
        if source.as_of is not None and not source.alarm:
            span = timedelta(days=source.max_age_days)
            yield Ending(
                code="data-expiring",
                what=f"{source.title[0].lower()}{source.title[1:]}",
                until=source.as_of + span,
                hint=_RENEW,
                span=span,
            )


def keys_now(parts: Office) -> tuple[KeyInfo, ...]:
    """The inventory without the recipients' certificates, which are thousands and have an alarm of their own."""
    now, where = parts.clock.now(), replace(places(parts.settings), certificates=None)
    files = (where.folder, where.master, *(path for one in where.tls for path in (one.certificate, one.key)))
    authorities = (path for _, path in where.authorities)
    return _keys_kept.get(repr(where), (*files, *authorities), now, lambda: tuple(list_keys(where, now)))


def _expiring_certificates(parts: Office) -> tuple[Found, ...]:
    """Of recipients, without a successor. None where an authority or a list cannot be read: ``check`` tells it."""
    settings, now = parts.settings, parts.clock.now()
    wanted, days = settings.directory, settings.alarms.expiry_days[0]

    def survey() -> tuple[Found, ...]:
        try:
            return tuple(recipient_certificates(settings, parts.clock).survey(now, expiring_days=days).expiring)
        except DispatcherError:
            return ()

    files = (wanted.certificates, wanted.certificate_state, wanted.issuers)
    return _certificates_kept.get(f"{days} {wanted!r}", files, now, survey)


def paused_everywhere(parts: Office) -> str:
    """Reason of the pause of everything; empty when there is none."""
    with parts.store.reading() as uow:
        return uow.pace.paused(EVERYTHING, parts.clock.now()) or ""


def _table(parts: Office) -> Iterator[Alarm]:
    problem = parts.directory.table.problem
    if problem is not None:
        outside = "la table des destinataires est fautive ; la dernière bonne reste en service."
        yield Alarm(code="local-table", text=f"{outside} {problem}", outside=outside)


def _journal(parts: Office) -> Iterator[Alarm]:
    reason = alarms.standing(parts.store, JOURNAL)
    if reason:
        outside = "le journal n'est plus signé, ou il est rompu."
        text, hint = f"journal non signé, ou rompu : {reason}", "docs/preuves.md dit quoi faire."
        yield Alarm(code="journal", text=text, hint=hint, outside=outside)


def _answers(parts: Office) -> Iterator[Alarm]:
    for way in parts.answer_ways():
        line = alarms.standing_line(parts.store, way.name)
        if line is not None:
            outside = f"le SIL de la source « {way.source} » ne reçoit plus nos réponses."
            text = f"réponses au SIL de la source « {way.source} » : {line.detail.get('reason', '')}"
            yield Alarm(code="answers", subject=way.name, text=text, since=line.at, hint=UNANSWERED, outside=outside)


def _directories(parts: Office) -> Iterator[Alarm]:
    fetched = watched(parts.settings, parts.clock, parts.store)
    for one in fetched:
        if one.alarm:
            code = "allowed-domains" if one.name == ALLOWED_DOMAINS else "directory"
            yield Alarm(
                code=code,
                subject=one.name if code == "directory" else "",
                text=f"{one.title} : {one.alarm}",
                since=one.state.failing_since,
                hint=one.hint,
                outside=f"{one.title} : à renouveler.",
            )
    if not any(one.alarm for one in fetched if one.name == ALLOWED_DOMAINS):
        for found in check_reference(parts.desk):
            if found.severity is Severity.ERROR:
                text = f"{found.subject} : {found.text}."
                yield Alarm(code="allowed-domains", text=text, hint=found.hint)
    names = {one.name for one in fetched}
    for source in looked_at(parts.settings):
        if source.problem and source.name not in names:
            text = f"{source.title} : {source.problem.rstrip('.')}."
            yield Alarm(code="directory", subject=source.name, text=text, hint=source.hint)
