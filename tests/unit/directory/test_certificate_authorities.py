"""An authority for web servers only issues no mail certificates; openssl says the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID

from dispatcher.directory.certificates.judging import Standing
from tests.unit.directory.test_certificate_judging import Chain, Party, openssl, ours


def limited(root: Party, *purposes: x509.ObjectIdentifier) -> Party:
    """An intermediate with these extended key usages."""
    party = Party("Mid", root, ca=True)
    old = party.certificate
    builder = x509.CertificateBuilder(
        issuer_name=old.issuer,
        subject_name=old.subject,
        public_key=old.public_key(),
        serial_number=old.serial_number,
        not_valid_before=old.not_valid_before_utc,
        not_valid_after=old.not_valid_after_utc,
    )
    for extension in old.extensions:
        if extension.oid != x509.ExtendedKeyUsage.oid:
            builder = builder.add_extension(extension.value, extension.critical)
    builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    party.certificate = builder.sign(root.key, hashes.SHA256())
    return party


@pytest.mark.parametrize(
    ("purpose", "standing"),
    [
        (ExtendedKeyUsageOID.SERVER_AUTH, Standing.OTHER_ISSUER),
        (ExtendedKeyUsageOID.EMAIL_PROTECTION, Standing.USABLE),
        (ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE, Standing.USABLE),
    ],
)
def test_an_authority_issues_what_it_is_for(purpose: x509.ObjectIdentifier, standing: Standing) -> None:
    root = Party("Root", ca=True)
    middle = limited(root, purpose)
    chain = Chain(Party("bob", middle), (middle,), root, (middle.crl(), root.crl()), standing)
    assert ours(chain) is standing


def test_openssl_agrees(tmp_path: Path) -> None:
    root = Party("Root", ca=True)
    middle = limited(root, ExtendedKeyUsageOID.SERVER_AUTH)
    chain = Chain(Party("bob", middle), (middle,), root, (middle.crl(), root.crl()), Standing.OTHER_ISSUER)
    assert not openssl(chain, tmp_path)
