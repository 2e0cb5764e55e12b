"""Records of the API as small values: people, their activities, structures, and what belongs to a structure.

Any JSON object in, a value or nothing out; never an exception. Source: Annuaire Santé FHIR documentation version 2,
pages « Practitioner », « PractitionerRole », « Organization »; FR Core identifiers (IDNPS, RPPS, IDNST, FINEG, FINEJ).
National identifiers carry their type digit in front (8 RPPS, 0 ADELI; 1 FINESS, 3 SIRET).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from dispatcher.directory.fhir.boxes import Box, boxes
from dispatcher.directory.fhir.values import Resource, codes, inner, last_word, objects, reference, text, texts
from dispatcher.report.identifiers import adeli_ok, compact, finess_shape_ok, rpps_shape_ok
from dispatcher.report.model import IdType
from dispatcher.routing.identities import PEOPLE, STRUCTURES, from_national_form

PERSON, ROLE, STRUCTURE, SERVICE, DEVICE = (
    "Practitioner",
    "PractitionerRole",
    "Organization",
    "HealthcareService",
    "Device",
)

_NATIONAL_PERSON, _NATIONAL_STRUCTURE = "1.2.250.1.71.4.2.1", "1.2.250.1.71.4.2.2"
_RPPS = ("rpps.esante.gouv.fr", "rpps.fr")
_ADELI = ("adeli.esante.gouv.fr", "adeli.fr")
_FINESS = ("finess.esante.gouv.fr", "finess.sante.gouv.fr", "finess.fr")
_SIRENE = ("sirene.fr", "sirene.esante.gouv.fr", "siret.esante.gouv.fr")
PROFESSION = "g15professionsante"
_PROFESSIONS = {
    "10": "Médecin",
    "21": "Pharmacien",
    "26": "Audioprothésiste",
    "28": "Opticien-lunetier",
    "40": "Chirurgien-dentiste",
    "50": "Sage-femme",
    "60": "Infirmier",
    "91": "Orthophoniste",
}
"""For a code that comes without its wording."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record that is in force. Which fields are filled depends on its kind."""

    kind: str
    id: str
    person: str = ""
    """Id of the Practitioner of an activity."""
    structure: str = ""
    """Id of the Organization an activity, service or device belongs to."""
    rpps: str = ""
    adeli: str = ""
    finess: str = ""
    siret: str = ""
    title: str = ""
    family: str = ""
    given: str = ""
    profession: str = ""
    name: str = ""
    postcode: str = ""
    town: str = ""
    boxes: tuple[Box, ...] = ()


def identity(resource: Resource) -> str:
    """The technical id of a record, or empty."""
    found = resource.get("id")
    return found if isinstance(found, str) and 0 < len(found) <= 100 and found.isprintable() else ""


def in_force(resource: Resource) -> bool:
    """Not deactivated (``active``); a device that was taken out of service is over too."""
    if resource.get("resourceType") == DEVICE:
        return resource.get("status") not in {"inactive", "entered-in-error"}
    return resource.get("active") is not False


def record_of(resource: Resource, odd: Counter[str]) -> Record | None:
    """The value of a record in force; None when it holds nothing that can be used. ``odd`` counts why, in French."""
    kind, known = text(resource.get("resourceType")), identity(resource)
    if not known:
        odd["fiche sans identifiant technique"] += 1
        return None
    if kind == PERSON:
        return _person(resource, known, odd)
    if kind == ROLE:
        return _role(resource, known, odd)
    if kind == STRUCTURE:
        return _structure(resource, known, odd)
    if kind in {SERVICE, DEVICE}:
        return _part(resource, kind, known, odd)
    return None


def _person(resource: Resource, known: str, odd: Counter[str]) -> Record | None:
    rpps, adeli = set[str](), set[str]()
    for system, value in _identifiers(resource):
        form = from_national_form(value, PEOPLE) if _is(system, _NATIONAL_PERSON) else None
        if (form and form[0] is IdType.RPPS) or system.endswith(_RPPS):
            rpps.add(_bare(form[1] if form else value, "8", 11))
        elif (form and form[0] is IdType.ADELI) or system.endswith(_ADELI):
            adeli.add(_bare(form[1] if form else value, "0", 9))
    rpps, adeli = {one for one in rpps if rpps_shape_ok(one)}, {one for one in adeli if adeli_ok(one)}
    if len(rpps) > 1 or len(adeli) > 1:
        odd["professionnel sous deux identifiants nationaux différents : laissé"] += 1
        return None
    if not rpps and not adeli:
        odd["professionnel sans RPPS ni ADELI : laissé"] += 1
        return None
    title, family, given = _name(resource)
    return Record(
        kind=PERSON,
        id=known,
        rpps=next(iter(rpps), ""),
        adeli=next(iter(adeli), ""),
        title=title,
        family=family,
        given=given,
        profession=_profession(resource.get("qualification", [])),
        boxes=boxes(resource, "PER", odd),
    )


def _role(resource: Resource, known: str, odd: Counter[str]) -> Record | None:
    person = reference(resource.get("practitioner"), PERSON)
    if not person:
        odd["activité sans professionnel : laissée"] += 1
        return None
    return Record(
        kind=ROLE,
        id=known,
        person=person,
        structure=reference(resource.get("organization"), STRUCTURE),
        profession=_profession(resource.get("code", [])),
        boxes=boxes(resource, "PER", odd),
    )


def _structure(resource: Resource, known: str, odd: Counter[str]) -> Record | None:
    finess, siret = _structure_identifiers(resource)
    if not finess and not siret:
        odd["structure sans FINESS ni SIRET : laissée"] += 1
        return None
    address = next(objects(resource.get("address", [])), {})
    postcode, town = text(address.get("postalCode")), text(address.get("city"))
    return Record(
        kind=STRUCTURE,
        id=known,
        finess=finess,
        siret=siret,
        name=text(resource.get("name")) or next(iter(texts(resource.get("alias", []))), ""),
        postcode=postcode,
        town=town.removeprefix(postcode).strip() if postcode else town,
        boxes=boxes(resource, "ORG", odd),
    )


def _part(resource: Resource, kind: str, known: str, odd: Counter[str]) -> Record | None:
    """A service or device: of interest for its mailboxes only."""
    found = boxes(resource, "ORG" if kind == SERVICE else "APP", odd)
    structure = reference(resource.get("providedBy" if kind == SERVICE else "owner"), STRUCTURE)
    if not found:
        return None
    if not structure:
        odd["boîte d'un service ou équipement sans structure : laissée"] += 1
        return None
    return Record(kind=kind, id=known, structure=structure, name=text(resource.get("name")), boxes=found)


def _identifiers(resource: Resource) -> list[tuple[str, str]]:
    """(system, value), those in use."""
    return [
        (text(one.get("system")).rstrip("/").lower(), compact(text(one.get("value"))))
        for one in objects(resource.get("identifier", []))
        if one.get("use") != "old"
    ]


def _structure_identifiers(resource: Resource) -> tuple[str, str]:
    """FINESS of the site (else of its legal entity) and SIRET."""
    site, legal, siret = "", "", ""
    for one in objects(resource.get("identifier", [])):
        if one.get("use") == "old":
            continue
        system, value = text(one.get("system")).rstrip("/").lower(), compact(text(one.get("value")))
        kinds = {code for _, code, _ in codes(one.get("type"))}
        form = from_national_form(value, STRUCTURES) if _is(system, _NATIONAL_STRUCTURE) else None
        if (form and form[0] is IdType.FINESS) or system.endswith(_FINESS):
            found = form[1] if form else value
            if finess_shape_ok(found):
                site, legal = (site, legal or found) if "FINEJ" in kinds else (site or found, legal)
        elif form or system.endswith(_SIRENE):
            found = form[1] if form else value
            siret = siret or (found if len(found) == 14 and found.isascii() and found.isdigit() else "")
    return site or legal, siret


def _is(system: str, oid: str) -> bool:
    return system.removeprefix("urn:oid:") == oid


def _bare(value: str, digit: str, length: int) -> str:
    """Without the type digit, where one was left in front."""
    return value[1:] if len(value) == length + 1 and value.startswith(digit) else value


_USES = {"official": 0, "usual": 1, "": 2, "nickname": 3, "anonymous": 3, "temp": 3, "maiden": 4, "old": 5}


def _name(resource: Resource) -> tuple[str, str, str]:
    """Title, family and given name under which the person works."""
    found = [one for one in objects(resource.get("name", [])) if text(one.get("family"))]
    if not found:
        return "", "", ""
    best = min(found, key=lambda one: _USES.get(text(one.get("use")), 3))
    title = next(iter([*texts(best.get("suffix", [])), *texts(best.get("prefix", []))]), "")
    return title, text(best.get("family")), " ".join(texts(best.get("given", [])))


def _profession(value: object) -> str:
    """The profession (TRE_G15) among qualifications or codes."""
    for one in objects(value):
        for system, code, display in codes(inner(one.get("code")) or one):
            if PROFESSION in last_word(system):
                return display or _PROFESSIONS.get(code, f"profession {code}")
    return ""
