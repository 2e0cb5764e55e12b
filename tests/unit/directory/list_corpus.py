"""Every list we know of that somebody could hand us, good and bad, with the exact answer it must get.

``case.json`` is what ``dispatcher trust verify --json`` prints; ``case.xmlsec`` what ``xmlsec1 --verify`` says of the
same bytes under the same root (the signature and its chain; it knows neither the pinned name nor dates of lists).
``case.differs`` says why the two answers differ, where they do on purpose. Nobody in these lists exists.
"""

from __future__ import annotations

import copy
import hashlib
import hmac
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod

from dispatcher.directory.trust.content import NAMESPACE
from dispatcher.directory.trust.signed_list import DS, ENVELOPED, EXCLUSIVE, MAX_BYTES
from dispatcher.sealing import authority
from dispatcher.sealing.authority import Authority, Credential, Names
from tests.pki import LIFETIME, START, pki
from tests.unit.directory.list_builder import (
    DOMAINS,
    GENERATED,
    NOW,
    good,
    sign,
    text,
    unsigned,
    with_carriage_returns,
)

ALB = "CN=alb.mssante.fr,O=ESSAI - NE PAS UTILISER EN PRODUCTION,C=FR"
WHEN = "2026-11-20T05:00:00Z"
HOUR = timedelta(hours=1)
RSA_SHA256 = SignatureMethod.RSA_SHA256.value
SHA256 = DigestAlgorithm.SHA256.value
HMAC = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"

CHANGED = (
    "Le contenu n'est pas celui qui a été signé (empreinte différente) : liste coupée, modifiée, ou signature d'une "
    "autre liste."
)
NOT_ITS_KEY = "La signature ne correspond pas au premier certificat qu'elle porte."
NO_SIGNATURE = "La liste ne porte aucune signature."
NOT_ONE = "La signature n'est pas une signature unique, posée directement sous la racine."
NOT_WHOLE = "La signature ne couvre pas tout le document (une seule référence, d'URI vide, est admise)."
TRANSFORMS = "Les transformations de la signature ne sont pas celles attendues (enveloppée, c14n exclusive)."
NO_CERTIFICATE = "La signature ne porte pas de certificat."
DTD = "Le fichier contient une DTD ou des entités : refusé sans être lu (la vraie liste n'en a pas)."
NO_NAMESPACE = f"Élément racine sans son espace de noms : attendu ListeBlancheMSSante dans {NAMESPACE}."
NO_DATE = "DateDeGeneration absente ou illisible."
UNKNOWN_AUTHORITY = (
    "L'autorité qui a émis le certificat du signataire n'est pas épinglée : « CN=AC "
    "ETRANGERE ORGANISATIONS,O=ESSAI - NE "
    "PAS UTILISER EN PRODUCTION,C=FR »."
)
NO_PATH = "Le certificat du signataire ne remonte à aucune racine épinglée (« trust.roots »)."
WEAK = "SHA-1 no longer protects against a second text of the same digest; xmlsec1 still takes it"
UNREAD = "a DTD is refused before anything is read; xmlsec1 reads it"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One list, and its answer."""

    name: str
    make: Callable[[], bytes]
    digest: bool | None = None
    signature: bool | None = None
    chain: bool | None = None
    signer: str | None = ALB
    generated: str | None = WHEN
    domains: int = 3
    reasons: tuple[str, ...] = ()
    xmlsec: bool | None = None
    """``None``: what digest, signature and chain say together."""
    differs: str = ""
    xmlsec_options: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Our verdict on the signature and its chain."""
        return self.digest is True and self.signature is True and self.chain is True

    @property
    def json(self) -> dict[str, object]:
        return {
            "digest": self.digest,
            "signature": self.signature,
            "chain": self.chain,
            "signer": self.signer,
            "generated": self.generated,
            "domains": self.domains,
            "accepted": not self.reasons,
            "reasons": list(self.reasons),
        }

    def content(self) -> bytes:
        return _made(self.name)


@cache
def _made(name: str) -> bytes:
    return next(case for case in CASES if case.name == name).make()


# ------------------------------------------------------------------------------------------ signing by hand


def by_hand(
    root: etree._Element,
    signer: Credential,
    *,
    uri: str = "",
    covered: etree._Element | None = None,
    transforms: tuple[str, ...] = (ENVELOPED, EXCLUSIVE),
    inside: str = "",
    method: str = RSA_SHA256,
    references: int = 1,
    prefixes: tuple[str, ...] = (),
) -> etree._Element:
    """Sign ``root`` in ways a signer of lists never would. ``covered`` is what the digest is made of."""
    plain = etree.tostring(
        root if covered is None else covered, method="c14n", exclusive=True, inclusive_ns_prefixes=list(prefixes)
    )
    digest = b64encode(hashlib.sha256(plain).digest()).decode()
    last = len(transforms) - 1
    listed = "".join(
        f'<ds:Transform Algorithm="{one}">{inside if place == last else ""}</ds:Transform>'
        for place, one in enumerate(transforms)
    )
    reference = (
        f'<ds:Reference URI="{uri}"><ds:Transforms>{listed}</ds:Transforms>'
        f'<ds:DigestMethod Algorithm="{SHA256}"/><ds:DigestValue>{digest}</ds:DigestValue></ds:Reference>'
    )
    certificate = b64encode(signer.certificate.public_bytes(serialization.Encoding.DER)).decode()
    signature = etree.fromstring(
        f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>'
        f'<ds:SignatureMethod Algorithm="{method}"/>{reference * references}</ds:SignedInfo><ds:SignatureValue/>'
        f"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
        "</ds:Signature>"
    )
    root.append(signature)
    info = etree.tostring(signature[0], method="c14n", exclusive=True)
    if method == HMAC:
        value = hmac.new(signer.certificate_pem(), info, hashlib.sha256).digest()
    else:
        assert isinstance(signer.key, rsa.RSAPrivateKey)
        value = signer.key.sign(info, padding.PKCS1v15(), hashes.SHA256())
    signature[1].text = b64encode(value).decode()
    return root


# ------------------------------------------------------------------------------------------ signers


@cache
def stranger() -> Credential:
    """The right name under a root nobody pinned."""
    return Authority.create(START, LIFETIME, name="ETRANGERE").list_signer()


@cache
def twin() -> Credential:
    """The right name under a root of the pinned root's very name."""
    return Authority.create(START, LIFETIME).list_signer()


@cache
def wrong_name() -> Credential:
    return pki().authority.list_signer("pas-alb.mssante.fr")


@cache
def expired(end: datetime) -> Credential:
    return pki().authority.issue(
        "alb.mssante.fr", authority.SIGNER, Names(addresses=("alb@mssante.fr",)), not_after=end
    )


@cache
def two_names() -> Credential:
    """Issued by the true authority, with the pinned name and another one."""
    return _issued([NameOID.COMMON_NAME, NameOID.COMMON_NAME], ["alb.mssante.fr", "autre.mssante.fr"])


@cache
def self_signed() -> Credential:
    return _issued([NameOID.COMMON_NAME], ["alb.mssante.fr"], alone=True)


def _issued(kinds: list[x509.ObjectIdentifier], values: list[str], *, alone: bool = False) -> Credential:
    above, key = pki().authority.intermediate, authority.new_key(authority.KeyKind.RSA_2048)
    subject = x509.Name([x509.NameAttribute(kind, value) for kind, value in zip(kinds, values, strict=True)])
    builder = (
        x509.CertificateBuilder(subject_name=subject, issuer_name=subject if alone else above.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(START)
        .not_valid_after(START + LIFETIME)
        .add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
    )
    assert isinstance(above.key, rsa.RSAPrivateKey)
    return Credential(key=key, certificate=builder.sign(key if alone else above.key, hashes.SHA256()))


# ------------------------------------------------------------------------------------------ changed lists


def changed(edit: Callable[[etree._Element], object], content: bytes | None = None) -> bytes:
    """A signed list that was edited afterwards."""
    root = etree.fromstring(content or good())
    edit(root)
    return text(root)


def _find(root: etree._Element, name: str) -> etree._Element:
    found = root.find(f".//{{{DS}}}{name}")
    assert found is not None
    return found


def _other_digest(root: etree._Element) -> None:
    _find(root, "DigestValue").text = b64encode(hashlib.sha256(b"autre").digest()).decode()


def _fitted_digest(root: etree._Element) -> None:
    """Domain changed and the digest made to fit: only the signature tells."""
    root[1][0][0].text = "mallory.mssante.test"
    plain = copy.deepcopy(root)
    plain.remove(plain[-1])
    digest = hashlib.sha256(etree.tostring(plain, method="c14n", exclusive=True)).digest()
    _find(root, "DigestValue").text = b64encode(digest).decode()


def _certificates(root: etree._Element, *members: Credential) -> None:
    data = _find(root, "X509Data")
    del data[:]
    for member in members:
        der = member.certificate.public_bytes(serialization.Encoding.DER)
        etree.SubElement(data, f"{{{DS}}}X509Certificate").text = b64encode(der).decode()


def _no_key_info(root: etree._Element) -> None:
    root[-1].remove(_find(root, "KeyInfo"))


def _bare_key(root: etree._Element, key: Credential) -> None:
    """KeyInfo holds the key itself instead of a certificate."""
    info = _find(root, "KeyInfo")
    del info[:]
    public = key.key.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    numbers = public.public_numbers()
    value = etree.SubElement(etree.SubElement(info, f"{{{DS}}}KeyValue"), f"{{{DS}}}RSAKeyValue")
    for name, number in (("Modulus", numbers.n), ("Exponent", numbers.e)):
        raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
        etree.SubElement(value, f"{{{DS}}}{name}").text = b64encode(raw).decode()


def _cut(root: etree._Element) -> None:
    rows = root[1]
    for row in rows[13:]:
        rows.remove(row)


def _noted(root: etree._Element) -> None:
    """A comment, which is not signed, in the middle of a name."""
    name = root[1][0][0]
    name.text, (comment := etree.Comment(" ")).tail = "sandbox", ".mssante.test"
    name.append(comment)


def _instructed(root: etree._Element) -> None:
    name = root[1][0][0]
    name.text, (instruction := etree.ProcessingInstruction("x", "y")).tail = "evil.test", ".mssante.test"
    name.append(instruction)


def wrapped_beside() -> bytes:
    """The true list is signed by its Id; a forged one stands beside it under the same root."""
    true = unsigned()
    true.set("Id", "vraie")
    root = etree.Element(f"{{{NAMESPACE}}}ListeBlancheMSSante", nsmap={None: NAMESPACE})
    root.append(true)
    signed = sign(root, reference="vraie")
    for child in list(unsigned(["mallory.test"])):
        signed.insert(0, child)
    return text(signed)


def wrapped_around() -> bytes:
    """The whole true file, signature and all, buried in a forged one."""
    forged = unsigned(["mallory.test"])
    forged.append(etree.fromstring(good()))
    return text(forged)


def wrapped_with_its_signature() -> bytes:
    """The true signature put at the top of a forged list that still holds the true one."""
    true, forged = etree.fromstring(good()), unsigned(["mallory.test"])
    signature = copy.deepcopy(true[-1])
    forged.append(true)
    forged.append(signature)
    return text(forged)


def wrapped_in_object() -> bytes:
    """The true list moved into an Object of its own signature, a forged one around it."""
    true, forged = etree.fromstring(good()), unsigned(["mallory.test"])
    signature = true[-1]
    etree.SubElement(signature, f"{{{DS}}}Object").append(copy.deepcopy(true))
    forged.append(signature)
    return text(forged)


def over_another_element() -> bytes:
    """The signature covers one row only, named by its Id."""
    root = unsigned()
    root[1][0].set("Id", "ligne")
    return text(by_hand(root, pki().alb, uri="#ligne", covered=root[1][0], transforms=(EXCLUSIVE,)))


def over_its_date_only() -> bytes:
    """An XPath transform leaves nothing but the date to be signed; the rest can be anything."""
    path = "<ds:XPath>ancestor-or-self::node()[local-name()='DateDeGeneration']</ds:XPath>"
    root = unsigned(["mallory.test"])
    xpath = "http://www.w3.org/TR/1999/REC-xpath-19991116"
    return text(by_hand(root, pki().alb, covered=root[0], transforms=(xpath,), inside=path))


def with_prefixes() -> bytes:
    root = unsigned()
    inside = f'<ec:InclusiveNamespaces xmlns:ec="{EXCLUSIVE}" PrefixList="xs"/>'
    return text(by_hand(root, pki().alb, inside=inside, prefixes=("xs",)))


def declared(prolog: bytes, use: bytes = b"") -> bytes:
    """A true list with a DTD put in front, an entity in a name."""
    head, rest = good().split(b"?>", 1)
    return head + b"?>" + prolog + (rest.replace(b"sandbox.mssante.test", use) if use else rest)


def ten_megabytes() -> bytes:
    content = good([f"domaine-{number:06}.mssante.test" for number in range(27_000)])
    assert len(content) > 10_000_000
    return content


def without_namespace() -> etree._Element:
    root = unsigned(namespace=None)
    etree.SubElement(root, "xmlns").text = NAMESPACE
    return root


def dated(moment: str) -> bytes:
    root = unsigned()
    root[0].text = moment
    return text(sign(root))


def _unread(name: str, make: Callable[[], bytes], *reasons: str, **more: object) -> Case:
    return Case(name=name, make=make, signer=None, generated=None, domains=0, reasons=reasons, **more)  # type: ignore[arg-type]


GOOD = {"digest": True, "signature": True, "chain": True}
BESIDE_THE_ROOT = {"digest": False, "signature": True, "chain": True, "reasons": (CHANGED,)}
CASES: tuple[Case, ...] = (
    # ------------------------------ true lists
    Case(name="true", make=good, **GOOD),
    Case(name="true-carriage-returns", make=lambda: with_carriage_returns(good()), **GOOD),
    Case(name="true-ten-megabytes", make=ten_megabytes, domains=27_000, **GOOD),
    Case(name="true-comment-in-name", make=lambda: changed(_noted), **GOOD),
    Case(
        name="true-with-its-intermediate",
        make=lambda: changed(lambda r: _certificates(r, pki().alb, pki().authority.intermediate)),
        **GOOD,
    ),
    Case(name="true-signature-first", make=lambda: changed(lambda r: r.insert(0, r[-1])), **GOOD),
    Case(name="signed-instruction-in-name", make=lambda: text(sign(_edited(_instructed))), domains=2, **GOOD),
    # ------------------------------ changed bytes
    Case(
        name="one-byte-changed",
        make=lambda: good().replace(b"sandbox.mssante", b"sandbax.mssante"),
        digest=False,
        signature=True,
        chain=True,
        reasons=(CHANGED,),
    ),
    Case(
        name="digest-changed",
        make=lambda: changed(_other_digest),
        digest=False,
        signature=False,
        chain=True,
        reasons=(CHANGED, NOT_ITS_KEY),
    ),
    Case(
        name="digest-fitted",
        make=lambda: changed(_fitted_digest),
        digest=True,
        signature=False,
        chain=True,
        reasons=(NOT_ITS_KEY,),
    ),
    Case(
        name="cut-to-13-rows",
        make=lambda: changed(_cut, good([f"d{n}.mssante.test" for n in range(100)])),
        digest=False,
        signature=True,
        chain=True,
        domains=13,
        reasons=(CHANGED,),
    ),
    Case(
        name="instruction-added-in-name",
        make=lambda: changed(_instructed),
        digest=False,
        signature=True,
        chain=True,
        domains=2,
        reasons=(CHANGED,),
    ),
    _unread(
        "truncated", lambda: good()[: len(good()) * 2 // 3], "XML mal formé à la ligne 4 : fichier tronqué ou abîmé."
    ),
    _unread(
        "truncated-unsigned",
        lambda: text(unsigned([f"d{n}.mssante.test" for n in range(619)]))[:100_000],
        "XML mal formé à la ligne 2 : fichier tronqué ou abîmé.",
    ),
    Case(name="unsigned", make=lambda: text(unsigned()), signer=None, reasons=(NO_SIGNATURE,)),
    Case(
        name="no-namespace",
        make=lambda: text(without_namespace()),
        signer=None,
        generated=None,
        domains=0,
        reasons=(NO_NAMESPACE, NO_SIGNATURE),
    ),
    Case(
        name="no-namespace-signed",
        make=lambda: text(sign(without_namespace())),
        generated=None,
        domains=0,
        reasons=(NO_NAMESPACE,),
        **GOOD,
    ),
    # ------------------------------ other signers
    Case(
        name="another-key-true-certificate",
        make=lambda: changed(lambda r: _certificates(r, pki().alb), good(signer=stranger())),
        digest=True,
        signature=False,
        chain=True,
        reasons=(NOT_ITS_KEY,),
    ),
    Case(
        name="another-root-right-name",
        make=lambda: good(signer=stranger()),
        digest=True,
        signature=True,
        chain=False,
        reasons=(UNKNOWN_AUTHORITY,),
    ),
    Case(
        name="twin-root-right-name",
        make=lambda: good(signer=twin()),
        digest=True,
        signature=True,
        chain=False,
        reasons=(NO_PATH,),
    ),
    Case(
        name="self-signed-right-name",
        make=lambda: good(signer=self_signed()),
        signer="CN=alb.mssante.fr",
        digest=True,
        signature=True,
        chain=False,
        reasons=("L'autorité qui a émis le certificat du signataire n'est pas épinglée : « CN=alb.mssante.fr ».",),
    ),
    Case(
        name="right-root-wrong-name",
        make=lambda: good(signer=wrong_name()),
        signer=ALB.replace("alb", "pas-alb"),
        reasons=(
            "La liste est signée par « pas-alb.mssante.fr », et non par « alb.mssante.fr » (« trust.signer_cn »).",
        ),
        **GOOD,
    ),
    Case(
        name="right-root-two-names",
        make=lambda: good(signer=two_names()),
        signer="CN=autre.mssante.fr,CN=alb.mssante.fr",
        reasons=(
            "La liste est signée par « alb.mssante.fr, autre.mssante.fr », et non par « "
            "alb.mssante.fr » (« trust.signer_cn »).",
        ),
        **GOOD,
    ),
    Case(
        name="expired-signer",
        make=lambda: good(signer=expired(GENERATED + HOUR)),
        digest=True,
        signature=True,
        chain=False,
        reasons=(
            "Le certificat du signataire a expiré le 20/11/2026 ; il était valable quand la "
            "liste a été faite. Télécharger la liste du jour.",
        ),
    ),
    Case(
        name="signer-expired-before",
        make=lambda: good(signer=expired(GENERATED - HOUR)),
        digest=True,
        signature=True,
        chain=False,
        reasons=("Le certificat du signataire avait déjà expiré (le 20/11/2026) à la date de la liste.",),
    ),
    Case(
        name="from-the-future",
        make=lambda: good(generated=NOW + timedelta(days=2)),
        generated="2026-11-23T09:00:00Z",
        reasons=("La liste est datée du 23/11/2026 à 10:00, dans l'avenir : vérifier l'heure de cette machine.",),
        **GOOD,
    ),
    Case(
        name="date-no-calendar-holds",
        make=lambda: dated("0001-01-01T00:00:00+05:00"),
        generated=None,
        reasons=(NO_DATE,),
        **GOOD,
    ),
    Case(name="date-of-another-kind", make=lambda: dated("2026-W47-5"), generated=None, reasons=(NO_DATE,), **GOOD),
    # ------------------------------ wrapped, moved, doubled
    Case(
        name="signature-twice",
        make=lambda: changed(lambda r: r.append(copy.deepcopy(r[-1]))),
        signer=None,
        reasons=(NOT_ONE,),
    ),
    Case(
        name="wrapped-beside",
        digest=False,
        chain=True,
        make=wrapped_beside,
        domains=1,
        reasons=(NOT_WHOLE,),
        xmlsec=True,
        xmlsec_options=("--id-attr:Id", "ListeBlancheMSSante"),
        differs="told that Id names an element, xmlsec1 checks that element only; we read the whole or nothing",
    ),
    Case(name="wrapped-around", make=wrapped_around, signer=None, domains=1, reasons=(NOT_ONE,)),
    Case(
        name="wrapped-with-its-signature", make=wrapped_with_its_signature, signer=None, domains=1, reasons=(NOT_ONE,)
    ),
    Case(name="wrapped-in-object", make=wrapped_in_object, domains=1, signer=None, reasons=(NOT_ONE,)),
    Case(
        name="second-list-beside",
        make=lambda: changed(lambda r: r.insert(1, unsigned(["mallory.test"])[1])),
        digest=False,
        signature=True,
        chain=True,
        domains=4,
        reasons=("2 élément(s) ListeDomaines, un seul attendu.", CHANGED),
    ),
    Case(
        name="over-another-element",
        digest=False,
        chain=True,
        make=over_another_element,
        reasons=(NOT_WHOLE, TRANSFORMS),
        xmlsec=True,
        xmlsec_options=("--id-attr:Id", "Domaine"),
        differs="told that Id names an element, xmlsec1 checks that element only; we read the whole or nothing",
    ),
    Case(
        name="over-its-date-only",
        digest=False,
        chain=True,
        make=over_its_date_only,
        domains=1,
        reasons=(TRANSFORMS,),
        xmlsec=True,
        differs="transforms that leave parts out are refused whoever signs; to xmlsec1 they are in order",
    ),
    Case(
        name="two-references",
        digest=False,
        chain=True,
        make=lambda: text(by_hand(unsigned(), pki().alb, references=2)),
        reasons=(NOT_WHOLE, TRANSFORMS),
        xmlsec=True,
        differs="one reference is the profile of the list; to xmlsec1 two of the same are in order",
    ),
    Case(
        name="inclusive-prefixes",
        digest=True,
        chain=True,
        make=with_prefixes,
        reasons=(TRANSFORMS,),
        xmlsec=True,
        differs="the profile of the list has no prefix list; to xmlsec1 it is in order",
    ),
    # ------------------------------ algorithms, KeyInfo
    Case(
        name="sha1-signature",
        make=lambda: text(sign(unsigned(), method=SignatureMethod.RSA_SHA1)),
        digest=True,
        signature=False,
        chain=True,
        reasons=("Algorithme de signature interdit : « rsa-sha1 », attendu rsa-sha256.",),
        xmlsec=True,
        differs=WEAK,
    ),
    Case(
        name="sha1-digest",
        make=lambda: text(sign(unsigned(), digest=DigestAlgorithm.SHA1)),
        digest=False,
        chain=True,
        reasons=("Algorithme d'empreinte interdit : « sha1 », attendu sha256.",),
        xmlsec=True,
        differs=WEAK,
    ),
    Case(
        name="sha1-both",
        make=lambda: text(sign(unsigned(), method=SignatureMethod.RSA_SHA1, digest=DigestAlgorithm.SHA1)),
        digest=False,
        signature=False,
        chain=True,
        reasons=(
            "Algorithme de signature interdit : « rsa-sha1 », attendu rsa-sha256.",
            "Algorithme d'empreinte interdit : « sha1 », attendu sha256.",
        ),
        xmlsec=True,
        differs=WEAK,
    ),
    Case(
        name="hmac-with-the-certificate",
        make=lambda: text(by_hand(unsigned(["mallory.test"]), pki().alb, method=HMAC)),
        digest=True,
        signature=False,
        chain=True,
        domains=1,
        reasons=("Algorithme de signature interdit : « hmac-sha256 », attendu rsa-sha256.",),
    ),
    Case(name="no-key-info", make=lambda: changed(_no_key_info), digest=True, signer=None, reasons=(NO_CERTIFICATE,)),
    Case(
        name="bare-key",
        make=lambda: changed(lambda r: _bare_key(r, pki().alb)),
        digest=True,
        signer=None,
        reasons=(NO_CERTIFICATE,),
    ),
    Case(
        name="bare-key-of-a-forger",
        make=lambda: changed(lambda r: _bare_key(r, stranger()), good(["mallory.test"], signer=stranger())),
        digest=True,
        signer=None,
        domains=1,
        reasons=(NO_CERTIFICATE,),
    ),
    Case(
        name="forger-with-the-true-certificate-beside",
        make=lambda: changed(
            lambda r: _certificates(r, stranger(), pki().alb), good(["mallory.test"], signer=stranger())
        ),
        digest=True,
        signature=True,
        chain=False,
        domains=1,
        reasons=(UNKNOWN_AUTHORITY,),
    ),
    Case(
        name="forger-behind-the-true-certificate",
        make=lambda: changed(
            lambda r: _certificates(r, pki().alb, stranger()), good(["mallory.test"], signer=stranger())
        ),
        digest=True,
        signature=False,
        chain=True,
        domains=1,
        reasons=(NOT_ITS_KEY,),
    ),
    Case(
        name="a-stranger-before-the-true-certificate",
        make=lambda: changed(lambda r: _certificates(r, stranger(), pki().alb)),
        digest=True,
        signature=False,
        chain=False,
        reasons=(NOT_ITS_KEY, UNKNOWN_AUTHORITY),
        differs="the profile has one certificate: ours takes the first for the signer's, xmlsec1 the one with a path",
    ),
    Case(
        name="another-name-of-the-chain-before-the-true-certificate",
        make=lambda: changed(lambda r: _certificates(r, wrong_name(), pki().alb)),
        signer=ALB.replace("alb", "pas-alb"),
        digest=True,
        signature=False,
        chain=True,
        reasons=(
            NOT_ITS_KEY,
            "La liste est signée par « pas-alb.mssante.fr », et non par « alb.mssante.fr » (« trust.signer_cn »).",
        ),
    ),
    Case(name="instruction-behind-the-root", make=lambda: good() + b"<?x y?>", **BESIDE_THE_ROOT),
    Case(
        name="instruction-before-the-root",
        make=lambda: good().replace(b"<ListeBlanche", b"<?x y?><ListeBlanche", 1),
        **BESIDE_THE_ROOT,
    ),
    Case(name="true-comment-behind-the-root", make=lambda: good() + b"<!-- x -->", **GOOD),
    # ------------------------------ never read
    _unread(
        "billion-laughs",
        lambda: declared(
            b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "'
            + b"&a;" * 10
            + b'"><!ENTITY c "'
            + b"&b;" * 10
            + b'"><!ENTITY d "'
            + b"&c;" * 10
            + b'">]>',
            b"&d;",
        ),
        DTD,
    ),
    _unread(
        "external-entity", lambda: declared(b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>', b"&e;"), DTD
    ),
    _unread(
        "parameter-entity",
        lambda: declared(b'<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///etc/hostname"> %p;]>'),
        DTD,
        xmlsec=True,
        differs=UNREAD,
    ),
    _unread(
        "external-dtd",
        lambda: declared(b'<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">'),
        DTD,
        xmlsec=True,
        differs=UNREAD,
    ),
    _unread(
        "default-attribute-by-dtd",
        lambda: declared(b"<!DOCTYPE ListeBlancheMSSante [<!ATTLIST Domaine Id ID #IMPLIED>]>"),
        DTD,
        xmlsec=True,
        differs=UNREAD,
    ),
    _unread(
        "oversized",
        lambda: b"<x>" + b" " * MAX_BYTES + b"</x>",
        "Le fichier dépasse 32 Mo : ce n'est pas la liste attendue.",
    ),
    _unread("empty", lambda: b"", "Le fichier est vide."),
    _unread(
        "web-page",
        lambda: b"<html><body>Maintenance</body></html>",
        f"Élément racine « html » : attendu ListeBlancheMSSante dans {NAMESPACE}.",
        NO_SIGNATURE,
    ),
)


def _edited(edit: Callable[[etree._Element], object]) -> etree._Element:
    root = unsigned()
    edit(root)
    return root


def case(name: str) -> Case:
    """One of them."""
    return next(one for one in CASES if one.name == name)


OLDER = GENERATED - timedelta(days=1)
assert DOMAINS and UTC
