"""OpenID Connect: somebody is recognised by another house (Pro Santé Connect, the site's own directory).

Authorization code with PKCE (RFC 7636), state and nonce; the id_token is verified with the issuer's keys (signature,
issuer, audience, times, nonce, at_hash, way of recognising: OpenID Connect Core 3.1.3.7). What must be remembered while
the person is away travels in a cookie, enciphered and bound to ten minutes. Tokens are used here and kept nowhere.

A page calls :meth:`House.begin` and sends the person to ``url`` with ``remember`` as a cookie (HttpOnly, SameSite=Lax,
for the way back comes from another site); the page of the way back calls :meth:`House.finish`, then
:func:`dispatcher.service.sign_in_elsewhere.enter`, and takes the cookie away.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError, MissingClaimError
from joserfc.jwk import KeySet

from dispatcher.clock import Clock
from dispatcher.console.oidc_web import Web
from dispatcher.errors import KeyringError, SignInError
from dispatcher.keyring.secret_files import read_secret
from dispatcher.ports import Cipher
from dispatcher.service.sign_in_elsewhere import Recognised, roles_granted
from dispatcher.settings import OidcSettings

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures with a key of the issuer's. Never a shared secret, never « none »."""
AWAY = timedelta(minutes=10)
"""How long the person may take over there."""
LEEWAY = 60
"""Seconds two clocks may be apart."""
FRESH = timedelta(hours=1)
"""How long the issuer's description of itself is believed without asking again."""
AGAIN = timedelta(minutes=1)
"""An unknown key makes the keys be asked for again, at most so often: strangers may show any number."""
REST = 15.0
"""Seconds for which an issuer that failed is not asked again: nobody may tie the console up by knocking."""
BEFORE = frozenset({"oidc-cookie", "oidc-state", "oidc-issuer", "oidc-too-late", "oidc-declined", "oidc-refused"})
"""Faults that a stranger can make without having been recognised by anybody, as often as he likes."""
CONTEXT = "console/oidc"
USUAL_PLACE = "/.well-known/openid-configuration"
NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the person is sent, and what the cookie holds meanwhile."""

    url: str
    remember: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Described:
    """The issuer as it describes itself."""

    at: datetime
    metadata: Mapping[str, Any]
    keys: KeySet


class House:
    """One issuer. Threads may share it; nothing is asked before the first person comes."""

    def __init__(self, settings: OidcSettings, clock: Clock, cipher: Cipher) -> None:
        """Raises :class:`dispatcher.errors.KeyringError`: the secret's file is missing or open to everybody."""
        self._settings, self._clock, self._cipher = settings, clock, cipher
        self._secret = read_secret(settings.secret_file).decode("utf-8").strip()
        self._web = Web(settings.ca_file)
        self._lock = threading.Lock()
        self._known: _Described | None = None
        self._failed: tuple[float, SignInError] | None = None

    @property
    def label(self) -> str:
        """How the site calls it."""
        return self._settings.label

    def begin(self) -> Begun:
        """Send somebody there. Raises :class:`SignInError`: the issuer cannot be reached, or is another."""
        metadata = self._described().metadata
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        more = {"acr_values": " ".join(self._settings.acr)} if self._settings.acr else {}
        url = prepare_grant_uri(
            metadata["authorization_endpoint"],
            self._settings.client_id,
            "code",
            redirect_uri=self._settings.redirect,
            scope=" ".join(self._settings.scopes),
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
            **more,
        )
        told = {"state": state, "nonce": nonce, "verifier": verifier, "at": self._clock.now().isoformat()}
        return Begun(url, self._seal(told))

    def finish(self, query: Mapping[str, str], remember: str) -> Recognised:
        """Somebody is back: ``query`` of the address, ``remember`` of the cookie. Raises :class:`SignInError`."""
        kept = self._open(remember)
        if not hmac.compare_digest(kept["state"].encode(), query.get("state", "").encode("utf-8", "replace")):
            raise _fault("state", "La réponse ne va pas avec la demande de ce navigateur.")
        if query.get("iss", self._settings.issuer) != self._settings.issuer:  # RFC 9207
            raise _fault("issuer", "La réponse vient d'un autre service d'identité que celui qui est configuré.")
        if "error" in query or not query.get("code"):
            raise _fault("declined", "L'identification a été abandonnée ou refusée là-bas.")
        tokens = self._exchange(query["code"], kept["verifier"])
        claims = self._verify(tokens, kept["nonce"])
        told = {**self._userinfo(tokens, claims), **claims}
        name = told.get(self._settings.name_claim)
        if not isinstance(name, str) or not name:
            raise _fault("name", f"Le service d'identité ne donne pas « {self._settings.name_claim} ».")
        return Recognised(
            issuer=self._settings.issuer,
            subject=str(claims["sub"]),
            name=name,
            roles=roles_granted(told, self._settings.grants),
        )

    def _described(self, key_unknown: bool = False) -> _Described:
        """The issuer's description and keys, asked for when there is need."""
        with self._lock:
            known, now = self._known, self._clock.now()
            if known is not None and timedelta() <= now - known.at < (AGAIN if key_unknown else FRESH):
                return known
            tick = self._clock.monotonic()
            if self._failed is not None and tick - self._failed[0] < REST:
                raise SignInError(self._failed[1].message, hint=self._failed[1].hint, code=self._failed[1].code)
            try:
                self._known = self._ask(now)
            except SignInError as error:
                self._failed = (tick, error)
                raise
            return self._known

    def _ask(self, now: datetime) -> _Described:
        where = self._settings.discovery or self._settings.issuer.rstrip("/") + USUAL_PLACE
        metadata = self._web.get(where)
        if metadata.get("issuer") != self._settings.issuer:
            raise _fault("issuer", f"« {where} » ne décrit pas {self._settings.issuer}.")
        if not all(isinstance(metadata.get(name), str) for name in NEEDED):
            raise _fault("discovery", f"« {where} » est incomplet.")
        return _Described(now, metadata, _keys(self._web.get(metadata["jwks_uri"])))

    def _exchange(self, code: str, verifier: str) -> Mapping[str, Any]:
        metadata = self._described().metadata
        body = prepare_token_request(
            "authorization_code", redirect_uri=self._settings.redirect, code=code, code_verifier=verifier
        )
        offered = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        method = "client_secret_post" if "client_secret_post" in offered else "client_secret_basic"
        auth = ClientAuth(self._settings.client_id, self._secret, method)
        url, headers, body = auth.prepare("POST", metadata["token_endpoint"], {}, body)
        tokens = self._web.post(url, body, headers)
        if not isinstance(tokens.get("id_token"), str):
            raise _fault("token", "Le service d'identité n'a pas rendu de jeton d'identité.")
        return tokens

    def _verify(self, tokens: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        """Claims of the id_token, once all of it holds."""
        try:
            token = self._signed(tokens["id_token"])
            claims = CodeIDToken(
                token.claims,
                token.header,
                {
                    "iss": {"essential": True, "value": self._settings.issuer},
                    "aud": {"essential": True, "value": self._settings.client_id},
                    "sub": {"essential": True},
                },
                {
                    "nonce": nonce,
                    "client_id": self._settings.client_id,
                    "access_token": tokens.get("access_token"),
                },
            )
            claims.validate(now=int(self._clock.now().timestamp()), leeway=LEEWAY)
        except ExpiredTokenError as error:
            raise _fault("expired", "Le jeton d'identité est périmé. L'heure de ce poste est-elle juste ?") from error
        except (InvalidClaimError, MissingClaimError) as error:
            raise _fault(f"claim-{error.claim}", f"Le jeton d'identité ne convient pas (« {error.claim} »).") from error
        except (JoseError, ValueError, TypeError) as error:
            raise _fault("signature", "Le jeton d'identité n'est pas signé par le service d'identité.") from error
        if self._settings.acr and claims.get("acr") not in self._settings.acr:
            raise _fault("acr", "Identification trop faible : un moyen plus sûr est demandé ici.")
        return dict(claims)

    def _signed(self, text: str) -> jwt.Token:
        """Read with the issuer's keys; asked for anew when the key is not among them (they change)."""
        known = self._described()
        try:
            return jwt.decode(text, known.keys, algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            renewed = self._described(key_unknown=True)
            if renewed is known:
                raise
            return jwt.decode(text, renewed.keys, algorithms=ALGORITHMS)

    def _userinfo(self, tokens: Mapping[str, Any], claims: Mapping[str, Any]) -> Mapping[str, Any]:
        """What else is said of the same person; some houses say nearly everything there."""
        where = self._described().metadata.get("userinfo_endpoint")
        if not isinstance(where, str) or not isinstance(tokens.get("access_token"), str):
            return {}
        told = self._web.get(where, bearer=tokens["access_token"])
        if told.get("sub") != claims["sub"]:
            raise _fault("userinfo", "Le service d'identité a décrit quelqu'un d'autre.")
        return told

    def _seal(self, told: Mapping[str, str]) -> str:
        sealed = self._cipher.encrypt(json.dumps(told).encode(), CONTEXT)
        return base64.urlsafe_b64encode(self._cipher.key_id.encode() + b"\n" + sealed).decode("ascii")

    def _open(self, remember: str) -> dict[str, str]:
        try:
            key_id, _, sealed = base64.urlsafe_b64decode(remember.encode("ascii")).partition(b"\n")
            told: dict[str, str] = json.loads(self._cipher.decrypt(sealed, CONTEXT, key_id.decode("ascii")))
        except (KeyringError, binascii.Error, UnicodeError, ValueError) as error:
            raise _fault("cookie", "Ce navigateur n'a rien demandé, ou a refusé le cookie de la demande.") from error
        if abs(self._clock.now() - datetime.fromisoformat(told["at"])) > AWAY:
            raise _fault("too-late", "L'identification a pris plus de dix minutes.")
        return told


def _keys(told: Mapping[str, Any]) -> KeySet:
    """Those that verify signatures."""
    listed = told.get("keys")
    usable = [one for one in listed if isinstance(one, dict) and one.get("use", "sig") == "sig"] if listed else []
    try:
        return KeySet.import_key_set({"keys": [one for one in usable if one.get("kty") in {"RSA", "EC", "OKP"}]})
    except (JoseError, ValueError, TypeError) as error:
        raise _fault("keys", "Les clés du service d'identité sont illisibles.") from error


def _fault(code: str, message: str) -> SignInError:
    return SignInError(message, hint="Recommencer ; sinon, entrer avec un compte d'ici.", code=f"oidc-{code}")
