"""The ways by which a person is told of an alarm: ``[alarms.mail]`` and its sisters."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from dispatcher.settings.sections import Address, PathSection

Facility = Literal["user", "daemon", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"]


class AlarmMailSettings(PathSection):
    """Plain mail to those who look after the program, by a server of the laboratory's own; no patient data in it."""

    host: str
    port: int = Field(default=25, ge=1, le=65535)
    tls: Literal["none", "starttls", "tls"] = "starttls"
    sender: Address
    to: list[Address] = Field(min_length=1)
    user: str = ""
    password_file: Path | None = None
    ca_file: Path | None = None
    server_name: str = ""
    timeout_seconds: float = Field(default=20, gt=0, le=120)

    @model_validator(mode="after")
    def _never_in_clear(self) -> AlarmMailSettings:
        if self.user and self.password_file is None:
            raise ValueError("« user » demande « password_file »")
        if self.user and self.tls == "none":
            raise ValueError('un mot de passe ne part pas en clair : « tls » vaut "starttls" ou "tls"')
        return self


class AlarmWebhookSettings(PathSection):
    """A JSON object by POST."""

    url: str = Field(pattern=r"^https?://[^\s]+$")
    secret_file: Path | None = None
    """Signs each body (HMAC-SHA-256)."""
    ca_file: Path | None = None
    timeout_seconds: float = Field(default=10, gt=0, le=120)


class AlarmCommandSettings(PathSection):
    """A program of the site's own; no shell."""

    argv: list[str] = Field(min_length=1)
    timeout_seconds: float = Field(default=30, gt=0, le=300)


class AlarmSyslogSettings(PathSection):
    """RFC 5424."""

    transport: Literal["udp", "tcp", "unix"] = "unix"
    host: str = "127.0.0.1"
    port: int = Field(default=514, ge=1, le=65535)
    path: Path = Path("/dev/log")
    facility: Facility = "daemon"
    timeout_seconds: float = Field(default=5, gt=0, le=60)


class AlarmEventLogSettings(PathSection):
    """The event log of Windows."""

    source: str = "Dispatcher"


class HeartbeatSettings(PathSection):
    """An address called again and again while the service works: who stops being called raises the alarm."""

    url: str = Field(pattern=r"^https?://[^\s]+$")
    minutes: float = Field(default=5, gt=0)
    while_alarms: bool = True
    """Also while an alarm stands; false: an alarm silences it."""
    ca_file: Path | None = None
    timeout_seconds: float = Field(default=10, gt=0, le=120)
