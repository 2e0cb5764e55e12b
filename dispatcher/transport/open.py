"""From settings to a transport or a mailbox."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

from dispatcher.errors import ConfigError
from dispatcher.ports import Listener, Mailbox, SetAside, Transport
from dispatcher.settings import ChannelSettings, MailboxSettings
from dispatcher.transport.folder import FolderTransport
from dispatcher.transport.imap import ImapMailbox
from dispatcher.transport.imap_idle import ImapListener
from dispatcher.transport.imap_line import ImapOptions
from dispatcher.transport.maildir import MaildirMailbox
from dispatcher.transport.pop3 import InMemory, Pop3Mailbox, Pop3Options
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


def open_mailbox(settings: MailboxSettings, aside: SetAside | None = None) -> Mailbox:
    """Our mailbox; nothing is connected yet. ``aside`` remembers what stays in one that has no folders."""
    if settings.kind == "maildir":
        if settings.path is None:
            raise ConfigError("Boîte « maildir » sans chemin.", hint="Donner « mailbox.path ».")
        return MaildirMailbox(settings.path, settings.sent, removes=settings.settled == "remove")
    if settings.kind == "pop3":
        return Pop3Mailbox(Pop3Options(**_line(settings)), aside or InMemory())
    return ImapMailbox(_imap(settings))


def open_listener(settings: MailboxSettings) -> Listener | None:
    """Where the server tells of new mail by itself; None when it is not asked to. Nothing is connected yet."""
    return ImapListener(_imap(settings)) if settings.kind == "imap" and settings.idle else None


def _imap(settings: MailboxSettings) -> ImapOptions:
    return ImapOptions(
        **_line(settings), folder=settings.folder, sent=settings.sent, removes=settings.settled == "remove"
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
        "port": settings.real_port if isinstance(settings, MailboxSettings) else settings.port,
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
