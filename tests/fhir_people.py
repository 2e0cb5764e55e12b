"""Records as the FHIR API « Annuaire Santé » publishes them, about people and structures that do not exist.

RPPS numbers begin with 997, FINESS numbers with 99, domains end in ``.test``: nobody has them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]

MAIL_TYPE = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-contact-point-email-type"
METADATA = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-mailbox-mss-metadata"
MAIL_TYPES = "https://mos.esante.gouv.fr/NOS/TRE_R256-TypeMessagerie/FHIR/TRE-R256-TypeMessagerie"
BOX_TYPES = "https://mos.esante.gouv.fr/NOS/TRE_R257-TypeBAL/FHIR/TRE-R257-TypeBAL"
PROFESSIONS = "https://mos.esante.gouv.fr/NOS/TRE_G15-ProfessionSante/FHIR/TRE-G15-ProfessionSante"
LONG_AGO = datetime(2026, 1, 10, 8, 0, tzinfo=UTC)


def rpps(number: int) -> str:
    return f"997{number:08d}"


def finess(number: int) -> str:
    return f"99{number:07d}"


def mailbox(address: str, box_type: str = "PER", *, rank: int | None = None, **said: bool | str) -> Json:
    """A secure mailbox; ``said``: further sub-extensions (``digitization``, ``listeRouge``, ``service``)."""
    parts: list[Json] = [{"url": "type", "valueCodeableConcept": {"coding": [{"system": BOX_TYPES, "code": box_type}]}}]
    for name, value in said.items():
        parts.append({"url": name, "valueBoolean" if isinstance(value, bool) else "valueString": value})
    found: Json = {
        "extension": [
            {"url": MAIL_TYPE, "valueCoding": {"system": MAIL_TYPES, "code": "MSSANTE"}},
            {"url": METADATA, "extension": parts},
        ],
        "system": "email",
        "value": address,
    }
    return {**found, "rank": rank} if rank is not None else found


def _record(kind: str, known: str, updated: datetime, **values: Any) -> Json:
    return {
        "resourceType": kind,
        "id": known,
        "meta": {"versionId": "1", "lastUpdated": updated.isoformat(timespec="milliseconds")},
        "active": True,
        **values,
    }


def practitioner(
    number: int, *boxes: Json, family: str = "", given: str = "Paul", updated: datetime = LONG_AGO, **more: Any
) -> Json:
    return _record(
        "Practitioner",
        f"003-{number}-1",
        updated,
        identifier=[
            {"use": "official", "system": "urn:oid:1.2.250.1.71.4.2.1", "value": f"8{rpps(number)}"},
            {"use": "official", "system": "https://rpps.esante.gouv.fr", "value": rpps(number)},
        ],
        name=[{"family": family or f"ESSAI{number}", "given": [given], "prefix": ["M"], "suffix": ["DR"]}],
        qualification=[{"code": {"coding": [{"system": PROFESSIONS, "code": "10"}]}}],
        telecom=list(boxes),
        **more,
    )


def role(number: int, person: int, place: int | None, *boxes: Json, updated: datetime = LONG_AGO, **more: Any) -> Json:
    values: Json = {"practitioner": {"reference": f"Practitioner/003-{person}-1"}}
    if place is not None:
        values["organization"] = {"reference": f"Organization/001-{place}"}
    return _record(
        "PractitionerRole",
        f"005-{number}",
        updated,
        identifier=[{"system": "https://rpps.esante.gouv.fr", "value": f"10{number:08d}"}],
        telecom=list(boxes),
        **values,
        **more,
    )


def organization(number: int, *boxes: Json, name: str = "", updated: datetime = LONG_AGO, **more: Any) -> Json:
    return _record(
        "Organization",
        f"001-{number}",
        updated,
        identifier=[
            {"use": "official", "system": "urn:oid:1.2.250.1.71.4.2.2", "value": f"1{finess(number)}"},
            {"system": "https://finess.esante.gouv.fr", "value": finess(number)},
        ],
        name=name or f"CABINET D'ESSAI {number}",
        address=[{"city": "29000 QUIMPER", "postalCode": "29000"}],
        telecom=[
            {"system": "phone", "value": "0200000000"},
            {"system": "email", "value": "accueil@ordinaire.test"},
            *boxes,
        ],
        **more,
    )


def directory(people: int, *, updated: datetime = LONG_AGO) -> dict[str, list[Json]]:
    """A small country: ten people a structure, each with a box there; the structure has one too."""
    places = max(1, people // 10)
    return {
        "Practitioner": [practitioner(n, updated=updated) for n in range(people)],
        "PractitionerRole": [
            role(n, n, n % places, mailbox(f"p{n}@medecin.test", digitization=True), updated=updated)
            for n in range(people)
        ],
        "Organization": [organization(n, mailbox(f"s{n}@cabinet.test", "ORG"), updated=updated) for n in range(places)],
        "HealthcareService": [],
        "Device": [],
    }
