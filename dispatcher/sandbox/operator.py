"""The pretend operator (decision D15): SMTP in, directory, list of allowed domains, recipients that read or do not,
delivery and read notices back into a Maildir, and switches for faults. Runs on threads, beside the program or as
``dispatcher sandbox``. Loopback only: nothing here ever sends mail anywhere.

::

    folder/
      accepted.jsonl  mails/<n>.eml            what was accepted, in order
      mailbox/                                 Maildir of the laboratory: notices arrive here
      pki/                                     clear keys and certificates (see ``pki.py``)
      listeblanchemssante.xml                  signed list of allowed domains
      Extraction_Correspondance_MSSante_….txt  directory
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from aiosmtpd.controller import Controller

from dispatcher.clock import Clock, SystemClock
from dispatcher.errors import ConfigError
from dispatcher.sandbox import people
from dispatcher.sandbox.directory import write_extraction
from dispatcher.sandbox.domains import write_list
from dispatcher.sandbox.faults import Faults
from dispatcher.sandbox.ledger import AcceptedMail, Ledger, read_accepted
from dispatcher.sandbox.notices import plan, sent_from
from dispatcher.sandbox.pki import LABORATORY, SandboxPki, prepare
from dispatcher.sandbox.postman import Postman, make_maildir
from dispatcher.sandbox.smtp_server import Desk, Incoming, SandboxSmtp
from dispatcher.settings.sections import LOOPBACK

logging.getLogger("mail.log").setLevel(logging.CRITICAL)
# aiosmtpd writes every command with its addresses, and warns about client certificates on every connection.


class SandboxOperator:
    """One pretend operator in one folder. Use as a context manager, or :meth:`start` and :meth:`stop`.

    ``port`` 0 takes a free one. ``notice_delay`` is the number of seconds before each notice (a second notice waits
    twice as long). ``certificates``: addresses that get an S/MIME certificate; None means every box of the directory.
    ``require_tls=False`` also takes mail without STARTTLS, for tests that must see the bytes.
    ``store=False`` makes a sink for measurements: mails are counted and forgotten, nothing comes back.
    """

    def __init__(
        self,
        folder: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        notice_delay: float = 0.0,
        require_tls: bool = True,
        require_client_cert: bool = True,
        certificates: Iterable[str] | None = None,
        store: bool = True,
        accept_anybody: bool = False,
        clock: Clock | None = None,
    ) -> None:
        if host not in LOOPBACK:
            raise ConfigError(
                f"Le bac à sable n'écoute que sur la machine elle-même, pas sur « {host} ».",
                hint="Utiliser 127.0.0.1 : ses clés et certificats sont publics.",
            )
        self.folder = folder
        self.host = host
        self.port = port
        self.faults = Faults()
        self.sink_count = 0
        """Mails taken in sink mode."""
        self._clock = clock or SystemClock()
        self._delay = notice_delay
        self._require_tls = require_tls
        self._require_client = require_client_cert
        self._wanted = people.addresses() if certificates is None else tuple(certificates)
        self._store = store
        self._accept_anybody = accept_anybody
        self._counting = threading.Lock()
        self._controller: Controller | None = None
        self._ledger: Ledger | None = None
        self._postman: Postman | None = None
        self.pki = SandboxPki(folder / "pki")
        self.extraction_file = folder
        self.allowed_domains_file = folder

    # -------------------------------------------------------------------------------------- life

    def prepare(self) -> None:
        """Make keys, list and directory, without listening yet. A second call changes nothing but the dates."""
        now = self._clock.now()
        self.folder.mkdir(parents=True, exist_ok=True)
        make_maildir(self.mailbox)
        self.pki = prepare(self.folder / "pki", now, self._wanted)
        for old in self.folder.glob("Extraction_Correspondance_MSSante_*.txt"):
            old.unlink()
        self.extraction_file = write_extraction(self.folder, now)
        self.allowed_domains_file = write_list(self.folder, now, self.pki.folder)

    def start(self) -> SandboxOperator:
        """Prepare and listen. Raises OSError when the port is taken."""
        if self._controller is not None:
            return self
        self.prepare()
        self._postman = Postman(self.mailbox, self.faults)
        self._ledger = Ledger(self.folder) if self._store else None
        desk = Desk(faults=self.faults, keep=self._keep, unknown_domains_accepted=self._accept_anybody)
        context = self.pki.server_context(require_client=self._require_client)
        controller = _Controller(desk, context, self.host, self.port, require_tls=self._require_tls)
        try:
            controller.start()
        except BaseException:
            self._close_helpers()
            raise
        self._controller = controller
        self.port = controller.bound_port
        return self

    def stop(self) -> None:
        """Stop listening; accepted mails are on disk, pending notices are forgotten."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None
        self._close_helpers()

    def _close_helpers(self) -> None:
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None
        if self._postman is not None:
            self._postman.close()
            self._postman = None

    def __enter__(self) -> SandboxOperator:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # -------------------------------------------------------------------------------------- what to look at

    @property
    def mailbox(self) -> Path:
        """Maildir of the laboratory."""
        return self.folder / "mailbox"

    @property
    def accepted_file(self) -> Path:
        """``accepted.jsonl``."""
        return self.folder / "accepted.jsonl"

    def accepted(self) -> tuple[AcceptedMail, ...]:
        """Every mail ever accepted in this folder, oldest first."""
        return read_accepted(self.accepted_file)

    def mail(self, accepted: AcceptedMail) -> bytes:
        """Its bytes as they came in."""
        return (self.folder / "mails" / f"{accepted.number}.eml").read_bytes()

    @property
    def pending_notices(self) -> int:
        """Notices not delivered yet."""
        return self._postman.pending if self._postman else 0

    def wait_notices(self, timeout_seconds: float = 30.0) -> bool:
        """Wait until every notice is in the mailbox; False when time runs out."""
        return self._postman.wait_empty(timeout_seconds) if self._postman else True

    def channel_settings(self) -> dict[str, Any]:
        """A ``[channels.…]`` section that hands over to this operator, paths absolute, values as TOML knows them."""
        pki = self.pki
        return {
            "family": "mssante",
            "sender": LABORATORY,
            "sender_label": "Laboratoire d'essai",
            "host": self.host,
            "port": self.port,
            "tls": "starttls",
            "server_name": "localhost",
            "ca_file": str(pki.ca_file.resolve()),
            "client_cert": str(pki.client_cert.resolve()),
            "client_key": str(pki.client_key.resolve()),
            "mailbox": {"kind": "maildir", "path": str(self.mailbox.resolve())},
        }

    # -------------------------------------------------------------------------------------- taking mail

    def _keep(self, mail: Incoming, done: Callable[[], None]) -> None:
        if self._ledger is None or self._postman is None:
            with self._counting:
                self.sink_count += 1
            done()
            return
        now = self._clock.now()
        sent = sent_from(
            mail.content,
            sender=mail.sender,
            recipient=mail.recipient,
            envid=mail.wishes.envid,
            original_recipient=mail.wishes.original_recipient,
            notify=mail.wishes.notify,
        )
        postman = self._postman

        def kept() -> None:
            with postman.expecting():
                done()  # the sender's answer goes out before any notice
                for notice in plan(mail.conduct, sent, now):
                    postman.post(notice.content, self._delay * notice.rank)

        self._ledger.add(
            mail.content,
            message_id=sent.message_id,
            sender=mail.sender,
            recipient=mail.recipient,
            envid=mail.wishes.envid,
            at=_utc(now),
            done=kept,
        )


def _utc(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


class _Controller(Controller):
    """Runs the connections' event loop on a thread."""

    def __init__(self, desk: Desk, context: ssl.SSLContext, host: str, port: int, *, require_tls: bool) -> None:
        self._desk = desk
        self._context = context
        self._require_tls = require_tls
        super().__init__(object(), hostname=host, port=port)

    def factory(self) -> SandboxSmtp:
        """A new connection."""
        return SandboxSmtp(self._desk, loop=self.loop, tls_context=self._context, require_starttls=self._require_tls)

    @property
    def bound_port(self) -> int:
        """The port it listens on."""
        assert isinstance(self.server, asyncio.Server)
        return int(self.server.sockets[0].getsockname()[1])

    def _trigger_server(self) -> None:
        """The parent connects to the given port to force the first connection; here the port may be 0."""
        self.port = self.bound_port
        super()._trigger_server()  # type: ignore[no-untyped-call]
