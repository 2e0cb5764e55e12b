"""The master key of the payloads, and the cipher made from it (decision D4).

The file: one key a line, ``<id> <32 bytes in base64>``, oldest first; ``#`` starts a comment. Ids made here derive from
the key (so a damaged line is noticed); a bare base64 line is taken too. The **last** key encrypts; all of them decrypt.
The **first** one also keys the hashes of identities, which must stay the same for the life of a database: it is never
taken out.

Each use has its own key, derived by HKDF-SHA-256 (RFC 5869): one encrypts (AES-256-GCM, NIST SP 800-38D, 96-bit random
nonces: good for 2^32 payloads a key), one hashes (HMAC-SHA-256).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dispatcher.errors import KeyringError
from dispatcher.keyring.secret_files import read_secret, unwritable, write_new

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_DERIVED_ID = re.compile(r"k-[0-9a-f]{8}")
_FORMAT = b"\x01"
"""First byte of every encrypted payload: how the rest is made (nonce, ciphertext, tag)."""
_NONCE = 12
_TAG = 16
_HEAD = """\
# Clé maîtresse de dispatcher : chiffre les contenus de la base. À sauvegarder à part de la base, et à garder secrète.
# Une clé par ligne, de la plus ancienne à la plus récente ; la dernière chiffre, toutes déchiffrent.
# Ne jamais retirer la première : elle sert aussi à reconnaître les versions d'un même compte rendu.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedKey:
    """One master key."""

    id: str
    secret: bytes = field(repr=False)


class AesGcmCipher:
    """:class:`dispatcher.ports.Cipher`. Safe to share between threads."""

    def __init__(self, keys: tuple[NamedKey, ...]) -> None:
        """``keys``: oldest first, at least one."""
        self.key_id = keys[-1].id
        self._payload = {key.id: AESGCM(_derive(key.secret, b"dispatcher payload v1")) for key in keys}
        self._identity = _derive(keys[0].secret, b"dispatcher identity v1")

    def encrypt(self, plain: bytes, context: str) -> bytes:
        """Format byte, nonce, ciphertext and tag: 29 bytes more than ``plain``."""
        nonce = secrets.token_bytes(_NONCE)
        return _FORMAT + nonce + self._payload[self.key_id].encrypt(nonce, plain, _bound(context))

    def decrypt(self, sealed: bytes, context: str, key_id: str) -> bytes:
        """Raises :class:`KeyringError`: ``unknown-key`` or ``payload-changed``."""
        cipher = self._payload.get(key_id)
        if cipher is None:
            raise KeyringError(
                f"La clé maîtresse « {key_id} » n'est pas dans le fichier des clés : contenu illisible.",
                hint="Remettre la ligne de cette clé depuis la sauvegarde du fichier « master.key ».",
                code="unknown-key",
            )
        try:
            if sealed[:1] != _FORMAT or len(sealed) < 1 + _NONCE + _TAG:
                raise InvalidTag
            return cipher.decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], _bound(context))
        except InvalidTag as error:
            raise KeyringError(
                "Contenu chiffré altéré, déplacé d'une ligne à une autre, ou écrit avec une autre clé de même nom.",
                hint="Vérifier que base et « master.key » viennent de la même sauvegarde.",
                code="payload-changed",
            ) from error

    def hash(self, text: str) -> str:
        """Keyed by the oldest key, so that it stays the same when newer ones come."""
        return hmac.new(self._identity, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose).derive(secret)


def _bound(context: str) -> bytes:
    return _FORMAT + context.encode("utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterKey:
    """The keys of one file, oldest first."""

    path: Path
    keys: tuple[NamedKey, ...] = field(repr=False)

    @classmethod
    def load(cls, path: Path) -> MasterKey:
        """Read the file. Raises :class:`KeyringError`: missing, too widely readable, line so-and-so wrong."""
        try:
            text = read_secret(path).decode("ascii", "replace")
        except KeyringError as error:
            if error.code == "key-file-missing":
                error.hint = "Remettre la clé depuis sa sauvegarde : sans elle, ce que la base garde est illisible."
            raise
        keys: list[NamedKey] = []
        for number, line in enumerate(text.splitlines(), 1):
            bare = line.partition("#")[0].split()
            if bare:
                keys.append(_parse(bare, path, number))
        if not keys or len({key.id for key in keys}) < len(keys):
            raise KeyringError(
                f"« {path} » : aucune clé, ou deux clés du même nom.",
                hint="Restaurer le fichier depuis sa sauvegarde.",
                code="master-key",
            )
        return cls(path=path, keys=tuple(keys))

    @classmethod
    def create(cls, path: Path) -> MasterKey:
        """Write a new file with one key, mode 0600. Raises :class:`KeyringError` when it exists."""
        key = _fresh()
        write_new(path, (_HEAD + _line(key)).encode("utf-8"))
        return cls(path=path, keys=(key,))

    def rotate(self) -> MasterKey:
        """Add a key, which encrypts from now on; the file is replaced as a whole, flushed to disk."""
        key = _fresh()
        text = read_secret(self.path).decode("utf-8", "surrogateescape")
        text += ("" if text.endswith("\n") else "\n") + _line(key)
        temporary = self.path.with_name(f"{self.path.name}.new")
        write_new(temporary, text.encode("utf-8", "surrogateescape"))
        try:
            temporary.replace(self.path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise unwritable(self.path, error) from error
        return MasterKey(path=self.path, keys=(*self.keys, key))

    def cipher(self) -> AesGcmCipher:
        """The cipher over all keys."""
        return AesGcmCipher(self.keys)


def _parse(words: list[str], path: Path, number: int) -> NamedKey:
    try:
        secret = base64.b64decode(words[-1], validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    derived = _derived_id(secret)
    name = words[0] if len(words) == 2 else derived
    damaged = _DERIVED_ID.fullmatch(name) and name != derived
    if len(words) > 2 or len(secret) != 32 or not _ID.fullmatch(name) or damaged:
        raise KeyringError(
            f"« {path} », ligne {number} : clé abîmée ou mal formée (attendu : un nom, un blanc, 32 octets en base64).",
            hint="Restaurer le fichier depuis sa sauvegarde ; ne pas le modifier à la main.",
            code="master-key",
        )
    return NamedKey(id=name, secret=secret)


def _fresh() -> NamedKey:
    secret = secrets.token_bytes(32)
    return NamedKey(id=_derived_id(secret), secret=secret)


def _derived_id(secret: bytes) -> str:
    """``k-`` and 8 hex digits of a hash: tells keys apart, tells nothing about them."""
    return f"k-{hashlib.sha256(b'dispatcher key id' + secret).hexdigest()[:8]}"


def _line(key: NamedKey) -> str:
    return f"{key.id} {base64.b64encode(key.secret).decode('ascii')}\n"
