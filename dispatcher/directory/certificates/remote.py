"""Recipients' certificates from an LDAP server: asked by address, kept with an expiry, told when it cannot be asked.

``userSMIMECertificate`` (RFC 2798 §2.8: PKCS#7 signed-data, preferred for S/MIME) and ``userCertificate`` (RFC 4523
§2.1, transferred as ``;binary``); servers spell both with and without the option, so both spellings are asked for.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509

from dispatcher.clock import Clock, paris
from dispatcher.directory.certificates.cache import AnswerCache, Kept
from dispatcher.directory.certificates.chain import load_der
from dispatcher.directory.certificates.fitness import only_an_issuer
from dispatcher.directory.certificates.found import Found, Unusable, found
from dispatcher.directory.ldap.faults import LdapFault
from dispatcher.directory.ldap.link import LdapLink, equals
from dispatcher.routing.addresses import is_patient
from dispatcher.routing.sources import LDAP, label
from dispatcher.settings.ldap import LdapSettings

log = logging.getLogger(__name__)

ATTRIBUTES = ("userSMIMECertificate", "userCertificate")
"""In the order of preference."""
ASKED = tuple(f"{name}{option}" for name in ATTRIBUTES for option in ("", ";binary"))
MAX_VALUES = 50
"""Values looked at for one address."""
MAX_BYTES = 1_000_000
"""A larger value is no certificate; its first byte is kept, so that it is told as one that cannot be read."""
SILENCE = 60.0
"""Seconds a server that did not answer is left alone: a mail must not wait for each."""
ABOUT_THE_SERVER = frozenset({"ldap-unreachable", "ldap-tls", "ldap-client-certificate", "ldap-login", "ldap-base"})
"""Faults that any address would meet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What one server has for an address, now or as kept."""

    found: tuple[Found, ...] = ()
    unusable: tuple[Unusable, ...] = ()
    """Values that are no certificate."""
    between: tuple[x509.Certificate, ...] = ()
    asked_at: datetime | None = None
    silent: str = ""
    """French: why it could not be asked now. With ``found``: a kept answer stands in."""


class LdapCertificates:
    """One server. Thread-safe."""

    def __init__(self, name: str, settings: LdapSettings, cache: AnswerCache, clock: Clock) -> None:
        """``name`` as in the settings."""
        self.source = f"{LDAP}{name}"
        self.key = f"{self.source} {_asked(settings)}"
        """Under which its answers are kept: another server behind the same name begins anew."""
        self._name, self._settings, self._cache, self._clock = name, settings, cache, clock
        self._lock = threading.Lock()
        self._silent_until: float | None = None
        self._silent_reason = ""

    def ask(self, address: str, at: datetime, useful: Callable[[Answered], bool]) -> Answered:
        """What is there for ``address`` (lower case) at ``at``. ``useful``: an answer that is kept for the longer time.

        A kept answer serves without a question until its time is over, and after that while the server is silent.
        """
        if is_patient(address):
            return Answered()  # a patient's number is nobody's business there
        kept = self._cache.get(self.key, address)
        if kept is not None:
            answer = self._understood(kept)
            if self._fresh(kept, at, useful=useful(answer)):
                return answer
        try:
            fresh = self._look_up(address, at)
        except LdapFault as fault:
            log.warning("certificates of ldap server %s: %s", self._name, fault.code)
            return self._kept_or_silent(kept, fault)
        self._cache.put(fresh)
        return self._understood(fresh)

    def kept(self, everything: tuple[Kept, ...]) -> Iterator[Answered]:
        """Of all kept answers, this server's."""
        return (self._understood(one) for one in everything if one.source == self.key)

    def _fresh(self, kept: Kept, at: datetime, *, useful: bool) -> bool:
        hours = self._settings.keep_hours if useful else self._settings.keep_none_hours
        return timedelta(0) <= at - kept.asked_at < timedelta(hours=hours)

    def _kept_or_silent(self, kept: Kept | None, fault: LdapFault) -> Answered:
        reason = fault.message[:1].lower() + fault.message[1:].rstrip(".")
        if kept is None or not kept.values:
            return Answered(silent=reason)
        answer = self._understood(kept)
        day = f"{paris(kept.asked_at):%d/%m/%Y à %H:%M}"
        return Answered(
            found=answer.found,
            unusable=answer.unusable,
            between=answer.between,
            asked_at=answer.asked_at,
            silent=f"{reason} ; réponse gardée du {day}",
        )

    def _look_up(self, address: str, at: datetime) -> Kept:
        """Ask the server. Raises :class:`LdapFault`; at once when it could not be reached just before."""
        with self._lock:
            if self._silent_until is not None and self._clock.monotonic() < self._silent_until:
                raise LdapFault(self._silent_reason, code="ldap-unreachable")
        try:
            values = self._values(address)
        except LdapFault as fault:
            if fault.code not in ABOUT_THE_SERVER:
                raise  # about this question: the next address may be asked
            with self._lock:
                self._silent_until, self._silent_reason = self._clock.monotonic() + SILENCE, fault.message
            raise
        return Kept(source=self.key, address=address, asked_at=at, values=values)

    def _values(self, address: str) -> tuple[tuple[str, bytes], ...]:
        mail = self._settings.attributes["address"]
        assert isinstance(mail, str)  # the settings see to it
        wanted = f"(&{self._settings.filter}{equals(mail, address)})"
        values: list[tuple[str, bytes]] = []
        with LdapLink.open(self._name, self._settings) as link:
            for record in link.search(wanted, ASKED):
                values += [(name, value) for name in ATTRIBUTES for value in record.get(name)]
        unique = list(dict.fromkeys(values))[:MAX_VALUES]
        return tuple((name, value if len(value) <= MAX_BYTES else value[:1]) for name, value in unique)

    def _understood(self, kept: Kept) -> Answered:
        certificates: list[Found] = []
        unusable: list[Unusable] = []
        between: list[x509.Certificate] = []
        for attribute, value in kept.values:
            try:
                inside = load_der(value)
            except ValueError:
                reason = "valeur qui n'est pas un certificat"
                unusable.append(Unusable(source=self.source, place=attribute, address=kept.address, reason=reason))
                continue
            for certificate in inside:
                if only_an_issuer(certificate):
                    between.append(certificate)
                else:
                    certificates.append(found(self.source, attribute, certificate, ATTRIBUTES.index(attribute)))
        once = {one.fingerprint: one for one in reversed(certificates)}  # of two places the preferred one
        return Answered(
            found=tuple(reversed(once.values())),
            unusable=tuple(unusable),
            between=tuple(between),
            asked_at=kept.asked_at,
        )

    @property
    def title(self) -> str:
        """French."""
        return label(self.source)


def _asked(settings: LdapSettings) -> str:
    """What decides which certificates the server has for an address."""
    told = [settings.url.rstrip("/"), settings.base, settings.filter, settings.attributes["address"]]
    return hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()[:16]
