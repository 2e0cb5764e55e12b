"""Documents carried inside a result or lying beside it: what they are, and whether they are whole."""

from __future__ import annotations

import base64
import binascii
import re

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "application/pdf"),
    (b"{\\rtf", "application/rtf"),
    (b"\x89PNG\r\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"GIF8", "image/gif"),
    (b"PK\x03\x04", "application/zip"),
)
_DECLARED = {
    "PDF": "application/pdf",
    "RTF": "application/rtf",
    "PNG": "image/png",
    "JPG": "image/jpeg",
    "JPEG": "image/jpeg",
    "TIF": "image/tiff",
    "TIFF": "image/tiff",
    "GIF": "image/gif",
    "TXT": "text/plain",
    "TEXT": "text/plain",
    "PLAIN": "text/plain",
    "HTML": "text/html",
    "HTM": "text/html",
    "XML": "text/xml",
    "CDA": "text/xml",
    "X-HL7-CDA-LEVEL-ONE": "text/xml",
    "X-HL7-CDA-LEVEL-THREE": "text/xml",
    "ZIP": "application/zip",
    "XDM": "application/zip",
}
_XML = re.compile(rb"^(?:\xef\xbb\xbf)?\s*<(?:\?xml|(?:[\w.-]+:)?ClinicalDocument\b)")
_HTML = re.compile(rb"^\s*<(?:!doctype\s+html|html)\b", re.IGNORECASE)
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]")
_BLANKS = re.compile(r"\s+")
EXTENSIONS = {
    "application/pdf": "pdf",
    "application/rtf": "rtf",
    "text/plain": "txt",
    "text/xml": "xml",
    "text/html": "html",
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/tiff": "tif",
    "image/gif": "gif",
    "application/zip": "zip",
}


def media_type(content: bytes, *declared: str) -> str:
    """What the bytes are; where they do not say, what the file declares (``PDF``, ``TXT``); else octets."""
    head = content[:512].lstrip(b" \t\r\n\x00")
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if _XML.match(content[:512]):
        return "text/xml"
    if _HTML.match(content[:512]):
        return "text/html"
    for word in declared:
        if named := _DECLARED.get(word.strip().upper().lstrip(".")):
            return named
    return "application/octet-stream"


def damage(content: bytes, kind: str) -> str:
    """Why a document cannot be opened, in French; empty when nothing shows."""
    if not content:
        return "document vide"
    if kind == "application/pdf":
        if not content[:1024].lstrip(b" \t\r\n\x00").startswith(b"%PDF-"):
            return "annoncé comme PDF mais ne commence pas par %PDF-"
        if b"%%EOF" not in content[-2048:]:
            return "PDF incomplet : la marque de fin %%EOF manque"
    return ""


def from_base64(text: str) -> bytes | None:
    """Base64 as people write it: blanks and line breaks anywhere, URL-safe letters, padding lost. None when damaged."""
    bare = _BLANKS.sub("", text).replace("-", "+").replace("_", "/").rstrip("=")
    if not bare or _NOT_BASE64.search(bare) or len(bare) % 4 == 1:
        return None
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def from_hex(text: str) -> bytes | None:
    """Hexadecimal digits with blanks anywhere. None when damaged."""
    try:
        return bytes.fromhex(_BLANKS.sub("", text)) or None
    except ValueError:
        return None
