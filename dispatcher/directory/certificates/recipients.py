"""Recipients' certificates of all sources behind one door: which one to use, and why not the others?

Sources in their order: the laboratory's folder, then each LDAP server (``userSMIMECertificate`` before
``userCertificate``). The first source with a usable certificate settles it; within it RSA keys go before others (what
every reader opens, ``sealing/policy.py``), then the newest. RFC 8550 §2.3, §3; docs/adr/0010 for what is not known.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from dispatcher.directory.certificates.chain import Anchors, anchors, load_certificates
from dispatcher.directory.certificates.folder import CertificateFolder
from dispatcher.directory.certificates.found import FOLDER, Found, Unusable
from dispatcher.directory.certificates.judging import Judge, RevocationPolicy, Standing, Verdict
from dispatcher.errors import DirectoryError
from dispatcher.ports import CertificateAnswer, RecipientCertificate
from dispatcher.routing.addresses import as_compared

if TYPE_CHECKING:
    from dispatcher.directory.certificates.cache import AnswerCache
    from dispatcher.directory.certificates.remote import Answered, LdapCertificates
    from dispatcher.directory.certificates.revocation_lists import RevocationLists

OTHER_ADDRESS = Verdict(standing=Standing.UNFIT, reason="au nom d'une autre adresse")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One certificate and what it is worth."""

    found: Found
    verdict: Verdict

    @property
    def usable(self) -> bool:
        """Mail may be enveloped for it."""
        return self.verdict.standing is Standing.USABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One source asked about one address."""

    name: str
    judged: tuple[Judged, ...] = ()
    unusable: tuple[Unusable, ...] = ()
    asked_at: datetime | None = None
    """Of an answer that came from a server, now or kept."""
    silent: str = ""
    """French: why it could not be asked now."""

    @property
    def best(self) -> Judged | None:
        """The one it offers."""
        return max((one for one in self.judged if one.usable), key=_order, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """Everything known of one address on one day."""

    address: str
    sources: tuple[Source, ...]

    @property
    def chosen(self) -> Judged | None:
        """Of the first source that has a usable one."""
        return next((source.best for source in self.sources if source.best), None)

    def answer(self) -> CertificateAnswer:
        """The same for routing."""
        for source in self.sources:
            if source.best is not None:
                return _chosen(self.address, source, source.best)
        judged = [one for source in self.sources for one in source.judged]
        unusable = [_told(one) for one in judged if one.verdict.standing is not Standing.NOT_ESTABLISHED]
        doubtful = [_told(one) for one in judged if one.verdict.standing is Standing.NOT_ESTABLISHED]
        values = [f"{one.where} : {one.reason}" for source in self.sources for one in source.unusable]
        silent = [source.silent for source in self.sources if source.silent]
        return CertificateAnswer(unusable=(*unusable, *values), unknown=(*doubtful, *silent))


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """All certificates known on one date: those of the folder, and answers kept of servers."""

    usable: tuple[Found, ...]
    expiring: tuple[Found, ...]
    """Usable, but not for long, and without a successor for the same address."""
    unusable: tuple[Unusable, ...]


class RecipientCertificates:
    """Answers :class:`dispatcher.ports.Certificates`. Thread-safe.

    ``issuers``: a file of pinned authorities (PEM, DER, PKCS#7); when given, a certificate counts only under one of its
    roots. ``policy``: what revocation lists must say of it.
    """

    def __init__(
        self,
        folder: CertificateFolder,
        *,
        servers: Sequence[LdapCertificates] = (),
        cache: AnswerCache | None = None,
        issuers: Path | None = None,
        lists: RevocationLists | None = None,
        policy: RevocationPolicy = "off",
    ) -> None:
        self._folder, self._servers, self._cache = folder, tuple(servers), cache
        self._issuers, self._lists, self._policy = issuers, lists, policy
        self._lock = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._pinned: Anchors | None = None

    def answer(self, address: str, at: datetime) -> CertificateAnswer:
        """See the port. No server is asked after a source that settles it."""
        wanted, judge = as_compared(address), self._judge()
        asked: list[Source] = []
        for source in self._ask(wanted, judge, at):
            asked.append(source)
            if source.best is not None:
                break
        return Examination(address=wanted, sources=tuple(asked)).answer()

    def examine(self, address: str, at: datetime) -> Examination:
        """Every source asked, for a person to look at. Raises as :meth:`answer`."""
        wanted = as_compared(address)
        return Examination(address=wanted, sources=tuple(self._ask(wanted, self._judge(), at)))

    def survey(self, at: datetime, *, expiring_days: int = 30) -> Survey:
        """All that is known without asking anybody: usable at ``at``, soon to expire, unusable with the reason."""
        contents, judge = self._folder.read(), self._judge()
        known = [(one, contents.between) for one in contents.found]
        unusable = list(contents.faults)
        kept = self._cache.everything() if self._cache and self._servers else ()
        for answer in (answer for server in self._servers for answer in server.kept(kept)):
            known += [(one, answer.between) for one in answer.found]
            unusable += answer.unusable
        usable: list[Found] = []
        for one, between in known:
            verdict = judge.judge(one, between, at)
            if verdict.standing is Standing.USABLE:
                usable.append(one)
            else:
                unusable.append(
                    Unusable(
                        source=one.source,
                        place=one.place,
                        address=", ".join(one.addresses),
                        reason=verdict.reason,
                        standing=verdict.standing,
                    )
                )
        limit = at + timedelta(days=expiring_days)
        lasting = {address for one in usable if one.expires >= limit for address in one.addresses}
        expiring = tuple(one for one in usable if one.expires < limit and not lasting >= set(one.addresses))
        return Survey(usable=tuple(usable), expiring=expiring, unusable=tuple(unusable))

    def _ask(self, address: str, judge: Judge, at: datetime) -> Iterator[Source]:
        contents = self._folder.read()
        own = contents.by_address.get(address, ())
        yield Source(name=FOLDER, judged=_judged(judge, own, contents.between, address, at))
        for server in self._servers:
            answer = server.ask(address, at, lambda kept: _useful(judge, kept, address, at))
            yield Source(
                name=server.source,
                judged=_judged(judge, answer.found, answer.between, address, at),
                unusable=answer.unusable,
                asked_at=answer.asked_at,
                silent=answer.silent,
            )

    def _judge(self) -> Judge:
        crls = self._lists.current() if self._lists is not None and self._policy != "off" else ()
        return Judge(pinned=self._anchors(), crls=crls, policy=self._policy)

    def _anchors(self) -> Anchors | None:
        """The pinned authorities, read again when their file changed. Raises :class:`DirectoryError`."""
        if self._issuers is None:
            return None
        with self._lock:
            try:
                state = self._issuers.stat()
                stamp = (state.st_size, state.st_mtime_ns)
                if self._pinned is None or stamp != self._stamp:
                    self._pinned, self._stamp = anchors(load_certificates(self._issuers.read_bytes())), stamp
            except (OSError, ValueError) as error:
                raise DirectoryError(
                    f"{self._issuers.name} : autorités épinglées illisibles ({type(error).__name__}).",
                    hint="Attendu : PEM, DER ou P7B ; voir « directory.issuers ».",
                ) from error
            if not self._pinned.roots:
                raise DirectoryError(
                    f"{self._issuers.name} ne contient aucune racine (auto-signée).", hint="Y ajouter la racine."
                )
            return self._pinned


def _judged(
    judge: Judge, found: Sequence[Found], between: tuple[x509.Certificate, ...], address: str, at: datetime
) -> tuple[Judged, ...]:
    """Each with its verdict; one without the very address in it is never used for it."""
    return tuple(
        Judged(
            found=one,
            verdict=judge.judge(one, between, at) if address in one.addresses or not one.addresses else OTHER_ADDRESS,
        )
        for one in found
    )


def _useful(judge: Judge, answer: Answered, address: str, at: datetime) -> bool:
    return any(one.usable for one in _judged(judge, answer.found, answer.between, address, at))


def _order(one: Judged) -> tuple[bool, int, datetime, datetime, str]:
    certificate = one.found.certificate
    opened_by_all = isinstance(certificate.public_key(), rsa.RSAPublicKey)
    return opened_by_all, -one.found.rank, certificate.not_valid_before_utc, one.found.expires, one.found.fingerprint


def _told(one: Judged) -> str:
    return f"{one.found.where} : {one.verdict.reason}"


def _chosen(address: str, source: Source, best: Judged) -> CertificateAnswer:
    found = best.found
    held = RecipientCertificate(address=address, certificate=found.certificate, fingerprint=found.fingerprint)
    remarks = tuple(remark for remark in (source.silent, best.verdict.remark) if remark)
    return CertificateAnswer(chosen=held, remarks=remarks)
