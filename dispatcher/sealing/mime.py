"""MIME building blocks as bytes: header fields, encoded words, quoted-printable, base64, multiparts.

Own assembly because every byte that is signed must be known, and because the library's serialisation costs most of a
mail's making (tests/benchmarks/test_sealing_rates.py). Rules followed: RFC 5322 §2.2 and §3.2
(fields, folding), RFC 2045 §6.7 and §6.8 (quoted-printable, base64), RFC 2046 §5.1 (multiparts), RFC 2047 (encoded
words), RFC 2183 and RFC 2231 §4 (file names).

A field value that holds a control character raises :class:`dispatcher.errors.SealError` (code ``control-character``):
nothing read from a file can add a header field.
"""

from __future__ import annotations

import base64
import hashlib
import re
from urllib.parse import quote

from dispatcher.errors import SealError
from dispatcher.report.folding import unaccented
from dispatcher.routing.domain_names import domain_key

CRLF = b"\r\n"
LINE = 76
"""Characters of a line we write, CRLF left out (RFC 2045 §6.8; RFC 5322 §2.1.1 recommends 78, forbids over 998)."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOT_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_HOST = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(?:\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*")
_PLAIN_TEXT = re.compile(r"[!-~]{1,60}(?: [!-~]{1,60})*")
_MESSAGE_ID = re.compile(r"<[!-;=?A-Z\[-~]{1,120}@[A-Za-z0-9.\[\]:-]{1,120}>")
_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,59}")
_MEDIA_TYPE = re.compile(r"([a-z]+)/[a-z0-9][a-z0-9.+_-]{0,79}(; ?charset=\"?[A-Za-z0-9_-]{1,30}\"?)?", re.IGNORECASE)
_UNSAFE = re.compile(rb"[^\t -<>-~]")
"""Bytes that quoted-printable must write as ``=XX`` (RFC 2045 §6.7 rule 1)."""
_HEX = [f"={byte:02X}".encode() for byte in range(256)]
_ENCODED_WORD_BYTES = 39
"""Bytes of UTF-8 in one encoded word: 52 characters of base64 and 12 of frame, so that the word fits behind
``Subject: `` on a line of 76 (RFC 2047 §2)."""


def checked(what: str, value: str) -> str:
    """``value`` when it holds no control character and is valid Unicode. Raises :class:`SealError`."""
    found = _CONTROL.search(value)
    if found:
        raise SealError(
            f"En-tête « {what} » : caractère de contrôle U+{ord(found[0]):04X}, interdit.",
            hint="Corriger la valeur dans le fichier source, l'annuaire ou la configuration.",
            code="control-character",
        )
    return value


def fold(name: str, words: list[str]) -> bytes:
    """``Name: word word…`` folded before the word that would pass 76 characters (RFC 5322 §2.2.3)."""
    lines, line = [], f"{name}:"
    for word in words:
        if len(line) + 1 + len(word) > LINE and line != f"{name}:":
            lines.append(line)
            line = ""
        line += f" {word}"
    lines.append(line)
    return "\r\n".join(lines).encode("ascii")


def _encoded_words(text: str) -> list[str]:
    """RFC 2047 words, cut before a space where there is one, never inside a character (§5)."""
    words, start = [], 0
    while start < len(text):
        end, size = start, 0
        while end < len(text) and size + len(text[end].encode()) <= _ENCODED_WORD_BYTES:
            size += len(text[end].encode())
            end += 1
        space = text.rfind(" ", start + 1, end) if end < len(text) else -1
        end = space if space > 0 else end
        words.append(text[start:end])
        start = end
    return [f"=?utf-8?B?{base64.b64encode(word.encode()).decode()}?=" for word in words]


def text_words(what: str, text: str) -> list[str]:
    """Words of an unstructured field (Subject). Plain ASCII stays as it is, the rest becomes encoded words."""
    checked(what, text)
    if not text:
        return []
    if _PLAIN_TEXT.fullmatch(text) and "=?" not in text:
        return text.split(" ")
    return _encoded_words(text)


def address(what: str, value: str) -> str:
    """A mail address as RFC 5321 takes it without SMTPUTF8: ASCII local part, IDNA domain.

    Raises :class:`SealError`, code ``address``. The address is not quoted there: a patient's address is the INS.
    """
    local, _, domain = checked(what, value).rpartition("@")
    ascii_domain = domain if domain.isascii() else domain_key(domain) or ""
    good = _DOT_ATOM.fullmatch(local) and _HOST.fullmatch(ascii_domain)
    if not good or len(local) > 64 or len(ascii_domain) > 255:
        raise SealError(
            f"En-tête « {what} » : adresse de messagerie inutilisable.",
            hint="Attendu : nom@domaine, sans espace ni accent avant le « @ ». La corriger dans la table des "
            "destinataires ou la configuration.",
            code="address",
        )
    return f"{local}@{ascii_domain}"


def mailbox_words(what: str, label: str, value: str) -> list[str]:
    """``Label <address>`` (RFC 5322 §3.4); the label is quoted or encoded as needed."""
    bare = address(what, value)
    checked(what, label)
    if not label:
        return [bare]
    if _ATOM.fullmatch(label) and _PLAIN_TEXT.fullmatch(label) and "=?" not in label:
        words = label.split(" ")
    elif _PLAIN_TEXT.fullmatch(label) and "=?" not in label:
        quoted = label.replace("\\", "\\\\").replace('"', '\\"')
        words = f'"{quoted}"'.split(" ")
    else:
        words = _encoded_words(label)
    return [*words, f"<{bare}>"]


def message_ids(what: str, *values: str) -> list[str]:
    """Message identifiers with angle brackets (RFC 5322 §3.6.4). Raises :class:`SealError`, code ``message-id``."""
    for value in values:
        if not _MESSAGE_ID.fullmatch(checked(what, value)):
            raise SealError(
                f"En-tête « {what} » : identifiant de message mal formé.",
                hint="Attendu : <identifiant@domaine>, sans espace.",
                code="message-id",
            )
    return list(values)


def field_name(name: str) -> str:
    """A header field name we let through. Raises :class:`SealError`, code ``header-name``."""
    if not _FIELD_NAME.fullmatch(name):
        raise SealError(
            "Nom d'en-tête refusé : lettres, chiffres et tirets seulement, 60 caractères au plus.",
            hint="Corriger la configuration du canal.",
            code="header-name",
        )
    return name


def quoted_printable(data: bytes) -> bytes:
    """RFC 2045 §6.7, for text with CRLF line ends; also guards ``From `` and ``.`` at the start of a line."""
    out = []
    for raw in data.split(CRLF):
        line = _UNSAFE.sub(lambda match: _HEX[match[0][0]], raw)
        if line[-1:] in (b" ", b"\t"):
            line = line[:-1] + _HEX[line[-1]]
        while True:
            if line.startswith((b"From ", b".")):
                line = _HEX[line[0]] + line[1:]
            if len(line) <= LINE:
                break
            cut = LINE - 1
            escape = line.rfind(b"=", cut - 2, cut)
            if escape >= 0:
                cut = escape
            out.append(line[:cut] + b"=")
            line = line[cut:]
        out.append(line)
    return CRLF.join(out)


def base64_lines(data: bytes) -> bytes:
    """Base64 in lines of 76 characters, each with its CRLF (RFC 2045 §6.8)."""
    whole = base64.b64encode(data)
    return CRLF.join([whole[at : at + LINE] for at in range(0, len(whole), LINE)]) + CRLF


def text_entity(text: str, charset: str, extra: str = "") -> tuple[list[bytes], bytes]:
    """Header fields and body of a ``text/plain`` part. ``extra``: more Content-Type parameters.

    Raises :class:`SealError`, code ``charset`` with the line number, when a character does not exist in ``charset``.
    """
    if "\0" in text:
        raise SealError(
            "Corps du message : caractère nul (U+0000).", hint="Corriger le fichier source.", code="control-character"
        )
    lines = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
    try:
        data = CRLF.join(line.encode(charset) for line in lines) + CRLF
    except UnicodeEncodeError as error:
        number = next(n for n, line in enumerate(lines, 1) if not _encodes(line, charset))
        raise SealError(
            f"Corps du message, ligne {number} : caractère U+{ord(error.object[error.start]):04X} "
            f"absent du jeu {charset.upper()}.",
            hint="Choisir un autre format pour ce destinataire, ou corriger le fichier source.",
            code="charset",
        ) from error
    body = quoted_printable(data)
    encoding = b"7bit" if body == data else b"quoted-printable"
    kind = f"text/plain; charset={charset}{extra}"
    return [b"Content-Type: " + kind.encode("ascii"), b"Content-Transfer-Encoding: " + encoding], body


def _encodes(line: str, charset: str) -> bool:
    try:
        line.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


def attachment_entity(media_type: str, name: str, content: bytes) -> bytes:
    """A whole attachment part, base64.

    An accented name stands once, as RFC 2231 ``filename*``; its ASCII form stands in the ``name`` of Content-Type, for
    readers older than RFC 2231. (The same parameter twice is undefined in mail: readers differ on which one counts.)
    """
    matched = _MEDIA_TYPE.fullmatch(media_type)
    if not matched or matched[1].lower() in {"message", "multipart"}:
        raise SealError(
            "Pièce jointe : type de contenu refusé (attendu : type/sous-type, ni message ni multipart).",
            hint="Corriger le type de la pièce dans la source.",
            code="media-type",
        )
    checked("Content-Disposition", name)
    if not name or len(name.encode()) > 180 or set(name) & set('/\\"') or name.strip(". ") == "":
        raise SealError(
            "Pièce jointe : nom de fichier absent, trop long (180 octets au plus) ou contenant / \\ ou un guillemet.",
            hint="Corriger le nom de la pièce dans la source.",
            code="file-name",
        )
    plain = ascii_name(name)
    simple = name == plain and "=?" not in name
    shown = f'filename="{name}"' if simple else f"filename*=utf-8''{quote(name, safe='')}"
    return CRLF.join(
        [
            f'Content-Type: {media_type};\r\n name="{plain}"'.encode("ascii"),
            b"Content-Transfer-Encoding: base64",
            f"Content-Disposition: attachment;\r\n {shown}".encode("ascii"),
            b"",
            base64_lines(content),
        ]
    )


def ascii_name(name: str) -> str:
    """The same name in plain ASCII: accents dropped, anything else outside becomes ``_``."""
    bare = unaccented(name.replace("œ", "oe").replace("Œ", "OE").replace("’", "'"))
    return re.sub(r'[^ -~]|[\\"/]', "_", bare).replace("=?", "__")


def boundary(seed: str, level: str) -> str:
    """A boundary that depends on the message only; ``=_`` occurs in neither of our transfer encodings."""
    return "=_" + hashlib.sha256(f"{level} {seed}".encode()).hexdigest()[:32]


def multipart(mark: str, parts: list[bytes]) -> bytes:
    """The body of a multipart: each part is kept to the byte (RFC 2046 §5.1.1)."""
    edge = b"--" + mark.encode("ascii")
    return b"".join(edge + CRLF + part + CRLF for part in parts) + edge + b"--" + CRLF
