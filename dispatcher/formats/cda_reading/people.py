"""The patient and the professionals of a CDA header.

CI-SIS "Structuration minimale": family ``BR`` birth name, ``CL`` name used; the given name without qualifier is the
whole list of birth forenames; INS by its root. Foreign documents have names without any qualifier.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

from dispatcher.formats.cda.people import PROFESSIONAL_ROOT, STRUCTURE_ROOT
from dispatcher.formats.cda_reading import datatypes
from dispatcher.formats.cda_reading.nodes import Element, attribute, child, children, null, plain
from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.er7.people import identify
from dispatcher.report.identifiers import compact, ins_oid_ok
from dispatcher.report.model import IdType, Ins, LocalId, Patient, Practitioner, Sex

STAND_IN = "SANS-IPP-"
"""Start of the number our own writer makes up for a patient without any: it is nobody's."""
_BIRTH_PLACE = re.compile(r"[0-9][0-9AB][0-9]{3}")
_SIRET = re.compile(r"3[0-9]{14}")
"""National form. Its key is not asked for here: ``checks`` looks at numbers, and test directories hold bad ones."""
_SEXES = {"F": Sex.FEMALE, "M": Sex.MALE}
_UNKNOWN_SEX = frozenset({"", "UN", "UND", "U", "O", "UNK"})
_GENDER_SYSTEM = "2.16.840.1.113883.5.1"
STRUCTURES = (IdType.FINESS, IdType.SIRET)

# ------------------------------------------------------------------------------------------------ patient


def patient(root: Element, notes: Notes) -> Patient:
    """Who the document is about; an empty :class:`Patient` when it names nobody."""
    targets = children(root, "recordTarget")
    if len(targets) > 1:
        notes.error(
            "several-patients",
            "recordTarget",
            f"Le document nomme {len(targets)} patients : un CDA ne doit en nommer qu'un. À vérifier à la source.",
        )
    role = child(targets[0], "patientRole") if targets else None
    person = child(role, "patient")
    if role is None or person is None:
        notes.error("cda-no-patient", "recordTarget", "Le document ne nomme aucun patient : le compléter à la source.")
        return Patient()
    found = _birth(_names(person, qualified=_has_ins(role)), person)
    found = replace(
        found,
        sex=_sex(person, notes),
        local_ids=_local_ids(role),
        address=datatypes.address(child(role, "addr")),
        phones=datatypes.phones(role),
    )
    return replace(found, ins=_ins(role, found, notes))


def _has_ins(role: Element) -> bool:
    return any(ins_oid_ok(attribute(each, "root")) for each in children(role, "id"))


def _names(person: Element, *, qualified: bool) -> Patient:
    names = children(person, "name")
    name = next((each for each in names if each.get("use", "L") == "L"), names[0] if names else None)
    families = _by_qualifier(name, "family")
    givens = _by_qualifier(name, "given")
    birth = families.get("BR") or families.get("") or []
    used = families.get("CL") or families.get("SP") or []
    birth_name, used_name = " ".join(birth), " ".join(used)
    if not birth and families and not used:
        birth_name = " ".join(next(iter(families.values())))
    first = " ".join(givens.get("BR", []))
    listed = _listed(givens.get("", []), first, french=qualified or bool(first) or bool(families.get("BR")))
    used_given = " ".join(givens.get("CL", []))
    if not listed and used_given:
        listed, used_given = (used_given,), ""
    return Patient(
        birth_name=birth_name,
        used_name="" if used_name == birth_name else used_name,
        given_names=listed,
        used_given="" if listed and used_given == listed[0] else used_given,
    )


def _by_qualifier(name: Element | None, part: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in children(name, part):
        if text := plain(each):
            found.setdefault(attribute(each, "qualifier"), []).append(text)
    return found


def _listed(listed: list[str], first: str, *, french: bool) -> tuple[str, ...]:
    """All forenames. In a French document the unqualified one is a list, set apart by blanks; ``BR`` is its head."""
    whole = " ".join(listed)
    if not french:
        return tuple(listed)
    if not first:
        return tuple(whole.split())
    if not whole:
        return (first,)
    if whole == first or whole.startswith(first + " "):
        return (first, *whole[len(first) :].split())
    return (first, *(name for name in whole.split() if name != first))


def _birth(found: Patient, person: Element) -> Patient:
    raw = attribute(child(person, "birthTime"), "value")
    moment = datatypes.when(child(person, "birthTime"))
    day = moment.date() if isinstance(moment, datetime) else moment
    place = plain(child(person, "birthplace", "place", "addr", "county"))
    return replace(
        found,
        birth_date=day,
        birth_date_raw="" if day else raw,
        birth_place=place if _BIRTH_PLACE.fullmatch(place) else "",
    )


def _sex(person: Element, notes: Notes) -> Sex:
    element = child(person, "administrativeGenderCode")
    code, system = attribute(element, "code").upper(), attribute(element, "codeSystem")
    if code in _SEXES and system in ("", _GENDER_SYSTEM):
        return _SEXES[code]
    if code not in _UNKNOWN_SEX or (code in _SEXES and system):
        notes.warning(
            "unknown-sex-code",
            "administrativeGenderCode",
            "Sexe codé dans un système inconnu (attendu M, F ou UN de 2.16.840.1.113883.5.1) : lu comme inconnu.",
        )
    return Sex.UNKNOWN


def _local_ids(role: Element) -> tuple[LocalId, ...]:
    found = []
    for each in children(role, "id"):
        root, number = attribute(each, "root"), attribute(each, "extension")
        if number and not ins_oid_ok(root) and not number.startswith(STAND_IN):
            found.append(LocalId(value=number, authority=root or attribute(each, "assigningAuthorityName"), type="PI"))
    return tuple(dict.fromkeys(found))


def _ins(role: Element, found: Patient, notes: Notes) -> Ins | None:
    """The INS by its root; qualified when every trait stands beside it, as the rules ask of a sender."""
    numbers = [each for each in children(role, "id") if ins_oid_ok(attribute(each, "root"))]
    number = next((each for each in numbers if attribute(each, "extension")), None)
    if number is None:
        return None
    if len({compact(attribute(each, "extension")) for each in numbers}) > 1:
        notes.error(
            "several-ins",
            "patientRole/id",
            "Plusieurs INS différentes pour un même patient : identité à vérifier à la source.",
        )
    traits = (found.birth_name, found.first_given, found.birth_date, found.birth_place)
    complete = all(traits) and found.sex is not Sex.UNKNOWN
    if not complete:
        notes.warning(
            "ins-not-qualified",
            "patientRole/id",
            "INS sans tous ses traits (nom, prénom, date, sexe, lieu de naissance) : lue comme non qualifiée.",
        )
    return Ins(matricule=compact(attribute(number, "extension")), oid=attribute(number, "root"), qualified=complete)


# ------------------------------------------------------------------------------------------------ professionals


def professional(
    entity: Element | None, *, person: str = "assignedPerson", organisation: str = "representedOrganization"
) -> Practitioner | None:
    """An assigned, associated or intended entity; None when it says nothing about anybody."""
    if entity is None:
        return None
    family, given, title = _name(child(entity, person, "name"))
    structure = child(entity, organisation)
    number, kind = _number(children(entity, "id"))
    structure_number, structure_kind = _number(children(structure, "id"))
    name = plain(child(structure, "name"))
    if not number and not family and structure_kind in STRUCTURES:
        number, kind = structure_number, structure_kind
    if number == structure_number:
        structure_number = ""
    found = Practitioner(
        id=number,
        id_type=kind,
        family=family,
        given=given,
        title=title,
        organisation=name,
        organisation_id=structure_number,
        phone=next(iter(datatypes.phones(entity) or datatypes.phones(structure)), ""),
        address=datatypes.address(child(entity, "addr")) or datatypes.address(child(structure, "addr")),
    )
    return None if not (found.id or found.family or found.organisation) else found


def _name(name: Element | None) -> tuple[str, str, str]:
    """Family, given, title. The academic title (``suffix``) says more than the civil one (``prefix``)."""
    if name is None or null(name):
        return "", "", ""
    family = " ".join(plain(each) for each in children(name, "family"))
    if not family and not children(name, "given"):
        family = plain(name)
    given = " ".join(plain(each) for each in children(name, "given"))
    return family, given, plain(child(name, "suffix")) or plain(child(name, "prefix"))


def _number(ids: list[Element]) -> tuple[str, IdType]:
    """The best of several numbers: national first (RPPS behind ``8``, ADELI ``0``, FINESS ``1``, SIRET ``3``)."""
    local = ""
    for each in ids:
        root, extension = attribute(each, "root"), attribute(each, "extension")
        if not extension:
            continue
        if root == STRUCTURE_ROOT and _SIRET.fullmatch(compact(extension)):
            return compact(extension)[1:], IdType.SIRET
        if root in (PROFESSIONAL_ROOT, STRUCTURE_ROOT):
            number, kind = identify(extension, (root,))
            if kind is not IdType.LOCAL:
                return number, kind
            local = local or number
        elif not root.startswith("1.2.250.1.213.6.3."):  # accreditation numbers (COFRAC, EFI) name nobody
            local = local or extension
    return local, IdType.LOCAL


def structure_number(organisation: Element) -> tuple[str, IdType]:
    """Number of an organisation and its kind; ``("", LOCAL)`` when it has none."""
    return _number(children(organisation, "id"))


def participant(role: Element | None) -> Practitioner | None:
    """A ``participantRole`` of the body: its person is the ``playingEntity`` itself."""
    if role is None:
        return None
    family, given, title = _name(child(role, "playingEntity", "name"))
    number, kind = _number(children(role, "id"))
    return Practitioner(id=number, id_type=kind, family=family, given=given, title=title) if family or number else None
