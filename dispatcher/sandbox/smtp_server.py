"""The SMTP side of the pretend operator: aiosmtpd with delivery notices (RFC 3461), pipelining and faults to switch."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from dispatcher.receipts.addresses import unxtext
from dispatcher.sandbox.faults import REFUSALS, Faults
from dispatcher.sandbox.people import Conduct, conduct_of

HOST_NAME = "relais.sandbox.mssante.test"
SIZE_LIMIT = 26_214_400
"""25 MiB."""
TEMPORARY_REFUSALS = 2
PIECE = 1 << 18
"""Bytes asked for at once while a mail comes in."""
_END = b"\r\n.\r\n"
_PARAMETER = re.compile(r"\s+(RET|ENVID|NOTIFY|ORCPT)=(\S*)", re.I)


@dataclass(slots=True)
class Wishes:
    """What the client asked for in the running transaction (RFC 3461)."""

    envid: str = ""
    notify: frozenset[str] = frozenset()
    original_recipient: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A mail right after its final dot."""

    sender: str
    recipient: str
    conduct: Conduct
    wishes: Wishes
    content: bytes


@dataclass(slots=True)
class Desk:
    """What all connections share."""

    faults: Faults
    keep: Callable[[Incoming, Callable[[], None]], None]
    """Store the mail; call the second argument, from any thread, when it is safe."""
    refusals: Counter[str] = field(default_factory=Counter)
    """Times a ``try-later`` recipient was put off, by address."""
    first_seen: dict[str, float] = field(default_factory=dict)
    """When a recipient was first asked for, by address and the clock of the connections' loop."""
    unknown_domains_accepted: bool = False


class SandboxSmtp(SMTP):
    """One connection."""

    line_length_limit = 1 << 20
    """Also the size of the read buffer: with the library's 1001 bytes the line stops and goes all the time."""

    def __init__(self, desk: Desk, **options: Any) -> None:
        super().__init__(
            Handler(desk),
            hostname=HOST_NAME,
            data_size_limit=SIZE_LIMIT,
            authenticator=lambda *_: AuthResult(success=not desk.faults.login_refused, handled=False),
            **options,
        )
        self.__ident__ = "ESMTP sandbox"
        self.desk = desk
        self.wishes = Wishes()
        self.conducts: list[Conduct] = []
        self.handed_over = 0
        for command in ("MAIL", "RCPT"):
            self.command_size_limits[command] += 1000

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self.desk.faults.refuse_connections and isinstance(transport, asyncio.Transport):
            transport.abort()

    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802 - named by aiosmtpd
        """STARTTLS, or what a broken TLS proxy makes of it."""
        if not self.desk.faults.tls_broken:
            await super().smtp_STARTTLS(arg)
            return
        await self.push("220 Ready to start TLS")
        await self.push("500 5.5.1 What was that?")
        assert self.transport is not None
        self.transport.close()

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802 - named by aiosmtpd
        """MAIL FROM with RET and ENVID."""
        faults = self.desk.faults
        if faults.close_after is not None and self.handed_over >= faults.close_after:
            await self.push("421 4.3.2 Closing connection")
            assert self.transport is not None
            self.transport.close()
            return
        await asyncio.sleep(faults.slow_seconds)
        if faults.disk_full:
            await self.push(REFUSALS[452])
            return
        plain, given = _split(arg) if faults.offer_dsn else (arg, {})
        self.wishes, self.conducts = Wishes(envid=unxtext(given.get("ENVID", ""))), []
        await super().smtp_MAIL(plain)

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802 - named by aiosmtpd
        """RCPT TO with NOTIFY and ORCPT."""
        await asyncio.sleep(self.desk.faults.slow_seconds)
        plain, given = _split(arg) if self.desk.faults.offer_dsn else (arg, {})
        self.wishes.notify = frozenset(given.get("NOTIFY", "").upper().split(",")) - {""}
        self.wishes.original_recipient = unxtext(given.get("ORCPT", "").partition(";")[2])
        await super().smtp_RCPT(plain)

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802 - named by aiosmtpd
        """DATA read in large pieces (the library reads line by line, which is the limit of its speed)."""
        assert self.envelope is not None
        if arg or not self.envelope.rcpt_tos:
            await self.push("501 5.5.4 Syntax: DATA" if arg else "503 5.5.1 Need RCPT first")
            return
        if self.desk.faults.take_cut():
            assert isinstance(self.transport, asyncio.Transport)
            self.transport.abort()
            raise ConnectionResetError
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        content = await self._read_content()
        if content is None:
            await self.push("552 5.3.4 Message too big")
        else:
            self.envelope.content = content
            status = await self._handle_hooks["DATA"](self, self.session, self.envelope)
            await self.push(status)
        self._set_post_data_state()  # type: ignore[no-untyped-call]

    async def _read_content(self) -> bytes | None:
        """Up to the final dot, dots undone; None when it is larger than the limit."""
        received = bytearray(b"\r\n")
        too_big = False
        while (end := received.find(_END, max(0, len(received) - PIECE - len(_END)))) < 0:
            piece = await self._reader.read(PIECE)
            if not piece:
                raise ConnectionResetError
            received += piece
            if len(received) > SIZE_LIMIT + PIECE:
                too_big = True
                del received[: -len(_END)]
        beyond = bytes(received[end + len(_END) :])
        if beyond:  # commands sent in the same breath
            self._reader._buffer[:0] = beyond  # type: ignore[attr-defined]
        if too_big or end > SIZE_LIMIT:
            return None
        return bytes(received[: end + 2]).replace(b"\r\n.", b"\r\n")[2:]

    async def smtp_RSET(self, arg: str) -> None:  # noqa: N802 - named by aiosmtpd
        """RSET forgets the wishes too."""
        self.wishes, self.conducts = Wishes(), []
        await super().smtp_RSET(arg)


def _split(arg: str | None) -> tuple[str | None, dict[str, str]]:
    """The argument without the parameters of RFC 3461, and those parameters (values as sent)."""
    if arg is None:
        return None, {}
    found = {name.upper(): value for name, value in _PARAMETER.findall(arg)}
    return _PARAMETER.sub("", arg), found


class Handler:
    """Hooks of aiosmtpd (its names are a contract)."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def handle_EHLO(  # noqa: N802 - named by aiosmtpd
        self, server: SandboxSmtp, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Announce what the subclass adds."""
        session.host_name = hostname
        extra = ["250-ENHANCEDSTATUSCODES"]
        extra += ["250-PIPELINING"] if self._desk.faults.offer_pipelining else []
        extra += ["250-DSN"] if self._desk.faults.offer_dsn else []
        return [*responses[:-1], *extra, responses[-1]]

    async def handle_RCPT(  # noqa: N802 - named by aiosmtpd
        self, server: SandboxSmtp, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Say yes or no as the box would."""
        desk = self._desk
        if desk.faults.reject_certificate:
            return "554 5.7.1 <client>: Client host rejected: Access denied"
        if desk.faults.take_later():
            return "451 4.3.0 Try again later"
        first = desk.first_seen.setdefault(address.lower(), server.loop.time())
        if server.loop.time() - first < desk.faults.greylist_seconds:
            return "450 4.7.1 Greylisted, come back later"
        conduct = conduct_of(address)
        if conduct is None and desk.unknown_domains_accepted:
            conduct = Conduct.SILENT
        if conduct is None or conduct is Conduct.REFUSED:
            return "550 5.1.1 User unknown"
        if conduct is Conduct.FULL:
            return "552 5.2.2 Mailbox full"
        if conduct is Conduct.TRY_LATER and desk.refusals[address.lower()] < TEMPORARY_REFUSALS:
            desk.refusals[address.lower()] += 1
            return "451 4.7.1 Greylisted, come back later"
        envelope.rcpt_tos.append(address)
        server.conducts.append(conduct)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 - named by aiosmtpd
        self, server: SandboxSmtp, session: Session, envelope: Envelope
    ) -> str:
        """Keep the mail, once per recipient, and answer only when it is safe."""
        faults = self._desk.faults
        await asyncio.sleep(faults.slow_seconds)
        if faults.dot_answer is not None:
            return REFUSALS[faults.dot_answer]
        content = envelope.content or b""
        assert isinstance(content, bytes)
        waits: list[asyncio.Future[None]] = []
        for recipient, conduct in zip(envelope.rcpt_tos, server.conducts, strict=True):
            done: asyncio.Future[None] = server.loop.create_future()
            waits.append(done)
            self._desk.keep(
                Incoming(
                    sender=envelope.mail_from or "",
                    recipient=recipient,
                    conduct=conduct,
                    wishes=server.wishes,
                    content=content,
                ),
                _signal(server.loop, done),
            )
        await asyncio.gather(*waits)
        server.handed_over += 1
        await asyncio.sleep(faults.slow_dot_seconds)
        if Conduct.LOSES_LINE in server.conducts or faults.take_drop():
            transport = server.transport
            assert isinstance(transport, asyncio.Transport)
            transport.abort()
        return "250 2.0.0 OK: queued"


def _signal(loop: asyncio.AbstractEventLoop, done: asyncio.Future[None]) -> Callable[[], None]:
    def finish() -> None:
        if not done.done():
            done.set_result(None)

    def signal() -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
            loop.call_soon_threadsafe(finish)

    return signal
