"""The openssl command, an outside judge, opens every kind of mail we seal and gives back exactly the parts."""

from __future__ import annotations

import email
import email.message
import email.policy
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dispatcher.errors import SealError
from dispatcher.ports import RecipientCertificate, Signer
from dispatcher.report.model import Attachment
from dispatcher.routing.route import Envelope
from dispatcher.sealing import authority
from dispatcher.sealing.authority import Credential, KeyKind
from dispatcher.sealing.message import HeaderProtection, OutgoingMail, inner_entity
from dispatcher.sealing.opening import open_mail
from dispatcher.sealing.policy import Limits
from dispatcher.sealing.seal import SignatureForm, seal
from tests.needs import missing, needs_program
from tests.pki import ALICE, BOB, pki

AT = datetime(2026, 3, 11, 9, 0, tzinfo=UTC)
MAIL = OutgoingMail(
    sender=ALICE,
    sender_label="Laboratoire des Érables",
    recipient=BOB,
    recipient_label="Dr DURAND Paul",
    subject="XDM/1.0/DDM+CR d'examens biologiques MARTINEAU Claire 04/07/1961",
    outer_subject="XDM/1.0/DDM+CR d'examens biologiques",
    text="Bonjour,\n\nci-joint le compte rendu de Mme MARTINEAU, née le 04/07/1961.\n.\nFrom : à vous\n",
    attachments=(
        Attachment(media_type="application/zip", content=b"PK\x03\x04" + bytes(range(256)) * 50, name="IHE_XDM.zip"),
        Attachment(media_type="application/pdf", content=b"%PDF-1.7\r\n" + bytes(range(256)) * 150, name="é_à.pdf"),
    ),
    message_id="<D-1@labo.test>",
    date=AT,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    people = pki()
    return people.write(
        tmp_path_factory.mktemp("openssl"),
        alice=people.alice,
        alice_ec=people.alice_ec,
        bob=people.bob,
        bob2=people.bob_renewed,
        labo=people.labo,
    )


def openssl(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [needs_program("openssl", "openssl"), "cms", *arguments], cwd=folder, capture_output=True, timeout=60
    )


def ours(credential: Credential) -> Signer:
    return Signer(
        key=credential.key,
        certificate=credential.certificate,
        chain=credential.chain,
        fingerprint=credential.fingerprint,
    )


def theirs(credential: Credential) -> RecipientCertificate:
    return RecipientCertificate(address=BOB, certificate=credential.certificate, fingerprint=credential.fingerprint)


def sealed(mail: OutgoingMail = MAIL, envelope: Envelope = Envelope.SMIME, **how: object) -> bytes:
    how = {"signer": ours(pki().alice), "certificates": (theirs(pki().bob),), "at": AT, **how}
    return seal(mail, envelope, **how).content  # type: ignore[arg-type]


def opened(folder: Path, content: bytes, who: str = "bob", *, signed: bool = True) -> bytes:
    """What openssl finds inside, after checking the signature against the root alone."""
    (folder / "mail.eml").write_bytes(content)
    done = openssl(
        folder, "-decrypt", "-in", "mail.eml", "-recip", f"{who}.pem", "-inkey", f"{who}.key", "-out", "inner"
    )
    assert done.returncode == 0, done.stderr
    if not signed:
        return (folder / "inner").read_bytes()
    done = openssl(folder, "-verify", "-in", "inner", "-CAfile", "root.pem", "-purpose", "smimesign", "-out", "entity")
    assert done.returncode == 0, done.stderr
    assert b"Verification successful" in done.stderr
    return (folder / "entity").read_bytes()


def assert_same_parts(entity: bytes, mail: OutgoingMail) -> None:
    message = email.message_from_bytes(entity, policy=email.policy.default)
    assert isinstance(message, email.message.EmailMessage)
    assert message["Subject"] == mail.subject
    text, *attachments = message.iter_parts()
    assert text.get_content().replace("\r\n", "\n") == mail.text
    assert [(a.get_filename(), a.get_payload(decode=True)) for a in attachments] == [
        (a.name, a.content) for a in mail.attachments
    ]


@pytest.mark.parametrize("form", SignatureForm)
@pytest.mark.parametrize("key", ["alice", "alice_ec"])
def test_signed_and_enveloped(folder: Path, form: SignatureForm, key: str) -> None:
    content = sealed(form=form, signer=ours(getattr(pki(), key)))
    entity = opened(folder, content)
    assert entity == inner_entity(MAIL, HeaderProtection.CIPHER)
    assert_same_parts(entity, MAIL)


def test_line_ends_of_a_maildir_change_nothing(folder: Path) -> None:
    entity = opened(folder, sealed().replace(b"\r\n", b"\n"))
    assert_same_parts(entity, MAIL)


def test_enveloped_without_signature(folder: Path) -> None:
    entity = opened(folder, sealed(signer=None), signed=False)
    assert entity == inner_entity(MAIL, HeaderProtection.CIPHER)


def test_enveloped_for_two_certificates_of_the_same_person(folder: Path) -> None:
    content = sealed(certificates=(theirs(pki().bob), theirs(pki().bob_renewed)))
    assert opened(folder, content, "bob") == opened(folder, content, "bob2")


def test_clear_signed_without_envelope(folder: Path) -> None:
    (folder / "mail.eml").write_bytes(sealed(envelope=Envelope.MUTUAL_TLS, form=SignatureForm.CLEAR))
    done = openssl(
        folder, "-verify", "-in", "mail.eml", "-CAfile", "root.pem", "-purpose", "smimesign", "-out", "entity"
    )
    assert done.returncode == 0, done.stderr
    assert_same_parts((folder / "entity").read_bytes(), MAIL)


@pytest.mark.parametrize("kind", [KeyKind.RSA_3072, KeyKind.RSA_4096])
def test_longer_keys(tmp_path: Path, kind: KeyKind) -> None:
    signer, recipient = pki().authority.signer(ALICE, kind), pki().authority.recipient(BOB, kind)
    pki().write(tmp_path, bob=recipient)
    content = sealed(signer=ours(signer), certificates=(theirs(recipient),))
    assert_same_parts(opened(tmp_path, content), MAIL)


def test_hprim_body_in_latin_1(folder: Path) -> None:
    mail = replace(
        MAIL,
        subject="Résultats d'examens biologiques",
        text="42\nMARTINEAU\nClaire\n\nGlycémie à jeun : 1.32 g/l, 4 µg\n****FIN****\n****FINFICHIER****\n",
        charset="iso-8859-1",
        attachments=(),
    )
    entity = opened(folder, sealed(mail))
    message = email.message_from_bytes(entity, policy=email.policy.default)
    assert message.get_content_charset() == "iso-8859-1"
    assert message.get_payload(decode=True) == mail.text.replace("\n", "\r\n").encode("iso-8859-1")


def test_a_mail_of_twelve_megabytes(folder: Path) -> None:
    content = bytes(range(256)) * 47_000
    mail = replace(MAIL, attachments=(Attachment(media_type="application/pdf", content=content, name="grand.pdf"),))
    whole = sealed(mail, limits=Limits(max_bytes=40_000_000))
    assert len(whole) > 20_000_000
    assert_same_parts(opened(folder, whole), mail)
    with pytest.raises(SealError) as caught:
        sealed(mail)
    assert caught.value.code == "too-large"


def test_somebody_else_cannot_open_it(folder: Path) -> None:
    (folder / "mail.eml").write_bytes(sealed())
    done = openssl(folder, "-decrypt", "-in", "mail.eml", "-recip", "bob2.pem", "-inkey", "bob2.key", "-out", "x")
    assert done.returncode != 0


def test_a_changed_byte_breaks_the_signature(folder: Path) -> None:
    opened(folder, sealed(form=SignatureForm.CLEAR))
    inner = (folder / "inner").read_bytes()
    changed = inner.replace(b"MARTINEAU", b"MARTINAUD")
    assert changed != inner
    (folder / "inner").write_bytes(changed)
    done = openssl(folder, "-verify", "-in", "inner", "-CAfile", "root.pem", "-purpose", "smimesign", "-out", "x")
    assert done.returncode != 0


def test_our_throw_away_certificates_stand_a_strict_check(folder: Path) -> None:
    for name, purpose in (("alice", "smimesign"), ("bob", "smimeencrypt"), ("labo", "sslclient")):
        done = subprocess.run(
            f"openssl verify -x509_strict -CAfile root.pem -untrusted int.pem -purpose {purpose} {name}.pem".split(),
            cwd=folder,
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr


def test_a_revoked_certificate_is_seen(folder: Path) -> None:
    at = datetime.now(UTC).replace(microsecond=0)
    made = pki().authority
    lists = made.crl(at, of_root=True) + made.crl(at, (pki().alice,))
    (folder / "trust.pem").write_bytes(made.root.certificate_pem() + lists)
    for name, good in (("alice", False), ("bob", True)):
        done = subprocess.run(
            ["openssl", "verify", "-crl_check_all", "-CAfile", "trust.pem", "-untrusted", "int.pem", f"{name}.pem"],
            cwd=folder,
            capture_output=True,
        )
        assert (done.returncode == 0) is good, done.stderr


@pytest.mark.parametrize(
    "options",
    [
        ("-sign", "-nodetach"),
        ("-sign", "-nodetach", "-stream", "-indef"),
        ("-sign",),
        ("-sign", "-nodetach", "-keyid"),
        ("-sign", "-nodetach", "-keyopt", "rsa_padding_mode:pss"),
        ("-sign", "-nodetach", "-md", "sha512"),
        ("-sign", "-nodetach", "-noattr"),
    ],
    ids=" ".join,
)
def test_we_open_what_openssl_signed(folder: Path, options: tuple[str, ...]) -> None:
    entity = b"Content-Type: text/plain; charset=utf-8\r\n\r\nRe\xc3\xa7u.\r\n"
    (folder / "in").write_bytes(entity)
    signing = ("-signer", "alice.pem", "-inkey", "alice.key")
    options = (options[0], *signing, *options[1:])  # -keyopt belongs to the signer before it
    done = openssl(folder, *options, "-binary", "-in", "in", "-certfile", "int.pem", "-out", "out")
    assert done.returncode == 0, done.stderr
    found = open_mail((folder / "out").read_bytes())
    assert found.entity == entity
    assert found.signer == pki().alice.certificate
    assert authority.TRIAL in found.signer.subject.rfc4514_string()


def test_we_open_what_openssl_enveloped(folder: Path) -> None:
    (folder / "in").write_bytes(b"Content-Type: text/plain\r\n\r\nbonjour\r\n")
    done = openssl(folder, "-encrypt", "-aes256", "-binary", "-in", "in", "-out", "out", "bob.pem")
    assert done.returncode == 0, done.stderr
    found = open_mail((folder / "out").read_bytes(), pki().bob.key, pki().bob.certificate)  # type: ignore[arg-type]
    assert found.entity == b"Content-Type: text/plain\r\n\r\nbonjour\r\n"
    assert found.encrypted


def test_a_sha_1_signature_is_refused(folder: Path) -> None:
    (folder / "in").write_bytes(b"Content-Type: text/plain\r\n\r\nbonjour\r\n")
    done = openssl(
        folder,
        "-sign",
        "-nodetach",
        "-md",
        "sha1",
        "-signer",
        "alice.pem",
        "-inkey",
        "alice.key",
        "-in",
        "in",
        "-out",
        "out",
    )
    if done.returncode != 0:
        missing("an openssl that still signs with SHA-1, to see that we refuse it")
    with pytest.raises(SealError) as caught:
        open_mail((folder / "out").read_bytes())
    assert caught.value.code == "cms-algorithm"
