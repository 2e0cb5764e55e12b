"""Alarms as JSON by POST, signed (HMAC-SHA-256); and the heartbeat, whose silence others hear."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import urllib3
from urllib3.exceptions import HTTPError

from dispatcher.errors import OurFault, TryLater
from dispatcher.ports import AlarmNote
from dispatcher.settings.alarm_ways import AlarmWebhookSettings, HeartbeatSettings
from dispatcher.transport.alerting.secrets import read_secret
from dispatcher.transport.tls import TlsOptions, context


class WebhookWay:
    """One request a message. The same ``X-Dispatcher-Id`` again is the same message."""

    name, joins = "webhook", False

    def __init__(self, settings: AlarmWebhookSettings, laboratory: str) -> None:
        self._settings, self._laboratory = settings, laboratory

    def give(self, notes: Sequence[AlarmNote]) -> None:
        """Raises OurFault, TryLater."""
        for note in notes:
            body = json.dumps(
                {"id": note.id, "at": note.at.isoformat(), "laboratory": self._laboratory, **note.body},
                ensure_ascii=False,
            ).encode()
            headers = {"Content-Type": "application/json; charset=utf-8", "X-Dispatcher-Id": note.id}
            if self._settings.secret_file is not None:
                key = read_secret(self._settings.secret_file, "alarms.webhook.secret_file").encode()
                headers["X-Dispatcher-Signature"] = f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}"
            _request("POST", self._settings.url, self._settings.ca_file, self._settings.timeout_seconds, body, headers)


def beat(settings: HeartbeatSettings) -> None:
    """« I live ». Raises OurFault, TryLater."""
    _request("GET", settings.url, settings.ca_file, settings.timeout_seconds, None, {})


def _request(
    method: str, url: str, ca_file: Path | None, seconds: float, body: bytes | None, headers: Mapping[str, str]
) -> None:
    tls = context(TlsOptions(ca_file=ca_file)) if url.startswith("https:") else None
    with urllib3.PoolManager(ssl_context=tls) as pool:
        try:
            response = pool.request(
                method,
                url,
                body=body,
                headers=dict(headers),
                timeout=urllib3.Timeout(total=seconds),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            response.release_conn()
        except HTTPError as error:
            raise TryLater(f"Adresse web injoignable ({type(error).__name__}).", stage="connect") from error
    if 200 <= response.status < 300:
        return
    if response.status in {408, 425, 429} or response.status >= 500:
        raise TryLater(f"L'adresse web a répondu {response.status}.", stage="data")
    raise OurFault(f"L'adresse web refuse ({response.status}).", stage="data")
