"""What every answer has: the host is ours, the policy forbids what pages do not need, nothing is kept."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dispatcher.console.texts import LANGUAGE, wanted
from dispatcher.settings.sections import LOOPBACK

STATIC = "/static/"
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",  # the script renews parts of a page
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
TLS_HEADERS = {"strict-transport-security": "max-age=31536000"}


class Shield:
    """Around the whole application."""

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str] = ()) -> None:
        self._app = app
        self._hosts = LOOPBACK | {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                _seal(message, connection)
            await send(message)

        if host_of(connection.headers.get("host", "")) not in self._hosts:
            refused = PlainTextResponse("Nom d'hôte inconnu de cette console ([console] hosts).", status_code=421)
            await refused(scope, receive, sealed)
            return
        token = LANGUAGE.set(wanted(connection))
        try:
            await self._app(scope, receive, sealed)
        finally:
            LANGUAGE.reset(token)


def _seal(message: Message, connection: HTTPConnection) -> None:
    headers = MutableHeaders(scope=message)
    for name, value in (HEADERS | (TLS_HEADERS if connection.url.scheme == "https" else {})).items():
        headers[name] = value
    static = connection.url.path.startswith(STATIC)
    headers["cache-control"] = "public, max-age=3600" if static else "no-store"


def host_of(header: str) -> str:
    """The name in a Host header, without its port; names stand without the brackets of IPv6."""
    name = header.strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0]
