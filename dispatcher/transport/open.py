"""From settings to a transport or a mailbox."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

from dispatcher.errors import ConfigError
from dispatcher.ports import Mailbox, Transport
from dispatcher.settings import ChannelSettings, MailboxSettings
from dispatcher.transport.folder import FolderTransport
from dispatcher.transport.imap import ImapMailbox, ImapOptions
from dispatcher.transport.maildir import MaildirMailbox
from dispatcher.transport.smtp import SmtpOptions, SmtpTransport
from dispatcher.transport.tls import TlsOptions


def open_transport(settings: ChannelSettings) -> Transport:
    """Where the channel hands its mail over; nothing is connected yet."""
    if settings.transport == "folder":
        if settings.folder is None:
            raise ConfigError("Canal « folder » sans dossier.", hint="Donner « folder ».")
        return FolderTransport(settings.folder)
    return SmtpTransport(
        SmtpOptions(
            **_line(settings),
            timeout_seconds=settings.timeout_seconds,
            local_name=settings.sender.rpartition("@")[2],
            request_dsn=settings.request_dsn,
        )
    )


def open_mailbox(settings: MailboxSettings) -> Mailbox:
    """Our mailbox; nothing is connected yet."""
    if settings.kind == "maildir":
        if settings.path is None:
            raise ConfigError("Boîte « maildir » sans chemin.", hint="Donner « mailbox.path ».")
        return MaildirMailbox(settings.path, settings.sent)
    return ImapMailbox(
        ImapOptions(
            **_line(settings),
            folder=settings.folder,
            sent=settings.sent,
        )
    )


class _Line(TypedDict):
    host: str
    port: int
    mode: str
    tls: TlsOptions
    user: str
    password_file: Path | None


def _line(settings: ChannelSettings | MailboxSettings) -> _Line:
    """What handing over and fetching have in common: the server, how the line is secured, who we are there."""
    return {
        "host": settings.host,
        "port": settings.port,
        "mode": settings.tls,
        "tls": TlsOptions(
            ca_file=settings.ca_file,
            client_cert=settings.client_cert,
            client_key=settings.client_key,
            server_name=settings.server_name,
        ),
        "user": settings.user,
        "password_file": settings.password_file,
    }
