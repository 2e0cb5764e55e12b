"""A house that says who people are (OpenID Connect), on loopback: really signed tokens, PKCE verified, and its faults.

Its answers look like Pro Santé Connect's: little in the id_token, the rest at ``userinfo``. Everybody is invented.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "labo", "un secret d'essai"
SUBJECT = "f:550dc1c8:899700000001"
PERSON: dict[str, Any] = {
    "sub": SUBJECT,
    "preferred_username": "899700000001",
    "SubjectNameID": "899700000001",
    "given_name": "Camille",
    "family_name": "ESSAI",
    "SubjectRole": ["10^1.2.250.1.213.1.1.5.5"],
    "SubjectOrganizationID": "R99",
    "SubjectRefPro": {
        "codeCivilite": "MME",
        "exercices": [
            {
                "codeProfession": "10",
                "codeSavoirFaire": "SM03",
                "activities": [
                    {"numeroFinessSite": "990000010", "raisonSocialeSite": "LABORATOIRE D'ESSAI"},
                    {"numeroFinessSite": "990000028", "raisonSocialeSite": "AUTRE SITE D'ESSAI"},
                ],
            }
        ],
    },
}


def bare64(content: bytes) -> str:
    """As JOSE writes it."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


@dataclass
class Issuer:
    """``claims`` changes what the id_token says, ``person`` what ``userinfo`` says; None takes a claim away."""

    url: str = ""
    now: int = 0
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"}))
    signing: RSAKey | None = None
    """Signs instead of the key it publishes."""
    shared: bytes = b""
    """HS256 with this instead (written out here: the library refuses a public key as a shared secret)."""
    header: dict[str, str] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    person: dict[str, Any] = field(default_factory=lambda: dict(PERSON))
    metadata: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    asked: list[str] = field(default_factory=list)
    pending: dict[str, dict[str, str]] = field(default_factory=dict)
    """By code: what the person was sent with."""

    def authorize(self, url: str) -> str:
        """The person recognises herself there; gives the code that she comes back with."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert query["client_id"] == CLIENT
        code = f"code{len(self.pending) + 1}"
        self.pending[code] = query
        return code

    def description(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/auth",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        } | self.metadata

    def published(self) -> dict[str, Any]:
        return {
            "keys": [
                self.key.as_dict(private=False),
                {"kty": "RSA", "use": "enc", "kid": "e1", "n": "AQAB", "e": "AQAB"},
            ]
        }

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """None: not this client, not this code, or not this verifier."""
        asked = self.pending.pop(form.get("code", ""), None)
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET) and authorization != f"Basic {basic}":
            return None
        challenge = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if asked is None or bare64(challenge) != asked["code_challenge"]:
            return None
        if form.get("redirect_uri") != asked["redirect_uri"]:
            return None
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": SUBJECT,
            "iat": self.now,
            "exp": self.now + 300,
            "nonce": asked["nonce"],
            "acr": "eidas1",
        } | self.claims
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.shared:
            text = ".".join(bare64(json.dumps(part).encode()) for part in ({"alg": "HS256", "kid": "k1"}, claims))
            signed = f"{text}.{bare64(hmac.digest(self.shared, text.encode(), 'sha256'))}"
        else:
            signed = jwt.encode({"alg": "RS256", "kid": "k1"} | self.header, claims, self.signing or self.key)
        return {"access_token": "access", "token_type": "Bearer", "id_token": signed}


@contextmanager
def issuer() -> Iterator[Issuer]:
    """One that runs."""
    made = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            if self.path == "/userinfo" and self.headers.get("Authorization") != "Bearer access":
                return self.answer(None)
            told = {"/userinfo": made.person, "/keys": made.published()}.get(self.path)
            if self.path.startswith("/.well-known/"):
                told = made.description()
            return self.answer(told)

        def do_POST(self) -> None:
            made.asked.append(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self.answer(made.token(form, self.headers.get("Authorization", "")))

        def answer(self, told: dict[str, Any] | None) -> None:
            content = json.dumps(told if told is not None else {"error": "invalid"}).encode()
            self.send_response(made.status if told is not None else 400)
            self.send_header("Content-Type", "application/json")
            self.send_header("Location", f"{made.url}/.well-known/moved")  # heeded with 302 only
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
