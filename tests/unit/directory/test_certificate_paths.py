"""Paths to pinned roots: what an authority must be, whatever software made it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from dispatcher.directory.certificates.chain import anchors, find_path, load_certificates, load_crls

START = datetime(2025, 1, 1, tzinfo=UTC)
AT = datetime(2026, 11, 21, tzinfo=UTC)
MAIL = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])


class Party:
    """A key and its certificate, with exactly the extensions asked for."""

    def __init__(self, name: str, issuer: Party | None, *extensions: x509.ExtensionType) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.certificate.subject if issuer else subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(START)
            .not_valid_after(START + timedelta(days=3000))
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        self.certificate = builder.sign((issuer or self).key, hashes.SHA256())


def usage(**on: bool) -> x509.KeyUsage:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: on.get(name, False) for name in names})


CA = x509.BasicConstraints(ca=True, path_length=None)
ROOT = Party("racine", None, CA)


def path(leaf: Party, *between: Party, root: Party = ROOT) -> tuple[x509.Certificate, ...] | None:
    return find_path(leaf.certificate, anchors([root.certificate]), [one.certificate for one in between], AT)


def test_plain_authorities_without_key_usage_or_identifiers_do() -> None:
    middle = Party("milieu", ROOT, CA)
    leaf = Party("feuille", middle, MAIL)
    found = path(leaf, middle)
    assert found == (leaf.certificate, middle.certificate, ROOT.certificate)
    assert path(leaf) is None
    assert path(Party("directe", ROOT, MAIL)) is not None


@pytest.mark.parametrize(
    "extensions", [(), (x509.BasicConstraints(ca=False, path_length=None),), (CA, usage(digital_signature=True))]
)
def test_what_is_no_authority_issues_nothing(extensions: tuple[x509.ExtensionType, ...]) -> None:
    middle = Party("milieu", ROOT, *extensions)
    assert path(Party("feuille", middle, MAIL), middle) is None


def test_an_end_certificate_issues_nothing() -> None:
    middle = Party("feuille 1", ROOT, MAIL)
    assert path(Party("feuille 2", middle, MAIL), middle) is None


def test_the_length_of_a_path_is_kept_to() -> None:
    one = Party("un", ROOT, x509.BasicConstraints(ca=True, path_length=0))
    two = Party("deux", one, CA)
    assert path(Party("feuille", one, MAIL), one) is not None
    assert path(Party("feuille", two, MAIL), one, two) is None


def test_a_forged_issuer_name_leads_nowhere() -> None:
    twin = Party("racine", None, CA)
    assert path(Party("feuille", twin, MAIL), twin) is None
    assert path(Party("feuille", twin, MAIL), root=twin) is not None


def test_outside_their_dates_there_is_no_path() -> None:
    leaf = Party("feuille", ROOT, MAIL)
    pinned = anchors([ROOT.certificate])
    assert find_path(leaf.certificate, pinned, (), START - timedelta(days=1)) is None
    assert find_path(leaf.certificate, pinned, (), START + timedelta(days=3001)) is None


def test_only_self_signed_certificates_are_anchors() -> None:
    middle = Party("milieu", ROOT, CA)
    found = anchors([middle.certificate, ROOT.certificate])
    assert found.roots == (ROOT.certificate,)
    assert found.intermediates == (middle.certificate,)
    lookalike = Party("racine", ROOT, CA)  # issuer and subject alike, but signed by another key
    assert anchors([lookalike.certificate]).roots == ()


@pytest.mark.parametrize("content", [b"", b"x", b"\x30\x03\x02\x01\x01", b"-----BEGIN CERTIFICATE-----\n"])
def test_bytes_without_certificate_or_list_are_a_value_error(content: bytes) -> None:
    for load in (load_certificates, load_crls):
        with pytest.raises(ValueError):
            load(content)
