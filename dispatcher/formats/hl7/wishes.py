"""What the sender asks of a document: the flag OBX of the French document volet, read into :class:`Handling`.

ANS, "Volet de transmission d'un document CDA-R2 en HL7v2" 2.1, table MetaDMP/MSS (names, values ``Y`` and ``N``) and
"Règles de gestion MSSANTE" (which combinations may leave, ``mappings/hl7/visibility.csv``). Versions 1.2 and 2.0 leave
the coding system out and spell three names otherwise. They are wishes about the document, never results.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.er7.segments import Composite, Segment
from dispatcher.formats.er7.separators import Separators
from dispatcher.formats.hl7.documents import embedded
from dispatcher.formats.hl7.observations import Line
from dispatcher.report.handling import Handling
from dispatcher.report.model import Severity
from dispatcher.resources import mapping_text

SYSTEM = "MetaDMPMSS"
FLAGS: Mapping[str, str] = MappingProxyType(
    {
        "MASQUE_PS": "hidden_from_professionals",
        "INVISIBLE_PATIENT": "hidden_from_patient",
        "INVISIBLE_REP_LEGAUX": "hidden_from_guardians",
        "INVISIBLE_REPRESENTANTS_LEGAUX": "hidden_from_guardians",
        "CONNEXION_SECRETE": "secret_connection",
        "MODIF_CONF_CODE": "change_only",
        "MODIF_CONFIDENTIALITYCODE": "change_only",
        "DESTDMP": "to_dmp",
        "DESTMSSANTEPS": "to_professionals",
        "DESTMSSANTEPAT": "to_patient",
        "ACK_RECEPTION": "delivery_notice",
        "ACK_LECTURE_MSS": "read_notice",
        "ACK_LECTURE": "read_notice",
    }
)
"""Field of :class:`Handling` by name of the flag. ``ACK_LECTURE`` stands in official samples."""
TEXTS: Mapping[str, str] = MappingProxyType({"CORPSMAIL_PS": "mail_text", "CORPSMAIL_PATIENT": "patient_mail_text"})
_PATIENT = "DESTMSSANTEPAT"
_NAMES = frozenset({*FLAGS, *TEXTS, "COMP_LOT"})
_YES, _NO = frozenset({"Y", "YES", "O", "OUI", "1", "TRUE"}), frozenset({"N", "NO", "NON", "0", "FALSE"})
_MATRIX = {
    "masque_ps": "hidden_from_professionals",
    "invisible_patient": "hidden_from_patient",
    "invisible_rep_legaux": "hidden_from_guardians",
    "connexion_secrete": "secret_connection",
    "destdmp": "to_dmp",
    "destmssanteps": "to_professionals",
    "destmssantepat": "to_patient",
}


_NONE = Handling()


def is_wish(obx: Segment) -> bool:
    """A flag of the volet, by its coding system, or by its name where no system is given."""
    return len(obx.fields) > 3 and _named(obx.fields[3], obx.separators)


@lru_cache(maxsize=8192)
def _named(raw: str, separators: Separators) -> bool:
    composite = Composite(raw.strip(), separators)
    system = composite.whole(3)
    return system == SYSTEM or (not system and composite.whole(1) in _NAMES)


def handling(lines: Sequence[Line], notes: Notes) -> Handling:
    """All wishes of one document. What cannot be read, or is said twice and differently, holds the report."""
    if not lines:
        return _NONE
    found: dict[str, Any] = {}
    for line in lines:
        name = line.obx.component(3).upper()
        if name in FLAGS:
            _flag(line, name, found, notes)
        elif name in TEXTS:
            found[TEXTS[name]] = _mail_text(line.obx, notes)
        elif name not in _NAMES:
            notes.tally(
                "unknown-wish",
                Severity.WARNING,
                line.obx.where(3),
                "Consigne inconnue de la table MetaDMP/MSS : elle n’est pas suivie. Vérifier l’export.",
            )
    wishes = replace(Handling(), **found)
    if found:
        _tell_doubts(wishes, lines[0].obx.where(), notes)
    return wishes


def _flag(line: Line, name: str, found: dict[str, Any], notes: Notes) -> None:
    obx, field = line.obx, FLAGS[name]
    answer = obx.component(5).upper()
    wish = True if answer in _YES else False if answer in _NO else None
    if wish is None or found.get(field, wish) is not wish:
        what = "illisible (attendu Y ou N)" if wish is None else "donnée deux fois, Y et N"
        notes.error(
            "unreadable-wish",
            obx.where(5),
            f"Consigne {name} {what} : on ne sait pas qui peut voir ce document. Corriger l’export et le réémettre.",
        )
        return
    found[field] = wish
    if name == _PATIENT and line.last_message:
        found["last_message"] = True


def _mail_text(obx: Segment, notes: Notes) -> str:
    """Text for the body of the mail. Unreadable, it is told and left out: the document itself is whole."""
    if obx.raw(2).upper() != "ED":
        return "\n".join(obx.separators.unescape(one).rstrip() for one in obx.separators.repetitions(obx.raw(5)))
    own = Notes()
    documents = embedded(obx, own)
    if not documents or own.problems:
        notes.warning("unreadable-mail-text", obx.where(5), "Texte du courriel illisible : le texte usuel est envoyé.")
        return ""
    content = documents[0].content
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


# ------------------------------------------------------------------------------------------------ what may leave


def _tell_doubts(wishes: Handling, where: str, notes: Notes) -> None:
    """Contradictions and combinations outside the volet's table. Severities: see ``report/checks.py``."""
    if wishes.hidden_from_professionals and wishes.to_professionals is not False:
        notes.error(
            "handling-masked",
            where,
            "Document masqué aux professionnels (MASQUE_PS = Y) et pourtant à envoyer à des professionnels : l’une des "
            "deux consignes est fausse. Vérifier dans le SIL.",
        )
    if wishes.change_only:
        notes.info(
            "handling-change-only",
            where,
            "La visibilité d’un document déjà transmis change (MODIF_CONF_CODE = Y) : envoyé comme un remplacement.",
        )
    sources = {row["source"] for row in _rows() if _fits(row, wishes)}
    if not (wishes.to_professionals or wishes.to_patient) or "volet" in sources:
        return
    if "usage" in sources:
        notes.info(
            "handling-usage",
            where,
            "Combinaison de consignes courante, mais absente de la table du volet (règles de gestion MSSanté).",
        )
    else:
        notes.warning(
            "handling-combination",
            where,
            "Combinaison de consignes que la table du volet ne prévoit pas (visibilité et destinataires MSSanté) : "
            "vérifier le paramétrage du SIL.",
        )


@lru_cache(maxsize=1)
def _rows() -> tuple[dict[str, str], ...]:
    return tuple(csv.DictReader(io.StringIO(mapping_text("hl7", "visibility.csv")), delimiter=";"))


def _fits(row: Mapping[str, str], wishes: Handling) -> bool:
    """What is not said counts as no."""
    return all(("Y" if getattr(wishes, field) else "N") in row[column] for column, field in _MATRIX.items())
