"""People and structures of a report: patient, professionals, recipients, laboratory.

Part of the report model (:mod:`dispatcher.report.model`, which gives all its names). Missing text is the empty string,
missing things are ``None``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Sex(StrEnum):
    FEMALE = "F"
    MALE = "M"
    UNKNOWN = "U"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ins:
    """Identité nationale de santé. ``qualified`` only when the sender says so and all traits are there."""

    matricule: str
    """13 characters and the 2-digit key, no blanks."""
    oid: str
    """1.2.250.1.213.1.4.8 (NIR), .9 (NIA), .10 (test), .11 (demonstration)."""
    qualified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalId:
    """A patient number of some authority (laboratory, hospital)."""

    value: str
    authority: str = ""
    """Name or OID of who gave the number, as in the file."""
    type: str = ""
    """``PI``, ``PIP``, ``AN``, ``VN``… (HL7 table 0203)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    lines: tuple[str, ...] = ()
    postcode: str = ""
    town: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    birth_name: str = ""
    """Nom de naissance. When a file has one name only, it stands here."""
    used_name: str = ""
    """Nom utilisé, when it differs; else empty."""
    given_names: tuple[str, ...] = ()
    """All given names in order; the first is the first given name."""
    used_given: str = ""
    """Prénom utilisé, when it differs."""
    birth_date: date | None = None
    birth_date_raw: str = ""
    """As in the file, when it is not a calendar date (lunar dates, months over 12)."""
    sex: Sex = Sex.UNKNOWN
    ins: Ins | None = None
    nss: str = ""
    """Billing number (NIR of the insured); never an INS."""
    local_ids: tuple[LocalId, ...] = ()
    address: Address | None = None
    birth_place: str = ""
    """INSEE code of the town or country of birth, 5 characters."""
    phones: tuple[str, ...] = ()

    @property
    def first_given(self) -> str:
        """First given name, or the empty string."""
        return self.given_names[0] if self.given_names else ""

    @property
    def family(self) -> str:
        """The name people use: used name, else birth name."""
        return self.used_name or self.birth_name


class IdType(StrEnum):
    """Kinds of identifiers of professionals and structures."""

    RPPS = "RPPS"
    ADELI = "ADELI"
    FINESS = "FINESS"
    SIRET = "SIRET"
    LOCAL = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Practitioner:
    """A professional or a structure named by the file: prescriber, copy, biologist."""

    id: str = ""
    """Bare identifier: 11-digit RPPS, 9-digit ADELI, 9-character FINESS, or the laboratory's own code."""
    id_type: IdType = IdType.LOCAL
    family: str = ""
    given: str = ""
    title: str = ""
    organisation: str = ""
    organisation_id: str = ""
    """FINESS or SIRET of the structure, when the file carries it."""
    phone: str = ""
    address: Address | None = None

    @property
    def label(self) -> str:
        """How people read it: ``Dr DURAND Paul`` or the organisation."""
        name = " ".join(part for part in (self.title, self.family, self.given) if part)
        return name or self.organisation or self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplicitRecipient:
    """A recipient whose mail address stands in the file itself (HL7 PRT-15)."""

    address: str
    practitioner: Practitioner | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """Line 12 of an HPRIM Médecins header: code and label."""

    id: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Laboratory:
    """Who made the report, as the file says it; the configured identity completes it."""

    name: str = ""
    id: str = ""
    """Code of the sender in the file (MSH-4, H.4)."""
    finess: str = ""
    address: Address | None = None
    phone: str = ""
