"""From bytes to text: which character set, and what had to be guessed. Shared by every reader of text files.

Order of trust: the operator's override, a byte order mark, the shape of UTF-16, what the file declares, strict UTF-8,
else Windows-1252 (which holds all of ISO 8859-1 that is printed). Declared names follow HL7 table 0211 and what
laboratories write instead (shared notes "HL7 v2" §1, "HPRIM" §1.6). Nothing here raises; nothing is lost silently.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from dispatcher.report.model import Problem, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """The text without byte order mark, line ends untouched; ``encoding`` is Python's name of the codec used."""

    text: str
    encoding: str
    problems: tuple[Problem, ...] = ()


_DECLARED = {
    "ASCII": "iso8859-1",
    "USASCII": "iso8859-1",
    "UNICODEUTF8": "utf-8",
    "UTF8": "utf-8",
    "UNICODE": "utf-8",
    "UNICODEUTF16": "utf-16",
    "UTF16": "utf-16",
    "LATIN1": "iso8859-1",
    "LATIN9": "iso8859-15",
    "ANSI": "cp1252",
    "WINDOWS1252": "cp1252",
    "CP1252": "cp1252",
    "IBM850": "cp850",
    "CP850": "cp850",
    "MACROMAN": "mac-roman",
    "MACINTOSH": "mac-roman",
}
_FILE_CODEC = re.compile(r"(?:iso8859|cp\d|utf-(?:8|16|32)|mac-|koi8)")
_ISO_8859 = re.compile(r"(?:ISO(?:IR)?)?8859([0-9]{1,2})")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Windows-1252 leaves five bytes without a meaning; like the web (WHATWG Encoding) we keep them as they are.
_CP1252 = {byte: bytes((byte,)).decode("cp1252", "ignore") or chr(byte) for byte in range(0x80, 0xA0)}
_NO_C1 = bytes({*range(256)} - {*range(0x80, 0xA0)})
"""Every byte but those that ISO 8859-1 leaves to control characters and Windows-1252 to letters and signs."""
_FRENCH = "àâäæçéèêëîïôöœùûüÿÀÂÄÆÇÉÈÊËÎÏÔÖŒÙÛÜŸñÑ°µ²³«»±½¼·’‘“”–—…€≤≥\xa0"


def _misread() -> dict[str, str]:
    """What a French character looks like when its UTF-8 bytes were taken for Latin-1 or Windows-1252."""
    table: dict[str, str] = {}
    for char in _FRENCH:
        latin = char.encode().decode("latin-1")
        table[latin] = char
        table[latin.translate(_CP1252)] = char
    return table


_DOUBLED = _misread()
_DOUBLED_STARTS = frozenset(text[0] for text in _DOUBLED)
_DOUBLE = re.compile("|".join(re.escape(text) for text in sorted(_DOUBLED, key=len, reverse=True)))
# Accented letters of DOS (CP850) and old Macs between letters, as Windows-1252 shows them: "H‚lŠne", "HŽl\x8fne".
_FOREIGN = re.compile("[A-Za-z][‚ˆ‡Ž\x8f\x90][a-z]")
_NUL_INSIDE = re.compile("(?<=[^\0\r\n\x0b\x1c\x1a])\0")
_SINGLE_BYTE = ("iso8859", "cp1252")
_WIDE = ("utf-16", "utf-32")


def charset_name(declared: str) -> str | None:
    """Python's codec for a declared name (``8859/15``, ``UNICODE UTF-8``, ``ISO-8859-1``); None when unknown."""
    bare = re.sub(r"[^A-Z0-9]", "", declared.upper())
    if bare in _DECLARED:
        return _DECLARED[bare]
    iso = _ISO_8859.fullmatch(bare)
    try:
        name = codecs.lookup(f"iso8859-{iso[1]}" if iso else declared.strip()).name if bare else ""
    except (LookupError, ValueError):
        return None
    # Python also knows codecs that are no character sets of files (hex, idna, unicode_escape).
    return name if _FILE_CODEC.match(name) else None


def decode(data: bytes, *, override: str | None = None, declared: str | None = None) -> Decoded:
    """Bytes to text.

    ``override`` is the operator's choice for this source, ``declared`` what the file says of itself (a name as it
    stands there). Both are tried first and dropped, with a problem, when the bytes contradict them. UTF-8 that was
    encoded twice (``Ã©``) is repaired and told. Never raises.
    """
    problems: list[Problem] = []
    text, encoding = _decode(data, override, declared, problems)
    if not data.isascii():
        text = _undouble(text, problems)
    return Decoded(text=text.removeprefix("\ufeff"), encoding=encoding, problems=tuple(problems))


def _decode(data: bytes, override: str | None, declared: str | None, problems: list[Problem]) -> tuple[str, str]:
    if override and (got := _try_override(data, override, problems)):
        return got
    for mark, name in _MARKS:
        if data.startswith(mark):
            if (text := _strict(data[len(mark) :], name)) is not None:
                return text, name.removesuffix("-le").removesuffix("-be")
            if name != "utf-8":
                problems.append(_damaged(name))
                return data[len(mark) :].decode(name, "replace"), "utf-16"
            data = data[len(mark) :]
    if (wide := _looks_utf16(data)) and (text := _strict(data, wide)) is not None:
        return text, "utf-16"
    if declared and declared.strip() and (got := _try_declared(data, declared.strip(), problems)):
        return got
    if (text := _strict(data, "utf-8")) is not None:
        return text, "utf-8"
    text = _windows(data)
    if _has_c1(data) and _FOREIGN.search(text):
        problems.append(_foreign_accents())
    return text, "cp1252"


def damaged_bytes(text: str) -> tuple[Problem, ...]:
    """An error when a NUL stands behind other characters of its line: what it replaced is lost.

    NULs at the end of the text or before a line are padding (fixed blocks, joined files).
    """
    found = _NUL_INSIDE.search(text.rstrip("\0\x1a \t\r\n")) if "\0" in text else None
    if found is None:
        return ()
    line = len(re.findall(r"\r\n|\r|\n", text[: found.start()])) + 1
    return (
        Problem(
            code="damaged-bytes",
            severity=Severity.ERROR,
            where=f"ligne {line}",
            message="Octets endommagés : caractère nul au milieu d'une ligne, le texte qu'il remplace est perdu. "
            "Rien n'en est diffusé ; faire réexporter le fichier par le laboratoire.",
        ),
    )


def _strict(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except (UnicodeError, LookupError, ValueError):
        return None


def _windows(data: bytes) -> str:
    """Windows-1252 that accepts every byte."""
    text = data.decode("latin-1")
    return text.translate(_CP1252) if _has_c1(data) else text


def _has_c1(data: bytes) -> bool:
    return bool(data.translate(None, _NO_C1))


def _looks_utf16(data: bytes) -> str | None:
    """UTF-16 without a mark: every format starts with ASCII, so every second byte is zero there."""
    head = data[:8]
    if len(head) < 4 or b"\0" not in head:
        return None
    if not any(head[0::2]) and all(head[1::2]):
        return "utf-16-be"
    return "utf-16-le" if not any(head[1::2]) and all(head[0::2]) else None


def _try_override(data: bytes, override: str, problems: list[Problem]) -> tuple[str, str] | None:
    codec = charset_name(override)
    text = None if codec is None else _windows(data) if codec == "cp1252" else _strict(data, codec)
    if codec is not None and text is not None:
        return text, codec
    reason = "est inconnu" if codec is None else "ne convient pas aux octets de ce fichier"
    problems.append(
        Problem(
            code="encoding-override-failed",
            severity=Severity.WARNING,
            message=f"Le jeu de caractères imposé pour cette source ({override}) {reason} : il a été ignoré. "
            "Corriger le réglage de la source.",
        )
    )
    return None


def _try_declared(data: bytes, declared: str, problems: list[Problem]) -> tuple[str, str] | None:
    codec = charset_name(declared)
    if codec is None:
        problems.append(
            Problem(
                code="unknown-charset",
                severity=Severity.INFO,
                message=f"Jeu de caractères déclaré « {declared[:40]} » inconnu : il a été déduit du contenu.",
            )
        )
        return None
    if data.isascii() and not codec.startswith(_WIDE):
        return data.decode("ascii"), codec
    # Two-byte text was recognised before by its mark or its zeros: what is left here is not.
    text = None if codec.startswith(_WIDE) else _strict(data, codec)
    if text is None:
        problems.append(_contradiction(declared, "les octets du fichier ne le respectent pas"))
        return None
    if codec.startswith(_SINGLE_BYTE):
        # Any bytes are valid Latin-1, which proves nothing; accented Latin-1 text is not valid UTF-8 by chance.
        if _strict(data, "utf-8") is not None:
            problems.append(_contradiction(declared, "le fichier est écrit en UTF-8"))
            return None
        if codec == "iso8859-1" and _has_c1(data):
            return _windows(data), "cp1252"
    return text, codec


def _contradiction(declared: str, found: str) -> Problem:
    return Problem(
        code="charset-mismatch",
        severity=Severity.WARNING,
        message=f"Jeu de caractères déclaré « {declared[:40]} », mais {found} : le contenu a été suivi. "
        "Faire corriger la déclaration dans le logiciel du laboratoire.",
    )


def _foreign_accents() -> Problem:
    return Problem(
        code="doubtful-accents",
        severity=Severity.WARNING,
        message="Les accents ne sont ni en UTF-8 ni en Windows-1252 (ancien DOS ou Macintosh ?) : ils seront faux. "
        'Essayer encoding = "cp850" ou "mac-roman" pour cette source.',
    )


def _damaged(name: str) -> Problem:
    return Problem(
        code="damaged-characters",
        severity=Severity.WARNING,
        message=f"Le fichier s’annonce en {name.upper()} mais certains caractères sont illisibles.",
    )


def _undouble(text: str, problems: list[Problem]) -> str:
    if not any(start in text for start in _DOUBLED_STARTS):  # nearly every file
        return text
    repaired, count = _DOUBLE.subn(lambda found: _DOUBLED[found[0]], text)
    if count:
        problems.append(
            Problem(
                code="double-utf8",
                severity=Severity.WARNING,
                message=f"{count} caractère(s) accentué(s) encodé(s) deux fois en UTF-8 (« Ã© » pour « é ») : "
                "rétablis. Faire corriger l’export du laboratoire.",
            )
        )
    return repaired
