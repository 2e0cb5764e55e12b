"""Asks a time-stamping authority over HTTP (RFC 3161 §3.4). What it answers is checked by who asked."""

from __future__ import annotations

import urllib3
from urllib3.exceptions import HTTPError

from dispatcher.errors import TryLater

QUERY, REPLY = "application/timestamp-query", "application/timestamp-reply"
MOST = 100_000
"""Bytes of an answer: a token with its certificates has some thousands."""


class HttpStamper:
    """A :class:`dispatcher.ports.Stamper`. ``http`` addresses are usual: the answer is signed."""

    def __init__(self, url: str, timeout_seconds: float) -> None:
        self._url = url
        self._pool = urllib3.PoolManager()
        self._timeout = urllib3.Timeout(total=timeout_seconds)

    def ask(self, request: bytes) -> bytes:
        """Raises :class:`TryLater`: no answer, or another one than a time-stamp."""
        try:
            response = self._pool.request(
                "POST",
                self._url,
                body=request,
                headers={"Content-Type": QUERY, "Accept": REPLY},
                timeout=self._timeout,
                retries=False,
                redirect=False,
                preload_content=False,
            )
            try:
                body, kind = response.read(MOST + 1), response.headers.get("Content-Type", "")
            finally:
                response.release_conn()
        except HTTPError as error:
            raise TryLater(f"Autorité d'horodatage injoignable ({type(error).__name__}).", stage="connect") from error
        if response.status != 200 or not kind.lower().startswith(REPLY) or len(body) > MOST:
            raise TryLater(
                f"L'autorité d'horodatage a répondu {response.status} ({kind or 'sans type'}).", stage="data"
            )
        return bytes(body)
