"""Which certificate of the folder is used for an address, and what is said of the others."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatcher.clock import FrozenClock
from dispatcher.directory.certificates.folder import CertificateFolder
from dispatcher.directory.certificates.recipients import RecipientCertificates
from dispatcher.errors import DirectoryError
from dispatcher.ports import RecipientCertificate
from dispatcher.sealing import authority
from dispatcher.sealing.authority import Authority
from tests.pki import BOB, CAROL, START, pki

AT = datetime(2026, 11, 21, tzinfo=UTC)


class InFolder(RecipientCertificates):
    """Certificates of a folder alone."""

    def find(self, address: str, at: datetime) -> RecipientCertificate | None:
        return self.answer(address, at).chosen


def folder(path: Path, *, issuers: Path | None = None, **changes: Any) -> InFolder:
    return InFolder(CertificateFolder(path, **{"refresh_seconds": 0, **changes}), issuers=issuers)


def test_finds_by_address_whatever_its_case(tmp_path: Path) -> None:
    (tmp_path / "bob.pem").write_bytes(pki().bob.certificate_pem())
    found = folder(tmp_path).find("Paul.DURAND@dest.test ", AT)
    assert found is not None
    assert found.fingerprint == pki().bob.fingerprint
    assert found.address == BOB
    assert folder(tmp_path).find("autre@dest.test", AT) is None


@pytest.mark.parametrize("name", ["x.cer", "x.der", "x.crt", "X.CER"])
def test_reads_der_under_any_usual_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(pki().bob.certificate.public_bytes(serialization.Encoding.DER))
    assert folder(tmp_path).find(BOB, AT) is not None


def test_reads_several_in_a_file_and_subfolders(tmp_path: Path) -> None:
    (tmp_path / "dr").mkdir()
    (tmp_path / "dr" / "both.pem").write_bytes(
        pki().bob.chain_pem() + b"\nun commentaire\n" + pki().carol.certificate_pem()
    )
    both = folder(tmp_path)
    assert both.find(BOB, AT) is not None
    assert both.find(CAROL, AT) is not None
    survey = both.survey(AT)
    assert {held.addresses[0] for held in survey.usable} == {BOB, CAROL}
    assert survey.unusable == (), "the intermediate in the chain is no fault"


def test_the_newest_wins(tmp_path: Path) -> None:
    younger = pki().issue_mail(BOB, authority.RECIPIENT, not_before=START + timedelta(days=300))
    for name, member in (("a", younger), ("b", pki().bob)):
        (tmp_path / f"{name}.pem").write_bytes(member.certificate_pem())
    found = folder(tmp_path).find(BOB, AT)
    assert found is not None
    assert found.fingerprint == younger.fingerprint


def test_dates_decide_and_are_told(tmp_path: Path) -> None:
    (tmp_path / "old.pem").write_bytes(pki().expired_recipient.certificate_pem())
    (tmp_path / "soon.pem").write_bytes(pki().future_recipient.certificate_pem())
    both = folder(tmp_path)
    assert both.find(BOB, AT) is None
    assert both.find(BOB, datetime(2025, 6, 1, tzinfo=UTC)) is not None
    reasons = {fault.place: fault.reason for fault in both.survey(AT).unusable}
    assert "expiré depuis le 31/12/2025" in reasons["old.pem"]
    assert "pas encore valable" in reasons["soon.pem"]


def test_tells_of_those_that_expire_soon_without_successor(tmp_path: Path) -> None:
    ending = pki().issue_mail(BOB, authority.RECIPIENT, not_after=AT + timedelta(days=10))
    (tmp_path / "ending.pem").write_bytes(ending.certificate_pem())
    alone = folder(tmp_path)
    assert [held.place for held in alone.survey(AT).expiring] == ["ending.pem"]
    assert alone.survey(AT, expiring_days=5).expiring == ()
    (tmp_path / "next.pem").write_bytes(pki().bob.certificate_pem())
    assert alone.survey(AT).expiring == ()


@pytest.mark.parametrize(
    ("usage", "part"),
    [
        (authority.SIGNER, "keyEncipherment"),
        (replace(authority.RECIPIENT, extended=(ExtendedKeyUsageOID.SERVER_AUTH,)), "emailProtection"),
        (authority.ISSUER, "autorité"),
    ],
)
def test_a_certificate_for_something_else_is_not_used(tmp_path: Path, usage: authority.Usage, part: str) -> None:
    (tmp_path / "x.pem").write_bytes(pki().issue_mail(BOB, usage).certificate_pem())
    held = folder(tmp_path)
    assert held.find(BOB, AT) is None
    (fault,) = held.survey(AT).unusable
    assert part in fault.reason
    assert fault.address == BOB


@pytest.mark.parametrize("extended", [(), (ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,)])
def test_absent_or_any_extended_usage_is_fine(tmp_path: Path, extended: tuple[x509.ObjectIdentifier, ...]) -> None:
    member = pki().issue_mail(BOB, replace(authority.RECIPIENT, extended=extended))
    (tmp_path / "x.pem").write_bytes(member.certificate_pem())
    (tmp_path / "ca.txt").write_bytes(pki().authority.trust_pem())
    assert folder(tmp_path).find(BOB, AT) is not None
    assert folder(tmp_path, issuers=tmp_path / "ca.txt").find(BOB, AT) is not None


def homemade(key: object, *, email_in_subject: bool = False, hash_: object = None) -> bytes:
    """A certificate made without the authority: odd keys, no extensions."""
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, "odd")]
    if email_in_subject:
        attributes.append(x509.NameAttribute(NameOID.EMAIL_ADDRESS, BOB))
    name = x509.Name(attributes)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())  # type: ignore[attr-defined]
        .serial_number(1)
        .not_valid_before(START)
        .not_valid_after(START + timedelta(days=3000))
    )
    if not email_in_subject:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.RFC822Name(BOB)]), critical=False)
    certificate = builder.sign(key, hash_)  # type: ignore[arg-type]
    return certificate.public_bytes(serialization.Encoding.PEM)


def test_weak_and_odd_keys_are_not_used(tmp_path: Path) -> None:
    (tmp_path / "rsa.pem").write_bytes(homemade(rsa.generate_private_key(65537, 1024), hash_=hashes.SHA256()))
    (tmp_path / "ed.pem").write_bytes(homemade(ed25519.Ed25519PrivateKey.generate()))
    (tmp_path / "k1.pem").write_bytes(homemade(ec.generate_private_key(ec.SECP256K1()), hash_=hashes.SHA256()))
    held = folder(tmp_path)
    assert held.find(BOB, AT) is None
    reasons = {fault.place: fault.reason for fault in held.survey(AT).unusable}
    assert "1024 bits" in reasons["rsa.pem"]
    assert "genre non admis" in reasons["ed.pem"]
    assert "genre non admis" in reasons["k1.pem"]


def test_an_address_in_the_subject_counts_when_there_is_no_other(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    (tmp_path / "subject.pem").write_bytes(homemade(key, email_in_subject=True, hash_=hashes.SHA256()))
    assert folder(tmp_path).find(BOB, AT) is not None


def test_only_under_the_pinned_authority_when_there_is_one(tmp_path: Path) -> None:
    certificates = tmp_path / "certs"
    certificates.mkdir()
    stranger = Authority.create(START, timedelta(days=3652), name="ETRANGERE").recipient(CAROL)
    (certificates / "bob.pem").write_bytes(pki().bob.certificate_pem())
    (certificates / "carol.pem").write_bytes(stranger.certificate_pem())
    (tmp_path / "ca.pem").write_bytes(pki().authority.trust_pem())
    held = folder(certificates, issuers=tmp_path / "ca.pem")
    assert held.find(BOB, AT) is not None
    assert held.find(CAROL, AT) is None
    assert "autorité" in held.survey(AT).unusable[0].reason
    (tmp_path / "root.pem").write_bytes(pki().authority.root.certificate_pem())
    lone = folder(certificates, issuers=tmp_path / "root.pem")
    assert lone.find(BOB, AT) is None
    (certificates / "bob.pem").write_bytes(pki().bob.chain_pem())
    assert lone.find(BOB, AT) is not None, "the intermediate beside the certificate leads to the root"


def test_unusable_issuers_are_an_error_not_an_open_door(tmp_path: Path) -> None:
    (tmp_path / "bob.pem").write_bytes(pki().bob.certificate_pem())
    for content in (None, b"bonjour", pki().authority.intermediate.certificate_pem()):
        path = tmp_path / "issuers.txt"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(DirectoryError):
            folder(tmp_path, issuers=path).find(BOB, AT)


def test_follows_the_folder(tmp_path: Path) -> None:
    held = folder(tmp_path / "later")
    assert held.find(BOB, AT) is None
    (tmp_path / "later").mkdir()
    path = tmp_path / "later" / "bob.pem"
    path.write_bytes(pki().bob.certificate_pem())
    assert held.find(BOB, AT) is not None
    path.unlink()
    assert held.find(BOB, AT) is None


def test_looks_at_most_every_few_seconds(tmp_path: Path) -> None:
    clock = FrozenClock()
    held = folder(tmp_path, clock=clock, refresh_seconds=2)
    assert held.find(BOB, AT) is None
    (tmp_path / "bob.pem").write_bytes(pki().bob.certificate_pem())
    assert held.find(BOB, AT) is None
    clock.advance(3)
    assert held.find(BOB, AT) is not None


def test_tells_of_files_that_are_no_certificates(tmp_path: Path) -> None:
    (tmp_path / "note.pem").write_text("bonjour")
    (tmp_path / "cut.der").write_bytes(pki().bob.certificate.public_bytes(serialization.Encoding.DER)[:100])
    (tmp_path / "key.pem").write_bytes(pki().bob.certificate_pem() + pki().bob.key_pem())
    (tmp_path / "server.pem").write_bytes(pki().server.certificate_pem())
    (tmp_path / "lisez-moi.txt").write_text("ignoré")
    (tmp_path / ".cache.pem").write_text("ignoré")
    reasons = {fault.place: fault.reason for fault in folder(tmp_path).survey(AT).unusable}
    assert set(reasons) == {"note.pem", "cut.der", "key.pem", "server.pem"}
    assert "clé privée" in reasons["key.pem"]
    assert "aucune adresse" in reasons["server.pem"]


WHOLE = pki().bob.certificate.public_bytes(serialization.Encoding.DER)


@pytest.mark.filterwarnings("ignore:Parsed a serial number:cryptography.utils.CryptographyDeprecationWarning")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, len(WHOLE) - 1), value=st.integers(0, 255))
def test_a_damaged_certificate_is_told_not_raised(tmp_path: Path, place: int, value: int) -> None:
    (tmp_path / "x.der").write_bytes(WHOLE[:place] + bytes([value]) + WHOLE[place + 1 :])
    held = folder(tmp_path)
    survey = held.survey(AT)
    assert len(survey.usable) + len(survey.unusable) == 1
    held.find(BOB, AT)
