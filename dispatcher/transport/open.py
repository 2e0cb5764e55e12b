"""From settings to a transport or a mailbox."""

from __future__ import annotations

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
            host=settings.host,
            port=settings.port,
            mode=settings.tls,
            tls=_tls(settings),
            user=settings.user,
            password_file=settings.password_file,
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
        return MaildirMailbox(settings.path)
    return ImapMailbox(
        ImapOptions(
            host=settings.host,
            port=settings.port,
            mode=settings.tls,
            tls=_tls(settings),
            user=settings.user,
            password_file=settings.password_file,
            folder=settings.folder,
        )
    )


def _tls(settings: ChannelSettings | MailboxSettings) -> TlsOptions:
    return TlsOptions(
        ca_file=settings.ca_file,
        client_cert=settings.client_cert,
        client_key=settings.client_key,
        server_name=settings.server_name,
    )
