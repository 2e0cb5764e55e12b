"""HTTP towards the house that says who people are: JSON in, JSON out, bounded in time and size, no redirection."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from dispatcher.errors import SignInError
from dispatcher.settings.sections import LOOPBACK

SECONDS = 10.0
MOST = 512 * 1024
"""Bytes of an answer."""
FORM = "application/x-www-form-urlencoded"


class Web:
    """Threads may share it."""

    def __init__(self, ca_file: Path | None = None) -> None:
        timeout = urllib3.Timeout(total=SECONDS)
        self._pool = urllib3.PoolManager(
            timeout=timeout, retries=False, ca_certs=str(ca_file) if ca_file is not None else None
        )

    def get(self, url: str, *, bearer: str = "") -> dict[str, Any]:
        """Raises :class:`SignInError`."""
        return self._ask("GET", url, {"Authorization": f"Bearer {bearer}"} if bearer else {}, None)

    def post(self, url: str, body: str, headers: Mapping[str, str]) -> dict[str, Any]:
        """A form. Raises :class:`SignInError`."""
        return self._ask("POST", url, {**headers, "Content-Type": FORM}, body)

    def _ask(self, method: str, url: str, headers: Mapping[str, str], body: str | None) -> dict[str, Any]:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise _fault("Le service d'identité nomme une adresse sans https.", "oidc-address")
        wanted = {**headers, "Accept": "application/json"}
        try:
            answer = self._pool.request(
                method, url, body=body, headers=wanted, redirect=False, preload_content=False, decode_content=True
            )
            try:
                content = answer.read(MOST + 1)
            finally:
                answer.close()
        except HTTPError as error:
            raise _fault("Le service d'identité ne répond pas.", "oidc-unreachable") from error
        if answer.status != 200:
            raise _fault(f"Le service d'identité refuse (réponse {answer.status}).", "oidc-refused")
        try:
            told = json.loads(content) if len(content) <= MOST else None
        except ValueError:
            told = None
        if not isinstance(told, dict):
            raise _fault("La réponse du service d'identité est illisible.", "oidc-unreadable")
        return told


def _fault(message: str, code: str) -> SignInError:
    return SignInError(message, hint="Réessayer plus tard, ou entrer avec un compte d'ici.", code=code)
