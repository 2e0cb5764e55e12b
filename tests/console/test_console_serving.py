"""The console as a server: its port, TLS, beside the service; and the commands as a person calls them."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette

from dispatcher.cli import console_serving
from dispatcher.console import serve
from dispatcher.console.serve import Serving
from dispatcher.errors import ConfigError
from dispatcher.settings import ConsoleSettings
from dispatcher.wiring import Office
from tests.pki import pki
from tests.tools.console_demo import Alice

ANY = ConsoleSettings(port=0)


@contextmanager
def answering(found: Serving) -> Iterator[str]:
    found.start()
    try:
        yield found.url
    finally:
        found.stop()


def get(url: str, context: ssl.SSLContext | None = None) -> str:
    with urllib.request.urlopen(url, timeout=20, context=context) as answer:
        return str(answer.read().decode())


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "console.labo.example"])
def test_outside_this_machine_only_by_tls(host: str) -> None:
    with pytest.raises(ConfigError, match="TLS"):
        ANY.moved(host, None)


def test_certificate_and_key_go_together(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ensemble"):
        ConsoleSettings(certificate=tmp_path / "a.pem")


def test_it_answers_and_ends(application: Starlette) -> None:
    found = Serving(application, ANY)
    with answering(found) as url:
        assert "Se connecter" in get(url)
    with pytest.raises(OSError, match="refused"):
        get(url)


def test_it_answers_by_tls(application: Starlette, tmp_path: Path) -> None:
    folder = pki().write(tmp_path, server=pki().server)
    wanted = ConsoleSettings(port=0, certificate=folder / "server.pem", key=folder / "server.key")
    trusted = ssl.create_default_context(cafile=folder / "ca.pem")
    with answering(Serving(application, wanted)) as url:
        assert url.startswith("https://127.0.0.1:")
        assert "Se connecter" in get(url, trusted)


def test_chunks_get_by_no_limit(application: Starlette) -> None:
    """A length told beside them counts for nothing, so it must not open the door."""
    told = "POST /connexion HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 10\r\n\r\n"
    found = Serving(application, ANY)
    with answering(found) as url, socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), timeout=20) as line:
        line.sendall(told.encode())
        assert line.recv(4096).startswith(b"HTTP/1.1 413"), "before any chunk is sent"


def connected(url: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), timeout=20)


def hung_up(line: socket.socket) -> bool:
    try:
        return line.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("tls", [False, True])
def test_silent_connections_take_few_files(application: Starlette, tmp_path: Path, *, tls: bool) -> None:
    """By TLS they are silent before the server has a protocol for them."""
    folder = pki().write(tmp_path, server=pki().server)
    wanted = ConsoleSettings(port=0, certificate=folder / "server.pem", key=folder / "server.key") if tls else ANY
    with answering(Serving(application, wanted)) as url, ExitStack() as lines:
        inside = [lines.enter_context(connected(url)) for _ in range(serve.MOST_CONNECTIONS)]
        assert hung_up(lines.enter_context(connected(url)))
        inside[0].close()
        trusted = ssl.create_default_context(cafile=folder / "ca.pem") if tls else None
        assert "Se connecter" in read_when_there(url, trusted)


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: 127"], ids=["nothing", "half"])
def test_who_asks_for_nothing_is_hung_up_on(
    application: Starlette, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(serve, "SILENCE_SECONDS", 0.2)
    with answering(Serving(application, ANY)) as url, connected(url) as line:
        line.sendall(said)
        assert hung_up(line)


def test_a_second_half_of_nothing_is_hung_up_on_too(application: Starlette, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an answer the connection is kept for the next request, which must come whole as well."""
    monkeypatch.setattr(serve, "SILENCE_SECONDS", 1.0)
    with answering(Serving(application, ANY)) as url, connected(url) as line:
        line.sendall(b"GET /connexion HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert line.recv(20).startswith(b"HTTP/1.1 ")
        line.sendall(b"GET / HTTP/1.1\r\nHost: 127")
        while line.recv(65536):
            pass


def test_a_port_that_is_taken_is_told(application: Starlette) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(ConfigError, match="déjà pris"):
        Serving(application, ConsoleSettings(port=other.getsockname()[1]))


def test_a_certificate_that_is_none_is_told(application: Starlette, tmp_path: Path) -> None:
    for name in ("a.pem", "a.key"):
        (tmp_path / name).write_text("nothing")
    with pytest.raises(ConfigError, match="inutilisable"):
        Serving(application, ConsoleSettings(port=0, certificate=tmp_path / "a.pem", key=tmp_path / "a.key"))


def test_a_fault_of_the_console_stops_no_service(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        wanted = ConsoleSettings(serve=True, port=other.getsockname()[1])
        parts = replace(office, settings=office.settings.model_copy(update={"console": wanted}))
        assert console_serving.beside(parts) is None
    assert "the console does not answer" in caplog.text


def test_not_asked_for_not_served(office: Office) -> None:
    assert console_serving.beside(office) is None


@contextmanager
def command(*arguments: str, config: Path) -> Iterator[subprocess.Popen[str]]:
    """The command as a process; ended as a person would."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DISPATCHER")}
    process = subprocess.Popen(
        [sys.executable, "-m", "dispatcher", "--config", str(config), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**environment, "PYTHONUNBUFFERED": "1"},
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(40)
        finally:
            process.kill()
            process.stdout and process.stdout.close()


def url_told(process: subprocess.Popen[str]) -> str:
    """Where it answers, from what it says."""
    assert process.stdout is not None
    for line in process.stdout:
        if "Console : http" in line:
            return line.split("Console : ")[1].split()[0]
    raise AssertionError("it did not say where it answers")


def read_when_there(url: str, context: ssl.SSLContext | None = None) -> str:
    for _ in range(100):
        try:
            return get(url, context)
        except (OSError, HTTPException):
            time.sleep(0.1)
    return get(url, context)


def test_the_command(office: Office) -> None:
    config = office.settings.folder / "dispatcher.toml"
    with command("console", "--port", "0", config=config) as process:
        assert "Se connecter" in read_when_there(url_told(process))
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


def test_the_tool_for_those_who_write_pages(application: Starlette) -> None:
    """It stands outside the program; nobody else would notice that it fell behind."""
    with answering(Serving(Alice(application), ANY)) as url:
        assert "Connecté" in get(url)


def test_the_command_refuses_to_speak_in_clear(office: Office) -> None:
    config = office.settings.folder / "dispatcher.toml"
    with command("console", "--host", "0.0.0.0", config=config) as process:
        told = process.communicate(timeout=60)[0]
    assert process.returncode == 2
    assert "TLS" in told


def test_the_service_serves_it_too(tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, "-m", "dispatcher", "demo", "--keep", str(tmp_path / "demo"), "--json"],
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    assert json.loads(made.stdout)["files"]
    config = tmp_path / "demo" / "dispatcher.toml"
    config.write_text(config.read_text(encoding="utf-8") + "\n[console]\nserve = true\nport = 0\n", encoding="utf-8")
    with command("run", config=config) as process:
        assert "Se connecter" in read_when_there(url_told(process))
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0
