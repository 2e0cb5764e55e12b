"""Certificates of ours that lie in a folder, and what they say of the laboratory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from dispatcher.errors import DispatcherError
from dispatcher.keyring.credentials import PEM_SUFFIXES, read_certificates
from dispatcher.keyring.inventory import address_of, subject_of

MOST = 200
"""Files looked at."""
_FINESS = re.compile(r"1([0-9][0-9AB][0-9]{7})")
"""In an IGC-Santé certificate the organisation's number stands behind its kind: 1 FINESS, 3 SIRET."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """One that speaks for somebody."""

    file: str
    subject: str
    address: str
    """Mail address, or empty."""
    finess: str
    until: str


def lying_there(folder: Path) -> Iterator[Certificate]:
    """At the top and under ``keys``. Those in ``certificates`` are the recipients'; authorities speak for nobody."""
    around = (*folder.glob("*"), *(folder / "keys").rglob("*"))
    paths = (path for path in sorted(around) if path.suffix.lower() in PEM_SUFFIXES and path.is_file())
    for path, _ in zip(paths, range(MOST), strict=False):
        try:
            held = read_certificates(path.read_bytes(), path.name)
        except (DispatcherError, OSError):
            continue  # a key, or not of ours: the inventory of keys tells what is wrong with it
        for one in held:
            if not _is_authority(one):
                yield Certificate(
                    file=str(path.relative_to(folder)),
                    subject=subject_of(one),
                    address=address_of(one),
                    finess=_finess(one),
                    until=f"{one.not_valid_after_utc:%d/%m/%Y}",
                )


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except (x509.ExtensionNotFound, ValueError):
        return False


def _finess(certificate: x509.Certificate) -> str:
    units = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    found = (_FINESS.fullmatch(str(one.value)) for one in units)
    return next((one[1] for one in found if one is not None), "")
