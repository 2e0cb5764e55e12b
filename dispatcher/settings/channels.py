"""The channels: one sending account each, with its pace, batches and mailbox of notices."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from dispatcher.settings.ladder import ChannelLadderSettings
from dispatcher.settings.pace import PaceSettings
from dispatcher.settings.schedule import Day, Region, cron, hours
from dispatcher.settings.sections import Address, PathSection, Section, SendingFormat


class BatchSettings(Section):
    """When batches are formed; hours, days and holidays limit the forming, never what is in a batch already."""

    every_minutes: float = Field(default=5, gt=0)
    cron: str = ""
    """Five fields, Europe/Paris; instead of ``every_minutes``."""
    hours: str = ""
    """``08:00-18:30``; empty: all day."""
    days: list[Day] = Field(default_factory=list)
    """Empty: all."""
    holidays: Region | Literal[""] = ""
    """Region whose public holidays count as closed; empty: they are days like others."""
    max_count: int = Field(default=500, gt=0)
    max_bytes: int = Field(default=100_000_000, gt=0)

    @model_validator(mode="after")
    def _schedule(self) -> BatchSettings:
        if self.cron and "every_minutes" in self.model_fields_set:
            raise ValueError("« cron » et « every_minutes » s'excluent : garder l'un des deux")
        if self.cron:
            cron(self.cron)
        if self.hours:
            hours(self.hours)
        return self


class UnknownSettings(Section):
    """What is done about dispatches of unknown outcome."""

    resend_after_hours: float | None = Field(default=None, ge=1)
    """Send the same bytes again after so long without any notice; absent: never."""
    max_resends: int = Field(default=1, ge=1, le=5)
    alarm_after_hours: float = Field(default=4, gt=0)


class MailboxSettings(PathSection):
    """Where notices come back to."""

    kind: Literal["maildir", "imap", "pop3"]
    path: Path | None = None
    host: str = ""
    port: int = Field(default=0, ge=0, le=65535)
    """0: the usual one of ``kind`` and ``tls``."""
    tls: Literal["starttls", "tls"] = "starttls"
    server_name: str = ""
    ca_file: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    user: str = ""
    password_file: Path | None = None
    folder: str = "INBOX"
    sent: str = ""
    """Folder in which the operator keeps a copy of what it accepted from us; empty: none."""
    idle: bool = True
    """IMAP: let the server tell of new mail (IDLE), besides the look at fixed times."""
    settled: Literal["file", "remove"] | None = None
    """What becomes of a notice that is understood and stored; absent: filed where there are folders."""
    keep_days: int = Field(default=20, ge=0)
    """Filed notices are removed after so long, when the program holds them; 0: never."""
    max_bytes: int = Field(default=50_000_000, gt=0)
    """What the account may hold, where the server does not say (APICRYPT, terms of use 5.2: 50 MB)."""
    alarm_percent: int = Field(default=80, ge=1, le=100)
    alarm_days: float = Field(default=20, gt=0)
    """Age of the oldest mail nobody settled (APICRYPT: warned after 30 days, closed after 60)."""

    @model_validator(mode="after")
    def _place(self) -> MailboxSettings:
        if self.kind == "maildir" and self.path is None:
            raise ValueError("une boîte « maildir » demande « path »")
        if self.kind != "maildir" and not self.host:
            raise ValueError(f"une boîte « {self.kind} » demande « host »")
        if self.kind == "pop3" and self.settled == "file":
            raise ValueError("une boîte « pop3 » n'a pas de dossiers : « settled » ne peut être que « remove »")
        if self.kind == "pop3" and self.sent:
            raise ValueError("une boîte « pop3 » ne montre pas les courriers envoyés : enlever « sent »")
        return self

    @property
    def real_port(self) -> int:
        """The one to connect to."""
        usual = {"imap": {"starttls": 143, "tls": 993}, "pop3": {"starttls": 110, "tls": 995}}
        return self.port or usual.get(self.kind, {}).get(self.tls, 0)


class ChannelSettings(PathSection):
    """One sending account with its pace (canal)."""

    family: Literal["mssante", "apicrypt", "smime"]
    """``mssante``: XDM and PDF, allowed domains apply; ``apicrypt``: HPRIM text, to the site's own proxy; ``smime``."""
    sender: Address
    sender_label: str = ""
    reply_to: Address | None = None
    transport: Literal["smtp", "folder"] = "smtp"
    folder: Path | None = None
    """For ``transport = "folder"``: rehearsal, mails are written here."""
    host: str = ""
    port: int = 587
    tls: Literal["starttls", "tls", "none"] = "starttls"
    """``none`` only towards loopback."""
    server_name: str = ""
    """Name checked in the server's certificate, when it is not ``host``."""
    ca_file: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    user: str = ""
    password_file: Path | None = None
    timeout_seconds: float = Field(default=60, gt=0)
    connections: int = Field(default=2, gt=0, le=16)
    """Open at once, per worker."""
    mails_per_connection: int = Field(default=100, gt=0)
    format: SendingFormat | None = None
    """Default format; by family when absent."""
    sign: bool = True
    pace: PaceSettings = PaceSettings()
    batch: BatchSettings = BatchSettings()
    unknown: UnknownSettings = UnknownSettings()
    ladder: ChannelLadderSettings = ChannelLadderSettings()
    request_dsn: bool = True
    request_mdn: bool = True
    max_mail_bytes: int = Field(default=10_000_000, gt=0)
    nil: str = ""
    """X-MSS-NIL: product reference of convergence.esante.gouv.fr."""
    conformance: Literal["enforce", "warn", "off"] = "enforce"
    domains: list[str] = Field(default_factory=list)
    """``apicrypt`` only: domains its proxy serves besides the verified list; ``*.example.org`` for all below one."""
    mailbox: MailboxSettings | None = None

    @model_validator(mode="after")
    def _consistent(self) -> ChannelSettings:
        if self.transport == "smtp" and not self.host:
            raise ValueError("un canal « smtp » demande « host »")
        if self.transport == "folder" and self.folder is None:
            raise ValueError("un canal « folder » demande « folder »")
        if self.transport == "smtp" and self.tls == "none" and self.host not in {"127.0.0.1", "localhost", "::1"}:
            raise ValueError('« tls = "none" » n\'est permis que vers la machine elle-même (127.0.0.1)')
        if (self.client_cert is None) != (self.client_key is None):
            raise ValueError("« client_cert » et « client_key » vont ensemble")
        if self.family == "apicrypt" and self.default_format not in {"hprim-medecins", "hprim-sante"}:
            raise ValueError("un canal « apicrypt » transmet du texte : « hprim-medecins » ou « hprim-sante »")
        if self.unknown.resend_after_hours is not None and self.mailbox is None:
            raise ValueError(
                "« unknown.resend_after_hours » demande une boîte des avis (« mailbox ») : sans elle, rien ne dirait "
                "qu'un envoi est déjà arrivé"
            )
        if self.domains and self.family != "apicrypt":
            raise ValueError("« domains » ne vaut que pour un canal « apicrypt » ; les autres suivent la liste blanche")
        return self

    @property
    def default_format(self) -> str:
        """Format used when nothing else says."""
        return self.format or ("hprim-medecins" if self.family == "apicrypt" else "cda")

    def sends_receipts(self, domain: str, learned: bool | None = None) -> bool:
        """Whether a read receipt can be hoped for from a recipient of that domain.

        What the file says comes first, then what was ``learned`` of the recipient, then what is usual in the family.
        """
        told = self.ladder.read_domains.get(domain.lower(), self.ladder.read_receipts)
        if told is None:
            told = self.request_mdn and (self.family == "mssante" if learned is None else learned)
        return self.mailbox is not None and told
