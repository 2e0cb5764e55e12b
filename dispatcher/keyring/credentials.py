"""Reads private keys and certificates out of PEM, DER and PKCS#12 files.

A PEM file may hold any mix of a key and certificates, in any order. The passphrase of ``NAME.EXT`` stands alone in
``NAME.EXT.pass`` (or ``NAME.pass``) beside it. Keys and passphrases in files the world can read are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from dispatcher.errors import KeyringError
from dispatcher.keyring.secret_files import read_bytes, read_secret
from dispatcher.sealing import policy

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

PEM_SUFFIXES = frozenset({".pem", ".key", ".crt", ".cer", ".der"})
P12_SUFFIXES = frozenset({".p12", ".pfx"})
_KEY_BLOCK = re.compile(rb"-----BEGIN ((?:RSA |EC |ENCRYPTED )?PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)
_CERTIFICATE_BLOCK = re.compile(rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----")


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What one file holds."""

    keys: tuple[PrivateKeyTypes, ...] = field(default=(), repr=False)
    certificates: tuple[x509.Certificate, ...] = field(default=(), repr=False)


def read_material(path: Path) -> Material:
    """Keys and certificates of one file, by its content and suffix.

    Raises :class:`KeyringError` whose message names the file: unreadable, too widely readable, wrong or missing
    passphrase, unknown content.
    """
    if path.suffix.lower() in P12_SUFFIXES:
        return read_pkcs12(read_secret(path), _passphrase(path), str(path))
    content = read_bytes(path)
    blocks = [match[0] for match in _KEY_BLOCK.finditer(content)]
    if blocks:
        read_secret(path)  # a second look, at its rights, now that it is known to hold a key
    password = _passphrase(path) if blocks else None
    keys = tuple(_load_key(block, password, path) for block in blocks)
    return Material(keys=keys, certificates=read_certificates(content, str(path), required=not blocks))


def read_certificates(content: bytes, name: str, *, required: bool = True) -> tuple[x509.Certificate, ...]:
    """Certificates of PEM text or of one DER object. Raises :class:`KeyringError` naming ``name``."""
    try:
        if _CERTIFICATE_BLOCK.search(content):
            return tuple(x509.load_pem_x509_certificates(content))
        if required:
            return (x509.load_der_x509_certificate(content),)
    except policy.UNREADABLE as error:
        raise KeyringError(
            f"« {name} » ne contient ni clé ni certificat lisible.",
            hint="Attendu : PEM (-----BEGIN …), DER ou PKCS#12 (.p12, .pfx).",
            code="key-file-content",
        ) from error
    return ()


def der_certificates(path: Path) -> tuple[bytes, ...]:
    """The certificates of a file, DER. Raises :class:`KeyringError`."""
    held = read_certificates(read_bytes(path), str(path))
    return tuple(one.public_bytes(serialization.Encoding.DER) for one in held)


def read_pkcs12(content: bytes, password: bytes | None, name: str) -> Material:
    """Key and certificates of a PKCS#12 container. Raises :class:`KeyringError` naming ``name``."""
    try:
        held = _open_pkcs12(content, password)
    except UnsupportedAlgorithm as error:
        raise KeyringError(
            f"« {name} » : protection trop ancienne (RC2, 3DES), non prise en charge.",
            hint="Exporter de nouveau le certificat avec une protection AES-256.",
            code="key-file-content",
        ) from error
    except ValueError as error:
        raise KeyringError(
            f"« {name} » ne s'ouvre pas : mot de passe faux ou fichier abîmé.",
            hint=f"Écrire le mot de passe, seul, dans « {name}.pass » (droits 0600).",
            code="passphrase",
        ) from error
    found = [held.cert, *held.additional_certs]
    return Material(
        keys=(held.key,) if held.key is not None else (),
        certificates=tuple(entry.certificate for entry in found if entry is not None),
    )


def _open_pkcs12(content: bytes, password: bytes | None) -> pkcs12.PKCS12KeyAndCertificates:
    try:
        return pkcs12.load_pkcs12(content, password)
    except ValueError:
        if password:
            raise
        return pkcs12.load_pkcs12(content, b"")  # "no password" is written in two ways


def _passphrase(path: Path) -> bytes | None:
    for candidate in (path.with_name(f"{path.name}.pass"), path.with_suffix(".pass")):
        if candidate.is_file():
            return read_secret(candidate).rstrip(b"\r\n")
    return None


def _load_key(block: bytes, password: bytes | None, path: Path) -> PrivateKeyTypes:
    needs = b"ENCRYPTED" in block
    try:
        return serialization.load_pem_private_key(block, password if needs else None)
    except TypeError as error:
        raise KeyringError(
            f"La clé de « {path} » est protégée par un mot de passe, absent.",
            hint=f"L'écrire, seul, dans « {path.name}.pass » à côté (droits 0600).",
            code="passphrase",
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        why = "mot de passe faux ou clé abîmée" if needs else "clé abîmée ou d'un type inconnu"
        raise KeyringError(
            f"La clé de « {path} » ne s'ouvre pas : {why}.",
            hint="Vérifier le mot de passe, ou réimporter la clé : « dispatcher keys import ».",
            code="passphrase" if needs else "key-file-content",
        ) from error
