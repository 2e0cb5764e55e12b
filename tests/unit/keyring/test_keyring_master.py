"""The master key and its cipher: bound to owner and kind, rotated without loss, refused when anything was touched."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.errors import KeyringError
from dispatcher.keyring.master import AesGcmCipher, MasterKey, NamedKey
from dispatcher.ports import Cipher

CIPHER = AesGcmCipher((NamedKey(id="a", secret=bytes(32)),))


def test_it_is_the_cipher_the_store_asks_for() -> None:
    cipher: Cipher = CIPHER
    assert cipher.key_id == "a"


@given(plain=st.binary(max_size=2000), context=st.text(max_size=60))
@settings(max_examples=100, deadline=None)
def test_what_was_encrypted_comes_back(plain: bytes, context: str) -> None:
    try:
        context.encode()
    except UnicodeEncodeError:
        return
    sealed = CIPHER.encrypt(plain, context)
    assert CIPHER.decrypt(sealed, context, "a") == plain
    assert len(sealed) == len(plain) + 29


def test_the_same_content_never_looks_the_same() -> None:
    assert CIPHER.encrypt(b"x", "c") != CIPHER.encrypt(b"x", "c")


def test_no_content_is_readable() -> None:
    assert b"MARTINEAU" not in CIPHER.encrypt(b"MARTINEAU" * 10, "c")


def refused(sealed: bytes, context: str, key_id: str = "a") -> KeyringError:
    with pytest.raises(KeyringError) as caught:
        CIPHER.decrypt(sealed, context, key_id)
    assert caught.value.hint
    return caught.value


def test_a_payload_moved_to_another_row_is_refused() -> None:
    sealed = CIPHER.encrypt(b"x", "D-1|sealed")
    assert refused(sealed, "D-2|sealed").code == "payload-changed"
    assert refused(sealed, "D-1|notice").code == "payload-changed"


def test_any_changed_byte_and_any_cut_is_refused() -> None:
    sealed = CIPHER.encrypt(b"contenu", "c")
    for at in range(len(sealed)):
        changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        assert refused(changed, "c").code == "payload-changed"
        assert refused(sealed[:at], "c").code == "payload-changed"


def test_an_unknown_key_is_named() -> None:
    error = refused(CIPHER.encrypt(b"x", "c"), "c", "k-perdue")
    assert error.code == "unknown-key"
    assert "k-perdue" in error.message


def test_hashes_are_keyed_and_steady() -> None:
    other = AesGcmCipher((NamedKey(id="a", secret=b"\1" * 32),))
    assert CIPHER.hash("MARTINEAU") == CIPHER.hash("MARTINEAU")
    assert CIPHER.hash("MARTINEAU") != other.hash("MARTINEAU")
    assert CIPHER.hash("MARTINEAU") != CIPHER.hash("MARTINEAu")
    assert len(CIPHER.hash("é")) == 64


def test_create_writes_one_key_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys/master.key"
    made = MasterKey.create(path)
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    loaded = MasterKey.load(path)
    assert loaded == made
    sealed = made.cipher().encrypt(b"x", "c")
    assert loaded.cipher().decrypt(sealed, "c", made.cipher().key_id) == b"x"
    secret = base64.b64encode(made.keys[0].secret).decode()
    assert secret not in repr(made)


def test_create_never_writes_over_a_key(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    MasterKey.create(path)
    before = path.read_bytes()
    with pytest.raises(KeyringError) as caught:
        MasterKey.create(path)
    assert caught.value.code == "key-file-exists"
    assert path.read_bytes() == before


def test_two_new_keys_differ(tmp_path: Path) -> None:
    first, second = MasterKey.create(tmp_path / "1"), MasterKey.create(tmp_path / "2")
    assert first.keys[0].secret != second.keys[0].secret


def test_rotation_encrypts_with_the_new_key_and_still_reads_the_old(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    first = MasterKey.create(path)
    old = first.cipher()
    sealed = old.encrypt(b"avant", "c")
    second = first.rotate()
    assert MasterKey.load(path) == second
    new = MasterKey.load(path).cipher()
    assert new.key_id != old.key_id
    assert new.decrypt(sealed, "c", old.key_id) == b"avant"
    with pytest.raises(KeyringError):
        old.decrypt(new.encrypt(b"apres", "c"), "c", new.key_id)
    assert new.hash("identité") == old.hash("identité"), "versions of a report must still be recognised"
    assert len(second.rotate().keys) == 3
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "Ne jamais retirer la première" in path.read_text(encoding="utf-8"), "comments are kept"


def key_file(tmp_path: Path, text: str, mode: int = 0o600) -> Path:
    path = tmp_path / "master.key"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


GOOD = base64.b64encode(bytes(range(32))).decode()


def test_a_bare_base64_line_and_named_lines_are_taken(tmp_path: Path) -> None:
    loaded = MasterKey.load(key_file(tmp_path, f"# é\n\n{GOOD}\n  ma-cle   {GOOD}   # commentaire\n"))
    assert loaded.keys[0].secret == loaded.keys[1].secret == bytes(range(32))
    assert loaded.keys[0].id.startswith("k-")
    assert loaded.keys[1].id == "ma-cle"
    assert loaded.cipher().key_id == "ma-cle"


@pytest.mark.parametrize(
    "line",
    [
        "a b c",
        "abc",
        f"a {GOOD[:-4]}",
        f"a {base64.b64encode(bytes(31)).decode()}",
        f"a {base64.b64encode(bytes(33)).decode()}",
        f"é {GOOD}",
        f"{'a' * 33} {GOOD}",
        f"k-00000000 {GOOD}",
    ],
)
def test_a_wrong_line_is_named_by_its_number_and_not_shown(tmp_path: Path, line: str) -> None:
    with pytest.raises(KeyringError) as caught:
        MasterKey.load(key_file(tmp_path, f"# tête\n{line}\n"))
    assert caught.value.code == "master-key"
    assert "ligne 2" in caught.value.message
    assert GOOD[:20] not in str(caught.value)


@pytest.mark.parametrize("text", ["", "# rien\n", f"a {GOOD}\na {GOOD}\n"])
def test_no_key_and_two_of_one_name_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(KeyringError):
        MasterKey.load(key_file(tmp_path, text))


def test_a_missing_file_tells_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(KeyringError) as caught:
        MasterKey.load(tmp_path / "absent.key")
    assert caught.value.code == "key-file-missing"
    assert "sauvegarde" in caught.value.hint


@pytest.mark.skipif(os.name != "posix", reason="rights are a POSIX matter")
def test_a_master_key_open_to_others_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyringError) as caught:
        MasterKey.load(key_file(tmp_path, f"a {GOOD}\n", 0o644))
    assert caught.value.code == "key-file-open"
