"""Every stage a hand-over can break at, on the wire: a fault proxy before the sandbox, and a scripted server."""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.errors import NotBegun, OurFault, OutcomeUnknown, Refused, TransportError, TryLater
from dispatcher.ports import Mail
from dispatcher.sandbox.operator import SandboxOperator
from dispatcher.transport.smtp import SmtpOptions, SmtpSession, SmtpTransport
from dispatcher.transport.tls import TlsOptions
from tests.servers.faultproxy import FaultProxy
from tests.servers.process import free_port

GOOD = "paul.durand@sandbox.mssante.test"
SENDER = "resultats@labo.sandbox.test"


def mail(recipient: str = GOOD, number: int = 1, size: int = 2000) -> Mail:
    body = b"Message-ID: <m%d@labo.test>\r\n\r\n" % number + b"x" * 70 + b"\r\n"
    return Mail(
        sender=SENDER,
        recipient=recipient,
        message_id=f"<m{number}@labo.test>",
        envid=f"D{number}",
        content=body * max(1, size // 100),
    )


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxOperator]:
    with SandboxOperator(tmp_path_factory.mktemp("sandbox"), certificates=(), require_tls=False) as running:
        yield running


@pytest.fixture
def proxy(operator: SandboxOperator) -> Iterator[FaultProxy]:
    operator.faults.__init__()
    with FaultProxy((operator.host, operator.port)) as made:
        yield made


def plain(port: int, timeout: float = 3.0, **options: object) -> SmtpSession:
    return SmtpTransport(
        SmtpOptions(host="127.0.0.1", port=port, mode="none", timeout_seconds=timeout, **options)
    ).open()


def over_tls(operator: SandboxOperator, port: int | None = None, timeout: float = 3.0, **tls: object) -> SmtpSession:
    pki = operator.pki
    files = {"ca_file": pki.ca_file, "client_cert": pki.client_cert, "client_key": pki.client_key}
    options = TlsOptions(**(files | {"server_name": "localhost"} | tls))
    return SmtpTransport(
        SmtpOptions(host="127.0.0.1", port=port or operator.port, tls=options, timeout_seconds=timeout)
    ).open()


def count(operator: SandboxOperator) -> int:
    return len(operator.accepted())


# ------------------------------------------------------------------------------------------------ lost lines


def test_nobody_listens() -> None:
    with pytest.raises(TryLater) as error:
        plain(free_port())
    assert error.value.stage == "connect"


def test_a_name_that_does_not_exist_is_our_fault() -> None:
    with pytest.raises((OurFault, TryLater)) as error:
        SmtpTransport(SmtpOptions(host="nulle-part.invalid", port=25, mode="none", timeout_seconds=3)).open()
    assert error.value.stage == "connect"


def test_connection_broken_before_the_greeting(proxy: FaultProxy) -> None:
    proxy.refuse = True
    with pytest.raises(TryLater) as error:
        plain(proxy.port)
    assert error.value.stage == "connect"


def test_silence_before_the_greeting(proxy: FaultProxy) -> None:
    proxy.blackhole = True
    with pytest.raises(TryLater):
        plain(proxy.port, timeout=0.3)
    proxy.blackhole = False


@pytest.mark.parametrize("reset", [True, False])
def test_cut_in_the_middle_of_the_message(operator: SandboxOperator, proxy: FaultProxy, reset: bool) -> None:
    before = count(operator)
    proxy.reset, proxy.cut_up = reset, 60_000
    session = plain(proxy.port)
    with pytest.raises(TryLater) as error:
        session.send(mail(size=16_000_000))  # more than the buffers of the two sockets hold
    assert error.value.stage == "data"
    session.close()
    assert count(operator) == before


def test_a_server_that_hangs_up_during_the_message_is_noticed_before_the_final_dot() -> None:
    with scripted({"DATA": "354 go\r\n421 4.3.2 shutting down"}) as (port, _):
        session = plain(port)
        with pytest.raises(TryLater) as error:
            session.send(mail())
        session.close()
    assert error.value.stage == "data"


@pytest.mark.parametrize(("command", "stage"), [(b"MAIL FROM", "mail"), (b"RCPT TO", "rcpt"), (b"DATA\r\n", "data")])
@pytest.mark.parametrize("pipelining", [True, False])
def test_answer_lost_before_the_message(
    operator: SandboxOperator, proxy: FaultProxy, command: bytes, stage: str, pipelining: bool
) -> None:
    before = count(operator)
    operator.faults.offer_pipelining = pipelining
    session = plain(proxy.port)
    proxy.cut_match = command
    with pytest.raises(TryLater) as error:
        session.send(mail())
    assert error.value.stage == ("mail" if pipelining else stage)
    session.close()
    assert count(operator) == before


@pytest.mark.parametrize("reset", [True, False])
def test_answer_to_the_final_dot_lost_is_unknown_and_the_mail_is_there(
    operator: SandboxOperator, proxy: FaultProxy, reset: bool
) -> None:
    before = count(operator)
    session = plain(proxy.port)
    proxy.reset, proxy.cut_match = reset, b"\r\n.\r\n"
    with pytest.raises(OutcomeUnknown) as error:
        session.send(mail())
    assert error.value.stage == "final-dot"
    session.close()
    assert count(operator) == before + 1


def test_no_answer_to_the_final_dot_in_time_is_unknown(operator: SandboxOperator, proxy: FaultProxy) -> None:
    session = plain(proxy.port, timeout=0.5)
    proxy.hold_match = b"\r\n.\r\n"
    with pytest.raises(OutcomeUnknown):
        session.send(mail())
    session.close()


def test_lost_line_of_the_operator_over_tls_is_unknown(operator: SandboxOperator) -> None:
    before = count(operator)
    session = over_tls(operator)
    with pytest.raises(OutcomeUnknown):
        session.send(mail("loses-line@sandbox.mssante.test"))
    session.close()
    assert count(operator) == before + 1


def test_the_switch_drops_only_the_next_mails(operator: SandboxOperator) -> None:
    operator.faults.__init__()
    operator.faults.drop_after_dot(1)
    with pytest.raises(OutcomeUnknown):
        over_tls(operator).send(mail(number=1))
    session = over_tls(operator)
    assert session.send(mail(number=2)).reply == 250
    session.close()


def test_a_line_cut_during_the_handshake_is_to_be_tried_later(operator: SandboxOperator, proxy: FaultProxy) -> None:
    proxy.cut_up = 200
    with pytest.raises(TryLater) as error:
        over_tls(operator, proxy.port)
    assert error.value.stage == "tls"


def test_an_idle_line_closed_by_the_server_is_opened_again_once(operator: SandboxOperator, proxy: FaultProxy) -> None:
    before = count(operator)
    session = plain(proxy.port)
    session.send(mail(number=1))
    proxy.cut()
    assert session.send(mail(number=2)).reply == 250
    session.close()
    assert count(operator) == before + 2


@pytest.mark.parametrize("over", ["cut", "421"])
def test_a_mail_whose_line_took_too_long_to_open_again_stays(
    operator: SandboxOperator, proxy: FaultProxy, over: str
) -> None:
    before = count(operator)
    session = plain(proxy.port)
    session.send(mail(number=1))
    if over == "cut":
        proxy.cut()
    else:
        operator.faults.close_after = 1
    asked: list[bool] = []

    def in_time() -> bool:
        asked.append(len(asked) == 0)
        return asked[-1]

    with pytest.raises(NotBegun):
        session.send(mail(number=2), in_time)
    assert len(asked) == 2, "before the first command on each line"
    assert session.send(mail(number=2), lambda: True).reply == 250, "the new line is of use to the next"
    session.close()
    assert count(operator) == before + 2


def test_421_on_a_used_line_is_opened_again(operator: SandboxOperator, proxy: FaultProxy) -> None:
    operator.faults.close_after = 2
    before = count(operator)
    session = plain(proxy.port)
    for number in range(1, 6):
        session.send(mail(number=number))
    session.close()
    assert count(operator) == before + 5


def test_421_on_a_fresh_line_is_to_be_tried_later(operator: SandboxOperator, proxy: FaultProxy) -> None:
    operator.faults.close_after = 0
    with pytest.raises(TryLater) as error:
        plain(proxy.port).send(mail())
    assert error.value.reply == 421


# ------------------------------------------------------------------------------------------------ TLS and credentials


def test_no_client_certificate_is_our_fault(operator: SandboxOperator) -> None:
    with pytest.raises(OurFault) as error:
        over_tls(operator, client_cert=None, client_key=None)
    assert error.value.stage == "tls"


def test_a_foreign_client_certificate_is_our_fault(operator: SandboxOperator) -> None:
    folder = operator.pki.folder
    with pytest.raises(OurFault) as error:
        over_tls(operator, client_cert=folder / "stranger.pem", client_key=folder / "stranger.key")
    assert error.value.stage == "tls"


@pytest.mark.parametrize(
    ("tls", "words"),
    [
        ({"server_name": "autre.test"}, "autre.test"),
        ({"ca_file": "stranger.pem"}, "ca_file"),
        ({"ca_file": "nowhere.pem"}, "introuvable"),
        ({"client_key": "nowhere.key"}, "introuvable"),
        ({"client_key": "server.key"}, "ne va pas avec"),
        ({"client_cert": "server.key"}, "illisible"),
    ],
)
def test_what_is_wrong_with_tls_is_our_fault_and_named(
    operator: SandboxOperator, tls: dict[str, str], words: str
) -> None:
    folder = operator.pki.folder
    given = {name: value if name == "server_name" else folder / value for name, value in tls.items()}
    with pytest.raises(OurFault) as error:
        over_tls(operator, **given)
    assert error.value.stage == "tls"
    assert words in str(error.value)


def test_a_server_that_drops_us_right_after_the_handshake_refuses_our_certificate(operator: SandboxOperator) -> None:
    context = operator.pki.server_context(require_client=False)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            line, _ = listener.accept()
            with line:
                line.sendall(b"220 x\r\n")
                line.recv(1000)
                line.sendall(b"250-x\r\n250 STARTTLS\r\n")
                line.recv(1000)
                line.sendall(b"220 go\r\n")
                with contextlib.suppress(OSError), context.wrap_socket(line, server_side=True) as safe:
                    safe.shutdown(socket.SHUT_RDWR)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(OurFault) as error:
            over_tls(operator, listener.getsockname()[1])
        thread.join()
    assert "certificat client" in str(error.value)


def test_client_host_rejected_at_rcpt_is_our_fault(operator: SandboxOperator) -> None:
    operator.faults.__init__()
    operator.faults.reject_certificate = True
    session = over_tls(operator)
    with pytest.raises(OurFault) as error:
        session.send(mail())
    assert (error.value.reply, error.value.status, error.value.stage) == (554, "5.7.1", "rcpt")
    session.close()
    operator.faults.reject_certificate = False


def test_implicit_tls_works_and_fails_as_starttls_does(operator: SandboxOperator) -> None:
    context = operator.pki.server_context(require_client=True)

    def serve(listener: socket.socket) -> None:
        with contextlib.suppress(OSError, ssl.SSLError):
            line, _ = listener.accept()
            with line, context.wrap_socket(line, server_side=True) as safe:
                safe.sendall(b"220 x\r\n")
                script(safe, {})

    for with_certificate in (True, False):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=serve, args=(listener,))
            thread.start()
            pki = operator.pki
            tls = TlsOptions(
                ca_file=pki.ca_file,
                client_cert=pki.client_cert if with_certificate else None,
                client_key=pki.client_key if with_certificate else None,
                server_name="localhost",
            )
            port = listener.getsockname()[1]
            options = SmtpOptions(host="127.0.0.1", port=port, mode="tls", tls=tls, timeout_seconds=3)
            if with_certificate:
                session = SmtpTransport(options).open()
                assert session.send(mail()).reply == 250
                session.close()
            else:
                with pytest.raises(OurFault):
                    SmtpTransport(options).open()
            thread.join()


# ------------------------------------------------------------------------------------------------ a scripted server

OFFER = "250-x\r\n250-PIPELINING\r\n250-SIZE 100000\r\n250-DSN\r\n250-AUTH PLAIN\r\n250 8BITMIME\r\n"


def script(line: socket.socket, answers: dict[str, str], seen: list[str] | None = None) -> None:
    """Answer each command by its first word; an answer ``drop`` hangs up; 421 answers hang up after."""
    file = line.makefile("rb")
    defaults = {"EHLO": OFFER.strip(), "DATA": "354 go", ".": "250 2.0.0 queued", "QUIT": "221 bye", "AUTH": "235 ok"}
    data = False
    while command := file.readline():
        text = command.decode().rstrip("\r\n")
        if data and text != ".":
            continue
        word = text.split(" ")[0].upper()
        if seen is not None:
            seen.append(text)
        answer = answers.get(word, defaults.get(word, "250 ok"))
        if answer == "drop":
            return
        line.sendall(answer.encode() + b"\r\n")
        data = word == "DATA" and answer.startswith("354")
        if answer.startswith("421") or word == "QUIT":
            return


@contextlib.contextmanager
def scripted(answers: dict[str, str], greeting: str = "220 x") -> Iterator[tuple[int, list[str]]]:
    seen: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    line, _ = listener.accept()
                    with line, contextlib.suppress(OSError):
                        line.settimeout(5)
                        line.sendall(greeting.encode() + b"\r\n")
                        script(line, answers, seen)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1], seen
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes accept
            thread.join(6)


@pytest.mark.parametrize(
    ("greeting", "kind"), [("554 5.7.1 Client host rejected", OurFault), ("421 4.3.2 busy", TryLater)]
)
def test_an_unfriendly_greeting(greeting: str, kind: type[TransportError]) -> None:
    with scripted({}, greeting) as (port, _), pytest.raises(kind) as error:
        plain(port)
    assert error.value.stage == "connect"


def test_starttls_that_is_not_offered_is_our_fault_and_nothing_is_said_in_clear() -> None:
    with scripted({}) as (port, seen), pytest.raises(OurFault) as error:
        SmtpTransport(SmtpOptions(host="127.0.0.1", port=port, timeout_seconds=3)).open()
    assert error.value.stage == "tls"
    assert [text.split()[0] for text in seen] == ["ehlo"]


@pytest.mark.parametrize(("answer", "kind"), [("535 5.7.8 no", OurFault), ("454 4.7.0 later", TryLater)])
def test_login(tmp_path: Path, answer: str, kind: type[TransportError]) -> None:
    (tmp_path / "password").write_text("motdepasse\n")
    with scripted({"AUTH": answer}) as (port, _), pytest.raises(kind) as error:
        plain(port, user="labo", password_file=tmp_path / "password")
    assert error.value.stage == "login"
    assert "motdepasse" not in str(error.value)


def test_login_with_a_missing_password_file_is_our_fault(tmp_path: Path) -> None:
    with scripted({}) as (port, _), pytest.raises(OurFault):
        plain(port, user="labo", password_file=tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("answers", "kind", "stage", "reply"),
    [
        ({"MAIL": "550 5.7.1 not you"}, OurFault, "mail", 550),
        ({"MAIL": "451 4.3.0 later"}, TryLater, "mail", 451),
        ({"RCPT": "550 5.1.1 unknown"}, Refused, "rcpt", 550),
        ({"RCPT": "550 5.1.1 unknown", "DATA": "503 no recipient"}, Refused, "rcpt", 550),
        ({"RCPT": "421 4.7.0 closing"}, TryLater, "rcpt", 421),
        ({"RCPT": "drop"}, TryLater, "rcpt", None),
        ({"DATA": "451 4.3.0 disk"}, TryLater, "data", 451),
        ({"DATA": "554 5.3.0 no"}, Refused, "data", 554),
        ({".": "554 5.7.1 spam"}, Refused, "final-dot", 554),
        ({".": "452 4.3.1 disk"}, TryLater, "final-dot", 452),
        ({".": "drop"}, OutcomeUnknown, "final-dot", None),
        ({".": "what?"}, OutcomeUnknown, "final-dot", None),
        ({".": "421 4.3.2 closing"}, TryLater, "final-dot", 421),
    ],
)
def test_each_answer_at_each_stage(
    answers: dict[str, str], kind: type[TransportError], stage: str, reply: int | None
) -> None:
    with scripted(answers) as (port, _):
        session = plain(port)
        with pytest.raises(TransportError) as error:
            session.send(mail())
        session.close()
    assert type(error.value) is kind
    assert (error.value.stage, error.value.reply) == (stage, reply)


def test_after_a_refused_recipient_no_message_is_left_open() -> None:
    with scripted({"RCPT": "550 5.1.1 unknown"}) as (port, seen):
        session = plain(port)
        for _ in range(2):
            with pytest.raises(Refused):
                session.send(mail())
        session.close()
    words = [text.split(" ")[0] for text in seen]
    assert words == ["ehlo", "MAIL", "RCPT", "DATA", ".", "RSET", "MAIL", "RCPT", "DATA", ".", "QUIT"]


def test_a_mail_larger_than_the_server_takes_is_refused_before_a_byte() -> None:
    with scripted({}) as (port, seen):
        session = plain(port)
        with pytest.raises(Refused) as error:
            session.send(mail(size=200_000))
        session.close()
    assert error.value.status == "5.3.4"
    assert not any(text.startswith("MAIL") for text in seen)


def test_delivery_notices_are_asked_for_with_encoded_values() -> None:
    with scripted({}) as (port, seen):
        session = plain(port)
        session.send(
            Mail(
                sender=SENDER,
                recipient="jean+labo=1@dest.test",
                message_id="<m@labo.test>",
                envid="D 1+2",
                content=b"x\r\n",
            )
        )
        session.close()
    assert f"MAIL FROM:<{SENDER}> SIZE=3 RET=HDRS ENVID=D+201+2B2" in seen
    assert "RCPT TO:<jean+labo=1@dest.test> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;jean+2Blabo+3D1@dest.test" in seen


def test_without_dsn_at_the_server_nothing_is_asked_for(operator: SandboxOperator) -> None:
    operator.faults.__init__()
    operator.faults.offer_dsn = False
    session = over_tls(operator)
    assert session.send(mail()).dsn_requested is False
    session.close()
    operator.faults.offer_dsn = True


def test_eight_bit_content_needs_a_server_that_takes_it() -> None:
    content = "Subject: é\r\n\r\né\r\n".encode()
    sent = Mail(sender=SENDER, recipient=GOOD, message_id="<m@x>", envid="D", content=content)
    with scripted({}) as (port, seen):
        session = plain(port)
        session.send(sent)
        session.close()
    assert any("BODY=8BITMIME" in text for text in seen)
    with scripted({"EHLO": "250 x"}) as (port, _):
        session = plain(port)
        with pytest.raises(Refused):
            session.send(sent)
        session.close()


def test_bare_line_feeds_are_put_right() -> None:
    with SmugglingServer() as server:
        session = plain(server.port)
        session.send(Mail(sender=SENDER, recipient=GOOD, message_id="<m@x>", envid="D", content=b"a\n.\nb\rc\r\n"))
        session.close()
    assert server.received == b"a\r\n..\r\nb\r\nc\r\n.\r\n"


class SmugglingServer:
    """Keeps the raw bytes between DATA and the final dot."""

    def __enter__(self) -> SmugglingServer:
        self.received = b""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._thread.join(5)
        self._listener.close()

    def _serve(self) -> None:
        line, _ = self._listener.accept()
        with line:
            line.sendall(b"220 x\r\n")
            file = line.makefile("rb")
            while command := file.readline():
                if command.startswith(b"DATA"):
                    line.sendall(b"354 go\r\n")
                    while not self.received.endswith(b"\r\n.\r\n"):
                        self.received += file.readline()
                line.sendall(b"221 bye\r\n" if command.startswith(b"QUIT") else b"250 ok\r\n")
                if command.startswith(b"QUIT"):
                    return


def test_logs_tell_the_dispatch_and_no_address(operator: SandboxOperator, caplog: pytest.LogCaptureFixture) -> None:
    operator.faults.__init__()
    caplog.set_level(logging.DEBUG)
    session = over_tls(operator)
    session.send(mail(number=7))
    with pytest.raises(Refused):
        session.send(mail("refused@sandbox.mssante.test", number=8))
    session.close()
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("dispatcher")]
    assert any("D7" in line for line in ours)
    assert any("D8" in line for line in ours)
    assert not any("@" in line for line in ours)
