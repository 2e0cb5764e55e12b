"""The cheap check every rendered PDF passes before it is sealed. Bytes in, names of what is wrong out.

Looks at: header and end, every offset of the cross-reference table, the page tree, the PDF/A claim in the metadata,
fonts embedded, one title in both places, nothing that PDF/A-1 forbids (encryption, scripts, object streams,
transparency). ISO 19005-1 §6.1-6.7. It does not replace a validator: tests run one (widths of glyphs are its business).
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from dispatcher.formats.pdf.received import literal

_ENTRY = re.compile(rb"(\d{10}) (\d{5}) ([nf])(?: \r| \n|\r\n|\n)")
_OBJECT = re.compile(rb"(\d+)\s+(\d+)\s+obj\b")
_TRANSPARENT = re.compile(
    rb"/SMask(?!\s*/None)[\s/]|/(?:CA|ca)\s+(?!1(?:\.0*)?[\s/>])|/S\s*/Transparency\b|/BM\s*/(?!Normal|Compatible)"
)
_START = re.compile(rb"startxref\s+(\d+)\s+%%EOF\s*\Z")
_FONT = re.compile(rb"/Type\s*/Font(?![A-Za-z])")
_BARE = re.compile(rb"/Subtype\s*/(?:Type1|MMType1|TrueType|CIDFontType[02])(?![A-Za-z0-9])")
_TITLE = re.compile(rb"<dc:title>.*?<rdf:li[^>]*>(.*?)</rdf:li>", re.DOTALL)
_FORBIDDEN = (b"/Encrypt", b"/JavaScript", b"/OpenAction", b"/ObjStm", b"/EmbeddedFiles", b"/LZWDecode")


@dataclass(frozen=True, slots=True)
class Checked:
    """What the check saw. ``faults`` are short English names for the log; none means good."""

    pages: int
    faults: tuple[str, ...]


def objects_at(data: bytes) -> tuple[dict[int, bytes], list[str]]:
    """Dictionary part of every object the classic cross-reference table names, and the faults of that table."""
    found: dict[int, bytes] = {}
    faults: list[str] = []
    start = _START.search(data, max(data.rfind(b"startxref"), 0))
    if not start:
        return found, ["no-startxref"]
    at = int(start[1])
    head = re.compile(rb"xref\s+").match(data, at)
    if not head:
        return found, ["no-xref-table"]
    at = head.end()
    section = re.compile(rb"(\d+) (\d+)\s+")
    while part := section.match(data, at):
        first, count = int(part[1]), int(part[2])
        at = part.end()
        for number in range(first, first + count):
            entry = _ENTRY.match(data, at)
            if not entry:
                return found, [*faults, "xref-entry"]
            at = entry.end()
            if entry[3] == b"n":
                target = _OBJECT.match(data, int(entry[1]))
                if not target or int(target[1]) != number:
                    faults.append("xref-offset")
                    continue
                found[number] = _dictionary(data, target.end())
    return found, faults


def _dictionary(data: bytes, start: int) -> bytes:
    """From the object's start to its stream or end, whichever comes first."""
    end = data.find(b"endobj", start)
    stream = data.find(b"stream", start, end if end >= 0 else len(data))
    return data[start : stream if stream >= 0 else end]


def check(data: bytes, level: str) -> Checked:
    """``level`` is ``a-1a`` or ``a-1b``."""
    faults: list[str] = []
    if not data.startswith(b"%PDF-1.4"):
        faults.append("header")
    if not data.rstrip().endswith(b"%%EOF"):
        faults.append("end")
    objects, table_faults = objects_at(data)
    faults += table_faults
    bodies = list(objects.values())
    paged = [body for body in bodies if b"/Page" in body]
    pages = sum(1 for body in paged if re.search(rb"/Type\s*/Page\b", body))
    counts = [
        int(m[1]) for b in paged if re.search(rb"/Type\s*/Pages\b", b) and (m := re.search(rb"/Count\s+(\d+)", b))
    ]
    if pages < 1 or pages != max(counts, default=0):
        faults.append("page-tree")
    part, conformance = level[2:3], level[3:4].upper()
    for name, value in (("part", part), ("conformance", conformance)):
        claim = rf"pdfaid:{name}(?:>|=\")\s*{value}\b".encode()
        if not re.search(claim, data):
            faults.append(f"pdfa-{name}")
    if any(map(_not_embedded, (body for body in bodies if b"/Font" in body))):
        faults.append("font-not-embedded")
    whole = b"\n".join(bodies)
    if _TRANSPARENT.search(whole):
        faults.append("transparency")
    faults += [f"forbidden {name.decode()}" for name in _FORBIDDEN if name in whole]
    if b"/GTS_PDFA1" not in whole:
        faults.append("output-intent")
    if not _same_title(data, objects):
        faults.append("title")
    if b"/Encrypt" in data[-2048:]:
        faults.append("forbidden /Encrypt")
    return Checked(pages, tuple(dict.fromkeys(faults)))


def _not_embedded(body: bytes) -> bool:
    """A font without its descriptor, or a descriptor without the font."""
    if re.search(rb"/Type\s*/FontDescriptor\b", body):
        return not re.search(rb"/FontFile[23]?\s", body)
    return bool(_FONT.search(body) and _BARE.search(body) and b"/FontDescriptor" not in body)


def _same_title(data: bytes, objects: dict[int, bytes]) -> bool:
    """The title of the information dictionary, when there is one, is that of the metadata (ISO 19005-1 §6.7.3)."""
    place = re.search(rb"/Info\s+(\d+)\s+\d+\s+R", data[-2048:])
    told = _literal(objects.get(int(place[1]), b"")) if place else None
    if told is None:
        return True
    known = _TITLE.search(data)
    return known is not None and html.unescape(known[1].decode("utf-8", "replace")) == _text(told)


def _literal(info: bytes) -> bytes | None:
    found = re.search(rb"/Title\s*(?=[<(])", info)
    return literal(info, found.end()) if found else None


def _text(string: bytes) -> str:
    """A text string: UTF-16 with its mark, else PDFDocEncoding, which is Latin-1 for what is printed."""
    return string[2:].decode("utf-16-be", "replace") if string.startswith(b"\xfe\xff") else string.decode("latin-1")
