"""Every reader there is, and which one a file is for.

Built-in readers first; packages of others add theirs by the entry point group ``dispatcher.formats`` (an object or a
class that fulfils :class:`dispatcher.formats.base.Reader`). The surest by content reads the file; names and extensions
decide nothing, since ``.hpr`` alone is used for two formats.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import entry_points

from dispatcher.formats.base import ReadContext, Reader, ReadResult
from dispatcher.formats.carried import with_carried
from dispatcher.formats.cda_reading.parsing import unfinished as unfinished_xml
from dispatcher.formats.cda_reading.reader import CdaReader
from dispatcher.formats.er7.documents import media_type
from dispatcher.formats.er7.messages import cut as cut_hl7
from dispatcher.formats.hl7.completeness import unfinished as unfinished_hl7
from dispatcher.formats.hl7.reader import Hl7Reader, read_text
from dispatcher.formats.hprim_medecins.blocks import cut as cut_medecins
from dispatcher.formats.hprim_medecins.blocks import split_lines
from dispatcher.formats.hprim_medecins.reader import HprimMedecinsReader
from dispatcher.formats.hprim_sante.reader import HprimSanteReader
from dispatcher.formats.hprim_sante.reader import referenced_files as files_of_hprim_sante
from dispatcher.formats.hprim_sante.reader import unfinished as unfinished_hprim_sante
from dispatcher.formats.pdf.reader import PdfReader
from dispatcher.formats.pdf_index import reader as pdf_index
from dispatcher.formats.pdf_index.rules import IndexRules, said_by_name
from dispatcher.formats.text import decode
from dispatcher.formats.xdm.reports import XdmReader
from dispatcher.report.model import Problem, Severity

log = logging.getLogger(__name__)

READERS: tuple[Reader, ...] = (
    Hl7Reader(),
    HprimSanteReader(),
    HprimMedecinsReader(),
    CdaReader(),
    XdmReader(),
    PdfReader(),
    pdf_index.PdfIndexReader(),
)
"""The built-in ones, in the order that breaks a tie."""
HEAD_BYTES = 4096
"""What :func:`sniff` looks at."""
ENOUGH = 0.3
"""Below this nobody is believed to know the file."""
SURE = 0.95
"""From here on nobody else is asked."""
_GROUP = "dispatcher.formats"
_DOCUMENTS = frozenset({"pdf"})
"""Readers of documents that a message beside them may announce: such a file alone is no message."""
_SPOKEN = {"hl7v2": "HL7 v2", "hprim-sante": "HPRIM Santé", "hprim-medecins": "HPRIM Médecins"}
"""Readers whose files are written in dialects; the others have none."""
_TAIL_BYTES = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Completeness:
    """Whether a file is whole as far as its content tells. ``why`` says in French what is missing."""

    complete: bool
    why: str = ""


@cache
def readers() -> tuple[Reader, ...]:
    """Built-in readers and those of installed packages. One that cannot be loaded is logged and left out."""
    found = list(READERS)
    for point in entry_points(group=_GROUP):
        try:
            loaded = point.load()
            found.append(loaded() if isinstance(loaded, type) else loaded)
        except Exception as error:  # whatever somebody else's package raises, ours must start
            log.error("format plug-in %s cannot be loaded (%s)", point.name, type(error).__name__)
    return tuple(found)


def sniff(head: bytes, index: IndexRules | None = None) -> Reader | None:
    """The surest reader for a file that begins with ``head`` (the first 4,096 bytes), or None.

    ``index``: names of columns and tags that only this source uses.
    """
    best: Reader | None = None
    most = ENOUGH
    if index is not None and pdf_index.sure(head[:HEAD_BYTES], index) > most:
        best, most = pdf_index.PdfIndexReader(), pdf_index.sure(head[:HEAD_BYTES], index)
    for reader in readers():
        sure = _sure(reader, head[:HEAD_BYTES])
        if sure > most:
            best, most = reader, sure
        if most >= SURE:
            break
    return best


def _sure(reader: Reader, head: bytes) -> float:
    try:
        return reader.sniff(head)
    except Exception as error:  # a reader that stumbles over the head of a file does not know it
        log.error("reader %s cannot judge a file (%s)", reader.name, type(error).__name__)
        return 0.0


def read(data: bytes, context: ReadContext) -> ReadResult:
    """Bytes to reports by the reader that knows them. Never raises: what went wrong is an error in ``problems``.

    Whoever reads, a CDA that a report carries is compared with its patient here.
    """
    if not data.strip(b" \t\r\n\x00\x1a\xef\xbb\xbf"):
        return _unreadable("empty-file", "Le fichier est vide. Vérifier l’export du laboratoire.")
    reader = sniff(data[:HEAD_BYTES], context.index)
    if reader is None:
        return _unreadable("unknown-format", _unknown(data))
    own, told = _in_its_dialect(reader, context)
    try:
        result = reader.read(data, own)
        compared = tuple(map(with_carried, result.reports))
        if any(one is not other for one, other in zip(compared, result.reports, strict=True)):
            result = replace(result, reports=compared)
    except Exception as error:  # a fault of ours must quarantine one file, not stop the service
        # No trace: it may quote the file (decision D14). The original is kept and shows the fault again.
        log.error("reader %s failed (%s)", reader.name, type(error).__name__)
        return _unreadable(
            "reader-fault",
            f"Défaut interne du lecteur {reader.name} ({type(error).__name__}) : fichier mis de côté. "
            "Le signaler au support du logiciel.",
        )
    name = own.dialect.name if own.dialect is not None else ""
    return replace(result, problems=(*result.problems, *told), dialect=name) if told or name else result


def spoken(reader: Reader, context: ReadContext) -> ReadContext:
    """The context as :func:`read` hands it to that reader."""
    return _in_its_dialect(reader, context)[0]


def _in_its_dialect(reader: Reader, context: ReadContext) -> tuple[ReadContext, tuple[Problem, ...]]:
    """The context with a dialect of this reader's format only, and with its character set; a misfit is told."""
    dialect = context.dialect
    if dialect is None:
        return context, ()
    if dialect.format == reader.name:
        return replace(context, encoding=context.encoding or dialect.charset), ()
    bare = replace(context, dialect=None)
    if reader.name not in _SPOKEN:
        return bare, ()
    message = (
        f"Le dialecte « {dialect.name} » est fait pour {_SPOKEN[dialect.format]}, ce fichier est du "
        f"{_SPOKEN[reader.name]} : lu sans dialecte. Donner un dossier à chaque format, ou corriger le dialecte."
    )
    return bare, (Problem(code="dialect-format", severity=Severity.WARNING, message=message),)


def _unreadable(code: str, message: str) -> ReadResult:
    return ReadResult(format="unknown", problems=(Problem(code=code, severity=Severity.ERROR, message=message),))


def _unknown(data: bytes) -> str:
    found = _nature(data)
    return (
        f"Format non reconnu : le fichier ressemble à {found}. Cherché au début : MSH, FHS ou BHS (HL7 v2), H suivi de "
        "séparateurs (HPRIM Santé), douze lignes d’en-tête avec date en ligne 7 et 10 (HPRIM Médecins), "
        "<ClinicalDocument> (CDA), IHE_XDM (archive XDM), %PDF-, index de PDF (fichier, nom, prénom, date de "
        "naissance). Vérifier que ce dossier ne reçoit que des comptes rendus."
    )


def _nature(data: bytes) -> str:
    kind = media_type(data)
    known = {
        "text/xml": "du XML",
        "text/html": "une page HTML",
        "application/pdf": "un PDF",
        "application/rtf": "un document RTF",
        "application/zip": "une archive ZIP ou un document bureautique",
        "image/png": "une image",
        "image/jpeg": "une image",
        "image/tiff": "une image",
        "image/gif": "une image",
    }
    if kind in known:
        return known[kind]
    head = data[:HEAD_BYTES]
    unprintable = sum(byte < 9 or 13 < byte < 32 for byte in head)
    return "un fichier binaire" if unprintable > len(head) // 20 else "du texte sans en-tête connu"


# ------------------------------------------------------------------------------------------------ for intake


def is_message(data: bytes, index: IndexRules | None = None) -> bool:
    """True when the file speaks for itself; False for a document that some message may announce (FIC), and for
    what nobody knows."""
    reader = sniff(data[:HEAD_BYTES], index)
    return reader is not None and reader.name not in _DOCUMENTS


def is_index(data: bytes, index: IndexRules | None = None) -> bool:
    """True for the index of PDFs, each of which is one report and belongs to one index only."""
    return isinstance(sniff(data[:HEAD_BYTES], index), pdf_index.PdfIndexReader)


def speaks_by_name(name: str, index: IndexRules | None) -> bool:
    """True for a document whose file name says whose it is, as the source has it."""
    return index is not None and said_by_name(index, name) is not None


def referenced_files(data: bytes, name: str = "", index: IndexRules | None = None) -> tuple[str, ...]:
    """Bare names of the files that the message called ``name`` refers to and needs beside it (HPRIM Santé FIC, PDFs
    of an index)."""
    reader = sniff(data[:HEAD_BYTES], index)
    if isinstance(reader, pdf_index.PdfIndexReader):
        return pdf_index.files_of(data, name, index)
    return files_of_hprim_sante(data) if isinstance(reader, HprimSanteReader) else ()


def is_complete(data: bytes, name: str, index: IndexRules | None = None) -> Completeness:
    """Whether the content shows an end: HL7 envelope and last segment, HPRIM Santé ``L``, HPRIM Médecins end marks,
    well-formed XML, PDF and ZIP trailers. What has no end that can be seen counts as whole."""
    del name
    why = _missing_end(data, index)
    return Completeness(complete=not why, why=why)


def _missing_end(data: bytes, index: IndexRules | None) -> str:
    if not data.strip(b" \t\r\n\x00\xef\xbb\xbf"):
        return "fichier vide"
    reader = sniff(data[:HEAD_BYTES], index)
    if isinstance(reader, Hl7Reader):
        return unfinished_hl7(cut_hl7(read_text(data, None).text))
    if isinstance(reader, HprimSanteReader):
        return unfinished_hprim_sante(data)
    if isinstance(reader, HprimMedecinsReader):
        return _unfinished_medecins(data)
    if isinstance(reader, pdf_index.PdfIndexReader) and (why := pdf_index.unfinished(data)):
        return why
    kind = media_type(data)
    if kind == "application/pdf":
        return "" if b"%%EOF" in data[-_TAIL_BYTES:] else "fin de PDF (%%EOF) absente"
    if kind == "text/xml" or isinstance(reader, CdaReader):
        return unfinished_xml(data)
    if kind == "application/zip":
        return "" if b"PK\x05\x06" in data[-(65536 + 22) :] else "fin d’archive ZIP absente"
    return ""


def _unfinished_medecins(data: bytes) -> str:
    blocks = cut_medecins(split_lines(decode(data).text)).blocks
    if not blocks:
        return "en-tête HPRIM Médecins incomplet"
    return "" if blocks[-1].complete else "marque de fin ****FIN**** absente"
