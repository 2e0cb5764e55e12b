"""One line of the table of recipients to a :class:`LocalEntry`, or every fault it has."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from dispatcher.directory.bulk.columns import fold_header
from dispatcher.directory.local.columns import FRENCH, Fault, Record, Sheet
from dispatcher.report.identifiers import adeli_ok, finess_ok, finess_shape_ok, rpps_ok, rpps_shape_ok, siret_ok
from dispatcher.report.model import IdType
from dispatcher.routing.addresses import as_compared, canonical, is_patient, unlinked
from dispatcher.routing.candidates import LocalEntry
from dispatcher.routing.identities import (
    LENGTHS,
    PEOPLE,
    STRUCTURES,
    TYPE_DIGITS,
    bare_identifier,
    from_national_form,
)

FORMATS = dict.fromkeys(("hprim medecins", "hprim"), "hprim-medecins") | {
    "": "",
    "cda": "cda",
    "cda n1": "cda-n1",
    "hprim sante": "hprim-sante",
    "pdf": "pdf",
}
_MAIL = dict.fromkeys(("", "mail", "email", "courriel", "messagerie", "electronique", "mssante"), "mail")
_PAPER = dict.fromkeys(("papier", "paper", "courrier", "poste"), "paper")
_NONE = dict.fromkeys(("aucun", "aucune", "none", "rien", "non"), "none")
DELIVERIES = _MAIL | _PAPER | _NONE
_TYPES = {str(kind).casefold(): kind for kind in TYPE_DIGITS} | {digit: kind for kind, digit in TYPE_DIGITS.items()}
_SHAPES = {IdType.RPPS: rpps_shape_ok, IdType.ADELI: adeli_ok, IdType.FINESS: finess_shape_ok}
_KEYS = {IdType.RPPS: rpps_ok, IdType.FINESS: finess_ok, IdType.SIRET: siret_ok}
_WHAT = {
    IdType.RPPS: "11 chiffres",
    IdType.ADELI: "9 caractères",
    IdType.FINESS: "9 caractères",
    IdType.SIRET: "14 chiffres",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one line gave: an entry when it has no fault."""

    entry: LocalEntry | None
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]


class _Line:
    """Collects the faults of one line while its fields are read."""

    def __init__(self, sheet: Sheet, record: Record) -> None:
        self.sheet = sheet
        self.record = record
        self.faults: list[Fault] = []
        self.warnings: list[Fault] = []

    def get(self, name: str) -> str:
        return self.record.fields.get(name, "")

    def fault(self, column: str, text: str) -> None:
        self.faults.append(self._at(column, text))

    def warn(self, column: str, text: str) -> None:
        self.warnings.append(self._at(column, text))

    def _at(self, column: str, text: str) -> Fault:
        return Fault(name=self.sheet.name, line=self.record.line, column=FRENCH.get(column, column), text=text)


def read_line(
    sheet: Sheet, record: Record, channels: Collection[str] | None, sources: Collection[str] | None
) -> Reading:
    """Judge one line. ``channels`` and ``sources``: known names, or ``None`` to accept any."""
    line = _Line(sheet, record)
    _code(line)
    id_type, identifier = _identifier(line)
    address = _address(line)
    delivery = DELIVERIES.get(fold_header(line.get("delivery")))
    if delivery is None:
        line.fault("delivery", f"« {line.get('delivery')} » inconnu ; attendu mail, papier ou aucun")
    layout = FORMATS.get(fold_header(line.get("format")))
    if layout is None:
        line.fault(
            "format", f"« {line.get('format')} » inconnu ; attendu cda, cda-n1, hprim-medecins, hprim-sante ou pdf"
        )
    if delivery == "mail" and not (address or identifier) and not line.faults:
        line.fault("address", "ni adresse ni identifiant ; en donner un, ou « papier » dans la colonne « mode »")
    places = {"channel": _known(line, "channel", channels), "source": _known(line, "source", sources)}
    start, end = _day(line, "valid_from"), _day(line, "valid_to")
    if start and end and start > end:
        line.fault("valid_to", f"{end:%d/%m/%Y} est avant le début ({start:%d/%m/%Y})")
    entry = LocalEntry(
        code=line.get("code"),
        id_type=id_type,
        identifier=identifier,
        address=address,
        label=line.get("label"),
        format=layout or "",
        delivery=delivery or "mail",
        valid_from=start,
        valid_to=end,
        added_by=line.get("added_by"),
        added_on=_day(line, "added_on", only_told=True),
        reason=line.get("reason"),
        line=record.line,
        **places,
    )
    sound = entry if not line.faults else None
    return Reading(entry=sound, faults=tuple(line.faults), warnings=tuple(line.warnings))


_ROUNDED = re.compile(r"[0-9]+([.,][0-9]+)?E\+[0-9]+|[0-9]+[.,][0-9]+E[0-9]+", re.IGNORECASE)
"""``9,97E+10``: a long number as a spreadsheet shows and saves it."""
_MONTH = r"(janv|févr|mars|avr|mai|juin|juil|août|sept|oct|nov|déc|jan|feb|mar|apr|may|jun|jul|aug|sep|dec)\.?"
_DAY = re.compile(
    rf"[0-9]{{1,2}}[- ]{_MONTH}([- ][0-9]{{2,4}})?|{_MONTH}[- ][0-9]{{2,4}}|\d\d?/\d\d?/\d{{4}}", re.IGNORECASE
)
"""``01-févr``: a code such as « 1-2 » that a spreadsheet took for a date."""
_AGAIN = "mettre la colonne au format texte et ressaisir"


def _code(line: _Line) -> None:
    code = line.get("code")
    if not code:
        line.fault("code", "code vide ; mettre le code du destinataire dans le logiciel du laboratoire")
    elif _ROUNDED.fullmatch(code):
        line.fault("code", f"« {code} » : nombre abîmé par le tableur ; {_AGAIN}")
    elif _DAY.fullmatch(code):
        line.fault("code", f"« {code} » : code changé en date par le tableur ; {_AGAIN}")


def _known(line: _Line, column: str, names: Collection[str] | None) -> str:
    text = line.get(column)
    if text and names is not None and text not in names:
        listed = ", ".join(sorted(names)) or "aucun"
        line.fault(column, f"« {text} » inconnu de la configuration ; connus : {listed}")
    return text


def _address(line: _Line) -> str:
    address = unlinked(line.get("address"))
    if not address:
        return ""
    if is_patient(address):
        line.fault("address", "adresse d'un patient ; cette table est celle des professionnels")
    elif canonical(address) is None:
        line.fault("address", "adresse mal formée ; attendu nom@domaine, une seule adresse, sans accent avant le « @ »")
    return as_compared(address)


def _identifier(line: _Line) -> tuple[IdType | None, str]:
    text, type_text = line.get("identifier"), line.get("id_type")
    if not text:
        if type_text and fold_header(type_text) not in _TYPES:
            line.fault("id_type", f"« {type_text} » inconnu ; attendu RPPS, ADELI, FINESS ou SIRET")
        return None, ""
    if _ROUNDED.fullmatch(text):
        line.fault("identifier", f"« {text} » : nombre abîmé par le tableur, des chiffres sont perdus ; {_AGAIN}")
        return None, ""
    kind = _TYPES.get(fold_header(type_text)) if type_text else _guess(text)
    if kind is None:
        what = f"« {type_text} » inconnu" if type_text else "type absent et non devinable d'après l'identifiant"
        line.fault("id_type", f"{what} ; attendu RPPS, ADELI, FINESS ou SIRET")
        return None, ""
    bare = bare_identifier(kind, text)
    shape = _SHAPES.get(kind)
    if len(bare) != LENGTHS[kind] or (shape and not shape(bare)) or (kind is IdType.SIRET and not bare.isdigit()):
        zeros = " ; zéros de tête perdus par le tableur ?" if len(bare) < LENGTHS[kind] else ""
        line.fault("identifier", f"{kind} de {len(bare)} caractères, {_WHAT[kind]} attendus{zeros}")
    elif kind in _KEYS and not _KEYS[kind](bare):
        line.warn("identifier", f"la clé de contrôle de ce {kind} est fausse ; vérifier la saisie")
    return kind, bare


def _guess(text: str) -> IdType | None:
    """By length: RPPS (11) and SIRET (14) cannot be anything else; ADELI and FINESS look alike."""
    form = from_national_form(text, PEOPLE | STRUCTURES)
    if form:
        return form[0]
    return {11: IdType.RPPS, 14: IdType.SIRET}.get(len(bare_identifier(IdType.RPPS, text)))


def _day(line: _Line, column: str, *, only_told: bool = False) -> date | None:
    """A day; what is none is a fault, or nothing at all where it decides nothing (``only_told``)."""
    text = line.get(column)
    if not text:
        return None
    match = re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})(?: 00:00(?::00)?)?", text)
    parts = [int(part) for part in match.groups()] if match else []
    if not parts and (match := re.fullmatch(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})", text)):
        parts = [int(part) for part in reversed(match.groups())]
    try:
        return date(*parts)
    except (TypeError, ValueError):
        short = re.fullmatch(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2}", text)
        what = "a une année sur deux chiffres" if short else "n'est pas une date"
        if not only_told:
            line.fault(column, f"« {text} » {what} ; attendu JJ/MM/AAAA ou AAAA-MM-JJ")
        return None
