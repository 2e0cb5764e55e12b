"""People and places: the patient, professionals, organisations, addresses, telephone numbers.

Rules: CI-SIS "Structuration minimale des documents de santé" (schematron 1.2.250.1.213.1.1.1.1), recordTarget and
assignedEntity templates; CR-BIO 2024.01 header rules. An INS goes in only when qualified and with every trait.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

from dispatcher.errors import RenderError
from dispatcher.formats.base import LaboratoryIdentity
from dispatcher.formats.cda import tables
from dispatcher.formats.cda.draft import Draft
from dispatcher.formats.cda.elements import MAX_EXTENSION, coded, flat
from dispatcher.formats.markup import Element, leaf, sub
from dispatcher.report.identifiers import adeli_ok, compact, finess_shape_ok, ins_oid_ok, nir_ok, rpps_shape_ok
from dispatcher.report.model import Address, IdType, Patient, Practitioner, Sex

PROFESSIONAL_ROOT = "1.2.250.1.71.4.2.1"
"""Identifiant national de professionnel: "8" + RPPS, "0" + ADELI."""
STRUCTURE_ROOT = "1.2.250.1.71.4.2.2"
"""Identifiant national de structure: "1" + FINESS, "3" + SIRET."""
COFRAC_ROOT = "1.2.250.1.213.6.3.1"
NOT_OF_THE_PERSON = frozenset({"AN", "VN", "NS", "SS", "NH", "INS", "INS-NIR", "INS-NIA"})
"""Types of HL7 table 0203 that number a stay, a bill or the INS: not a patient number of the laboratory."""
NOBODY, NOBODY_STRUCTURE = "8" + "0" * 11, "1" + "0" * 9
"""Stand in for the numbers the built-in identity has not got; no register ever gives them."""
NEUTRAL_MARK = " (identité neutre : document d'essai)"
_GENDER = {Sex.FEMALE: ("F", "Féminin"), Sex.MALE: ("M", "Masculin"), Sex.UNKNOWN: ("UN", "Inconnu")}
_MAIL = re.compile(r"[A-Za-z0-9._+'-]+@[A-Za-z0-9.-]+")
"""An address that may stand in a URI as it is."""
_BIRTH_PLACE = re.compile(r"[0-9][0-9AB][0-9]{3}")


# ------------------------------------------------------------------------------------------------ patient


def record_target(draft: Draft, root: Element) -> None:
    """``recordTarget``: ids, address, telephone, names, sex, birth."""
    patient = draft.report.patient
    role = sub(sub(root, "recordTarget"), "patientRole")
    with_ins = _ins_may_go_in(draft, patient)
    if with_ins and patient.ins:
        leaf(role, "id", {"extension": compact(patient.ins.matricule), "root": patient.ins.oid})
    _local_ids(draft, role, patient, needed=not with_ins)
    address(role, patient.address, use="H")
    telecoms(role, patient.phones, home=True)
    person = sub(role, "patient", {"classCode": "PSN"})
    _patient_name(draft, person, patient)
    code, display = _GENDER[patient.sex]
    coded(person, "administrativeGenderCode", code, "2.16.840.1.113883.5.1", display)
    _birth_time(person, patient)
    if _BIRTH_PLACE.fullmatch(patient.birth_place):
        place = sub(sub(person, "birthplace"), "place")
        leaf(sub(place, "addr"), "county", text=patient.birth_place)


def _ins_may_go_in(draft: Draft, patient: Patient) -> bool:
    """Every trait the rule asks for beside an INS root; what misses is told, and the INS left out."""
    ins = patient.ins
    if ins is None or not ins.qualified:
        return False
    missing = [
        name
        for name, there in (
            ("OID de l'INS", ins_oid_ok(ins.oid)),
            ("clé du matricule", nir_ok(ins.matricule)),
            ("nom de naissance", bool(patient.birth_name.strip())),
            ("premier prénom de naissance", bool(patient.first_given.strip())),
            ("date de naissance", patient.birth_date is not None or bool(_partial_date(patient.birth_date_raw))),
            ("code INSEE du lieu de naissance", bool(_BIRTH_PLACE.fullmatch(patient.birth_place))),
        )
        if not there
    ]
    if missing:
        draft.warn(
            "ins-left-out",
            "recordTarget/patientRole/id",
            f"INS qualifiée non transmise dans le CDA : trait absent ou incorrect ({', '.join(missing)}). "
            "Complétez l'identité dans le SIL pour que l'INS parte avec le compte rendu.",
        )
    return not missing


def _local_ids(draft: Draft, role: Element, patient: Patient, *, needed: bool) -> None:
    seen = set()
    for local in patient.local_ids:
        number = local.value.strip()
        if not number or local.type.upper() in NOT_OF_THE_PERSON or number in seen:
            continue
        seen.add(number)
        draft.own_number(role, number, "numéro de patient")
    if needed and not seen:
        draft.warn(
            "no-patient-number",
            "recordTarget/patientRole/id",
            "Le compte rendu ne porte ni INS utilisable ni numéro de patient ; un identifiant propre à ce compte rendu "
            "le remplace dans le CDA. Faites exporter le numéro de patient par le SIL.",
        )
        leaf(role, "id", {"root": draft.laboratory.oid, "extension": f"SANS-IPP-{draft.derived_id('patient')}"})


def _patient_name(draft: Draft, person: Element, patient: Patient) -> None:
    """BR: birth certificate; CL: used. An unqualified given name holds all birth forenames (INS)."""
    name = sub(person, "name")
    family, used = flat(patient.birth_name), flat(patient.used_name)
    if not family and not used:
        raise RenderError(
            "Le compte rendu ne porte pas de nom de patient : le CDA ne peut pas être écrit.",
            hint="Vérifiez l'identité du patient dans le SIL, puis exportez à nouveau.",
            code="render-no-patient-name",
        )
    if family:
        leaf(name, "family", {"qualifier": "BR"}, family)
    givens = [g for g in map(flat, patient.given_names) if g]
    leaf(name, "given", text=" ".join(givens))
    if givens:
        leaf(name, "given", {"qualifier": "BR"}, givens[0])
    else:
        draft.warn(
            "no-given-name",
            "recordTarget/patientRole/patient/name/given",
            "Le compte rendu ne porte aucun prénom ; l'élément est laissé vide dans le CDA.",
        )
    if used:
        leaf(name, "family", {"qualifier": "CL"}, used)
    if patient.used_given.strip():
        leaf(name, "given", {"qualifier": "CL"}, flat(patient.used_given))


def _birth_time(person: Element, patient: Patient) -> None:
    """``birthTime``: the volume would take UNK for it, the structuration minimale does not."""
    if patient.birth_date is not None:
        leaf(person, "birthTime", {"value": patient.birth_date.isoformat().replace("-", "")})
        return
    partial = _partial_date(patient.birth_date_raw)
    if not partial:
        raise RenderError(
            "La date de naissance du patient est absente ou illisible : les règles officielles l'exigent dans un CDA.",
            hint="Complétez l'identité du patient dans le SIL, puis exportez à nouveau.",
            code="render-no-birth-date",
        )
    leaf(person, "birthTime", {"value": partial})


def _partial_date(raw: str) -> str:
    """What can be said of a date that is none (lunar dates, day or month 00): ``yyyymm``, ``yyyy`` or nothing."""
    parts = re.fullmatch(r"([0-9]{4})[^0-9]?([0-9]{2})?[^0-9]?([0-9]{2})?", raw.strip()) or None
    year, month = (parts[1], parts[2] or "") if parts else ("", "")
    if not parts and (turned := re.fullmatch(r"([0-9]{2})[^0-9]([0-9]{2})[^0-9]([0-9]{4})", raw.strip())):
        year, month = turned[3], turned[2]
    if not year or not 1850 <= int(year) <= date.max.year:
        return ""
    return year + month if month and 1 <= int(month) <= 12 else year


# ------------------------------------------------------------------------------------------------ places


def address(parent: Element, where: Address | None, *, use: str = "") -> None:
    """``addr`` in structured parts, each text once (rule ADXP), or UNK."""
    attributes = {"use": use} if use else None
    street = [line for line in map(flat, where.lines) if line] if where else []
    parts = [("streetName", street[0] if street else ""), ("additionalLocator", ", ".join(street[1:]))]
    if where:
        parts += [("postalCode", flat(where.postcode)), ("city", flat(where.town)), ("country", flat(where.country))]
    written: set[str] = set()
    element = None
    for name, text in parts:
        if text and text not in written:
            written.add(text)
            element = sub(parent, "addr", attributes) if element is None else element
            leaf(element, name, text=text)
    if element is None:
        leaf(parent, "addr", {"nullFlavor": "UNK"})


def telecoms(parent: Element, numbers: tuple[str, ...], *, home: bool = False, mail: str = "") -> None:
    """``telecom`` elements: ``tel:``, ``mailto:``; UNK when nothing is known."""
    written: dict[str, str] = {}
    for number in numbers:
        written.setdefault(*_telecom(number, home))
    written.pop("", None)
    for value, use in written.items():
        leaf(parent, "telecom", {"value": value, "use": use})
    if _MAIL.fullmatch(mail.strip()):
        leaf(parent, "telecom", {"value": "mailto:" + mail.strip()})
    elif not written:
        leaf(parent, "telecom", {"nullFlavor": "UNK"})


def _telecom(text: str, home: bool) -> tuple[str, str]:
    """``(value, use)``; an empty value when the text is neither a number nor an address."""
    text = text.strip()
    if "@" in text:
        box = text.removeprefix("mailto:").strip()
        return ("mailto:" + box, "H" if home else "WP") if _MAIL.fullmatch(box) else ("", "")
    digits = re.sub(r"[^0-9+]", "", re.split(r"[a-zA-Z]{2,}", text.removeprefix("tel:"))[0])
    if len(digits) < 3:
        return "", ""
    mobile = re.match(r"(0|\+33|0033)[67]", digits)
    return "tel:" + digits, "MC" if home and mobile else "H" if home else "WP"


# ------------------------------------------------------------------------------------------------ professionals


def professional_id(person: Practitioner) -> str:
    """National extension: "8" + RPPS or "0" + ADELI; empty when the number is of another kind or shape."""
    number = compact(person.id)
    if person.id_type is IdType.RPPS:
        # Some files already carry the national form, "8" and the RPPS.
        bare = number[1:] if len(number) == 12 and number[0] == "8" else number
        return "8" + bare if rpps_shape_ok(bare) else ""
    return "0" + number if person.id_type is IdType.ADELI and adeli_ok(number) else ""


def structure_id(number: str) -> str:
    """National extension of a structure: "1" + FINESS (9 characters) or "3" + SIRET (14 digits); else empty."""
    number = compact(number)
    if finess_shape_ok(number):
        return "1" + number
    return "3" + number if re.fullmatch(r"[0-9]{14}", number) else ""


def person_name(parent: Element, person: Practitioner) -> None:
    """``name``: prefix, given, family, suffix, each at most once; titles without an official code are left out."""
    name = sub(parent, "name")
    title = tables.title(person.title)
    if title and title[0] == "prefix":
        leaf(name, "prefix", text=title[1])
    if person.given.strip():
        leaf(name, "given", text=flat(person.given))
    leaf(name, "family", text=flat(person.family))
    if title and title[0] == "suffix":
        leaf(name, "suffix", text=title[1])


def organisation(
    parent: Element, name: str, laboratory: LaboratoryIdentity, *, accreditation: bool = False, industry: bool = False
) -> None:
    """The laboratory as ``representedOrganization`` (or another element of that shape)."""
    parent.inside.append(_organisation(name, laboratory, accreditation, industry))


@lru_cache(maxsize=100)
def _organisation(name: str, laboratory: LaboratoryIdentity, accreditation: bool, industry: bool) -> str:
    """Written once for a laboratory: it stands in every document six times."""
    element = Element(name)
    leaf(element, "id", {"root": STRUCTURE_ROOT, "extension": laboratory_extension(laboratory)})
    if accreditation and laboratory.cofrac.strip():
        number = flat(laboratory.cofrac)[:MAX_EXTENSION]
        leaf(element, "id", {"root": COFRAC_ROOT, "extension": number, "assigningAuthorityName": "COFRAC"})
    leaf(element, "name", text=laboratory_name(laboratory))
    telecoms(element, (laboratory.phone,))
    address(element, laboratory.address)
    if industry:
        coded(element, "standardIndustryClassCode", "AMBULATOIRE", "1.2.250.1.213.1.1.4.9", "Ambulatoire")
    return element.markup()


def laboratory_name(laboratory: LaboratoryIdentity) -> str:
    """The configured name; the built-in identity says that it is nobody's."""
    name = flat(laboratory.name)
    return name + NEUTRAL_MARK if laboratory.neutral and "essai" not in name.casefold() else name


def laboratory_extension(laboratory: LaboratoryIdentity) -> str:
    """ "1" + FINESS. Raises :class:`RenderError` when the configured number has another shape."""
    extension = structure_id(laboratory.finess) or (NOBODY_STRUCTURE if laboratory.neutral else "")
    if not extension:
        raise RenderError(
            "Le numéro FINESS du laboratoire n'a pas la forme attendue (9 caractères) : le CDA ne peut pas être écrit.",
            hint="Corrigez « finess » dans la section [laboratory] de la configuration.",
        )
    return extension


def biologist_id(laboratory: LaboratoryIdentity) -> str:
    """National extension of the responsible biologist; :class:`RenderError` when there is none."""
    extension = professional_id(laboratory.biologist) or (NOBODY if laboratory.neutral else "")
    if not extension or not laboratory.biologist.family.strip():
        raise RenderError(
            "Le biologiste responsable n'a pas de nom ou pas de RPPS à 11 chiffres : le CDA serait sans signataire.",
            hint="Complétez « biologist » dans la section [laboratory] de la configuration.",
        )
    return extension


def biologist(
    parent: Element, laboratory: LaboratoryIdentity, *, accreditation: bool = False, industry: bool = False
) -> None:
    """``assignedEntity`` of the responsible biologist, with the laboratory behind."""
    parent.inside.append(_biologist(laboratory, accreditation, industry))


@lru_cache(maxsize=100)
def _biologist(laboratory: LaboratoryIdentity, accreditation: bool, industry: bool) -> str:
    entity = Element("assignedEntity")
    leaf(entity, "id", {"root": PROFESSIONAL_ROOT, "extension": biologist_id(laboratory)})
    biologist_profession(entity, laboratory)
    address(entity, laboratory.address)
    telecoms(entity, (laboratory.biologist.phone or laboratory.phone,))
    person_name(sub(entity, "assignedPerson"), laboratory.biologist)
    organisation(entity, "representedOrganization", laboratory, accreditation=accreditation, industry=industry)
    return entity.markup()


def biologist_profession(parent: Element, laboratory: LaboratoryIdentity) -> None:
    """``code`` from JDV_J01; :class:`RenderError` for a code that is not a biologist's."""
    concept = tables.professions().get(laboratory.biologist_profession)
    if concept is None:
        raise RenderError(
            f"La profession « {laboratory.biologist_profession} » n'est pas celle d'un biologiste (JDV_J01).",
            hint="Écrivez G15_10/SM03 (médecin biologiste) ou G15_21/G (pharmacien biologiste) dans la configuration.",
        )
    coded(parent, "code", concept.code, concept.system, concept.display)
