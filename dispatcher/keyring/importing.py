"""Puts keys and certificates where the program looks for them: ``dispatcher keys import``.

A signing key goes, in clear and readable by its owner only, to ``<keys.folder>/<channel>/``; a recipient's certificate
to the folder of certificates. Files are named by date and fingerprint; nothing is ever written over.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from dispatcher.errors import KeyringError, SealError
from dispatcher.keyring.credentials import Material, read_certificates, read_pkcs12
from dispatcher.keyring.files import chain_of, public_bytes
from dispatcher.keyring.inventory import KeyInfo, Kind, address_of, certificate_info
from dispatcher.keyring.secret_files import read_bytes, write_new
from dispatcher.sealing import policy


def import_pkcs12(path: Path, password: bytes | None, folder: Path, channel: str, at: datetime) -> KeyInfo:
    """Install the signing key of a ``.p12``/``.pfx`` for ``channel`` under ``folder``; gives what was installed.

    Raises :class:`KeyringError`: wrong password, no key, a certificate that cannot sign mail or is no longer good on
    ``at``, the same key already installed.
    """
    held = read_pkcs12(read_bytes(path), password, str(path))
    certificate = _own_certificate(held, path)
    try:
        policy.check_signer(certificate, max(at, certificate.not_valid_before_utc))  # next year's may come early
    except SealError as error:
        raise KeyringError(error.message, hint=error.hint, code=error.code) from error
    chain = chain_of(certificate, held.certificates)
    content = held.keys[0].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + b"".join(c.public_bytes(serialization.Encoding.PEM) for c in (certificate, *chain))
    target = folder / channel / f"signature-{_stamp(certificate)}.pem"
    write_new(target, content)
    return certificate_info(Kind.SIGNING, channel, target, certificate, at)


def import_certificate(path: Path, folder: Path, at: datetime) -> KeyInfo:
    """Install a recipient's certificate (PEM or DER) into ``folder``; gives what was installed.

    Raises :class:`KeyringError`: unreadable, no mail address in it, not fit for enveloping mail, installed already.
    """
    certificate = read_certificates(read_bytes(path), str(path))[0]
    if not address_of(certificate):
        raise KeyringError(
            f"Le certificat de « {path} » ne porte aucune adresse de messagerie.",
            hint="Demander au destinataire le certificat de chiffrement de sa boîte.",
            code="no-address",
        )
    try:
        policy.check_recipient(certificate, max(at, certificate.not_valid_before_utc))
    except SealError as error:
        raise KeyringError(error.message, hint=error.hint, code=error.code) from error
    target = folder / f"{_stamp(certificate)}.pem"
    write_new(target, certificate.public_bytes(serialization.Encoding.PEM), secret=False)
    return certificate_info(Kind.RECIPIENT, "directory.certificates", target, certificate, at)


def _own_certificate(held: Material, path: Path) -> x509.Certificate:
    """The certificate of the container's key."""
    for key in held.keys:
        mine = public_bytes(key.public_key())
        for certificate in held.certificates:
            if public_bytes(certificate.public_key()) == mine:
                return certificate
    raise KeyringError(
        f"« {path} » ne contient pas une clé privée avec son certificat.",
        hint="Exporter de nouveau le certificat en incluant la clé privée.",
        code="no-key",
    )


def _stamp(certificate: x509.Certificate) -> str:
    """``<last day>-<start of the fingerprint>``: sorts by date, differs for every certificate."""
    fingerprint = certificate.fingerprint(hashes.SHA256()).hex()
    return f"{certificate.not_valid_after_utc:%Y%m%d}-{fingerprint[:12]}"
