"""How fast we seal: own MIME against the library's, and against ``openssl cms`` twice as processes. No timed asserts.

``pytest tests/benchmarks/test_sealing_rates.py --benchmark-sort=mean`` compares them side by side; ``extra_info`` holds
mails per second.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import (
    PKCS7EnvelopeBuilder,
    PKCS7Options,
    PKCS7SignatureBuilder,
)

from dispatcher.ports import RecipientCertificate, Signer
from dispatcher.report.model import Attachment
from dispatcher.routing.route import Envelope
from dispatcher.sealing.message import OutgoingMail, inner_entity
from dispatcher.sealing.opening import open_mail
from dispatcher.sealing.policy import Limits
from dispatcher.sealing.seal import SignatureForm, seal
from tests.needs import needs_program
from tests.pki import ALICE, BOB, pki

AT = datetime(2026, 3, 11, 9, 0, tzinfo=UTC)
SIZES = {"5 kB": 5_000, "50 kB": 50_000, "1 MB": 1_000_000}

pytestmark = pytest.mark.benchmark(group="sealing", min_rounds=5, max_time=0.2)


def mail_of(size: int) -> OutgoingMail:
    return OutgoingMail(
        sender=ALICE,
        recipient=BOB,
        subject="XDM/1.0/DDM+CR d'examens biologiques MARTINEAU Claire 04/07/1961",
        text="Bonjour,\n\nVeuillez trouver ci-joint le compte rendu d'examens biologiques.\n",
        attachments=(
            Attachment(media_type="application/zip", content=bytes(range(256)) * (size // 256), name="a.zip"),
        ),
        message_id="<D-1@labo.test>",
        date=AT,
    )


def signer(kind: str) -> Signer:
    held = pki().alice if kind == "rsa" else pki().alice_ec
    return Signer(key=held.key, certificate=held.certificate, chain=held.chain, fingerprint=held.fingerprint)


def bob() -> RecipientCertificate:
    return RecipientCertificate(address=BOB, certificate=pki().bob.certificate, fingerprint=pki().bob.fingerprint)


def measured(benchmark: Any, action: Callable[[], Any]) -> Any:
    result = benchmark(action)
    if benchmark.stats is not None:  # None with --benchmark-disable
        benchmark.extra_info["per_second"] = round(1 / benchmark.stats.stats.median)
    return result


@pytest.mark.parametrize("form", SignatureForm)
@pytest.mark.parametrize("key", ["rsa", "ec"])
@pytest.mark.parametrize("size", SIZES)
def test_sign_and_envelope(benchmark: Any, size: str, key: str, form: SignatureForm) -> None:
    mail, by = mail_of(SIZES[size]), signer(key)

    def action() -> bytes:
        made = seal(
            mail,
            Envelope.SMIME,
            signer=by,
            certificates=(bob(),),
            at=AT,
            limits=Limits(max_bytes=10_000_000),
            form=form,
        )
        return made.content

    content = measured(benchmark, action)
    assert open_mail(content, pki().bob.key, pki().bob.certificate).signer == by.certificate  # type: ignore[arg-type]


def test_mime_alone(benchmark: Any) -> None:
    mail = mail_of(50_000)
    assert measured(benchmark, lambda: inner_entity(mail)) == inner_entity(mail)


def test_library_mime_and_smime_serialisation(benchmark: Any) -> None:
    """What we do not use: the email package, and cryptography's SMIME output."""
    mail, by = mail_of(50_000), signer("rsa")

    def action() -> bytes:
        message = EmailMessage(policy=SMTP)
        message.set_content(mail.text)
        message.add_attachment(mail.attachments[0].content, maintype="application", subtype="zip", filename="a.zip")
        signed = (
            PKCS7SignatureBuilder()
            .set_data(message.as_bytes())
            .add_signer(by.certificate, by.key, hashes.SHA256())  # type: ignore[arg-type]
            .sign(Encoding.SMIME, [PKCS7Options.Binary, PKCS7Options.DetachedSignature])
        )
        return (
            PKCS7EnvelopeBuilder()
            .set_data(signed)
            .set_content_encryption_algorithm(AES256)
            .add_recipient(pki().bob.certificate)
            .encrypt(Encoding.SMIME, [PKCS7Options.Binary])
        )

    assert b"enveloped-data" in measured(benchmark, action)


def test_openssl_as_two_processes(benchmark: Any, tmp_path: Path) -> None:
    """The usual script: ``openssl cms -sign``, then ``openssl cms -encrypt``."""
    needs_program("openssl", "openssl")
    pki().write(tmp_path, alice=pki().alice, bob=pki().bob)
    (tmp_path / "entity").write_bytes(inner_entity(mail_of(50_000)))
    who = "-signer alice.pem -inkey alice.key -certfile int.pem"
    sign = f"openssl cms -sign -nodetach -binary -in entity {who} -out signed"
    encrypt = "openssl cms -encrypt -aes256 -binary -in signed -out sealed bob.pem"

    def action() -> None:
        for command in (sign, encrypt):
            subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)

    measured(benchmark, action)
    content = (tmp_path / "sealed").read_bytes()
    assert open_mail(content, pki().bob.key, pki().bob.certificate).signer == pki().alice.certificate  # type: ignore[arg-type]
