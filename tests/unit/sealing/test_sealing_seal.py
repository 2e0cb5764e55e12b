"""Sealing: which envelope does what, whose certificate is refused and why. Opened again by our own reader."""

from __future__ import annotations

import base64
import email
import email.policy
import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise

import pytest
from asn1crypto import cms
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.errors import SealError
from dispatcher.ports import RecipientCertificate, Signer
from dispatcher.report.model import Attachment
from dispatcher.routing.route import Envelope
from dispatcher.sealing import authority, der, policy
from dispatcher.sealing.authority import Credential, KeyKind
from dispatcher.sealing.envelope import sign_opaque
from dispatcher.sealing.message import HeaderProtection, OutgoingMail, inner_entity
from dispatcher.sealing.opening import open_mail
from dispatcher.sealing.policy import Limits
from dispatcher.sealing.seal import SealedMail, SignatureForm, envid, message_id, seal
from tests.pki import ALICE, BOB, pki

AT = datetime(2026, 3, 11, 9, 0, tzinfo=UTC)
MAIL = OutgoingMail(
    sender=ALICE,
    recipient=BOB,
    subject="Résultats d'examens biologiques - MARTINEAU Claire",
    outer_subject="Résultats d'examens biologiques",
    text="Bonjour,\nci-joint le compte rendu.\n",
    attachments=(Attachment(media_type="application/pdf", content=b"%PDF" + bytes(5000), name="é.pdf"),),
    message_id="<D-1@labo.test>",
    date=AT,
)


def signer(credential: Credential | None = None) -> Signer:
    held = credential or pki().alice
    return Signer(key=held.key, certificate=held.certificate, chain=held.chain, fingerprint=held.fingerprint)


def certificate(credential: Credential | None = None, address: str = BOB) -> RecipientCertificate:
    held = credential or pki().bob
    return RecipientCertificate(address=address, certificate=held.certificate, fingerprint=held.fingerprint)


def sealed(
    envelope: Envelope = Envelope.SMIME,
    *,
    mail: OutgoingMail = MAIL,
    by: Signer | None = None,
    unsigned: bool = False,
    to: tuple[RecipientCertificate, ...] | None = None,
    at: datetime = AT,
    limits: Limits | None = None,
    form: SignatureForm = SignatureForm.OPAQUE,
) -> SealedMail:
    return seal(
        mail,
        envelope,
        signer=None if unsigned else by or signer(),
        certificates=(certificate(),) if to is None else to,
        at=at,
        limits=limits,
        form=form,
    )


def bob_opens(mail: SealedMail, key: Credential | None = None) -> bytes:
    held = key or pki().bob
    return open_mail(mail.content, held.key, held.certificate).entity  # type: ignore[arg-type]


@pytest.mark.parametrize("form", SignatureForm)
@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_the_recipient_opens_it_and_finds_our_signature(form: SignatureForm, kind: str) -> None:
    by = signer(pki().alice if kind == "rsa" else pki().alice_ec)
    mail = sealed(by=by, form=form)
    opened = open_mail(mail.content, pki().bob.key, pki().bob.certificate)  # type: ignore[arg-type]
    assert opened.entity == inner_entity(MAIL, HeaderProtection.CIPHER)
    assert opened.encrypted
    assert opened.signer == by.certificate
    assert set(opened.certificates) == {by.certificate, *by.chain}
    assert mail.signer == by.fingerprint
    assert mail.certificates == (pki().bob.fingerprint,)
    assert mail.sha256 == hashlib.sha256(mail.content).hexdigest()
    assert mail.size == len(mail.content)
    assert mail.message_id == MAIL.message_id


def test_nothing_of_the_patient_is_readable_in_an_enveloped_mail() -> None:
    for form in SignatureForm:
        content = sealed(form=form).content
        for word in (b"MARTINEAU", b"Claire", b"compte rendu", b".pdf", b"multipart"):
            assert word not in content


def test_the_subject_outside_an_envelope_is_the_neutral_one() -> None:
    for form in SignatureForm:
        head = email.message_from_bytes(sealed(form=form).content, policy=email.policy.default)
        assert head["Subject"] == MAIL.outer_subject
        assert "hp" not in head["Content-Type"].params
    for envelope in (Envelope.MUTUAL_TLS, Envelope.PROXY):
        head = email.message_from_bytes(sealed(envelope).content, policy=email.policy.default)
        assert head["Subject"] == MAIL.subject


def test_the_cms_objects_use_what_the_policy_says() -> None:
    content = sealed().content
    body = content.partition(b"\r\n\r\n")[2]
    enveloped = cms.ContentInfo.load(base64.b64decode(body))
    info = enveloped["content"]["encrypted_content_info"]
    assert info["content_encryption_algorithm"].encryption_cipher == "aes"
    assert info["content_encryption_algorithm"].key_length == 32
    (recipient,) = enveloped["content"]["recipient_infos"]
    assert recipient.chosen["key_encryption_algorithm"]["algorithm"].native == "rsaes_pkcs1v15"
    signed = cms.ContentInfo.load(_signed_der())["content"]
    assert [a["algorithm"].native for a in signed["digest_algorithms"]] == ["sha256"]
    (info,) = signed["signer_infos"]
    assert info["signature_algorithm"]["algorithm"].native in {"rsassa_pkcs1v15", "sha256_rsa"}
    assert {a["type"].native for a in info["signed_attrs"]} >= {"content_type", "message_digest", "signing_time"}
    assert len(signed["certificates"]) == 2


def test_unsigned_when_the_channel_does_not_sign() -> None:
    mail = sealed(unsigned=True)
    assert mail.signer == ""
    opened = open_mail(mail.content, pki().bob.key, pki().bob.certificate)  # type: ignore[arg-type]
    assert opened.signer is None
    assert opened.entity == inner_entity(MAIL, HeaderProtection.CIPHER)


def test_several_certificates_of_one_recipient_all_open_it() -> None:
    mail = sealed(to=(certificate(), certificate(pki().bob_renewed)))
    assert bob_opens(mail) == bob_opens(mail, pki().bob_renewed)


def test_somebody_else_does_not_open_it() -> None:
    stranger = pki().bob_renewed
    with pytest.raises(SealError) as caught:
        bob_opens(sealed(), stranger)
    assert caught.value.code == "not-for-this-key"
    with pytest.raises(SealError):
        open_mail(sealed().content)


@pytest.mark.parametrize("envelope", [Envelope.MUTUAL_TLS, Envelope.PROXY])
def test_mail_that_is_not_enveloped_shows_its_attachments(envelope: Envelope) -> None:
    mail = sealed(envelope)
    assert mail.signer == ""
    assert mail.certificates == ()
    assert mail.content.endswith(inner_entity(MAIL))
    assert b"pkcs7" not in mail.content


def test_mutual_tls_mail_is_clear_signed_on_demand_and_the_proxy_never_gets_a_signature() -> None:
    mail = sealed(Envelope.MUTUAL_TLS, form=SignatureForm.CLEAR)
    opened = open_mail(mail.content)
    assert opened.signer == pki().alice.certificate
    assert not opened.encrypted
    assert opened.entity == inner_entity(MAIL, HeaderProtection.CLEAR)
    assert sealed(Envelope.PROXY, form=SignatureForm.CLEAR).signer == ""


@pytest.mark.parametrize("position", [0.2, 0.5, 0.8])
def test_a_changed_byte_of_a_signed_part_is_noticed(position: float) -> None:
    content = sealed(Envelope.MUTUAL_TLS, form=SignatureForm.CLEAR).content
    start = content.index(b"Content-Type: multipart/mixed")
    at = start + int((content.index(b"application/pkcs7-signature;", start) - start) * position)
    changed = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
    with pytest.raises(SealError) as caught:
        open_mail(changed)
    assert caught.value.code in {"bad-signature", "cms-malformed"}


def test_line_ends_changed_on_the_way_do_not_break_the_signature() -> None:
    content = sealed(Envelope.MUTUAL_TLS, form=SignatureForm.CLEAR).content
    assert open_mail(content.replace(b"\r\n", b"\n")).signer == pki().alice.certificate


def refused(code: str, **how: object) -> SealError:
    with pytest.raises(SealError) as caught:
        sealed(**how)  # type: ignore[arg-type]
    assert caught.value.code == code
    assert caught.value.hint
    assert "MARTINEAU" not in str(caught.value)
    return caught.value


def test_no_envelope_without_a_certificate() -> None:
    refused("no-certificate", to=())


def test_no_envelope_for_the_certificate_of_another_address() -> None:
    refused("wrong-certificate", to=(certificate(address="autre@dest.test"),))
    refused("wrong-certificate", to=(certificate(), certificate(pki().bob_renewed, "autre@dest.test")))
    assert sealed(to=(certificate(address=BOB.upper()),)).certificates


def test_an_expired_certificate_tells_its_date() -> None:
    error = refused("expired-certificate", to=(certificate(pki().expired_recipient),))
    assert "31/12/2025" in error.message
    assert "destinataire" in error.message
    mail = sealed(to=(certificate(pki().expired_recipient),), at=datetime(2025, 6, 1, tzinfo=UTC))
    assert mail.certificates == (pki().expired_recipient.fingerprint,)


def test_a_certificate_of_later_is_refused_today() -> None:
    assert "01/01/2034" in refused("not-yet-valid-certificate", to=(certificate(pki().future_recipient),)).message


def test_an_expired_signing_certificate_is_refused() -> None:
    assert "canal" in refused("expired-certificate", by=signer(pki().expired_signer)).message


def test_certificates_not_meant_for_this_are_refused() -> None:
    signing_only = pki().issue_mail(BOB, authority.SIGNER)
    server = pki().issue_mail(BOB, authority.SERVER)
    for held in (signing_only, server):
        refused("key-usage", to=(certificate(held),))
    encipher_only = pki().issue_mail(ALICE, authority.RECIPIENT)
    client = pki().issue_mail(ALICE, authority.CLIENT)
    for held in (encipher_only, client):
        refused("key-usage", by=signer(held))


def test_a_certificate_without_usages_may_do_both() -> None:
    bare = pki().issue_mail(BOB, authority.Usage(key=frozenset()))
    mail = sealed(to=(certificate(bare),), by=signer(bare))
    assert bob_opens(mail, bare) == inner_entity(MAIL, HeaderProtection.CIPHER)


def test_an_elliptic_curve_recipient_is_refused_with_a_reason() -> None:
    assert "RSA" in refused("recipient-key", to=(certificate(pki().carol),)).message


def test_rsa_2048_is_enough_until_the_end_of_2030() -> None:
    assert sealed(at=datetime(2030, 12, 31, 23, tzinfo=UTC)).signer
    error = refused("weak-key", at=datetime(2031, 1, 1, tzinfo=UTC))
    assert "3072" in error.message
    strong = pki().authority.recipient(BOB, KeyKind.RSA_3072)
    assert sealed(to=(certificate(strong),), by=signer(pki().alice_ec), at=datetime(2031, 1, 1, tzinfo=UTC)).signer


def test_a_key_that_is_not_the_certificates_is_refused() -> None:
    mixed = replace(signer(), key=pki().bob.key)
    refused("signing-key", by=mixed)


def test_a_mail_over_the_ceiling_is_refused_with_both_sizes() -> None:
    heavy = replace(
        MAIL, attachments=(Attachment(media_type="application/pdf", content=bytes(9_000_000), name="a.pdf"),)
    )
    error = refused("too-large", mail=heavy)  # 9 MB become 16 in base64 twice
    assert "10,00 Mo" in error.message
    hopeless = replace(
        MAIL, attachments=(Attachment(media_type="application/pdf", content=bytes(11_000_000), name="a.pdf"),)
    )
    refused("too-large", mail=hopeless)


def test_the_ceiling_counts_the_mail_as_it_leaves() -> None:
    size = sealed(Envelope.MUTUAL_TLS).size
    assert sealed(Envelope.MUTUAL_TLS, limits=Limits(max_bytes=size)).size == size
    with pytest.raises(SealError):
        sealed(Envelope.MUTUAL_TLS, limits=Limits(max_bytes=size - 1))


def test_message_id_and_envid_are_fixed_and_need_no_encoding() -> None:
    assert message_id("D-7K3QWZ9MP", "Labo.Test") == message_id("D-7K3QWZ9MP", "labo.test") == "<D-7K3QWZ9MP@labo.test>"
    assert envid("D-7K3QWZ9MP") == "D-7K3QWZ9MP"
    for wrong in ("", "D 1", "D+1", "D=1", "é", "<x>", "a" * 61, "D\r\n1"):
        with pytest.raises(SealError):
            envid(wrong)
        with pytest.raises(SealError):
            message_id(wrong, "labo.test")
    with pytest.raises(SealError):
        message_id("D-1", "labo test")


def test_key_sizes_are_dated_newest_first() -> None:
    assert all(newer.since > older.since for newer, older in pairwise(policy.KEY_SIZES))
    assert policy.key_sizes(datetime(1999, 1, 1, tzinfo=UTC)).rsa == 2048


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_rubbish_never_breaks_the_reader(data: bytes) -> None:
    for head in (b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: binary\r\n\r\n", b""):
        try:
            open_mail(head + data, pki().bob.key, pki().bob.certificate)  # type: ignore[arg-type]
        except SealError as error:
            assert error.code in {"cms-malformed", "not-for-this-key", "cms-algorithm", "bad-signature"}


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")  # a serial below 1
@given(position=st.integers(min_value=0, max_value=10**6), value=st.integers(min_value=0, max_value=255))
@settings(max_examples=300, deadline=None)
def test_a_broken_signature_object_is_refused_or_says_the_same(position: int, value: int) -> None:
    good = _signed_der()
    at = position % len(good)
    broken = good[:at] + bytes([value]) + good[at + 1 :]
    try:
        opened = open_mail(_BINARY + broken)
    except SealError:
        return
    assert opened.entity == b"Content-Type: text/plain\r\n\r\nsigne\r\n" or opened.signer is None


_BINARY = b"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\nContent-Transfer-Encoding: binary\r\n\r\n"


@cache
def _signed_der() -> bytes:
    entity = sign_opaque(b"Content-Type: text/plain\r\n\r\nsigne\r\n", signer())
    return base64.b64decode(entity.partition(b"\r\n\r\n")[2])


def test_a_forged_signature_is_refused() -> None:
    good = _signed_der()
    assert open_mail(_BINARY + good).signer == pki().alice.certificate
    other_value = good[:-1] + bytes([good[-1] ^ 1])
    content = good.replace(b"signe", b"forge")
    digests = (
        hashlib.sha256(b"Content-Type: text/plain\r\n\r\n%s\r\n" % word).digest() for word in (b"signe", b"forge")
    )
    with_its_digest = content.replace(*digests)
    assert len({good, content, with_its_digest}) == 3
    for forged in (other_value, content, with_its_digest):
        with pytest.raises(SealError) as caught:
            open_mail(_BINARY + forged)
        assert caught.value.code == "bad-signature"


def test_nested_elements_without_end_are_refused_not_recursed() -> None:
    for bomb in (b"\x30\x80" * 5000, b"\x24\x80" * 5000):
        with pytest.raises(SealError):
            der.parse(bomb)
    nested = b"\x04\x00"
    for _ in range(200):
        nested = b"\x24" + _length(len(nested)) + nested
    with pytest.raises(SealError):
        der.parse(nested).octets()


def _length(size: int) -> bytes:
    return bytes([size]) if size < 128 else bytes([0x82, size >> 8, size & 0xFF])
