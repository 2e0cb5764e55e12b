"""Who the laboratory is, as writers want it."""

from __future__ import annotations

from dispatcher.formats.base import LaboratoryIdentity
from dispatcher.report.model import Address, IdType, Practitioner
from dispatcher.settings import LaboratorySettings


def laboratory(settings: LaboratorySettings) -> LaboratoryIdentity:
    """The configured identity as writers want it."""
    biologist = settings.biologist
    return LaboratoryIdentity(
        name=settings.name,
        finess=settings.finess,
        oid=settings.oid,
        address=Address(
            lines=tuple(settings.address), postcode=settings.postcode, town=settings.town, country="FRANCE"
        ),
        phone=settings.phone,
        biologist=Practitioner(
            id=biologist.rpps,
            id_type=IdType.RPPS,
            family=biologist.family,
            given=biologist.given,
            title=biologist.title,
        ),
        biologist_profession=biologist.profession,
        cofrac=settings.cofrac,
    )


def neutral_laboratory() -> LaboratoryIdentity:
    """Used by ``read``, ``convert`` and ``validate`` without a configuration; every rendition says so."""
    return LaboratoryIdentity(
        name="Laboratoire non configuré (document d'essai)",
        finess="990000010",
        oid="2.25.329800735698586629295641978511506172918",
        address=Address(lines=("Adresse non configurée",), postcode="00000", town="NON CONFIGURE", country="FRANCE"),
        phone="0000000000",
        biologist=Practitioner(id="10000000009", id_type=IdType.RPPS, family="NON CONFIGURE", given="Biologiste"),
        neutral=True,
    )
