"""Traps seen in real copies of the list of allowed domains, and attacks on XML signatures: none gets a domain in."""

from __future__ import annotations

import copy
from base64 import b64encode
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod

from dispatcher.directory.trust.allowed_domains import Verdict, verify
from dispatcher.directory.trust.content import NAMESPACE
from dispatcher.directory.trust.signed_list import DS, MAX_BYTES, check_signature, parse
from dispatcher.sealing.authority import Authority
from tests.pki import pki
from tests.unit.directory.list_builder import NOW, good, sign, text, trust, unsigned


def judged(content: bytes) -> Verdict:
    verdict = verify(content, trust(), now=NOW)
    if not verdict.accepted:
        assert verdict.reasons, "a refusal says why"
        assert verdict.names == frozenset()
    return verdict


def test_trap_a_the_true_signed_file_is_accepted() -> None:
    assert judged(good()).accepted


def test_trap_b_a_cut_with_the_original_signature_has_a_good_signature_and_a_bad_digest() -> None:
    whole = etree.fromstring(good([f"d{number}.mssante.test" for number in range(100)]))
    rows = whole.find(f"{{{NAMESPACE}}}ListeDomaines")
    assert rows is not None
    for row in rows[13:]:
        rows.remove(row)
    verdict = judged(text(whole))
    assert (verdict.digest, verdict.signature, verdict.chain, verdict.accepted) == (False, True, True, False)
    assert verdict.domains == 13
    assert "n'est pas celui qui a été signé" in verdict.reasons[0]


def test_trap_c_an_xmlns_element_instead_of_the_namespace_is_refused() -> None:
    root = unsigned(namespace=None)
    etree.SubElement(root, "xmlns").text = NAMESPACE
    verdict = judged(text(root))
    assert (verdict.digest, verdict.signature, verdict.chain, verdict.accepted) == (None, None, None, False)
    assert "espace de noms" in verdict.reasons[0]
    assert not judged(text(sign(root))).accepted


def test_trap_d_a_truncated_unsigned_copy_is_refused_whatever_its_checksum() -> None:
    content = text(unsigned([f"d{number}.mssante.test" for number in range(619)]))
    verdict = judged(content[: len(content) * 2 // 3])
    assert (verdict.digest, verdict.signature, verdict.chain, verdict.accepted) == (None, None, None, False)
    assert "mal formé" in verdict.reasons[0]


def test_an_unsigned_list_is_refused() -> None:
    verdict = judged(text(unsigned()))
    assert (verdict.digest, verdict.signature, verdict.chain, verdict.accepted) == (None, None, None, False)
    assert verdict.reasons == ("La liste ne porte aucune signature.",)


def test_a_changed_domain_is_refused() -> None:
    verdict = judged(good().replace(b"sandbox.mssante", b"mallory.mssante"))
    assert (verdict.digest, verdict.signature) == (False, True)


def test_a_changed_signed_info_is_refused() -> None:
    root = etree.fromstring(good().replace(b"sandbox.mssante", b"mallory.mssante"))
    value = root.find(f".//{{{DS}}}DigestValue")
    assert value is not None
    plain = copy.deepcopy(root)
    plain.remove(plain[-1])
    import hashlib

    value.text = b64encode(hashlib.sha256(etree.tostring(plain, method="c14n", exclusive=True)).digest()).decode()
    verdict = judged(text(root))
    assert (verdict.digest, verdict.signature, verdict.accepted) == (True, False, False)


def test_a_signature_by_another_key_than_its_certificate_is_refused() -> None:
    stranger = Authority.create(datetime(2025, 1, 1, tzinfo=UTC)).list_signer()
    root = etree.fromstring(good(signer=stranger))
    certificate = root.find(f".//{{{DS}}}X509Certificate")
    assert certificate is not None
    certificate.text = b64encode(pki().alb.certificate.public_bytes(serialization.Encoding.DER)).decode()
    verdict = judged(text(root))
    assert (verdict.digest, verdict.signature, verdict.accepted) == (True, False, False)


def test_a_second_certificate_lends_no_trust() -> None:
    """The forger's own certificate signs, the true one stands beside it."""
    forger = Authority.create(datetime(2025, 1, 1, tzinfo=UTC), name="FAUX").list_signer()
    for place in (0, 1):
        root = etree.fromstring(good(["mallory.test"], signer=forger))
        data = root.find(f".//{{{DS}}}X509Data")
        assert data is not None
        extra = etree.Element(f"{{{DS}}}X509Certificate")
        extra.text = b64encode(pki().alb.certificate.public_bytes(serialization.Encoding.DER)).decode()
        data.insert(place, extra)
        verdict = judged(text(root))
        assert (verdict.signature, verdict.chain) != (True, True)
        assert not verdict.accepted


def wrapped_beside() -> bytes:
    """The true list is signed by its Id; a forged one stands beside it under the same root."""
    true = unsigned()
    true.set("Id", "vraie")
    root = etree.Element(f"{{{NAMESPACE}}}ListeBlancheMSSante", nsmap={None: NAMESPACE})
    root.append(true)
    signed = sign(root, reference="vraie")
    forged = unsigned(["mallory.test"])
    for child in list(forged):
        signed.insert(0, child)
    return text(signed)


def wrapped_around() -> bytes:
    """The whole true file, signature and all, buried in a forged one."""
    forged = unsigned(["mallory.test"])
    forged.append(etree.fromstring(good()))
    return text(forged)


def wrapped_with_its_signature() -> bytes:
    """The true signature moved to the top of a forged list that still holds the true one."""
    true = etree.fromstring(good())
    forged = unsigned(["mallory.test"])
    signature = true[-1]
    forged.append(true)
    forged.append(copy.deepcopy(signature))
    return text(forged)


def second_list_beside() -> bytes:
    """A second ListeDomaines put beside the signed one."""
    root = etree.fromstring(good())
    root.insert(1, unsigned(["mallory.test"])[1])
    return text(root)


@pytest.mark.parametrize("attack", [wrapped_beside, wrapped_around, wrapped_with_its_signature, second_list_beside])
def test_signature_wrapping_lets_nobody_in(attack) -> None:  # type: ignore[no-untyped-def]
    assert not judged(attack()).accepted


def test_a_comment_does_not_split_a_domain_name() -> None:
    """Comments are not signed: ``evil.test<!---->.mssante.test`` must read as the signed text."""
    content = good(["evil.test.mssante.test"]).replace(b"evil.test.mssante", b"evil.test<!-- -->.mssante")
    verdict = verify(content, trust(), now=NOW)
    assert verdict.accepted
    assert verdict.names == {"evil.test.mssante.test"}


def test_only_what_was_signed_is_read() -> None:
    """W3C « XML Signature Best Practices »: what is read comes out of the verification, not out of the file."""
    content = good().replace(b"<ListeDomaines>", b"<ListeDomaines><!-- not signed -->")
    assert b"not signed" in content
    root = parse(content)
    checked = check_signature(root)
    assert checked.signed is not None
    assert checked.signed is not root
    assert b"not signed" not in etree.tostring(checked.signed)
    assert checked.signed.find(f"{{{DS}}}Signature") is None


@pytest.mark.parametrize(
    "prolog",
    [
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]>',
        b'<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">',
    ],
    ids=["external-entity", "billion-laughs", "external-dtd"],
)
def test_entities_and_dtds_are_refused_unread(prolog: bytes) -> None:
    content = good()
    declaration, rest = content.split(b"?>", 1)
    bad = (
        declaration + b"?>" + prolog + rest.replace(b"sandbox.mssante.test", b"&e;" if b"passwd" in prolog else b"&c;")
    )
    verdict = judged(bad)
    assert not verdict.accepted
    assert "DTD" in verdict.reasons[0]


def test_a_doctype_hidden_by_another_encoding_is_refused() -> None:
    utf16 = ('<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x [<!ENTITY e "x">]><x>&e;</x>').encode("utf-16")
    utf7 = b'<?xml version="1.0" ' + b" " * 300 + b'encoding="UTF-7"?>+ADwAIQ-DOCTYPE x+AD4<x/>'
    ebcdic = '<?xml version="1.0" encoding="cp037"?><x/>'.encode("cp037")
    for content in (utf16, utf7, ebcdic):
        assert "UTF-8" in judged(content).reasons[0]


@pytest.mark.parametrize(
    ("method", "digest", "expected"),
    [
        (SignatureMethod.RSA_SHA1, DigestAlgorithm.SHA256, (True, False)),
        (SignatureMethod.RSA_SHA256, DigestAlgorithm.SHA1, (False, None)),
        (SignatureMethod.RSA_SHA1, DigestAlgorithm.SHA1, (False, False)),
    ],
)
def test_sha1_is_refused(method: SignatureMethod, digest: DigestAlgorithm, expected: tuple[bool, bool | None]) -> None:
    verdict = judged(text(sign(unsigned(), method=method, digest=digest)))
    assert (verdict.digest, verdict.signature) == expected
    assert not verdict.accepted
    assert any("interdit" in reason and "sha1" in reason for reason in verdict.reasons)


def test_no_certificate_in_the_signature_is_refused() -> None:
    root = etree.fromstring(good())
    info = root.find(f".//{{{DS}}}KeyInfo")
    assert info is not None
    for child in list(info):
        info.remove(child)
    verdict = judged(text(root))
    assert verdict.digest is True
    assert verdict.chain is None
    assert "ne porte pas de certificat" in verdict.reasons[0]


@pytest.mark.parametrize(
    "content", [b"", b"   ", b"<", b"PK\x03\x04", b"<html><body>404</body></html>", b"\x00" * 50, b"{}"]
)
def test_anything_else_is_refused_with_a_reason(content: bytes) -> None:
    assert not judged(content).accepted


def test_an_oversized_file_is_refused_unread() -> None:
    assert "Mo" in judged(b"<x>" + b" " * MAX_BYTES + b"</x>").reasons[0]


def test_deep_nesting_ends_in_a_reason() -> None:
    assert not judged(b"<a>" * 200_000 + b"</a>" * 200_000).accepted


GOOD = good()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_any_changed_byte_keeps_the_verdict_honest(place: int, value: int) -> None:
    """One byte changed anywhere: refused, or the very same domains (blanks between attributes, base64 line ends…)."""
    changed = GOOD[:place] + bytes([value]) + GOOD[place + 1 :]
    verdict = judged(changed)
    if verdict.accepted:
        assert verdict.names == judged(GOOD).names
