"""Settings to real parts to use cases. The only room that knows them all."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from dispatcher.clock import Clock, Steadiness, SystemClock
from dispatcher.conformance.in_service import InstalledRules
from dispatcher.conformance.installed import user_folder
from dispatcher.dialects import shelf
from dispatcher.dialects.model import Dialect
from dispatcher.directory.certificates.cache import AnswerCache
from dispatcher.directory.certificates.folder import CertificateFolder
from dispatcher.directory.certificates.recipients import RecipientCertificates
from dispatcher.directory.certificates.revocation_lists import RevocationLists
from dispatcher.directory.directories import Directories
from dispatcher.directory.local.book import TableBook
from dispatcher.directory.local.history import History
from dispatcher.directory.local.table import LocalTable
from dispatcher.directory.saved_lists import ListBook
from dispatcher.directory.standing import expected
from dispatcher.directory.trust.in_force import DomainsInForce
from dispatcher.formats.base import Writer
from dispatcher.formats.cda.writer import CdaWriter
from dispatcher.formats.hprim_medecins.writer import HprimMedecinsWriter
from dispatcher.formats.hprim_sante.writer import HprimSanteWriter
from dispatcher.formats.pdf.letters import LetterWriter
from dispatcher.formats.pdf.statements import StatementWriter
from dispatcher.formats.pdf.writer import PdfWriter
from dispatcher.intake.spool import FolderSpool
from dispatcher.keyring.files import FileKeyring
from dispatcher.keyring.master import MasterKey
from dispatcher.outbox.longest import Longest
from dispatcher.ports import AlarmWay, AllowedDomains, Cipher, Listener, Mailbox, Store
from dispatcher.receipts.ladder import LadderRules
from dispatcher.report.checks import overrides
from dispatcher.routing.facts import Policy
from dispatcher.service.answer import Way, ways_of
from dispatcher.service.answer_notes import told_to
from dispatcher.service.channel import Channel
from dispatcher.service.desk import Desk
from dispatcher.service.enciphered import opener
from dispatcher.service.look_again import look_again
from dispatcher.service.mails_aside import StoredAside
from dispatcher.service.print_run import PaperRules
from dispatcher.service.purge import Retention
from dispatcher.settings import PdfSettings, Settings, SourceSettings
from dispatcher.store.engine import SqlStore, open_store
from dispatcher.transport.alerting.open import alarm_ways
from dispatcher.transport.answers import answer_lines
from dispatcher.transport.open import open_listener, open_mailbox
from dispatcher.wiring.accounts import channel, doubt
from dispatcher.wiring.identity import laboratory, neutral_laboratory
from dispatcher.wiring.keeping import retention
from dispatcher.wiring.layouts import letter_layout, pdf_layout, statement_layout
from dispatcher.wiring.people import console_secrets, session_rules
from dispatcher.wiring.schedule import ladder_rules
from dispatcher.wiring.tables import paper_rules, terminology, terminology_options, terminology_texts

__all__ = [
    "Office",
    "build",
    "channel",
    "console_secrets",
    "doubt",
    "laboratory",
    "list_book",
    "neutral_laboratory",
    "recipient_certificates",
    "rules_folder",
    "session_rules",
    "table_book",
    "terminology",
    "terminology_options",
    "terminology_texts",
    "with_dialects",
    "writers",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """All parts of one installation, wired. Close it at the end."""

    settings: Settings
    clock: Clock
    store: Store
    desk: Desk
    directory: Directories
    channels: Mapping[str, Channel]
    _closing: ExitStack = field(repr=False)
    steadiness: Steadiness = field(default_factory=Steadiness)
    """Of the clock, as the recover tick sees it."""

    def spools(self) -> list[FolderSpool]:
        """One per source, each with its own memory of what it saw."""
        return [FolderSpool(name, source, self.clock) for name, source in self.settings.sources.items()]

    @property
    def longest(self) -> Longest:
        """The longest waits it sets by itself."""
        service = self.settings.service
        return Longest.of(
            (one.retry for one in self.channels.values()),
            urgent=self.desk.urgent_within,
            lease=timedelta(seconds=service.lease_seconds),
        )

    def open_mailbox(self, channel: str) -> Mailbox | None:
        """The mailbox of a channel, opened; None when it has none."""
        settings = self.settings.channels[channel].mailbox
        if settings is None:
            return None
        return open_mailbox(settings, StoredAside(self.store, self.clock, channel))

    def open_listener(self, channel: str) -> Listener | None:
        """Where the server of that mailbox tells of new mail; None when nobody is to listen."""
        settings = self.settings.channels[channel].mailbox
        return open_listener(settings) if settings is not None else None

    @property
    def ladder(self) -> LadderRules:
        """What happens to mail that nobody reads."""
        return ladder_rules(self.settings)

    @property
    def paper(self) -> PaperRules:
        """How letters are printed."""
        return paper_rules(self.settings.paper)

    @property
    def retention(self) -> Retention:
        """How long what is kept."""
        return retention(self.settings.retention)

    def letters(self) -> LetterWriter:
        """For those who get their results on paper."""
        return LetterWriter(letter_layout(self._closing))

    def statements(self) -> StatementWriter:
        """For the statements of bulk sends."""
        return StatementWriter(statement_layout(self._closing))

    def answer_ways(self) -> list[Way]:
        """The lines to the LIS of every source that is answered; nothing is connected yet."""
        wanted = {name: one.answers for name, one in self.settings.sources.items() if one.answers is not None}
        return [way for name, one in wanted.items() for way in ways_of(name, one, answer_lines(one))]

    def alarm_ways(self) -> tuple[AlarmWay, ...]:
        """By which people are told of alarms; nothing is connected yet."""
        return alarm_ways(self.settings.alarms, self.settings.laboratory.name)

    def close(self) -> None:
        """Let go of files and database."""
        self._closing.close()


def build(settings: Settings, clock: Clock | None = None, *, upgrade: bool = True) -> Office:
    """Wire everything; without ``upgrade`` an older database is refused. Raises ``DispatcherError``."""
    clock = clock or SystemClock()
    settings, spoken = with_dialects(settings)
    cipher, closing = MasterKey.load(settings.keys.master).cipher(), ExitStack()
    store = _store(settings, cipher, clock, upgrade)
    closing.callback(store.close)
    directory = _directory(settings)
    domains = _domains(settings, store, clock)
    channels = {name: channel(name, one, settings, domains) for name, one in settings.channels.items()}
    desk = Desk(
        store=store,
        clock=clock,
        cipher=cipher,
        keyring=FileKeyring(settings.keys.folder),
        terminology=terminology(settings.terminology),
        directory=directory,
        domains=domains,
        certificates=recipient_certificates(settings, clock),
        laboratory=laboratory(settings.laboratory),
        channels=channels,
        sources=settings.sources,
        dialects=spoken,
        policy=Policy.of(settings),
        writers=writers(closing, settings.pdf),
        severities=overrides(settings.checks.severities),
        allow_test_ins=settings.checks.allow_test_ins,
        urgent_within=timedelta(minutes=settings.service.urgent_minutes),
        official=InstalledRules.at(rules_folder(settings)),
    )
    _asking_again(channels, desk)
    return Office(
        settings=settings,
        clock=clock,
        store=store,
        desk=desk,
        directory=directory,
        channels=channels,
        _closing=closing,
    )


def _store(settings: Settings, cipher: Cipher, clock: Clock, upgrade: bool) -> SqlStore:
    told = told_to(settings.sources)
    return open_store(settings.store.url, cipher, clock, upgrade=upgrade, folder=settings.folder, telling=told)


def _asking_again(channels: dict[str, Channel], desk: Desk) -> None:
    """Each channel may ask the desk where a recipient is by now, and open what came enciphered for it.

    The mapping is the desk's own.
    """
    for name, one in channels.items():
        channels[name] = replace(one, look_again=partial(look_again, desk), opener=opener(desk.keyring, name))


def with_dialects(settings: Settings) -> tuple[Settings, dict[str, Dialect]]:
    """The settings, where a source says nothing of its files its dialect does; and the dialects, by source.

    Raises :class:`ConfigError` for the first that cannot be used.
    """
    spoken: dict[str, Dialect] = {}
    sources: dict[str, SourceSettings] = {}
    for name, source in settings.sources.items():
        sources[name] = source
        if source.dialect is None:
            continue
        spoken[name] = shelf.load(source.dialect, settings.folder)
        files, told = spoken[name].files, source.model_fields_set
        update: dict[str, Any] = {}
        if files.patterns and "patterns" not in told:
            update["patterns"] = list(files.patterns)
        if files.done_suffix and not told & {"contract", "done_suffix"}:
            update |= {"contract": "done-file", "done_suffix": files.done_suffix}
        sources[name] = source.model_copy(update=update)
    return settings.model_copy(update={"sources": sources}), spoken


def recipient_certificates(settings: Settings, clock: Clock) -> RecipientCertificates:
    """Recipients' certificates of the folder and of the LDAP servers that have them. Nothing is asked yet."""
    wanted = settings.directory
    cache = AnswerCache(wanted.certificate_state / "answers.sqlite3")
    servers = {name: server for name, server in wanted.ldap.items() if "certificates" in server.use}
    asked = []
    if servers:
        from dispatcher.directory.certificates.remote import LdapCertificates  # its library is slow to load

        asked = [LdapCertificates(name, server, cache, clock) for name, server in servers.items()]
    return RecipientCertificates(
        CertificateFolder(wanted.certificates),
        servers=asked,
        cache=cache,
        issuers=wanted.issuers,
        lists=RevocationLists(wanted.revocation, wanted.certificate_state),
        policy=wanted.revocation.policy,
    )


def _directory(settings: Settings) -> Directories:
    return Directories(
        settings.directory.folder,
        LocalTable(
            settings.directory.local,
            channels=settings.channels,
            sources=settings.sources,
            history=History(settings.directory.local, settings.directory.local_versions),
        ),
        expected(settings.directory),
    )


def table_book(settings: Settings, clock: Clock | None = None) -> TableBook:
    """The laboratory's table, to be changed."""
    return TableBook(
        settings.directory.local,
        clock or SystemClock(),
        keep=settings.directory.local_versions,
        channels=settings.channels,
        sources=settings.sources,
    )


def list_book(settings: Settings, clock: Clock | None = None) -> ListBook:
    """The saved lists of recipients, to be read and changed."""
    return ListBook(settings.bulk.lists, clock or SystemClock(), keep=settings.directory.local_versions)


ONE_THREAD = ("RAYON_NUM_THREADS", "1")
"""typst shares one small document between all processors, which costs a tenth more than it gains: workers are
processes. Read by its library at the first document; what the site has set already stays."""


def writers(closing: ExitStack, pdf: PdfSettings | None = None) -> dict[str, Writer]:
    """Every format we write. Fonts and layout are unpacked for the life of ``closing``."""
    os.environ.setdefault(*ONE_THREAD)
    return {
        "pdf": PdfWriter(pdf_layout(closing, pdf or PdfSettings())),
        "cda": CdaWriter(3),
        "cda-n1": CdaWriter(1),
        "hprim-medecins": HprimMedecinsWriter(),
        "hprim-sante": HprimSanteWriter(),
    }


def rules_folder(settings: Settings | None) -> Path:
    """Where the official rules are installed: with the configuration's state, else with the user's own data."""
    return settings.folder / "state" / "conformance" if settings is not None else user_folder(os.environ)


def _domains(settings: Settings, store: Store, clock: Clock) -> Callable[[], AllowedDomains]:
    """The list of allowed domains in force, renewed when a newer one was imported."""
    return DomainsInForce(settings.trust, store, clock).current
