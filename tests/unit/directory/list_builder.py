"""Builds signed lists of allowed domains, good and bad, for the tests. Nobody in them exists."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureConstructionMethod, SignatureMethod
from signxml.signer import XMLSigner

from dispatcher.directory.certificates.chain import anchors
from dispatcher.directory.trust.allowed_domains import Trust
from dispatcher.directory.trust.content import NAMESPACE
from dispatcher.directory.trust.signed_list import DS
from dispatcher.ports import ReferenceRow
from dispatcher.sealing.authority import Credential
from tests.pki import pki

GENERATED = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
DOMAINS = ("sandbox.mssante.test", "cabinets.mssante.test", "mssante.apicrypt.test")


def unsigned(
    domains: Sequence[str] = DOMAINS, generated: datetime = GENERATED, namespace: str | None = NAMESPACE
) -> etree._Element:
    """The list as an element, without signature."""
    maker = f"{{{namespace}}}" if namespace else ""
    root = etree.Element(f"{maker}ListeBlancheMSSante", nsmap={None: namespace} if namespace else {})
    etree.SubElement(root, f"{maker}DateDeGeneration").text = f"{generated:%Y-%m-%dT%H:%M:%SZ}"
    group = etree.SubElement(root, f"{maker}ListeDomaines")
    for domain in domains:
        row = etree.SubElement(group, f"{maker}Domaine")
        etree.SubElement(row, f"{maker}Nom").text = domain
        etree.SubElement(row, f"{maker}Description").text = "Opérateur d'essai"
        etree.SubElement(row, f"{maker}DNCertificatOperateur").text = f"CN={domain},OU=399900000100010,O=ESSAI,C=FR"
        etree.SubElement(row, f"{maker}ResponsableContact").text = "0100000000, contact@essai.test"
        etree.SubElement(row, f"{maker}SupportContact").text = "0100000000, support@essai.test"
        etree.SubElement(row, f"{maker}DateMAJ").text = "2026-01-01T00:00:00Z"
    return root


def sign(
    root: etree._Element,
    signer: Credential | None = None,
    *,
    method: SignatureMethod = SignatureMethod.RSA_SHA256,
    digest: DigestAlgorithm = DigestAlgorithm.SHA256,
    reference: str | None = None,
) -> etree._Element:
    """Sign as the ANS does. ``reference``: sign only the element with that Id instead of the whole."""
    signer = signer or pki().alb
    kind = XMLSigner
    if "SHA1" in method.name or "SHA1" in digest.name:
        kind = _OldSigner
    return kind(
        method=SignatureConstructionMethod.enveloped,
        signature_algorithm=method,
        digest_algorithm=digest,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    ).sign(
        root,
        key=signer.key_pem(),
        cert=signer.certificate_pem().decode(),
        reference_uri=reference,
    )


class _OldSigner(XMLSigner):
    """Signs with SHA-1, which must be refused on our side."""

    def check_deprecated_methods(self) -> None:
        """Let it."""


def text(root: etree._Element) -> bytes:
    """As a file."""
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def good(domains: Sequence[str] = DOMAINS, generated: datetime = GENERATED, signer: Credential | None = None) -> bytes:
    """A list in order."""
    return text(sign(unsigned(domains, generated), signer))


def with_carriage_returns(content: bytes) -> bytes:
    """Base64 lines end with ``&#13;`` as in the true file."""
    root = etree.fromstring(content)
    for name in ("SignatureValue", "X509Certificate"):
        for element in root.iter(f"{{{DS}}}{name}"):
            bare = "".join((element.text or "").split())
            element.text = "\r\n".join(bare[i : i + 76] for i in range(0, len(bare), 76)) + "\r\n"
    written = text(root)
    assert b"&#13;" in written
    return written


def trust(**changes: object) -> Trust:
    """Root and intermediate of the test authority, the usual name."""
    authority = pki().authority
    values: dict[str, object] = {
        "pinned": anchors((authority.root.certificate, authority.intermediate.certificate)),
        "signer_cn": "alb.mssante.fr",
        **changes,
    }
    return Trust(**values)  # type: ignore[arg-type]


class Kept:
    """``ports.Reference`` in memory."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, bytes, datetime]] = []

    def put(
        self, kind: str, version: str, content: bytes, accepted_at: datetime, *, actor: str = "", reason: str = ""
    ) -> None:
        self.drop(kind, version)
        self.rows.append((kind, version, content, accepted_at))

    def newest(self, kind: str) -> tuple[str, bytes] | None:
        found = [row for row in self.rows if row[0] == kind]
        return (found[-1][1], found[-1][2]) if found else None

    def get(self, kind: str, version: str) -> bytes | None:
        return next((row[2] for row in self.rows if row[:2] == (kind, version)), None)

    def versions(self, kind: str) -> tuple[ReferenceRow, ...]:
        return tuple(
            ReferenceRow(version=row[1], accepted_at=row[3], size=len(row[2]))
            for row in reversed(self.rows)
            if row[0] == kind
        )

    def drop(self, kind: str, version: str) -> None:
        self.rows = [row for row in self.rows if row[:2] != (kind, version)]
