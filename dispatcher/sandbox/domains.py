"""The sandbox's signed list of allowed domains, in the exact shape of the real one (« liste blanche »).

Elements, order and signature profile as read in the published list: enveloped XML-DSig, exclusive c14n, rsa-sha256 with
sha256, one certificate in X509Data, and base64 lines that end with ``&#13;``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from textwrap import wrap
from typing import Any, cast

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureConstructionMethod, SignatureMethod
from signxml.signer import XMLSigner

from dispatcher.sandbox.people import ALLOWED_DOMAINS, AllowedDomain

NAMESPACE = "https://listeblanche.mssante.fr/schema"
DS = "http://www.w3.org/2000/09/xmldsig#"
FILE_NAME = "listeblanchemssante.xml"


def signed_list(
    generated: datetime, certificate: bytes, key: bytes, rows: Sequence[AllowedDomain] = ALLOWED_DOMAINS
) -> bytes:
    """The list as bytes, signed. ``certificate`` and ``key`` are PEM; ``generated`` is aware."""
    signer = XMLSigner(
        method=SignatureConstructionMethod.enveloped,
        signature_algorithm=SignatureMethod.RSA_SHA256,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    leaf = load_pem_x509_certificate(certificate)
    signed = signer.sign(
        _unsigned(generated, rows), key=cast(Any, load_pem_private_key(key, None)), cert=cast(Any, [leaf])
    )
    for name in ("SignatureValue", "X509Certificate"):
        for element in signed.iter(f"{{{DS}}}{name}"):
            element.text = "\r\n".join(wrap("".join((element.text or "").split()), 76))
    return etree.tostring(signed, xml_declaration=True, encoding="UTF-8")


def write_list(folder: Path, generated: datetime, pki_folder: Path) -> Path:
    """Write ``listeblanchemssante.xml``, signed by the sandbox's list signer."""
    path = folder / FILE_NAME
    content = signed_list(generated, (pki_folder / "alb.pem").read_bytes(), (pki_folder / "alb.key").read_bytes())
    draft = path.with_suffix(".tmp")
    draft.write_bytes(content)
    draft.replace(path)
    return path


def _unsigned(generated: datetime, rows: Sequence[AllowedDomain]) -> etree._Element:
    stamp = f"{generated.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    root = etree.Element(f"{{{NAMESPACE}}}ListeBlancheMSSante", nsmap={None: NAMESPACE})
    _add(root, "DateDeGeneration", stamp)
    domains = etree.SubElement(root, f"{{{NAMESPACE}}}ListeDomaines")
    for row in rows:
        element = etree.SubElement(domains, f"{{{NAMESPACE}}}Domaine")
        for name, text in (
            ("Nom", row.name),
            ("Description", row.description),
            ("DNCertificatOperateur", row.operator),
            ("ResponsableContact", "+33 1 99 00 00 00, responsable@sandbox.test"),
            ("SupportContact", "+33 1 99 00 00 01, support@sandbox.test"),
            ("DateMAJ", stamp),
        ):
            _add(element, name, text)
    return root


def _add(parent: etree._Element, name: str, text: str) -> None:
    etree.SubElement(parent, f"{{{NAMESPACE}}}{name}").text = text
