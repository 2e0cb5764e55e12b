"""One chain, three opinions: ours, pyhanko-certvalidator and ``openssl verify`` on the same files.

Where they are asked the same question they must agree; where ours is finer (« révoqué » against « n'a pas pu être
établi »), the others only say no.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathBuildingError, PathValidationError, ValidationError

from dispatcher.directory.certificates.chain import anchors, load_crls
from dispatcher.directory.certificates.found import found
from dispatcher.directory.certificates.judging import Judge, Standing
from tests.needs import needs_program

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
START = datetime(2025, 1, 1, tzinfo=UTC)
BOB = "paul.durand@dest.test"
DER = serialization.Encoding.DER


@cache
def key(name: str) -> rsa.RSAPrivateKey:
    """One key a name: they cost more than everything else here."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Party:
    """A certificate and who issued it. Two parties of one ``name`` may have different keys."""

    name: str
    issuer: Party | None = None
    seed: str = ""
    ca: bool = False
    length: int | None = None
    usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.EMAIL_PROTECTION
    ends: datetime = START + timedelta(days=3000)
    certificate: x509.Certificate = field(init=False)

    def __post_init__(self) -> None:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])
        issuer = self.issuer or self
        public = key(self.seed or self.name).public_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.certificate.subject if self.issuer else subject)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(START)
            .not_valid_after(self.ends)
            .add_extension(x509.BasicConstraints(ca=self.ca, path_length=self.length), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(_key_usage(self.ca), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False)
        )
        if not self.ca:
            builder = builder.add_extension(x509.ExtendedKeyUsage([self.usage]), critical=False)
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.RFC822Name(BOB)]), critical=False)
        self.certificate = builder.sign(issuer.key, hashes.SHA256())

    @property
    def key(self) -> rsa.RSAPrivateKey:
        return key(self.seed or self.name)

    def crl(
        self,
        *revoked: Party,
        made: datetime = AT - timedelta(days=1),
        days: int = 7,
        by: Party | None = None,
        **more: x509.ExtensionType,
    ) -> bytes:
        """A list of this authority; ``by`` signs it instead."""
        builder = x509.CertificateRevocationListBuilder(
            issuer_name=self.certificate.subject, last_update=made, next_update=made + timedelta(days=days)
        )
        for party in revoked:
            entry = x509.RevokedCertificateBuilder(serial_number=party.certificate.serial_number, revocation_date=made)
            builder = builder.add_revoked_certificate(entry.build())
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        builder = builder.add_extension(identifier, critical=False).add_extension(x509.CRLNumber(1), critical=False)
        for extension in more.values():
            builder = builder.add_extension(extension, critical=True)
        return builder.sign((by or self).key, hashes.SHA256()).public_bytes(DER)


def _key_usage(ca: bool) -> x509.KeyUsage:
    off = dict.fromkeys(
        ("content_commitment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only"), False
    )
    return x509.KeyUsage(digital_signature=not ca, key_encipherment=not ca, key_cert_sign=ca, crl_sign=ca, **off)


@dataclass
class Chain:
    """What all three are asked about."""

    leaf: Party
    between: tuple[Party, ...]
    root: Party
    crls: tuple[bytes, ...]
    standing: Standing
    policy: str = "require"


ROOT = Party("AC RACINE ESSAI", ca=True)
MIDDLE = Party("AC ESSAI PERSONNES", ROOT, ca=True, length=0)
LEAF = Party("DURAND Paul", MIDDLE)


def good() -> Chain:
    return Chain(LEAF, (MIDDLE,), ROOT, (MIDDLE.crl(), ROOT.crl()), Standing.USABLE)


def revoked() -> Chain:
    return Chain(LEAF, (MIDDLE,), ROOT, (MIDDLE.crl(LEAF), ROOT.crl()), Standing.REVOKED)


def authority_revoked() -> Chain:
    return Chain(LEAF, (MIDDLE,), ROOT, (MIDDLE.crl(), ROOT.crl(MIDDLE)), Standing.REVOKED)


def expired_list() -> Chain:
    old = MIDDLE.crl(made=AT - timedelta(days=30))
    return Chain(LEAF, (MIDDLE,), ROOT, (old, ROOT.crl()), Standing.NOT_ESTABLISHED)


def missing_list() -> Chain:
    return Chain(LEAF, (MIDDLE,), ROOT, (ROOT.crl(),), Standing.NOT_ESTABLISHED)


def no_list_at_all() -> Chain:
    return Chain(LEAF, (MIDDLE,), ROOT, (), Standing.NOT_ESTABLISHED)


def forged_list() -> Chain:
    forger = Party("FAUSSAIRE", ca=True)
    return Chain(LEAF, (MIDDLE,), ROOT, (MIDDLE.crl(by=forger), ROOT.crl()), Standing.NOT_ESTABLISHED)


def wrong_usage() -> Chain:
    leaf = Party("DURAND Paul", MIDDLE, usage=ExtendedKeyUsageOID.SERVER_AUTH)
    return Chain(leaf, (MIDDLE,), ROOT, (MIDDLE.crl(), ROOT.crl()), Standing.UNFIT)


def too_long() -> Chain:
    lower = Party("AC TROP BAS", MIDDLE, ca=True)
    leaf = Party("DURAND Paul", lower)
    return Chain(leaf, (lower, MIDDLE), ROOT, (lower.crl(), MIDDLE.crl(), ROOT.crl()), Standing.OTHER_ISSUER)


def other_root() -> Chain:
    other = Party("AUTRE RACINE", ca=True)
    middle = Party("AC ESSAI PERSONNES", other, seed="autre", ca=True)
    return Chain(Party("DURAND Paul", middle), (middle,), ROOT, (middle.crl(), ROOT.crl()), Standing.OTHER_ISSUER)


def namesake_root() -> Chain:
    """A root of the pinned one's very name, with another key."""
    twin = Party("AC RACINE ESSAI", seed="jumelle", ca=True)
    middle = Party("AC ESSAI PERSONNES", twin, seed="autre", ca=True)
    crls = (middle.crl(), twin.crl())
    return Chain(Party("DURAND Paul", middle), (middle, twin), ROOT, crls, Standing.OTHER_ISSUER)


def namesake_middle() -> Chain:
    """Two intermediates of one name and different keys: the right one is found whatever the order."""
    twin = Party("AC ESSAI PERSONNES", ROOT, seed="autre", ca=True)
    return Chain(LEAF, (twin, MIDDLE), ROOT, (MIDDLE.crl(), ROOT.crl()), Standing.USABLE)


def expired() -> Chain:
    leaf = Party("DURAND Paul", MIDDLE, ends=AT - timedelta(days=1))
    return Chain(leaf, (MIDDLE,), ROOT, (MIDDLE.crl(), ROOT.crl()), Standing.EXPIRED)


def expired_authority() -> Chain:
    middle = Party("AC ESSAI PERSONNES", ROOT, ca=True, ends=AT - timedelta(days=1))
    return Chain(Party("DURAND Paul", middle), (middle,), ROOT, (middle.crl(), ROOT.crl()), Standing.OTHER_ISSUER)


CASES: tuple[Callable[[], Chain], ...] = (
    good, revoked, authority_revoked, expired_list, missing_list, no_list_at_all, forged_list, wrong_usage, too_long,
    other_root, namesake_root, namesake_middle, expired, expired_authority,
)  # fmt: skip


def ours(chain: Chain, policy: str = "require") -> Standing:
    lists = tuple(crl for content in chain.crls for crl in load_crls(content))
    judge = Judge(pinned=anchors([chain.root.certificate]), crls=lists, policy=policy)  # type: ignore[arg-type]
    between = tuple(one.certificate for one in chain.between)
    return judge.judge(found("folder", "x.pem", chain.leaf.certificate), between, AT).standing


def pyhanko(chain: Chain) -> bool:
    def theirs(party: Party) -> asn1_x509.Certificate:
        return asn1_x509.Certificate.load(party.certificate.public_bytes(DER))

    context = ValidationContext(
        trust_roots=[theirs(chain.root)],
        crls=[asn1_crl.CertificateList.load(content) for content in chain.crls],
        other_certs=[theirs(one) for one in chain.between],
        moment=AT,
        allow_fetching=False,
        revocation_mode="require",
    )
    validator = CertificateValidator(
        theirs(chain.leaf), intermediate_certs=[theirs(one) for one in chain.between], validation_context=context
    )
    try:
        asyncio.run(validator.async_validate_usage({"key_encipherment"}, {"email_protection"}))
    except (ValidationError, PathValidationError, PathBuildingError):
        return False
    return True


def openssl(chain: Chain, folder: Path) -> bool:
    def pem(*certificates: x509.Certificate) -> bytes:
        return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)

    (folder / "root.pem").write_bytes(pem(chain.root.certificate))
    (folder / "between.pem").write_bytes(pem(*(one.certificate for one in chain.between)))
    (folder / "leaf.pem").write_bytes(pem(chain.leaf.certificate))
    lists = [x509.load_der_x509_crl(content).public_bytes(serialization.Encoding.PEM) for content in chain.crls]
    (folder / "crls.pem").write_bytes(b"".join(lists))
    given = ["-CRLfile", "crls.pem"] if lists else []
    command = [needs_program("openssl", "openssl"), "verify", "-crl_check_all", "-attime", str(int(AT.timestamp()))]
    command += ["-purpose", "smimeencrypt", "-CAfile", "root.pem", "-untrusted", "between.pem", *given, "leaf.pem"]
    return subprocess.run(command, cwd=folder, capture_output=True, timeout=30).returncode == 0


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_three_opinions_on_one_chain(case: Callable[[], Chain], tmp_path: Path) -> None:
    chain = case()
    said = ours(chain)
    assert said is chain.standing
    assert pyhanko(chain) == (said is Standing.USABLE)
    assert openssl(chain, tmp_path) == (said is Standing.USABLE)


@pytest.mark.parametrize(
    "case", [expired_list, missing_list, no_list_at_all, forged_list], ids=lambda case: case.__name__
)
def test_a_soft_policy_lets_pass_what_is_not_established_and_says_so(case: Callable[[], Chain]) -> None:
    chain = case()
    assert ours(chain, "soft") is Standing.USABLE
    judge = Judge(
        pinned=anchors([ROOT.certificate]),
        crls=tuple(crl for content in chain.crls for crl in load_crls(content)),
        policy="soft",
    )
    between = tuple(one.certificate for one in chain.between)
    verdict = judge.judge(found("folder", "x.pem", chain.leaf.certificate), between, AT)
    assert "n'a pas pu être établie" in verdict.remark
    assert "révoqué" not in verdict.remark


@pytest.mark.parametrize("policy", ["soft", "require"])
def test_revoked_is_refused_under_either_policy_in_words_of_its_own(policy: str) -> None:
    assert ours(revoked(), policy) is ours(authority_revoked(), policy) is Standing.REVOKED
    assert ours(revoked(), "off") is Standing.USABLE
    lists = load_crls(MIDDLE.crl(LEAF)) + load_crls(ROOT.crl())
    judge = Judge(pinned=anchors([ROOT.certificate]), crls=lists, policy=policy)  # type: ignore[arg-type]
    verdict = judge.judge(found("folder", "x.pem", LEAF.certificate), (MIDDLE.certificate,), AT)
    assert verdict.reason == "révoqué par son autorité"


def scoped(**changes: object) -> x509.IssuingDistributionPoint:
    plain: dict[str, object] = dict.fromkeys(
        ("only_contains_user_certs", "only_contains_ca_certs", "indirect_crl", "only_contains_attribute_certs"), False
    )
    plain |= {"full_name": None, "relative_name": None, "only_some_reasons": None}
    return x509.IssuingDistributionPoint(**{**plain, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("extension", "standing"),
    [
        (scoped(only_contains_user_certs=True), Standing.USABLE),
        (scoped(only_contains_ca_certs=True), Standing.NOT_ESTABLISHED),
        (scoped(indirect_crl=True), Standing.NOT_ESTABLISHED),
        (scoped(only_some_reasons=frozenset({x509.ReasonFlags.key_compromise})), Standing.NOT_ESTABLISHED),
        (scoped(full_name=[x509.UniformResourceIdentifier("http://crl.test/1")]), Standing.NOT_ESTABLISHED),
        (x509.DeltaCRLIndicator(1), Standing.NOT_ESTABLISHED),
        (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), Standing.NOT_ESTABLISHED),
    ],
    ids=["users", "authorities", "indirect", "reasons", "elsewhere", "delta", "unknown"],
)
def test_a_partial_list_clears_nobody_but_may_revoke(extension: x509.ExtensionType, standing: Standing) -> None:
    lists = (MIDDLE.crl(part=extension), ROOT.crl())
    assert ours(Chain(LEAF, (MIDDLE,), ROOT, lists, standing)) is standing
    lists = (MIDDLE.crl(LEAF, part=extension), MIDDLE.crl(made=AT), ROOT.crl())
    assert ours(Chain(LEAF, (MIDDLE,), ROOT, lists, standing)) is Standing.REVOKED


def test_the_newest_list_counts() -> None:
    lists = (MIDDLE.crl(made=AT - timedelta(days=40)), MIDDLE.crl(), ROOT.crl())
    assert ours(Chain(LEAF, (MIDDLE,), ROOT, lists, Standing.USABLE)) is Standing.USABLE


def test_an_authority_that_may_not_sign_lists_clears_nobody() -> None:
    assert ours(good()) is Standing.USABLE
    plain = Party("AC SANS LISTES", ROOT, ca=True)
    usage = x509.KeyUsage(
        **{name: name == "key_cert_sign" for name in _NAMES}, encipher_only=False, decipher_only=False
    )
    public = plain.key.public_key()
    builder = x509.CertificateBuilder(
        plain.certificate.issuer, plain.certificate.subject, public, 5, START, START + timedelta(days=3000)
    )
    builder = builder.add_extension(x509.BasicConstraints(True, None), True).add_extension(usage, True)
    plain.certificate = builder.sign(ROOT.key, hashes.SHA256())
    leaf = Party("DURAND Paul", plain)
    chain = Chain(leaf, (plain,), ROOT, (plain.crl(), ROOT.crl()), Standing.NOT_ESTABLISHED)
    assert ours(chain) is Standing.NOT_ESTABLISHED


_NAMES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign",
)  # fmt: skip
