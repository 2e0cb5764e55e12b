"""Facts in, alarms out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from dispatcher.alarms.alarm import Alarm
from dispatcher.alarms.facts import ChannelFact, Ending, Fault, Heap, SourceFact, Thresholds, WorkFacts
from dispatcher.clock import paris
from dispatcher.french import age, counted, either

LOOK_HELD = "« dispatcher list --state held » ; « dispatcher release » quand la cause est levée."
LOOK_FAILED = "« dispatcher list --state failed » ; puis « dispatcher replay » ou « dispatcher close »."
LOOK_FILES = "« dispatcher list --files » ; la raison y est. Faire corriger et redéposer le fichier."
PRINT = "« dispatcher paper print », puis « dispatcher paper printed »."
RESUME = "« dispatcher resume » quand la raison n'est plus."
ASK_LIS = "Regarder si le SIL exporte encore, et si son dossier est le bon ; sinon l'appeler."
SAVE = "« dispatcher backup DOSSIER » ; la planifier chaque jour (docs/sauvegarde.md)."
PRESSING_DAYS = 7
"""An end within so many days is an alarm, before it a notice."""


def of_work(facts: WorkFacts, rules: Thresholds, now: datetime) -> Iterator[Alarm]:
    """Everything that can be told from the database."""
    for source in facts.sources:
        yield from _silence(source, rules, now)
    if facts.oldest is not None and rules.oldest and now - facts.oldest > rules.oldest:
        text = f"l'envoi {facts.oldest_id} n'est toujours pas terminé après {age(now - facts.oldest)}."
        yield Alarm(code="oldest", text=text, since=facts.oldest, hint=f"« dispatcher show {facts.oldest_id} ».")
    yield from _held(facts.held, rules, now)
    yield from _heap("failed", facts.failed, rules.failed, rules, now, LOOK_FAILED)
    yield from _heap("quarantine", facts.quarantine, rules.quarantine, rules, now, LOOK_FILES)
    yield from _heap("paper", facts.paper, rules.paper, rules, now, PRINT)
    for channel in facts.channels:
        yield from _channel(channel, rules, now)
    yield from _paused("", facts.all_paused_since, rules, now)
    yield from _backup(facts, rules, now)


def _silence(source: SourceFact, rules: Thresholds, now: datetime) -> Iterator[Alarm]:
    span = rules.silence_for(source.name)
    if not span or not _worked(source.last, span, rules, now):
        return
    hours = f"{span / timedelta(hours=1):g} h ouvrées"
    since = f"depuis le {_day(source.last)}"
    text = f"plus rien n'arrive de la source « {source.name} » {since} (plus de {hours})."
    if not source.ever:
        text = f"la source « {source.name} » n'a jamais rien reçu, et est surveillée {since} (plus de {hours})."
    yield Alarm(code="silence", subject=source.name, text=text, since=source.last, hint=ASK_LIS)


def _held(heap: Heap, rules: Thresholds, now: datetime) -> Iterator[Alarm]:
    if rules.held_count and heap.count >= rules.held_count:
        yield _told("held", heap, now, LOOK_HELD)
    else:
        yield from _heap("held", heap, rules.held, rules, now, LOOK_HELD)


def _heap(code: str, heap: Heap, span: timedelta, rules: Thresholds, now: datetime, hint: str) -> Iterator[Alarm]:
    if span and heap.count and heap.oldest is not None and _worked(heap.oldest, span, rules, now):
        yield _told(code, heap, now, hint)


_HEAPS = {
    "held": ("envoi", "attend une décision", "attendent une décision"),
    "failed": ("envoi", "est en échec et attend une décision", "sont en échec et attendent une décision"),
    "quarantine": ("fichier", "est illisible, en quarantaine", "sont illisibles, en quarantaine"),
    "paper": ("courrier", "est à imprimer", "sont à imprimer"),
}


def _told(code: str, heap: Heap, now: datetime, hint: str) -> Alarm:
    noun, alone, several = _HEAPS[code]
    since = f" ; le plus ancien date de {age(now - heap.oldest)}" if heap.oldest is not None else ""
    text = f"{counted(heap.count, noun)} {either(heap.count, alone, several)}{since}."
    return Alarm(code=code, text=text, since=heap.oldest, count=heap.count, hint=hint)


def _channel(channel: ChannelFact, rules: Thresholds, now: datetime) -> Iterator[Alarm]:
    yield from _paused(channel.name, channel.paused_since, rules, now)
    enough = channel.ended >= max(rules.failure_least, 1) and rules.failure_percent
    if enough and 100 * channel.failed >= rules.failure_percent * channel.ended:
        share = f"{channel.failed} échecs sur les {channel.ended} derniers envois"
        text = f"{share} du canal « {channel.name} »."
        yield Alarm(code="failure-rate", subject=channel.name, text=text, count=channel.failed, hint=LOOK_FAILED)


def _paused(name: str, since: datetime | None, rules: Thresholds, now: datetime) -> Iterator[Alarm]:
    if since is not None and rules.pause and now - since > rules.pause:
        what = f"le canal « {name} » est" if name else "tous les canaux sont"
        text = f"{what} en pause depuis {age(now - since)}, par décision d'une personne."
        yield Alarm(code="paused", subject=name, text=text, since=since, hint=RESUME)


def _backup(facts: WorkFacts, rules: Thresholds, now: datetime) -> Iterator[Alarm]:
    if facts.backup_at is None or not rules.backup or now - facts.backup_at <= rules.backup:
        return
    text = f"la dernière sauvegarde date du {_day(facts.backup_at)}, il y a {age(now - facts.backup_at)}."
    if not facts.ever_saved:
        text = (
            f"aucune sauvegarde n'a jamais été faite ; le programme est en service depuis {age(now - facts.backup_at)}."
        )
    yield Alarm(code="backup", text=text, since=facts.backup_at, hint=SAVE)


def of_endings(endings: Iterable[Ending], rules: Thresholds, now: datetime) -> Iterator[Alarm]:
    """Keys and data that end soon, one alarm each; certificates of recipients are one alarm together."""
    theirs = []
    for one in endings:
        stage = _stage(one, rules, now)
        if not stage:
            continue
        if one.code == "certificate-expiring":
            theirs.append((stage, one))
            continue
        days = (one.until - now).days
        when = f"expire le {_day(one.until)}, dans {counted(days, 'jour')}" if one.until > now else "a expiré"
        yield Alarm(
            code=one.code,
            subject=one.what,
            text=f"{one.what} {when}.",
            since=one.until - timedelta(days=rules.expiry_days[0]),
            hint=one.hint,
            stage=stage,
            notice=days >= PRESSING_DAYS,
        )
    if theirs:
        first = min(one.until for _, one in theirs)
        count = len(theirs)
        are = either(count, "expire", "expirent")
        text = f"{counted(count, 'certificat')} de destinataires {are} bientôt, le premier le {_day(first)}."
        yield Alarm(
            code="certificate-expiring", text=text, count=count, hint=theirs[0][1].hint, notice=True,
            stage=max(stage for stage, _ in theirs),
        )  # fmt: skip


def _stage(one: Ending, rules: Thresholds, now: datetime) -> int:
    """How many steps were passed, the end itself among them."""
    steps = [days for days in rules.expiry_days if one.span is None or 2 * timedelta(days=days) <= one.span]
    left = one.until - now
    passed = sum(left < timedelta(days=days) for days in steps)
    return passed + (left <= timedelta())


def of_faults(faults: Iterable[Fault]) -> Iterator[Alarm]:
    """What needs no threshold."""
    for one in faults:
        yield Alarm(
            code=one.code,
            subject=one.subject,
            text=one.text,
            since=one.since,
            hint=one.hint,
            outside=one.outside,
            notice=one.notice,
        )


def _worked(since: datetime, span: timedelta, rules: Thresholds, now: datetime) -> bool:
    """So many working hours have passed."""
    due = rules.calendar.after(since, span)
    return due is not None and due <= now


def _day(moment: datetime) -> str:
    return paris(moment).strftime("%d/%m/%Y à %H:%M")
