"""Alarms by plain mail (RFC 5321, 5322): nothing of a patient in it, so nothing of a patient to protect."""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import format_datetime

from dispatcher.alarms.wording import subject, text
from dispatcher.errors import OurFault, TryLater, in_french
from dispatcher.ports import AlarmNote
from dispatcher.settings.alarm_ways import AlarmMailSettings
from dispatcher.transport.alerting.secrets import read_secret
from dispatcher.transport.tls import TlsOptions, context, handshake_error


class MailWay:
    """One mail a message; several in one when they are many."""

    joins = True

    def __init__(self, settings: AlarmMailSettings, laboratory: str, name: str = "mail") -> None:
        self.name, self._settings, self._laboratory = name, settings, laboratory

    def give(self, notes: Sequence[AlarmNote]) -> None:
        """One mail. Raises OurFault, TryLater."""
        mail, wanted = self._mail(notes), self._settings
        try:
            with self._connect() as server:
                if wanted.user and wanted.password_file is not None:
                    server.login(wanted.user, read_secret(wanted.password_file, "alarms.mail.password_file"))
                server.send_message(mail)
        except smtplib.SMTPAuthenticationError as error:
            raise OurFault("Le serveur refuse le mot de passe de [alarms.mail].", stage="login") from error
        except smtplib.SMTPRecipientsRefused as error:
            raise OurFault("Le serveur refuse le destinataire ([alarms.mail] to).", stage="rcpt") from error
        except smtplib.SMTPResponseException as error:
            raise TryLater(f"Le serveur de courrier refuse ({error.smtp_code}).", stage="data") from error
        except smtplib.SMTPException as error:
            raise TryLater(f"Échange interrompu avec le serveur de courrier ({type(error).__name__}).") from error
        except ssl.SSLError as error:
            raise handshake_error(error, wanted.server_name or wanted.host) from error
        except OSError as error:
            raise TryLater(f"Serveur de courrier injoignable ({in_french(error)}).", stage="connect") from error

    def _connect(self) -> smtplib.SMTP:
        wanted = self._settings
        timeout, name = wanted.timeout_seconds, wanted.server_name or wanted.host
        if wanted.tls == "none":
            return smtplib.SMTP(wanted.host, wanted.port, timeout=timeout)
        tls = context(TlsOptions(ca_file=wanted.ca_file, server_name=name))
        if wanted.tls == "tls":
            return smtplib.SMTP_SSL(wanted.host, wanted.port, timeout=timeout, context=tls)
        server = smtplib.SMTP(wanted.host, wanted.port, timeout=timeout)
        try:
            server._host = name  # type: ignore[attr-defined]  # the name its certificate must bear
            server.starttls(context=tls)
        except BaseException:
            server.close()
            raise
        return server

    def _mail(self, notes: Sequence[AlarmNote]) -> EmailMessage:
        mail, bodies = EmailMessage(), [note.body for note in notes]
        mail["From"], mail["To"] = self._settings.sender, ", ".join(self._settings.to)
        mail["Subject"] = subject(bodies, self._laboratory)
        mail["Date"] = format_datetime(notes[-1].at)
        known = hashlib.sha256(" ".join(note.id for note in notes).encode()).hexdigest()[:32]
        mail["Message-ID"] = f"<alarm-{known}@{self._settings.sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        mail.set_content(text(bodies), cte="8bit" if text(bodies).isascii() else "quoted-printable")
        return mail


def mail_ways(settings: AlarmMailSettings, laboratory: str) -> tuple[MailWay, ...]:
    """One a recipient: who is refused is tried again and told of by the others, who get nothing twice."""
    if len(settings.to) == 1:
        return (MailWay(settings, laboratory),)
    each = {one: settings.model_copy(update={"to": [one]}) for one in settings.to}
    return tuple(MailWay(alone, laboratory, f"mail {one}") for one, alone in each.items())
