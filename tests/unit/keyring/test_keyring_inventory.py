"""The inventory and the imports behind ``dispatcher keys``."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from dispatcher.errors import KeyringError
from dispatcher.keyring.files import FileKeyring
from dispatcher.keyring.importing import import_certificate, import_pkcs12
from dispatcher.keyring.inventory import KeyInfo, KeyPlaces, Kind, TlsFiles, list_keys, places
from dispatcher.keyring.master import MasterKey
from dispatcher.keyring.secret_files import write_new
from dispatcher.sealing.authority import Credential
from dispatcher.settings import parse
from tests.pki import ALICE, BOB, CAROL, pki

AT = datetime(2026, 3, 11, 9, 0, tzinfo=UTC)


def where(tmp_path: Path, **changes: object) -> KeyPlaces:
    known: dict[str, object] = {
        "folder": tmp_path / "keys",
        "master": tmp_path / "keys/master.key",
        "signing_channels": ("mss",),
        "certificates": tmp_path / "certificates",
    }
    return KeyPlaces(**{**known, **changes})  # type: ignore[arg-type]


def write_credential(folder: Path, name: str, credential: Credential) -> None:
    write_new(folder / f"{name}.key", credential.key_pem())
    write_new(folder / f"{name}.pem", credential.chain_pem(), secret=False)


def of(kind: Kind, found: tuple[KeyInfo, ...]) -> list[KeyInfo]:
    return [info for info in found if info.kind is kind]


def test_an_empty_installation_lists_what_is_missing(tmp_path: Path) -> None:
    found = list_keys(where(tmp_path), AT)
    assert [(info.kind, bool(info.problem)) for info in found] == [(Kind.SIGNING, True), (Kind.MASTER, True)]


def test_a_sound_installation_has_no_problem(tmp_path: Path) -> None:
    MasterKey.create(tmp_path / "keys/master.key")
    write_credential(tmp_path / "keys/mss", "signature", pki().alice)
    write_credential(tmp_path / "tls", "labo", pki().labo)
    (tmp_path / "certificates").mkdir()
    (tmp_path / "certificates/bob.pem").write_bytes(pki().bob.chain_pem())
    (tmp_path / "roots.pem").write_bytes(pki().authority.trust_pem())
    tls = TlsFiles(owner="channels.mss", certificate=tmp_path / "tls/labo.pem", key=tmp_path / "tls/labo.key")
    found = list_keys(where(tmp_path, tls=(tls,), authorities=(("trust.roots", tmp_path / "roots.pem"),)), AT)
    assert [info.problem for info in found] == [""] * 6
    (signing,) = of(Kind.SIGNING, found)
    assert (signing.owner, signing.address, signing.in_use) == ("mss", ALICE, True)
    assert signing.fingerprint == pki().alice.fingerprint
    assert signing.valid_to == pki().alice.certificate.not_valid_after_utc
    assert signing.days_left == (pki().alice.certificate.not_valid_after_utc - AT).days
    assert [info.address for info in of(Kind.RECIPIENT, found)] == [BOB]
    assert len(of(Kind.AUTHORITY, found)) == 2
    assert of(Kind.MASTER, found)[0].fingerprint.startswith("k-")


def test_the_key_in_use_is_marked_and_an_older_one_is_no_fault(tmp_path: Path) -> None:
    write_credential(tmp_path / "keys/mss", "vieille", pki().expired_signer)
    (only,) = of(Kind.SIGNING, list_keys(where(tmp_path), AT))
    assert "expiré" in only.problem and not only.in_use
    assert only.days_left is not None and only.days_left < 0
    write_credential(tmp_path / "keys/mss", "nouvelle", pki().alice)
    found = of(Kind.SIGNING, list_keys(where(tmp_path), AT))
    assert {info.fingerprint: (info.in_use, info.problem, info.days_left is None) for info in found} == {
        pki().alice.fingerprint: (True, "", False),
        pki().expired_signer.fingerprint: (False, "", True),
    }


def test_every_fault_is_told_with_its_file(tmp_path: Path) -> None:
    certificates = tmp_path / "certificates"
    certificates.mkdir()
    (certificates / "rien.pem").write_bytes(b"rien")
    (certificates / "carol.pem").write_bytes(pki().carol.certificate_pem())
    (certificates / "vieux.der").write_bytes(pki().expired_recipient.certificate.public_bytes(Encoding.DER))
    write_credential(tmp_path / "tls", "labo", pki().labo)
    tls = TlsFiles(owner="channels.mss", certificate=tmp_path / "tls/labo.pem", key=tmp_path / "tls/absent.key")
    mixed = tmp_path / "tls/other.key"
    mixed.write_bytes(pki().other.key_pem())
    mixed.chmod(0o600)
    wrong = TlsFiles(owner="channels.mss.mailbox", certificate=tmp_path / "tls/labo.pem", key=mixed)
    found = list_keys(where(tmp_path, tls=(tls, wrong), authorities=(("trust.roots", tmp_path / "no.pem"),)), AT)
    problems = {Path(info.file).name: info.problem for info in of(Kind.RECIPIENT, found)}
    assert "RSA" in problems["carol.pem"]
    assert "expiré le 31/12/2025" in problems["vieux.der"]
    assert "rien.pem" in problems["rien.pem"]
    missing, mismatch = of(Kind.TLS, found)
    assert "absent.key" in missing.problem
    assert "ne correspond pas" in mismatch.problem
    assert "introuvable" in of(Kind.AUTHORITY, found)[0].problem


def test_places_come_from_the_settings(tmp_path: Path) -> None:
    settings = parse(
        """
[laboratory]
name = "L"
finess = "290000017"
oid = "1.2.250.1"
biologist = {rpps = "10000000001", family = "A", given = "B"}
[routing]
default_channel = "mss"
[channels.mss]
family = "mssante"
sender = "a@labo.test"
host = "mail.test"
client_cert = "tls/c.pem"
client_key = "tls/c.key"
ca_file = "tls/ca.pem"
[channels.smime]
family = "smime"
sender = "a@labo.test"
host = "mail.test"
[channels.muet]
family = "smime"
sender = "a@labo.test"
host = "mail.test"
sign = false
[directory]
issuers = "trust/autorites.pem"
[directory.ldap.centre]
url = "ldaps://annuaire.test"
base = "dc=test"
ca_file = "trust/annuaire.pem"
client_cert = "tls/l.pem"
client_key = "tls/l.key"
attributes.address = "mail"
""",
        tmp_path,
    )
    found = places(settings)
    assert found.signing_channels == ("smime",)
    assert found.tls == (
        TlsFiles(owner="channels.mss", certificate=tmp_path / "tls/c.pem", key=tmp_path / "tls/c.key"),
        TlsFiles(owner="directory.ldap.centre", certificate=tmp_path / "tls/l.pem", key=tmp_path / "tls/l.key"),
    )
    assert ("directory.issuers", tmp_path / "trust/autorites.pem") in found.authorities
    assert ("directory.ldap.centre", tmp_path / "trust/annuaire.pem") in found.authorities
    assert ("channels.mss", tmp_path / "tls/ca.pem") in found.authorities
    assert found.folder == tmp_path / "keys"
    assert found.certificates == tmp_path / "certificates"


def test_import_installs_a_key_the_keyring_finds(tmp_path: Path) -> None:
    source = tmp_path / "recu.p12"
    source.write_bytes(pki().alice.pkcs12("clé".encode()))
    info = import_pkcs12(source, "clé".encode(), tmp_path / "keys", "mss", AT)
    assert info.problem == ""
    assert info.fingerprint == pki().alice.fingerprint
    signer = FileKeyring(tmp_path / "keys").signer("mss", AT)
    assert signer.fingerprint == pki().alice.fingerprint
    assert signer.chain == pki().alice.chain
    if os.name == "posix":
        assert stat.S_IMODE(Path(info.file).stat().st_mode) == 0o600
    with pytest.raises(KeyringError) as caught:
        import_pkcs12(source, "clé".encode(), tmp_path / "keys", "mss", AT)
    assert caught.value.code == "key-file-exists"


@pytest.mark.parametrize(
    ("who", "password", "code"),
    [
        ("alice", b"faux", "passphrase"),
        ("bob", b"x", "key-usage"),
        ("expired_signer", b"x", "expired-certificate"),
    ],
)
def test_import_refuses_what_could_not_sign(tmp_path: Path, who: str, password: bytes, code: str) -> None:
    source = tmp_path / "recu.p12"
    source.write_bytes(getattr(pki(), who).pkcs12(b"x"))
    with pytest.raises(KeyringError) as caught:
        import_pkcs12(source, password, tmp_path / "keys", "mss", AT)
    assert caught.value.code == code
    assert not (tmp_path / "keys").exists()


def test_import_of_a_recipient_certificate(tmp_path: Path) -> None:
    source = tmp_path / "bob.cer"
    source.write_bytes(pki().bob.certificate.public_bytes(Encoding.DER))
    info = import_certificate(source, tmp_path / "certificates", AT)
    assert (info.address, info.problem) == (BOB, "")
    assert of(Kind.RECIPIENT, list_keys(where(tmp_path), AT))[0].fingerprint == pki().bob.fingerprint
    for member, code in ((pki().carol, "recipient-key"), (pki().labo, "no-address"), (pki().alice, "key-usage")):
        source.write_bytes(member.certificate_pem())
        with pytest.raises(KeyringError) as caught:
            import_certificate(source, tmp_path / "certificates", AT)
        assert caught.value.code == code
    assert CAROL not in "".join(p.name for p in (tmp_path / "certificates").iterdir())
