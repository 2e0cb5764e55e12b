"""A forgiving reader of mails: any bytes in, a tree of parts out, never an exception.

Notices are written by old and odd programs: boundaries that do not fit, header blocks without the blank line, misspelt
header names (``Content-Transfert-Encoding`` in an example of the ANS guide). The standard library's parser moves such
content where nobody looks for it; this one keeps every part's own raw text, so that fields can be looked for anywhere.
Follows RFC 5322 §2.2, RFC 2045-2047 and RFC 2046 §5.1 as far as the sender did.
"""

from __future__ import annotations

import base64
import codecs
import html
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

MAX_DEPTH = 8
"""Multiparts inside one another; deeper ones are kept as plain bodies."""
MAX_PARTS = 100
TEXT_MAX = 500_000
"""Characters of one part that are looked at."""

_HEADER = re.compile(rb"([!-9;-~]{1,76})[ \t]*:[ \t]*(.*)")
_ENCODED_WORD = re.compile(r"=\?([^?\s]+)\?([bBqQ])\?([^?]*)\?=")
_PARAMETER = re.compile(r";\s*([\w*-]+)\s*=\s*(\"(?:[^\"\\]|\\.)*\"?|[^;\s]+)")
_BLANK_START = re.compile(rb"\A(?:[ \t]*\n)+")
_CONTENT_LINE = re.compile(rb"(?i)content-[a-z-]+[ \t]*:")
_TAG = re.compile(r"</?[a-zA-Z!][^<>\s@]*(?:\s[^<>]*)?>")
_INVISIBLE = re.compile(r"(?i)<(style|script|title)\b")
_BREAK = re.compile(r"(?i)<(?:br|/p|/div|/tr|/li|/h\d|/table|hr)\b[^>]*>")

_OWN_HEADER = re.compile(rb"(?i)\A(?:content-[^\n]*\n(?:[ \t][^\n]*\n)*)+")
_TRACE = frozenset({"received", "message-id", "return-path"})
_MESSAGE_ONLY = _TRACE | {"from", "to"}
"""Header fields of a mail, never of a part (RFC 2045 §3: a part's own fields begin with ``Content-``)."""

_NOT_CHARSETS = frozenset(
    {"us-ascii", "unicode_escape", "unicode-escape", "raw_unicode_escape", "raw-unicode-escape", "punycode", "idna"}
)
"""Codecs of Python that no mail means (``us-ascii`` mails do hold 8-bit bytes: guess)."""

EMBEDDED = frozenset(
    {
        "message/rfc822",
        "message/global",
        "message/news",
        "message/partial",
        "message/rfc822-headers",
        "message/global-headers",
        "text/rfc822-headers",
        "text/rfc822-header",
        "text/rfc822",
    }
)
"""Types that carry another mail, or its header (RFC 6522 §3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One entity. ``headers`` have lower-case names and decoded values; ``raw`` is header and body as found."""

    headers: tuple[tuple[str, str], ...]
    raw: bytes = field(repr=False)
    body: bytes = field(repr=False)
    """Without its header, transfer encoding still on."""
    media_type: str
    """Lower case; ``text/plain`` when none is declared."""
    params: dict[str, str]
    parts: tuple[Part, ...] = ()
    """Of a multipart, in order."""
    inner: bool = False
    """Part of a multipart."""

    def get(self, name: str) -> str:
        """First value of that header, or empty."""
        return next((value for known, value in self.headers if known == name), "")

    def all(self, name: str) -> tuple[str, ...]:
        """All values of that header."""
        return tuple(value for known, value in self.headers if known == name)

    def written(self, name: str) -> tuple[str, ...]:
        """All values of that header as they were written, encoded words still on."""
        return tuple(to_text(value) for known, value in _fields(self.raw)[0] if known == name)

    def content(self) -> bytes:
        """Body with the transfer encoding undone as far as it can be."""
        return _undo_encoding(self.body, _transfer_encoding(self.headers))

    def text(self) -> str:
        """Body as text; HTML without its tags."""
        text = to_text(self.content(), self.params.get("charset", ""))[:TEXT_MAX]
        return strip_html(text) if self.media_type == "text/html" else text

    def whole_text(self) -> str:
        """Header lines and body as one text, for fields that stand where the header should be."""
        head = self.raw[: len(self.raw) - len(self.body)] if self.body else self.raw
        return to_text(head) + "\n" + self.text()

    def embedded(self) -> Part | None:
        """The mail (or header) this part carries, or None."""
        if self.inner and not self.get("content-type") and any(name in _TRACE for name, _ in self.headers):
            return parse(self.raw)  # a mail put there as it is, without the header of a part
        if self.media_type not in EMBEDDED and not self.params.get("name", "").lower().endswith(".eml"):
            return None
        inner = parse(self.content())
        if _is_mail(self) and not _is_mail(inner):  # the blank line before the embedded mail was lost
            return parse(_OWN_HEADER.sub(b"", self.raw, count=1))
        return inner

    def leaves(self) -> Iterator[Part]:
        """Parts that hold no parts, in order, embedded mails as one leaf each."""
        if not self.parts:
            yield self
        for part in self.parts:
            yield from part.leaves()


def _is_mail(part: Part) -> bool:
    return any(name in _MESSAGE_ONLY for name, _ in part.headers)


def to_text(data: bytes, charset: str = "") -> str:
    """Bytes to text: as declared, else UTF-8, else Windows-1252; never fails."""
    for name in (charset.strip("\"' ").lower(), "utf-8"):
        if name and name not in _NOT_CHARSETS:
            try:
                return data.decode(name)
            except (LookupError, UnicodeError, ValueError):
                continue
    return data.decode("cp1252", errors="replace")


def strip_html(text: str) -> str:
    """Text of an HTML page, one line per block; addresses in angle brackets stay."""
    without = _TAG.sub("", _BREAK.sub("\n", _drop_invisible(text)))
    return html.unescape(without).replace("\xa0", " ")


def _drop_invisible(text: str) -> str:
    kept: list[str] = []
    position = 0
    while opening := _INVISIBLE.search(text, position):
        closing = text.lower().find(f"</{opening[1].lower()}", opening.end())
        if closing < 0 or len(kept) > MAX_PARTS:
            break
        kept.append(text[position : opening.start()])
        position = closing
    return "".join(kept) + text[position:]


def decode_words(value: str) -> str:
    """Undo RFC 2047 encoded words."""

    def one(match: re.Match[str]) -> str:
        charset, how, payload = match.groups()
        raw = payload.encode("ascii", errors="replace")
        data = _lenient_base64(raw) if how in "bB" else quopri.decodestring(raw.replace(b"_", b" "))
        return to_text(data, charset.partition("*")[0])

    return _ENCODED_WORD.sub(one, re.sub(r"(\?=)\s+(=\?)", r"\1\2", value))


def parse(data: bytes, depth: int = 0) -> Part:
    """Read a mail, or one entity of it."""
    if depth == 0:
        data = _utf8(data)
        data = re.sub(rb"\r+\n|\r", b"\n", data) if b"\r" in data else data
        data = _BLANK_START.sub(b"", data)
        if data.startswith((b"From ", b">From ")):  # mbox separator line
            data = data.partition(b"\n")[2]
    headers, body = _split_header(data)
    media_type, params = _content_type(headers)
    parts: tuple[Part, ...] = ()
    if depth < MAX_DEPTH:
        parts = tuple(parse(piece, depth + 1) for piece in _pieces(body, media_type, params, headers))
    return Part(
        headers=headers, raw=data, body=body, media_type=media_type, params=params, parts=parts, inner=depth > 0
    )


def _utf8(data: bytes) -> bytes:
    """Without a byte order mark; a mail that somebody saved as « Unicode » (UTF-16) is taken back to UTF-8."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace").encode("utf-8", errors="replace")
    return data.removeprefix(codecs.BOM_UTF8)


def _split_header(data: bytes) -> tuple[tuple[tuple[str, str], ...], bytes]:
    found, body = _fields(data)
    return tuple((name, decode_words(to_text(value))) for name, value in found), body


def _fields(data: bytes) -> tuple[list[tuple[str, bytes]], bytes]:
    found: list[tuple[str, bytes]] = []
    position = 0
    while position < len(data):
        end = data.find(b"\n", position)
        end = len(data) if end < 0 else end
        line = data[position:end]
        if not line.strip():
            position = end + 1
            break
        if line[:1] in (b" ", b"\t") and found:
            found[-1] = (found[-1][0], found[-1][1] + b" " + line.strip())
        elif match := _HEADER.fullmatch(line):
            found.append((match[1].decode("ascii").lower(), match[2].strip()))
        else:
            break  # no blank line before the body
        position = end + 1
    return found, data[position:]


def _content_type(headers: tuple[tuple[str, str], ...]) -> tuple[str, dict[str, str]]:
    value = next((value for name, value in headers if name == "content-type"), "")
    media_type = value.partition(";")[0].strip().lower()
    params = {
        name.lower().rstrip("*"): given.strip('"').replace('\\"', '"')
        for name, given in _PARAMETER.findall(";" + value)
    }
    params.pop(media_type, None)
    return (media_type if re.fullmatch(r"[\w.+-]+/[\w.+-]+", media_type) else "text/plain"), params


def _pieces(
    body: bytes, media_type: str, params: dict[str, str], headers: tuple[tuple[str, str], ...]
) -> tuple[bytes, ...]:
    declared = media_type.startswith("multipart/")
    boundary = params.get("boundary", "").encode("utf-8", errors="replace")
    if declared and boundary and (pieces := _cut(body, boundary)):
        return pieces[1:]
    first_line = body.lstrip(b"\n").partition(b"\n")[0]
    untyped = not any(name == "content-type" for name, _ in headers) and first_line.startswith(b"--")
    if declared or untyped:
        guessed = _guess_boundary(body)
        if guessed:
            return tuple(piece for piece in _cut(body, guessed) if piece.strip())
    return ()


def _guess_boundary(body: bytes) -> bytes:
    """The first ``--something`` line that is followed by a ``Content-…:`` line."""
    lines = body.split(b"\n")
    for line, following in pairwise(lines):
        if line.startswith(b"--") and line[2:].strip() and _CONTENT_LINE.match(following):
            return line[2:].strip()
    return b""


def _cut(body: bytes, boundary: bytes) -> tuple[bytes, ...]:
    # A long dash in place of the two closing hyphens is what word processors make of them (seen in an ANS example).
    mark = re.compile(rb"^--" + re.escape(boundary.rstrip()) + rb"(?:--|\xe2\x80\x94|\x97)?[ \t]*$", re.MULTILINE)
    pieces = mark.split(body, MAX_PARTS)
    if len(pieces) == 1:
        return ()
    ended = re.search(rb"^--" + re.escape(boundary.rstrip()) + rb"--[ \t]*$", body, re.MULTILINE)
    if ended and len(pieces) > 2 and not pieces[-1].strip():
        pieces = pieces[:-1]
    return tuple(piece.removeprefix(b"\n") for piece in pieces)


def _transfer_encoding(headers: tuple[tuple[str, str], ...]) -> str:
    for name, value in headers:
        if name.startswith("content-transf"):
            return value.strip().lower()
    return ""


def _undo_encoding(body: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        return _lenient_base64(body)
    if encoding == "quoted-printable":
        return quopri.decodestring(body)
    return body


def _lenient_base64(data: bytes) -> bytes:
    clean = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
    return base64.b64decode(clean[: len(clean) - (len(clean) % 4 == 1)] + b"=" * (-len(clean) % 4))
