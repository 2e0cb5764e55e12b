"""Alarms to syslog: RFC 5424 messages; one a datagram (RFC 5426), or counted octets over TCP (RFC 6587 §3.4.1)."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping, Sequence
from typing import Any

from dispatcher.alarms.alarm import Level
from dispatcher.alarms.incident import Kind
from dispatcher.alarms.wording import line
from dispatcher.errors import TryLater, in_french
from dispatcher.ports import AlarmNote
from dispatcher.settings.alarm_ways import AlarmSyslogSettings

FACILITIES = {"user": 1, "daemon": 3, **{f"local{number}": 16 + number for number in range(8)}}
SEVERITIES = {Level.URGENT: 2, Level.ALARM: 3, Level.NOTICE: 5}
"""Critical, error, notice (RFC 5424 §6.2.1)."""
OVER = 5
MOST = 2000
"""Bytes of a message: receivers must take 480 and should take 2048 (§6.1)."""


class SyslogWay:
    """One message a message."""

    name, joins = "syslog", False

    def __init__(self, settings: AlarmSyslogSettings, host: str) -> None:
        self._settings, self._host = settings, host

    def give(self, notes: Sequence[AlarmNote]) -> None:
        """Raises TryLater. Over UDP nobody knows whether it arrived."""
        wanted = self._settings
        try:
            for note in notes:
                self._send(self._message(note))
        except OSError as error:
            where = wanted.path if wanted.transport == "unix" else f"{wanted.host}:{wanted.port}"
            raise TryLater(f"Syslog injoignable, {where} ({in_french(error)}).", stage="connect") from error

    def _send(self, message: bytes) -> None:
        wanted = self._settings
        if wanted.transport == "tcp":
            with socket.create_connection((wanted.host, wanted.port), timeout=wanted.timeout_seconds) as connection:
                connection.sendall(f"{len(message)} ".encode() + message)
            return
        if wanted.transport == "unix":
            family, where = socket.AF_UNIX, str(wanted.path)
            with socket.socket(family, socket.SOCK_DGRAM) as connection:
                connection.settimeout(wanted.timeout_seconds)
                connection.connect(where)
                connection.send(message)
            return
        kind, address = socket.getaddrinfo(wanted.host, wanted.port, type=socket.SOCK_DGRAM)[0][::4]
        with socket.socket(kind, socket.SOCK_DGRAM) as connection:
            connection.settimeout(wanted.timeout_seconds)
            connection.sendto(message, address)

    def _message(self, note: AlarmNote) -> bytes:
        severity = OVER if note.kind in {Kind.END, Kind.TEST} else _severity(note.body)
        priority = FACILITIES[self._settings.facility] * 8 + severity
        moment = note.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        host = re.sub(r"[^!-~]", "-", self._host)[:255] or "-"
        data = f'[alarm@32473 kind="{_value(note.kind)}" key="{_value(note.key)}" id="{_value(note.id)}"]'
        head = f"<{priority}>1 {moment} {host} dispatcher {os.getpid()} alarm {data} "
        text = "\ufeff" + re.sub(r"[\x00-\x1f\x7f]+", " ", line(note.body))
        return (head.encode() + text.encode())[:MOST].decode("utf-8", "ignore").encode()


def _severity(body: Mapping[str, Any]) -> int:
    return min((SEVERITIES[Level(one["level"])] for one in body["alarms"]), default=OVER)


def _value(text: str) -> str:
    """A PARAM-VALUE (§6.3.3)."""
    return re.sub(r'(["\\\]])', r"\\\1", re.sub(r"[\x00-\x1f]", " ", text))
