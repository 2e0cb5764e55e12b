"""Recipients' certificates from a real OpenLDAP: both attributes, kept answers, a server that stops, mail for them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs7

from dispatcher.clock import FrozenClock
from dispatcher.directory.certificates.cache import AnswerCache
from dispatcher.directory.certificates.folder import CertificateFolder
from dispatcher.directory.certificates.recipients import RecipientCertificates
from dispatcher.directory.certificates.remote import LdapCertificates
from dispatcher.ports import RecipientCertificate, Signer
from dispatcher.report.model import Attachment
from dispatcher.routing.route import Envelope
from dispatcher.sealing import authority
from dispatcher.sealing.authority import Credential
from dispatcher.sealing.message import OutgoingMail
from dispatcher.sealing.seal import seal
from dispatcher.settings.ldap import LdapSettings
from tests.needs import needs_program
from tests.pki import ALICE, START, pki
from tests.servers.openldap import BASE, OpenLdap, openldap, person

DER = serialization.Encoding.DER
NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
SMIME, PLAIN, BOTH, NONE = (f"{name}@dest.test" for name in ("smime", "plain", "both", "none"))


def recipient(address: str, **dates: datetime) -> Credential:
    return pki().issue_mail(address, authority.RECIPIENT, **dates)


class Town:
    """A directory with people, and their keys."""

    def __init__(self) -> None:
        self.smime, self.plain = recipient(SMIME), recipient(PLAIN)
        self.preferred = recipient(BOTH)
        self.newer_elsewhere = recipient(BOTH, not_before=START + timedelta(days=500))
        self.old = recipient(BOTH, not_after=START + timedelta(days=30))

    def entries(self) -> list[Any]:
        def bundle(one: Credential) -> bytes:
            return pkcs7.serialize_certificates([one.certificate, *one.chain], DER)

        def alone(one: Credential) -> bytes:
            return one.certificate.public_bytes(DER)

        return [
            person("a", "SMIME", mail=[SMIME], smime=[bundle(self.smime)]),
            person("b", "PLAIN", mail=[PLAIN], certificates=[alone(self.plain)]),
            person(
                "c", "BOTH", mail=[BOTH], smime=[bundle(self.preferred)],
                certificates=[alone(self.newer_elsewhere), alone(self.old)],
            ),
            person("d", "NONE", mail=[NONE]),
        ]  # fmt: skip


@pytest.fixture(scope="module")
def town() -> Town:
    return Town()


@pytest.fixture
def server(town: Town) -> Iterator[OpenLdap]:
    with openldap(pki(), town.entries()) as running:
        yield running


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(at=NOW)


def asked(server: OpenLdap, home: Path, clock: FrozenClock) -> RecipientCertificates:
    """As a fresh process would have it; the file of kept answers is the same."""
    settings = LdapSettings.model_validate(
        {
            "url": server.url,
            "ca_file": server.folder / "ca.pem",
            "base": BASE,
            "attributes": {"address": "mail"},
            "use": ["certificates"],
            "timeout_seconds": 2,
        }
    )
    (home / "issuers.pem").write_bytes(pki().authority.root.certificate_pem() + pki().authority.trust_pem())
    cache = AnswerCache(home / "state" / "answers.sqlite3")
    return RecipientCertificates(
        CertificateFolder(home / "certificates"),
        servers=[LdapCertificates("centre", settings, cache, clock)],
        cache=cache,
        issuers=home / "issuers.pem",
    )


def chosen(held: RecipientCertificates, address: str, at: datetime = NOW) -> RecipientCertificate:
    found = held.answer(address, at).chosen
    assert found is not None
    return found


def opened(folder: Path, content: bytes, who: Credential) -> bytes:
    """What openssl finds in a mail for ``who``, without headers of ours."""
    (folder / "mail.eml").write_bytes(content)
    (folder / "who.pem").write_bytes(who.certificate_pem())
    (folder / "who.key").write_bytes(who.key_pem())
    command = [needs_program("openssl", "openssl"), "cms", "-decrypt", "-in", "mail.eml", "-recip", "who.pem"]
    done = subprocess.run([*command, "-inkey", "who.key"], cwd=folder, capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


def mail_for(found: RecipientCertificate) -> bytes:
    signer = Signer(
        key=pki().alice.key,
        certificate=pki().alice.certificate,
        chain=pki().alice.chain,
        fingerprint=pki().alice.fingerprint,
    )
    mail = OutgoingMail(
        sender=ALICE,
        sender_label="Laboratoire",
        recipient=found.address,
        recipient_label="Dr ESSAI",
        subject="Résultats",
        outer_subject="Résultats",
        text="Bonjour.\n",
        attachments=(Attachment(media_type="application/pdf", content=b"%PDF-1.7 essai", name="a.pdf"),),
        message_id="<D-1@labo.test>",
        date=NOW,
    )
    return seal(mail, Envelope.SMIME, signer=signer, certificates=(found,), at=NOW).content


def test_mail_sealed_for_either_attribute_is_opened_by_openssl(
    server: OpenLdap, town: Town, tmp_path: Path, clock: FrozenClock
) -> None:
    held = asked(server, tmp_path, clock)
    for address, owner in ((SMIME, town.smime), (PLAIN, town.plain), (BOTH, town.preferred)):
        found = chosen(held, address)
        assert found.fingerprint == owner.fingerprint
        assert b"smime-type=signed-data" in opened(tmp_path, mail_for(found), owner)


def test_every_certificate_of_an_address_is_shown_with_its_place(
    server: OpenLdap, town: Town, tmp_path: Path, clock: FrozenClock
) -> None:
    seen = asked(server, tmp_path, clock).examine(BOTH, NOW)
    assert seen.chosen is not None
    places = {one.found.fingerprint: (one.found.place, one.verdict.standing) for one in seen.sources[1].judged}
    assert places == {
        town.preferred.fingerprint: ("userSMIMECertificate", "usable"),
        town.newer_elsewhere.fingerprint: ("userCertificate", "usable"),
        town.old.fingerprint: ("userCertificate", "expired"),
    }


def test_the_folder_goes_first_and_asks_nobody(server: OpenLdap, tmp_path: Path, clock: FrozenClock) -> None:
    own = recipient(SMIME)
    (tmp_path / "certificates").mkdir()
    (tmp_path / "certificates" / "own.pem").write_bytes(own.certificate_pem())
    server.stop()
    found = asked(server, tmp_path, clock).answer(SMIME, NOW)
    assert found.chosen is not None
    assert (found.chosen.fingerprint, found.remarks) == (own.fingerprint, ())


def test_a_server_that_stops_between_two_looks(
    server: OpenLdap, town: Town, tmp_path: Path, clock: FrozenClock
) -> None:
    held = asked(server, tmp_path, clock)
    assert chosen(held, PLAIN).fingerprint == town.plain.fingerprint
    assert held.answer(NONE, NOW).unknown == ()
    server.stop()
    soon = NOW + timedelta(hours=1)
    assert held.answer(PLAIN, soon).remarks == (), "within its time nobody is asked"
    assert held.answer(NONE, soon).unknown == ()
    for later in (NOW + timedelta(days=2), NOW + timedelta(days=300)):
        after = asked(server, tmp_path, clock).answer(PLAIN, later)  # another process
        assert after.chosen is not None
        assert after.chosen.fingerprint == town.plain.fingerprint
        assert "injoignable (connexion refusée) ; réponse gardée du 21/11/2026 à 10:00" in after.remarks[0]
    for address in (NONE, SMIME):  # the kept « none » is over; the other was never asked
        silent = held.answer(address, NOW + timedelta(hours=3))
        assert silent.chosen is None
        assert "injoignable" in silent.unknown[0]
    past = town.plain.certificate.not_valid_after_utc + timedelta(days=1)
    gone = held.answer(PLAIN, past)
    assert gone.chosen is None, "a kept certificate ends with its own date"
    assert gone.unknown, "and whether there is a newer one, nobody could say"
    assert "expiré" in gone.unusable[0]


def test_a_silent_server_is_left_alone_for_a_minute(
    server: OpenLdap, town: Town, tmp_path: Path, clock: FrozenClock
) -> None:
    held = asked(server, tmp_path, clock)
    server.stop()
    assert held.answer(SMIME, NOW).unknown
    server.start()
    clock.advance(30)
    assert held.answer(SMIME, clock.now()).unknown, "not asked again yet"
    clock.advance(31)
    assert chosen(held, SMIME, clock.now()).fingerprint == town.smime.fingerprint


def test_a_new_certificate_is_seen_when_the_kept_none_is_over(
    server: OpenLdap, tmp_path: Path, clock: FrozenClock
) -> None:
    held = asked(server, tmp_path, clock)
    later = "plus.tard@dest.test"
    assert held.answer(later, NOW).chosen is None
    fresh = recipient(later)
    server.stop()
    server.load([person("z", "TARD", mail=[later], certificates=[fresh.certificate.public_bytes(DER)])])
    server.start()
    assert held.answer(later, NOW + timedelta(hours=1)).chosen is None
    assert chosen(held, later, NOW + timedelta(hours=3)).fingerprint == fresh.fingerprint


def test_what_is_no_certificate_is_told(server: OpenLdap, tmp_path: Path, clock: FrozenClock) -> None:
    odd = "abime@dest.test"
    server.stop()
    server.load([person("y", "ABIME", mail=[odd], smime=[b"\x30\x03\x02\x01\x01"])])
    server.start()
    found = asked(server, tmp_path, clock).answer(odd, NOW)
    assert found.unusable == ("annuaire LDAP « centre » (userSMIMECertificate) : valeur qui n'est pas un certificat",)


def test_a_patient_is_asked_of_nobody_and_kept_nowhere(server: OpenLdap, tmp_path: Path, clock: FrozenClock) -> None:
    server.stop()
    held = asked(server, tmp_path, clock)
    assert held.answer("123456789012345@patient.mssante.fr", NOW).unknown == (), "it was not asked"
    assert not (tmp_path / "state").exists()


def test_a_damaged_file_of_answers_costs_a_question_no_mail(
    server: OpenLdap, town: Town, tmp_path: Path, clock: FrozenClock
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "answers.sqlite3").write_bytes(b"ceci n'est pas une base" * 100)
    assert chosen(asked(server, tmp_path, clock), PLAIN).fingerprint == town.plain.fingerprint
    server.stop()
    assert asked(server, tmp_path, clock).answer(PLAIN, NOW).remarks == ()
