"""Every line and field of HPRIM Médecins: number, name, rule, where the rule comes from, what is met in practice.

Document: HPRIM Médecins v3.0, March 1997, of which only the beginning is public; the rest is what receiving software
enforces and real files show. Sources, as short names in ``source``:

- ``v3``: public beginning of the 1997 text; ``charte``: charter of the APICRYPT operator (names, birth date);
- ``FH`` FreeHealth, ``EP`` Episodus, ``MS`` MedShake, ``MB`` Mediboard, ``WB`` a practice web application: behaviour of
  open software that receives the format; ``lots``: seen in files of several laboratories of 2013-2025.

Nothing here reads or writes: the tables feed the reader, the writer, the conformance check and the documentation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

HEADER_LINES = 12
"""Positional lines before the text; a 13th, blank, is optional (``MS``, ``FH`` write it, ``MB`` hides 13 lines)."""
RES_FIELD_COUNT = 14
"""Fields of a coded result, ``RES`` included."""
RES_MINIMUM = 4
"""Fewer fields than that say nothing that can be used (``MB``, ``FH``)."""
PARTY_CODE_WIDTH = 10
"""Lines 11 and 12: the code takes columns 1 to 10, a blank follows, then the label (``MS``)."""
TEXT_WIDTH = 80
"""Columns of the printable text. Observed, not specified."""
NO_CODE = "."
"""Written where a code is unknown: readers who cut at the first word then keep the label (``MS``, ``MB``, ``WB``)."""

LAB = "****LAB****"
FIN = "****FIN****"
FINFICHIER = "****FINFICHIER****"

MARKER = re.compile(r"\s*\*{3,}\s*(LAB|FIN\s*FICHIER|FIN)\s*\*{3,}\s*", re.IGNORECASE)
"""A marker line as met: leading blanks (``EP``, ``WB`` trim), stray blanks, lower case."""

CODED_LINE = re.compile(r"\s*(RES\s*\||TEX\s*(?:\||$))", re.IGNORECASE)
"""A line of the coded section, with or without its ``****LAB****`` (forgotten by some laboratories, ``lots``)."""


@dataclass(frozen=True, slots=True)
class HeaderLine:
    """One positional line. ``required`` when a receiver refuses the file without it; ``usual`` is the width met."""

    number: int
    name: str
    required: bool
    usual: int
    rule: str
    source: str
    practice: str


HEADER: tuple[HeaderLine, ...] = (
    HeaderLine(
        1,
        "code du patient",
        True,
        10,
        "code of the patient at the recipient, else the sender's own; A-Z a-z 0-9 - _ /",
        "v3, MS",
        "some recipients want a laboratory mnemonic or a title here; sometimes left out, which shifts the header",
    ),
    HeaderLine(2, "nom", True, 50, "family name, upper case", "v3, FH, charte", "birth name after NEE, EP, EPOUSE"),
    HeaderLine(3, "prénom", True, 50, "first given name", "v3, FH, charte", "several given names, blank between"),
    HeaderLine(4, "adresse 1", False, 30, "free", "v3, FH", "padded to 30 columns, often blank"),
    HeaderLine(5, "adresse 2", False, 30, "free", "v3, FH", "padded to 30 columns, often blank"),
    HeaderLine(6, "code postal et ville", False, 36, "5 characters, blank, town", "FH, EP, MS", "padded, often blank"),
    HeaderLine(
        7,
        "date de naissance",
        True,
        10,
        "DD/MM/YYYY",
        "FH, EP, MB, MS, charte",
        "DD/MM/YY, YYYY-MM-DD, no slashes, months over 12; every form but the first is refused by someone",
    ),
    HeaderLine(
        8,
        "numéro de sécurité sociale",
        False,
        16,
        "13 characters, a blank, 2-digit key",
        "EP, MS",
        "without blank (MS), without key, blank; it is the insured's, so not always the patient's",
    ),
    HeaderLine(9, "numéro de dossier", False, 0, "order number of the sender", "FH, MB", "stay number, padded left"),
    HeaderLine(10, "date du dossier", True, 10, "DD/MM/YYYY", "EP, MB, WB", "DD/MM/YY, inside other text, blank"),
    HeaderLine(
        11,
        "expéditeur",
        False,
        0,
        "code in columns 1-10, a blank, label",
        "MS, MB, WB",
        "code right-aligned, one column too wide, or the local part of a mail address",
    ),
    HeaderLine(
        12,
        "destinataire",
        True,
        0,
        "code in columns 1-10, a blank, label; never empty",
        "MS, MB",
        "empty, upon which MB reads every line one off",
    ),
)


@dataclass(frozen=True, slots=True)
class ResField:
    """One field of a ``RES`` line."""

    number: int
    name: str
    rule: str
    practice: str


RES_FIELDS: tuple[ResField, ...] = (
    ResField(1, "segment", "RES", "blanks around it"),
    ResField(2, "libellé", "label in clear", "empty when the line carries a code only; « soit » for a second unit"),
    ResField(3, "code", "laboratory's own code, recipient's, or HPRIM list", "LOINC never seen; blanks inside"),
    ResField(4, "type", "N numeric, A alphanumeric, C coded", "empty, T"),
    ResField(5, "résultat", "N: decimal point, no blanks; A: any text", "comma, thousands, « * », comparator inside N"),
    ResField(6, "unité", "free text", "unit written inside an A result"),
    ResField(7, "normale inférieure", "number or empty", "« 0 » and « 0 » for none; « 3,2-6,5 » with field 8 empty"),
    ResField(8, "normale supérieure", "number or empty", "words"),
    ResField(9, "anormalité", "L H LL HH N or empty", "lower case, « * »"),
    ResField(10, "statut", "F validated, R not validated, C corrected", "empty"),
    ResField(11, "résultat 2", "the same test in a second unit", "percent and absolute count"),
    ResField(12, "unité 2", "free text", "cut off"),
    ResField(13, "normale inférieure 2", "number or empty", "cut off"),
    ResField(14, "normale supérieure 2", "number or empty", "cut off, final pipe missing (MB then hides the line)"),
)

RESULT_TYPES = frozenset("NAC")
ABNORMAL_FLAGS = frozenset({"L", "H", "LL", "HH", "N"})
RESULT_STATUSES = frozenset("FRC")

LINE_1 = re.compile(r"[A-Za-z0-9\-_/]+")
"""Characters a patient code may hold (``MS``)."""
DATE = re.compile(r"(\d{2})/(\d{2})/(\d{4})")
"""The only form of a date that every receiver accepts on lines 7 and 10."""
POSTCODE_TOWN = re.compile(r"(\d{5}|2[AB]\d{3})\s+(\S.*)")
NIR = re.compile(r"[1-478]\d{4}(?:\d{2}|2[AB])\d{6}")
"""13 characters, blanks taken out."""


def header_line(number: int) -> HeaderLine:
    """The description of header line ``number`` (1 to 12)."""
    return HEADER[number - 1]
