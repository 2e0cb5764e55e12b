"""Reading the signed list of allowed domains (``listeblanchemssante.xml``): safe parsing and signature.

Profile (mssante.md §2, checked on a real list): enveloped XML-DSig, one Reference with URI "" and the transforms
enveloped signature then exclusive c14n, exclusive c14n of SignedInfo, rsa-sha256, sha256, X509Data in KeyInfo. W3C
« XML Signature Best Practices »: only what the verifier returns as signed is ever used; KeyInfo is a hint, never a
reason to trust.
"""

from __future__ import annotations

import copy
import hashlib
import re
from base64 import b64decode
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import InvalidDigest, SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from dispatcher.directory.certificates.chain import load_der, readable

DS = "http://www.w3.org/2000/09/xmldsig#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
MAX_BYTES = 32_000_000
"""The real list is 4 to 5 MB (2026)."""
MAX_CERTIFICATES = 8

_ENCODING = re.compile(rb"encoding\s*=\s*[\"']([^\"']*)[\"']")
_PLAIN_ENCODINGS = frozenset({b"utf-8", b"us-ascii", b"ascii", b"iso-8859-1", b"iso-8859-15", b"windows-1252"})


class ListFault(Exception):
    """The file cannot be used as a list; the text is the French reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What the signature is worth. ``None`` is « could not be judged »."""

    digest: bool | None = None
    signature: bool | None = None
    certificate: x509.Certificate | None = None
    """The embedded certificate whose key made the signature; not yet trusted."""
    beside: tuple[x509.Certificate, ...] = ()
    """Other embedded certificates."""
    signed: etree._Element | None = None
    """The signed XML as the verifier returns it; only when digest and signature hold."""
    reasons: tuple[str, ...] = ()


def parse(content: bytes) -> etree._Element:
    """Bytes to the root element: no entities, no DTD, no network, bounded size. Raises :class:`ListFault`."""
    if not content.strip():
        raise ListFault("Le fichier est vide.")
    if len(content) > MAX_BYTES:
        raise ListFault(f"Le fichier dépasse {MAX_BYTES // 1_000_000} Mo : ce n'est pas la liste attendue.")
    start = content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    declared = _ENCODING.search(content[: content.find(b"?>")] if b"<?xml" in content[:100] else b"")
    if start != b"<" or b"\0" in content[:1000] or (declared and declared[1].lower() not in _PLAIN_ENCODINGS):
        raise ListFault("Le fichier n'est pas un texte XML en UTF-8.")
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise ListFault("Le fichier contient une DTD ou des entités : refusé sans être lu (la vraie liste n'en a pas).")
    try:
        return etree.fromstring(content, _parser())
    except etree.XMLSyntaxError as error:
        raise ListFault(f"XML mal formé à la ligne {error.lineno or 1} : fichier tronqué ou abîmé.") from error


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=True, recover=False
    )


def check_signature(root: etree._Element) -> Checked:
    """Digest and signature of the list under ``root``, by its embedded certificate's key. Nothing is trusted yet."""
    signatures = list(root.iter(f"{{{DS}}}Signature"))
    if not signatures:
        return Checked(reasons=("La liste ne porte aucune signature.",))
    if len(signatures) > 1 or signatures[0].getparent() is not root:
        return Checked(reasons=("La signature n'est pas une signature unique, posée directement sous la racine.",))
    signature = signatures[0]
    off, digest_known, signature_known = _off_profile(signature)
    digest = _digest_holds(root, signature) if digest_known else False
    certificates, unreadable = _embedded(signature)
    if off:
        first = certificates[0] if certificates else None
        bad = None if signature_known else False
        return Checked(digest=digest, signature=bad, certificate=first, reasons=tuple(off))
    reasons = [] if digest else [_DIGEST]
    if not certificates:
        return Checked(digest=digest, reasons=(*reasons, unreadable))
    certificate = certificates[0]  # as xmlsec1 has it: the signer's comes first, others may only help to a root
    holds, signed = _verify(root, certificate)
    if not holds:
        reasons.append("La signature ne correspond pas au premier certificat qu'elle porte.")
        return Checked(digest=digest, signature=False, certificate=certificate, reasons=tuple(reasons))
    if signed is None and digest:
        reasons.append("Le contenu signé n'a pas pu être repris de la signature.")
    return Checked(
        digest=digest and signed is not None,
        signature=True,
        certificate=certificate,
        beside=certificates[1:],
        signed=signed if digest else None,
        reasons=tuple(reasons),
    )


_DIGEST = (
    "Le contenu n'est pas celui qui a été signé (empreinte différente) : liste coupée, modifiée, ou signature d'une "
    "autre liste."
)


def _off_profile(signature: etree._Element) -> tuple[list[str], bool, bool]:
    """Reasons why the signature is not made as the list's are; then whether digest and signature can be judged."""

    def algorithm(path: str) -> str:
        found = signature.find("/".join(f"{{{DS}}}{part}" for part in path.split("/")))
        return "" if found is None else found.get("Algorithm", "")

    reasons = []
    references = signature.findall(f"{{{DS}}}SignedInfo/{{{DS}}}Reference")
    whole = len(references) == 1 and references[0].get("URI") == ""
    if not whole:
        reasons.append("La signature ne couvre pas tout le document (une seule référence, d'URI vide, est admise).")
    transforms = list(signature.iter(f"{{{DS}}}Transform"))
    plain = [item.get("Algorithm") for item in transforms] == [ENVELOPED, EXCLUSIVE] and not any(map(len, transforms))
    if not plain or algorithm("SignedInfo/CanonicalizationMethod") != EXCLUSIVE:
        reasons.append("Les transformations de la signature ne sont pas celles attendues (enveloppée, c14n exclusive).")
    method = algorithm("SignedInfo/SignatureMethod")
    if method != SignatureMethod.RSA_SHA256.value:
        reasons.append(f"Algorithme de signature interdit : « {_short(method)} », attendu rsa-sha256.")
    digest = algorithm("SignedInfo/Reference/DigestMethod")
    if digest != DigestAlgorithm.SHA256.value:
        reasons.append(f"Algorithme d'empreinte interdit : « {_short(digest)} », attendu sha256.")
    return reasons, whole and digest == DigestAlgorithm.SHA256.value, method == SignatureMethod.RSA_SHA256.value


def _short(algorithm: str) -> str:
    return algorithm.rpartition("#")[2][:40] or "aucun"


def _digest_holds(root: etree._Element, signature: etree._Element) -> bool:
    """The digest of the document without its signature is the one SignedInfo names."""
    if _instructed(root):
        return False
    place = root.index(signature)
    plain = copy.deepcopy(root)
    gone = plain[place]
    tail, before = gone.tail or "", gone.getprevious()
    plain.remove(gone)
    if before is None:
        plain.text = (plain.text or "") + tail
    elif tail:
        before.tail = (before.tail or "") + tail
    wanted = signature.findtext(f"{{{DS}}}SignedInfo/{{{DS}}}Reference/{{{DS}}}DigestValue") or ""
    try:
        canonical = etree.tostring(plain, method="c14n", exclusive=True, with_comments=False)
        return b64decode("".join(wanted.split())) == hashlib.sha256(canonical).digest()
    except (ValueError, etree.LxmlError):  # base64 that is none; a tree that has no canonical form (relative namespace)
        return False


def _instructed(root: etree._Element) -> bool:
    """A processing instruction stands beside the root: it is part of the document a signature of URI "" covers."""
    beside = (*root.itersiblings(preceding=True), *root.itersiblings())
    return any(isinstance(item, etree._ProcessingInstruction) for item in beside)


def _embedded(signature: etree._Element) -> tuple[tuple[x509.Certificate, ...], str]:
    texts = [item.text or "" for item in signature.iter(f"{{{DS}}}X509Certificate")]
    if not texts:
        return (), "La signature ne porte pas de certificat."
    try:
        found = [load_der(b64decode("".join(text.split())))[0] for text in texts[:MAX_CERTIFICATES]]
    except ValueError:
        found = []
    if not found or not all(map(readable, found)):
        return (), "Le certificat porté par la signature est illisible."
    return tuple(found), ""


def _verify(root: etree._Element, certificate: x509.Certificate) -> tuple[bool, etree._Element | None]:
    """Whether the key made the signature, and the signed XML when the digest holds too.

    The certificate's dates and path are judged elsewhere, hence a verification time inside its validity.
    """
    config = SignatureConfiguration(
        require_x509=True,
        location="./",
        expect_references=1,
        signature_methods=frozenset({SignatureMethod.RSA_SHA256}),
        digest_algorithms=frozenset({DigestAlgorithm.SHA256}),
        verification_time=certificate.not_valid_before_utc,
    )
    try:
        result = XMLVerifier().verify(root, x509_cert=certificate, expect_config=config, parser=_parser())
    except InvalidDigest:
        return True, None
    except (SignXMLException, InvalidSignature, etree.LxmlError, ValueError, TypeError, NotImplementedError):
        return False, None
    signed = None if isinstance(result, list) else result.signed_xml
    return True, signed
