"""Signing keys in files: the right one for the date, every fault told with its file, nothing too open is read."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

import pytest

from dispatcher.errors import KeyringError, SealError
from dispatcher.keyring.credentials import read_material
from dispatcher.keyring.files import FileKeyring
from dispatcher.sealing import authority
from dispatcher.sealing.authority import Credential
from dispatcher.sealing.envelope import encrypt
from dispatcher.sealing.opening import decipher
from tests.pki import ALICE, BOB, pki

AT = datetime(2026, 3, 11, 9, 0, tzinfo=UTC)
POSIX = pytest.mark.skipif(os.name != "posix", reason="rights are a POSIX matter")


def put(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)
    return path


def whole(credential: Credential) -> bytes:
    return credential.key_pem() + credential.chain_pem()


def refused(keyring: FileKeyring, code: str, at: datetime = AT) -> KeyringError:
    with pytest.raises(KeyringError) as caught:
        keyring.signer("mss", at)
    assert caught.value.code == code
    assert caught.value.hint
    assert "« mss »" in caught.value.message
    assert "PRIVATE" not in str(caught.value)
    return caught.value


@pytest.fixture
def keyring(tmp_path: Path) -> FileKeyring:
    return FileKeyring(tmp_path)


def test_key_and_chain_in_one_file(keyring: FileKeyring, tmp_path: Path) -> None:
    alice = pki().alice
    put(tmp_path / "mss/signature.pem", whole(alice))
    signer = keyring.signer("mss", AT)
    assert signer.certificate == alice.certificate
    assert signer.chain == alice.chain
    assert signer.fingerprint == alice.fingerprint
    assert signer.key.public_key() == alice.key.public_key()
    assert "BEGIN" not in repr(signer)


def test_key_certificate_and_authorities_in_files_of_their_own(keyring: FileKeyring, tmp_path: Path) -> None:
    alice = pki().alice_ec
    put(tmp_path / "mss/a.key", alice.key_pem())
    put(tmp_path / "mss/b.crt", alice.certificate_pem(), 0o644)
    put(tmp_path / "mss/ca.pem", pki().authority.trust_pem(), 0o644)
    signer = keyring.signer("mss", AT)
    assert signer.certificate == alice.certificate
    assert signer.chain == alice.chain, "the intermediate, without the root"


@pytest.mark.parametrize("name", ["signature.p12.pass", "signature.pass"])
def test_pkcs12_with_its_password_beside_it(keyring: FileKeyring, tmp_path: Path, name: str) -> None:
    put(tmp_path / "mss/signature.p12", pki().alice.pkcs12(b"mot de passe"))
    put(tmp_path / "mss" / name, b"mot de passe\r\n")
    assert keyring.signer("mss", AT).chain == pki().alice.chain


def test_an_encrypted_pem_key_with_its_passphrase(keyring: FileKeyring, tmp_path: Path) -> None:
    put(tmp_path / "mss/s.pem", pki().alice.key_pem(b"secret") + pki().alice.chain_pem())
    assert "s.pem.pass" in str(refused(keyring, "passphrase"))
    put(tmp_path / "mss/s.pem.pass", b"faux")
    assert "mot de passe faux" in str(refused(keyring, "passphrase"))
    put(tmp_path / "mss/s.pem.pass", b"secret\n")
    assert keyring.signer("mss", AT).certificate == pki().alice.certificate


def issued(first: int, last: int) -> Credential:
    return pki().issue_mail(
        ALICE,
        authority.SIGNER,
        not_before=datetime(first, 1, 1, tzinfo=UTC),
        not_after=datetime(last, 1, 1, tzinfo=UTC),
    )


def test_the_newest_key_good_on_the_date_is_used(keyring: FileKeyring, tmp_path: Path) -> None:
    old, current, next_year = issued(2025, 2028), issued(2026, 2028), issued(2027, 2030)
    for name, held in (("1", next_year), ("2", old), ("3", current)):
        put(tmp_path / f"mss/{name}.pem", whole(held))
    assert keyring.signer("mss", datetime(2025, 6, 1, tzinfo=UTC)).fingerprint == old.fingerprint
    assert keyring.signer("mss", AT).fingerprint == current.fingerprint
    assert keyring.signer("mss", datetime(2027, 6, 1, tzinfo=UTC)).fingerprint == next_year.fingerprint
    assert keyring.signer("mss", datetime(2029, 1, 1, tzinfo=UTC)).fingerprint == next_year.fingerprint


def test_when_none_is_good_the_newest_is_named_with_its_dates(keyring: FileKeyring, tmp_path: Path) -> None:
    put(tmp_path / "mss/signature-2025.pem", whole(pki().expired_signer))
    error = refused(keyring, "expired-key")
    assert "signature-2025.pem" in error.message
    assert "01/01/2025 au 31/12/2025" in error.message
    put(tmp_path / "mss/signature-2034.pem", whole(issued(2034, 2035)))
    assert "signature-2034.pem" in refused(keyring, "not-yet-valid-key").message


def test_a_broken_file_does_not_hide_a_good_one_and_is_told_when_nothing_is_left(
    keyring: FileKeyring, tmp_path: Path
) -> None:
    put(tmp_path / "mss/casse.pem", b"rien de lisible")
    put(tmp_path / "mss/casse.p12", b"\x30\x03\x02\x01\x00")
    error = refused(keyring, "passphrase")
    assert "casse.pem" in error.message and "casse.p12" in error.message
    put(tmp_path / "mss/bonne.pem", whole(pki().alice))
    assert keyring.signer("mss", AT).certificate == pki().alice.certificate


def test_an_empty_or_missing_folder_tells_the_command(keyring: FileKeyring, tmp_path: Path) -> None:
    assert "dispatcher keys import" in refused(keyring, "no-key").hint
    (tmp_path / "mss").mkdir()
    put(tmp_path / "mss/lisez-moi.txt", b"bonjour")
    refused(keyring, "no-key")


def test_a_key_without_its_certificate(keyring: FileKeyring, tmp_path: Path) -> None:
    put(tmp_path / "mss/a.pem", pki().alice.key_pem() + pki().bob.chain_pem())
    refused(keyring, "no-certificate")


def test_a_certificate_that_may_not_sign_is_not_a_signer(keyring: FileKeyring, tmp_path: Path) -> None:
    put(tmp_path / "mss/a.pem", whole(pki().bob))
    refused(keyring, "key-usage")


def test_every_key_may_open_what_came_for_us(keyring: FileKeyring, tmp_path: Path) -> None:
    """An enciphering key may not sign, an expired one neither: both still open a notice that comes late."""
    assert keyring.readers("mss") == ()
    for name in ("bob", "expired_signer", "alice"):
        put(tmp_path / f"mss/{name}.pem", whole(getattr(pki(), name)))
    found = {pair.fingerprint: pair for pair in keyring.readers("mss")}
    assert set(found) == {getattr(pki(), name).fingerprint for name in ("bob", "expired_signer", "alice")}
    entity = b"Content-Type: text/plain\r\n\r\nLu.\r\n"
    sealed = encrypt(entity, [pki().bob.certificate])
    structure = message_from_bytes(sealed).get_payload(decode=True)
    bob, alice = found[pki().bob.fingerprint], found[pki().alice.fingerprint]
    assert decipher(structure, bob.key, bob.certificate) == entity
    for wrong in (
        lambda: decipher(structure, alice.key, alice.certificate),
        lambda: decipher(structure[:-30], bob.key, bob.certificate),
        lambda: decipher(b"", bob.key, bob.certificate),
        lambda: decipher(structure, object(), bob.certificate),
    ):
        with pytest.raises(SealError) as caught:
            wrong()
        assert caught.value.code == "not-for-this-key"


@POSIX
@pytest.mark.parametrize("mode", [0o644, 0o604, 0o666, 0o660, 0o601])
def test_key_files_open_to_others_are_refused(keyring: FileKeyring, tmp_path: Path, mode: int) -> None:
    path = put(tmp_path / "mss/a.pem", whole(pki().alice), mode)
    error = refused(keyring, "key-file-open")
    assert f"{mode:04o}" in error.message
    assert "chmod 600" in error.message
    path.chmod(0o600)
    assert keyring.signer("mss", AT).fingerprint == pki().alice.fingerprint, "mending the rights is enough"


@POSIX
@pytest.mark.parametrize("mode", [0o400, 0o600, 0o440, 0o640])
def test_key_files_for_the_account_and_its_group_are_taken(keyring: FileKeyring, tmp_path: Path, mode: int) -> None:
    put(tmp_path / "mss/a.pem", whole(pki().alice), mode)
    assert keyring.signer("mss", AT).fingerprint == pki().alice.fingerprint


@POSIX
def test_passphrase_files_open_to_others_are_refused(keyring: FileKeyring, tmp_path: Path) -> None:
    put(tmp_path / "mss/a.p12", pki().alice.pkcs12(b"x"))
    put(tmp_path / "mss/a.p12.pass", b"x", 0o644)
    refused(keyring, "key-file-open")


def test_a_new_file_is_noticed_without_restart(keyring: FileKeyring, tmp_path: Path) -> None:
    put(tmp_path / "mss/a.pem", whole(pki().alice))
    assert keyring.signer("mss", AT) is keyring.signer("mss", AT), "not read again when nothing changed"
    newer = issued(2026, 2030)
    put(tmp_path / "mss/b.pem", whole(newer))
    assert keyring.signer("mss", AT).fingerprint == newer.fingerprint
    (tmp_path / "mss/b.pem").unlink()
    assert keyring.signer("mss", AT).fingerprint == pki().alice.fingerprint


def test_channels_do_not_share_keys(keyring: FileKeyring, tmp_path: Path) -> None:
    put(tmp_path / "autre/a.pem", whole(pki().alice))
    refused(keyring, "no-key")


def test_several_certificates_of_one_key_are_all_known(keyring: FileKeyring, tmp_path: Path) -> None:
    """A renewed certificate often keeps its key."""
    alice = pki().alice
    put(tmp_path / "mss/a.pem", whole(alice))
    assert len(keyring.channel("mss").keys) == 1
    put(tmp_path / "mss/copie.pem", whole(alice))
    assert len(keyring.channel("mss").keys) == 1, "the same pair twice is one key"


def test_der_certificates_are_read(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding

    der = put(tmp_path / f"{BOB}.cer", pki().bob.certificate.public_bytes(Encoding.DER))
    assert read_material(der).certificates == (pki().bob.certificate,)


def test_old_pem_key_forms_are_read(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    for held in (pki().alice, pki().alice_ec):
        old = held.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        path = put(tmp_path / "old.pem", b"Bag Attributes: x\n" + old + held.certificate_pem())
        assert read_material(path).keys[0].public_key() == held.key.public_key()
