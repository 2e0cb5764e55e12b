"""What every answer about recipients' certificates promises: a fake in memory, the folder, a real LDAP server alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs7

from dispatcher.clock import FrozenClock
from dispatcher.directory.certificates.cache import AnswerCache
from dispatcher.directory.certificates.folder import CertificateFolder
from dispatcher.directory.certificates.recipients import RecipientCertificates
from dispatcher.directory.certificates.remote import LdapCertificates
from dispatcher.ports import CertificateAnswer, Certificates, RecipientCertificate
from dispatcher.sealing import authority
from dispatcher.sealing.authority import Authority, Credential, Names
from dispatcher.settings.ldap import LdapSettings
from tests.pki import BOB, CAROL, LIFETIME, START, pki
from tests.servers.openldap import BASE, openldap, person

AT = datetime(2026, 11, 21, tzinfo=UTC)
DER = serialization.Encoding.DER
Holder = tuple[str, Credential]
"""Under which address it is kept, and what."""
Maker = Callable[[Path, ExitStack, Iterable[Holder]], Certificates]


class InMemory:
    """The simplest thing that keeps the promises."""

    def __init__(self, held: Iterable[Holder]) -> None:
        self.held = [(address.lower(), one) for address, one in held]

    def answer(self, address: str, at: datetime) -> CertificateAnswer:
        wanted = address.strip().lower()
        mine = [one for holder, one in self.held if holder == wanted]
        good = [one for one in mine if self._good(one, wanted, at)]
        if not good:
            return CertificateAnswer(unusable=tuple("en mémoire : inutilisable" for _ in mine))
        best = max(good, key=lambda one: one.certificate.not_valid_before_utc)
        held = RecipientCertificate(address=wanted, certificate=best.certificate, fingerprint=best.fingerprint)
        return CertificateAnswer(chosen=held)

    def _good(self, one: Credential, address: str, at: datetime) -> bool:
        certificate = one.certificate
        inside = certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc
        return inside and certificate.issuer == pki().authority.intermediate.certificate.subject and _for(one, address)


def _for(one: Credential, address: str) -> bool:
    from dispatcher.directory.certificates.fitness import addresses_of, fault_of

    return address in addresses_of(one.certificate) and not fault_of(one.certificate)


def memory(_folder: Path, _stack: ExitStack, held: Iterable[Holder]) -> Certificates:
    return InMemory(held)


def folder(path: Path, _stack: ExitStack, held: Iterable[Holder]) -> Certificates:
    for number, (_, one) in enumerate(held):
        (path / f"{number}.pem").write_bytes(one.certificate_pem())
    (path / "issuers.txt").write_bytes(pki().authority.trust_pem())
    return RecipientCertificates(CertificateFolder(path), issuers=path / "issuers.txt")


def ldap(attribute: str) -> Maker:
    def make(path: Path, stack: ExitStack, held: Iterable[Holder]) -> Certificates:
        entries = []
        for number, (address, one) in enumerate(held):
            values = [_value(attribute, one)]
            entries.append(person(f"p{number}", "X", mail=[address], **{attribute: values}))
        server = stack.enter_context(openldap(pki(), entries))
        settings = LdapSettings.model_validate(
            {
                "url": server.url,
                "ca_file": server.folder / "ca.pem",
                "base": BASE,
                "attributes": {"address": "mail"},
                "use": ["certificates"],
            }
        )
        cache = AnswerCache(path / "answers.sqlite3")
        (path / "issuers.txt").write_bytes(pki().authority.trust_pem())
        return RecipientCertificates(
            CertificateFolder(path / "none"),
            servers=[LdapCertificates("regional", settings, cache, FrozenClock())],
            cache=cache,
            issuers=path / "issuers.txt",
        )

    return make


def _value(attribute: str, one: Credential) -> bytes:
    if attribute == "smime":
        return pkcs7.serialize_certificates([one.certificate, *one.chain], DER)
    return one.certificate.public_bytes(DER)


@pytest.fixture(
    params=[memory, folder, ldap("certificates"), ldap("smime")],
    ids=["memory", "folder", "userCertificate", "userSMIMECertificate"],
)
def certificates(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Certificates]]:
    with ExitStack() as stack:
        yield lambda *held: request.param(tmp_path, stack, held)


Source = Callable[..., Certificates]


def test_the_certificate_of_an_address_whatever_its_case(certificates: Source) -> None:
    asked = certificates((BOB, pki().bob), (CAROL, pki().carol))
    for spelling in (BOB, f" {BOB.upper()} "):
        found = asked.answer(spelling, AT)
        assert found.chosen is not None
        assert (found.chosen.address, found.chosen.fingerprint) == (BOB, pki().bob.fingerprint)
        assert (found.unusable, found.unknown, found.remarks) == ((), (), ())


def test_none_is_a_final_answer(certificates: Source) -> None:
    assert certificates((BOB, pki().bob)).answer("autre@dest.test", AT) == CertificateAnswer()


def test_the_newest_of_several(certificates: Source) -> None:
    younger = pki().issue_mail(BOB, authority.RECIPIENT, not_before=START + timedelta(days=300))
    found = certificates((BOB, younger), (BOB, pki().bob)).answer(BOB, AT)
    assert found.chosen is not None
    assert found.chosen.fingerprint == younger.fingerprint


@pytest.mark.parametrize("which", ["expired", "future", "signer", "stranger"])
def test_found_and_unusable_is_not_none(certificates: Source, which: str) -> None:
    one = {
        "expired": lambda: pki().expired_recipient,
        "future": lambda: pki().future_recipient,
        "signer": lambda: pki().issue_mail(BOB, authority.SIGNER),
        "stranger": lambda: Authority.create(START, LIFETIME, "AUTRE").issue(
            BOB, authority.RECIPIENT, Names(addresses=(BOB,))
        ),
    }[which]()
    found = certificates((BOB, one)).answer(BOB, AT)
    assert found.chosen is None
    assert len(found.unusable) == 1
    assert found.unknown == (), "it is known, and unusable"


def test_the_date_decides(certificates: Source) -> None:
    asked = certificates((BOB, pki().expired_recipient))
    assert asked.answer(BOB, datetime(2025, 6, 1, tzinfo=UTC)).chosen is not None
    assert asked.answer(BOB, AT).chosen is None


def test_a_certificate_under_a_foreign_address_is_never_used(certificates: Source) -> None:
    """An entry of the directory may carry anything: the address in the certificate itself counts."""
    found = certificates((CAROL, pki().bob)).answer(CAROL, AT)
    assert found.chosen is None
