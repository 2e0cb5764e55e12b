"""Reads an index of PDFs (CSV, XML, JSON or lines of text) into document reports. Never raises for bad content.

There is no norm for these files: names of columns and tags, values and delimiters are those French laboratories use
(``mappings/index/``), and a source may add its own (``IndexRules``).
"""

from __future__ import annotations

import re

from dispatcher.formats.base import ReadContext, ReadResult
from dispatcher.formats.er7.documents import media_type
from dispatcher.formats.pdf_index import lines, tables, trees
from dispatcher.formats.pdf_index.records import Index, error, files_named, stem
from dispatcher.formats.pdf_index.reports import reports_of
from dispatcher.formats.pdf_index.rules import IndexRules
from dispatcher.formats.pdf_index.words import field_of
from dispatcher.formats.text import decode

FORMAT = "pdf"
NO_RULES = IndexRules()
EXTENSIONS = ("csv", "xml", "json", "txt", "idx", "ind")
"""Of an index beside its PDF, in the order they are looked for."""
COMMON = ("index", "INDEX")
"""Names of an index for a whole folder."""
_WORD = re.compile(rb"</?(?:[\w.-]+:)?([A-Za-z_][\w.-]*)|\s([A-Za-z_][\w.-]*)\s*=\s*[\"']")
_KEY = re.compile(r"\"([^\"\\]{1,60})\"\s*:")
_FOREIGN = (b"urn:hl7-org:v3", b"ClinicalDocument", b"<html", b"<HTML")


class PdfIndexReader:
    """An index and the PDFs beside it."""

    name = "pdf-index"

    def sniff(self, head: bytes) -> float:
        """Sure when enough names of its header, tags or keys are known; a guess when cells end in ``.pdf``."""
        return sure(head, NO_RULES)

    def read(self, data: bytes, context: ReadContext) -> ReadResult:
        """One report a PDF named."""
        rules = context.index or NO_RULES
        index = parse(data, rules, context.encoding)
        if not index.records and not index.problems:
            empty = error("index-empty", "", "Index sans aucune ligne : rien à envoyer. Vérifier l'export.")
            return ReadResult(format=FORMAT, encoding=index.encoding, problems=(empty,))
        if any(problem.severity == "error" for problem in index.problems):
            return ReadResult(format=FORMAT, encoding=index.encoding, problems=index.problems)
        reports = reports_of(index.records, context.file_name, context.sibling, rules)
        return ReadResult(format=FORMAT, encoding=index.encoding, reports=reports, problems=index.problems)


def sure(head: bytes, rules: IndexRules) -> float:
    """How sure it is that a file which begins with ``head`` is an index, 0..1."""
    while head[-1:] >= b"\x80" and len(head) > 4000:
        head = head[:-1]  # a character cut in two is no reason to doubt the character set
    kind = media_type(head)
    if kind == "text/xml" or (kind == "text/html" and not head.lstrip()[:5].lower().startswith((b"<html", b"<!doc"))):
        return _sure_of_names({(m[1] or m[2]).decode("latin-1") for m in _WORD.finditer(head)}, head, rules)
    if kind != "application/octet-stream" or (b"\0" in head[2:64:2] and b"\0" in head[3:64:2]):
        return 0.0
    text = decode(head).text
    if text.lstrip()[:1] == "<":
        return _sure_of_names({(m[1] or m[2]).decode("latin-1") for m in _WORD.finditer(head)}, head, rules)
    if text.lstrip()[:1] in ("{", "["):
        return _sure_of_names(set(_KEY.findall(text)), head, rules)
    line, _, _ = tables.first_line(text)
    if tables.header_of(line, rules)[1] >= tables.ENOUGH or lines.known_lines(text, rules) >= tables.ENOUGH:
        return 0.97
    if tables.names_a_pdf(line) and tables.by_position(line, rules):
        return 0.97
    return 0.4 if re.search(r"[;,|\t]", line) and tables.names_a_pdf(text) else 0.0


def _sure_of_names(names: set[str], head: bytes, rules: IndexRules) -> float:
    if any(mark in head for mark in _FOREIGN):
        return 0.0
    known = {field for name in names if (field := field_of(name, rules.own)[0])}
    known |= {"name"} if {"nom", "prenom"} <= {name.lower() for name in names} else set()
    if len(known) < tables.ENOUGH:
        return 0.0
    return 0.97 if known & {"file", "birth_date", "birth_name"} else 0.35


def parse(data: bytes, rules: IndexRules, encoding: str | None = None) -> Index:
    """The records of an index, whatever its shape."""
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        return trees.read_xml(data, rules)
    decoded = decode(data, override=encoding)
    text = decoded.text
    if text.lstrip()[:1] in ("{", "["):
        found = trees.read_json(text, rules)
    elif _is_lines(text, rules):
        found = lines.read_lines(text, rules)
    else:
        found = tables.read_table(text, rules)
    return Index(encoding=decoded.encoding, records=found.records, problems=(*decoded.problems, *found.problems))


def _is_lines(text: str, rules: IndexRules) -> bool:
    """``Nom : DURAND`` on the first line, and no header that a table could have."""
    line, _, _ = tables.first_line(text)
    return tables.header_of(line, rules)[1] < tables.ENOUGH <= lines.known_lines(text, rules)


def files_of(data: bytes, name: str, rules: IndexRules | None) -> tuple[str, ...]:
    """Bare names of the PDFs an index called ``name`` speaks of, each once."""
    named = files_named(parse(data, rules or NO_RULES).records, name)
    return tuple(dict.fromkeys(found for found in named if found))


def unfinished(data: bytes) -> str:
    """Why the index is not whole, in French, as far as its shape tells."""
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        problems = parse(data, NO_RULES).problems
        return "JSON incomplet" if any(problem.code == "index-json" for problem in problems) else ""
    return ""


def sidecars(name: str) -> tuple[str, ...]:
    """Names under which the index of one PDF may stand beside it, the surest first."""
    bare = stem(name)
    own = [f"{base}.{ending}" for base in (bare, name) for ending in EXTENSIONS]
    upper = [f"{bare}.{ending.upper()}" for ending in EXTENSIONS]
    return (*own, *upper, *(f"{base}.{ending}" for base in COMMON for ending in EXTENSIONS))
