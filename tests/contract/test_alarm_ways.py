"""Each way of telling an alarm against a real server on loopback: SMTP, HTTP, syslog (UDP, TCP, socket), a program."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope

from dispatcher.alarms.alarm import Level
from dispatcher.alarms.incident import Incident, Kind, Message
from dispatcher.alarms.wording import body_of
from dispatcher.errors import OurFault, TransportError, TryLater
from dispatcher.ports import AlarmNote
from dispatcher.service import alarming
from dispatcher.settings import AlarmSettings
from dispatcher.settings.alarm_ways import (
    AlarmCommandSettings,
    AlarmEventLogSettings,
    AlarmMailSettings,
    AlarmSyslogSettings,
    AlarmWebhookSettings,
    HeartbeatSettings,
)
from dispatcher.transport.alerting import event_log
from dispatcher.transport.alerting.command import CommandWay
from dispatcher.transport.alerting.http import WebhookWay, beat
from dispatcher.transport.alerting.mail import MailWay
from dispatcher.transport.alerting.open import alarm_ways
from dispatcher.transport.alerting.syslog import SyslogWay

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LABORATORY = "Labo de l'Océan"


def note(number: int = 1, kind: Kind = Kind.START, level: Level = Level.ALARM) -> AlarmNote:
    one = Incident(
        key='silence:si"l', code="silence", level=level, text="Plus rien n'arrive de la source « sil ».",
        hint="Appeler.", count=1, stage=0, began_at=AT, seen_at=AT,
    )  # fmt: skip
    body = body_of(Message(kind=kind, at=AT, key=one.key, incidents=(one,)))
    return AlarmNote(id=f"A{number}", way="x", kind=str(kind), key=one.key, at=AT, body=body, due_at=AT)


# ------------------------------------------------------------------------------------------------ mail


class Post:
    def __init__(self, answer: str = "250 OK") -> None:
        self.answer, self.mails = answer, list[bytes]()

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:
        self.mails.append(bytes(envelope.content or b""))
        return self.answer


@contextmanager
def smtp(post: Post, **options: Any) -> Iterator[int]:
    controller = Controller(post, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def mail_settings(port: int, **changes: Any) -> AlarmMailSettings:
    values = {"host": "127.0.0.1", "port": port, "tls": "none", "sender": "alarmes@labo.test", "to": ["it@labo.test"]}
    return AlarmMailSettings.model_validate(values | changes)


def test_a_mail_reads_as_french_and_keeps_its_number_when_tried_again() -> None:
    post = Post()
    with smtp(post) as port:
        way = MailWay(mail_settings(port, to=["it@labo.test", "garde@labo.test"]), LABORATORY)
        way.give([note()])
        way.give([note()])
    first, second = (message_from_bytes(mail, policy=policy.default) for mail in post.mails)
    assert first["Subject"] == "[Alarme] plus rien n'arrive du SIL (si\"l) – Labo de l'Océan"
    assert (first["To"], first["Auto-Submitted"]) == ("it@labo.test, garde@labo.test", "auto-generated")
    assert first["Message-ID"] == second["Message-ID"]
    told = first.get_content()
    assert "Plus rien n'arrive de la source « sil »." in told and "Depuis le 02/03/2026 à 09:00" in told
    assert "Que faire : Appeler." in told


def test_many_messages_are_one_mail() -> None:
    post = Post()
    with smtp(post) as port:
        MailWay(mail_settings(port), LABORATORY).give([note(number) for number in range(9)])
    (mail,) = post.mails
    assert "9 messages" in str(message_from_bytes(mail, policy=policy.default)["Subject"])


@pytest.mark.parametrize("answer", ["451 plus tard", "554 non"])
def test_a_server_that_refuses_is_told(answer: str) -> None:
    with smtp(Post(answer)) as port, pytest.raises(TryLater, match=answer[:3]):
        MailWay(mail_settings(port), LABORATORY).give([note()])


class Choosy(Post):
    """Refuses one recipient."""

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Envelope, address: str, options: Any) -> str:
        if address == "parti@labo.test":
            return "550 5.1.1 unknown"
        envelope.rcpt_tos.append(address)
        return "250 OK"


def test_a_recipient_that_is_refused_beside_another_is_told_and_nothing_is_repeated_to_the_other() -> None:
    post = Choosy()
    with smtp(post) as port:
        settings = AlarmSettings(mail=mail_settings(port, to=["it@labo.test", "parti@labo.test"]))
        works, refused = alarm_ways(settings, LABORATORY)
        works.give([note()])
        for _ in range(2):
            with pytest.raises(OurFault, match="refuse le destinataire"):
                refused.give([note()])
        told = alarming.trial((works, refused), AT, lambda: "A9")
    assert [(one.way, bool(one.fault)) for one in told] == [
        ("mail it@labo.test", False),
        ("mail parti@labo.test", True),
    ]
    assert len(post.mails) == 2, "the alarm and the test, to who is accepted"


def test_no_mail_server(unused: int) -> None:
    with pytest.raises(TryLater, match="injoignable"):
        MailWay(mail_settings(unused), LABORATORY).give([note()])


def test_a_server_without_tls_gets_neither_password_nor_mail(tmp_path: Path) -> None:
    post, secret = Post(), tmp_path / "mdp"
    secret.write_text("tres secret")

    def refuse(*_: Any) -> AuthResult:
        return AuthResult(success=False)

    with smtp(post, authenticator=refuse, auth_require_tls=False) as port:
        wanted = mail_settings(port, tls="starttls", user="u", password_file=secret)
        with pytest.raises(TransportError) as raised:
            MailWay(wanted, LABORATORY).give([note()])
    assert post.mails == [] and "tres secret" not in str(raised.value)


def test_a_password_needs_a_protected_line() -> None:
    with pytest.raises(ValueError, match="ne part pas en clair"):
        mail_settings(25, user="u", password_file="x")


# ------------------------------------------------------------------------------------------------ http


class Hooks:
    """A web server that keeps what it is told."""

    def __init__(self, status: int = 204) -> None:
        self.seen: list[tuple[str, dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.seen.append((self.command, dict(self.headers), body))
                self.send_response(status)
                self.end_headers()

            do_GET = do_POST = _any  # noqa: N815 - the library's names

            def log_message(self, *_: object) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/alarme"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def hooks() -> Iterator[Callable[..., Hooks]]:
    made: list[Hooks] = []

    def make(status: int = 204) -> Hooks:
        made.append(Hooks(status))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_webhook_is_signed_json(hooks: Callable[..., Hooks], tmp_path: Path) -> None:
    server, secret = hooks(), tmp_path / "secret"
    secret.write_text("cle partagee\n")
    WebhookWay(AlarmWebhookSettings(url=server.url, secret_file=secret), LABORATORY).give([note()])
    ((method, headers, body),) = server.seen
    told = json.loads(body)
    assert (method, headers["X-Dispatcher-Id"], told["id"]) == ("POST", "A1", "A1")
    assert (told["kind"], told["alarms"][0]["code"], told["laboratory"]) == ("start", "silence", LABORATORY)
    expected = hmac.new(b"cle partagee", body, hashlib.sha256).hexdigest()
    assert headers["X-Dispatcher-Signature"] == f"sha256={expected}"


@pytest.mark.parametrize(("status", "fault"), [(503, TryLater), (429, TryLater), (404, OurFault), (302, OurFault)])
def test_a_web_address_that_says_no(hooks: Callable[..., Hooks], status: int, fault: type[TransportError]) -> None:
    server = hooks(status)
    with pytest.raises(fault, match=str(status)):
        WebhookWay(AlarmWebhookSettings(url=server.url), LABORATORY).give([note()])


def test_no_web_server_and_no_secret(unused: int, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{unused}/"
    with pytest.raises(TryLater, match="injoignable"):
        WebhookWay(AlarmWebhookSettings(url=url), LABORATORY).give([note()])
    with pytest.raises(OurFault, match="webhook.secret_file".replace(".", r"\.")):
        WebhookWay(AlarmWebhookSettings(url=url, secret_file=tmp_path / "absent"), LABORATORY).give([note()])


def test_the_heartbeat_calls_its_address(hooks: Callable[..., Hooks]) -> None:
    server = hooks(200)
    beat(HeartbeatSettings(url=server.url))
    assert [method for method, _, _ in server.seen] == ["GET"]


# ------------------------------------------------------------------------------------------------ command


def test_a_program_gets_the_facts_and_none_of_our_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPATCHER__STORE__URL", "postgresql://u:secret@h/d")
    out = tmp_path / "out.json"
    code = (
        "import json,os,sys; facts=json.load(sys.stdin);"
        f"open({str(out)!r},'w').write(json.dumps([facts, dict(os.environ), sys.argv[1:]]))"
    )
    argv = [sys.executable, "-c", code, "$(echo non)", "; echo non"]
    CommandWay(AlarmCommandSettings(argv=argv), LABORATORY).give([note()])
    facts, environment, arguments = json.loads(out.read_text())
    assert facts["alarms"][0]["key"] == 'silence:si"l' and arguments == ["$(echo non)", "; echo non"], "no shell"
    assert environment["DISPATCHER_ALARM_KIND"] == "start"
    assert environment["DISPATCHER_ALARM_SUBJECT"].startswith("[Alarme] plus rien n'arrive")
    assert "DISPATCHER__STORE__URL" not in environment


@pytest.mark.parametrize(
    ("argv", "fault", "said"),
    [
        (["/nulle/part"], OurFault, "introuvable"),
        ([sys.executable, "-c", "raise SystemExit(3)"], TryLater, "code 3"),
        ([sys.executable, "-c", "import time; time.sleep(60)"], TryLater, "pas fini"),
    ],
    ids=["missing", "fails", "hangs"],
)
def test_a_program_that_fails_or_hangs(argv: list[str], fault: type[TransportError], said: str) -> None:
    with pytest.raises(fault, match=said):
        CommandWay(AlarmCommandSettings(argv=argv, timeout_seconds=0.5), LABORATORY).give([note()])


# ------------------------------------------------------------------------------------------------ syslog


def check_syslog(message: bytes, priority: int) -> None:
    head, _, text = message.partition(b"\xef\xbb\xbf")
    assert head.startswith(f"<{priority}>1 2026-03-02T08:00:00.000Z poste-1 dispatcher ".encode())
    assert rb'alarm [alarm@32473 kind="start" key="silence:si\"l" id="A1"]' in head
    assert text.decode().startswith("Alarme: silence:") and "Plus rien n'arrive" in text.decode()


def test_syslog_by_udp() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(10)
        settings = AlarmSyslogSettings(transport="udp", port=server.getsockname()[1], facility="local0")
        SyslogWay(settings, "poste 1").give([note()])
        check_syslog(server.recv(65536), 16 * 8 + 3)


def test_syslog_by_tcp_counts_its_octets() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        settings = AlarmSyslogSettings(transport="tcp", port=server.getsockname()[1])
        SyslogWay(settings, "poste 1").give([note(level=Level.URGENT)])
        connection, _ = server.accept()
        with connection:
            connection.settimeout(10)
            received = b""
            while data := connection.recv(65536):
                received += data
    length, _, message = received.partition(b" ")
    assert int(length) == len(message)
    check_syslog(message, 3 * 8 + 2)


def test_syslog_by_socket_and_without_one(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(path))
        server.settimeout(10)
        SyslogWay(AlarmSyslogSettings(transport="unix", path=path), "poste 1").give([note(level=Level.NOTICE)])
        check_syslog(server.recv(65536), 3 * 8 + 5)
    with pytest.raises(TryLater, match="Syslog injoignable"):
        SyslogWay(AlarmSyslogSettings(transport="unix", path=tmp_path / "absent"), "p").give([note()])


# ------------------------------------------------------------------------------------------------ Windows


def test_the_event_log_is_written_through_pywin32(monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as can be told without Windows: what its library is called with."""
    seen: list[tuple[Any, ...]] = []
    library = SimpleNamespace(EVENTLOG_ERROR_TYPE=1, EVENTLOG_WARNING_TYPE=2, EVENTLOG_INFORMATION_TYPE=4)

    def report(source: str, number: int, *, eventType: int, strings: list[str]) -> None:  # noqa: N803
        seen.append((source, number, eventType, strings[0].partition(":")[0]))

    modules = {"win32evtlog": library, "win32evtlogutil": SimpleNamespace(ReportEvent=report)}
    monkeypatch.setattr(event_log, "import_module", modules.__getitem__)
    way = event_log.EventLogWay(AlarmEventLogSettings())
    way.give([note(), note(level=Level.NOTICE), note(kind=Kind.END)])
    assert seen == [("Dispatcher", 1, 1, "Alarme"), ("Dispatcher", 1, 2, "Alarme"), ("Dispatcher", 1, 4, "Fin")]


def test_the_event_log_without_its_library_says_what_to_install() -> None:
    with pytest.raises(OurFault, match="pywin32") as raised:
        event_log.EventLogWay(AlarmEventLogSettings()).give([note()])
    assert "dispatcher-labo[windows]" in raised.value.hint


def test_every_way_of_the_settings_is_opened() -> None:
    settings = AlarmSettings(
        mail=mail_settings(25),
        webhook=AlarmWebhookSettings(url="http://h/"),
        command=AlarmCommandSettings(argv=["x"]),
        syslog=AlarmSyslogSettings(),
        event_log=AlarmEventLogSettings(),
    )
    assert [way.name for way in alarm_ways(settings, "L")] == ["mail", "webhook", "command", "syslog", "event_log"]
    assert alarm_ways(AlarmSettings(), "L") == ()


@pytest.fixture
def unused() -> int:
    """A port nobody listens on."""
    return free_port()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
