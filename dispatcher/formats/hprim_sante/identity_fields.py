"""``H`` and ``P`` of a message, and the fields that name professionals (shared notes "HPRIM" §2.3 to §2.5, §2.9)."""

from __future__ import annotations

from datetime import datetime

from dispatcher.clock import paris
from dispatcher.formats.er7.people import STRUCTURES
from dispatcher.formats.hprim_sante.assembly import SEPARATORS, composed, repeated, segment, words
from dispatcher.formats.hprim_sante.version import Version
from dispatcher.report.identifiers import InsOid
from dispatcher.report.model import Address, IdType, Ins, LocalId, Patient, Practitioner, When

LINK = "C"
"""Laboratory to hospital or clinic (``L`` is laboratory to laboratory)."""
_TYPES = {IdType.RPPS: "R", IdType.ADELI: "A", IdType.FINESS: "FINESS", IdType.SIRET: "SIRET", IdType.LOCAL: "L"}
_STRUCTURE_WITHOUT_NUMBER = "ETS"


def header(
    *,
    file_name: str,
    sender: tuple[str, str],
    address: Address | None,
    phone: str,
    receiver: tuple[str, str],
    version: Version,
    trial: bool,
    sent_at: datetime,
) -> str:
    """``H``. ``trial`` marks a message that must not be filed (H.11 ``T``)."""
    mark = SEPARATORS
    declared = f"{mark.component}{mark.repetition}{mark.escape}{mark.subcomponent}"
    return segment(
        "H",
        {
            1: declared,
            2: words(file_name),
            4: composed(*map(words, sender)),
            5: address_field(address),
            6: "ORU",
            7: words(phone),
            9: composed(*map(words, receiver)),
            11: "T" if trial else "P",
            12: composed(f"H{version}", LINK),
            13: moment_field(sent_at),
        },
    )


def patient_segment(known: Patient, version: Version) -> str:
    """``P``: 2.5 adds the INS, the birth names in full, the birth place and the status of the identity."""
    ours, theirs, stay = _numbers(known.local_ids)
    full = version is Version.V2_5
    first, others = known.first_given, " ".join(known.given_names[1:])
    birth_name = known.birth_name if known.used_name else ""
    fields = {
        1: "1",
        2: words(ours),
        3: words(theirs),
        4: words(stay),
        5: composed(words(known.family), words(known.used_given or first), words("" if full else others)),
        6: composed(words(known.birth_name), words(first), words(" ".join(known.given_names)))
        if full
        else words(birth_name),
        7: f"{known.birth_date:%Y%m%d}" if known.birth_date else words(known.birth_date_raw),
        8: known.sex.value,
        10: address_field(known.address),
        12: repeated(words(phone) for phone in known.phones),
    }
    if full:
        fields[11] = _ins(known.ins) if known.ins is not None else ""
        fields[34] = composed("", words(known.birth_place))
        fields[38] = "VALI" if known.ins is not None else "PROV"
    return segment("P", fields)


def _numbers(known: tuple[LocalId, ...]) -> tuple[str, str, str]:
    usual = [one.value for one in known if one.type == "PI"]
    stay = next((one.value for one in known if one.type == "VN"), "")
    return usual[0] if usual else "", usual[1] if len(usual) > 1 else "", stay


def _ins(ins: Ins) -> str:
    """Matricule, type, date of the call, start, end, OID."""
    kind = "INS-NIA" if ins.oid == InsOid.NIA else "INS-NIR"
    return composed(words(ins.matricule), kind, "", "", "", words(ins.oid))


def address_field(known: Address | None) -> str:
    """Street, complement, town, department, postcode, country."""
    if known is None:
        return ""
    first, second = (*known.lines, "", "")[:2]
    return composed(*map(words, (first, second, known.town, "", known.postcode, known.country)))


def person_field(known: Practitioner | None, version: Version) -> str:
    """Number, name and first name, type of number; the structure behind them where the version has it."""
    if known is None:
        return ""
    if known.id and known.id_type in STRUCTURES:
        return composed(words(known.id), words(known.organisation), _TYPES[known.id_type])
    family = f"{known.title} {known.family}".strip()
    if not (known.id or family):
        return composed("", words(known.organisation), _STRUCTURE_WITHOUT_NUMBER)
    name = words(family) + (f"{SEPARATORS.subcomponent}{words(known.given)}" if known.given else "")
    person = (words(known.id), name, _TYPES[known.id_type] if known.id else "L")
    if not known.organisation:
        return composed(*person)
    before = ("",) if version is Version.V2_5 else ()
    return composed(*person, *before, "", words(known.organisation), "L")


def moment_field(when: When | None) -> str:
    """``YYYYMMDD`` or ``YYYYMMDDHHMMSS`` of Paris; the offset only in the hour that autumn brings twice."""
    if when is None:
        return ""
    if not isinstance(when, datetime):
        return f"{when:%Y%m%d}"
    local = paris(when)
    text = f"{local:%Y%m%d%H%M%S}"
    return f"{text}{local:%z}" if local.fold else text
