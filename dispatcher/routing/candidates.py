"""What the directories know of a recipient: the values the rules of routing look at.

Entries come from the national files, the national API or an LDAP directory (``directory/``), local ones from the
laboratory's own table. Freshness and source stay on every entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from dispatcher.report.model import IdType

BOX_TYPES = frozenset({"PER", "ORG", "APP", "CAB"})
"""Kinds of mailboxes (MSSanté): of a person, a structure, a software, a practice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One mailbox, activity or structure in a directory."""

    address: str
    """In the form of :func:`dispatcher.routing.addresses.canonical`; empty without a box."""
    box_type: str = "PER"
    """``PER``, ``ORG``, ``APP`` or ``CAB``."""
    id_type: IdType | None = None
    identifier: str = ""
    """Bare RPPS (11 digits) or ADELI (9) of the person; empty for an organisation's box."""
    family: str = ""
    given: str = ""
    title: str = ""
    profession: str = ""
    structure_id: str = ""
    """FINESS (9 characters) or SIRET (14) of the structure; may be empty for a personal box."""
    structure_name: str = ""
    service: str = ""
    postcode: str = ""
    town: str = ""
    paperless: bool | None = None
    """Column ``Dématérialisation``; None when the directory does not say."""
    rank: int | None = None
    """Preference, 1 first (FHIR ``telecom.rank``)."""
    red_list: bool = False
    """The holder does not want the address shown to others (liste rouge)."""
    source: str = ""
    """``mssante``, ``fhir``, ``local``… (:mod:`dispatcher.routing.sources`)."""
    version: str = ""
    """Snapshot this entry comes from."""

    @property
    def domain(self) -> str:
        """Part after the ``@``."""
        return self.address.rpartition("@")[2]

    @property
    def label(self) -> str:
        """How a person reads it."""
        name = " ".join(part for part in (self.title, self.family, self.given) if part)
        return name or self.structure_name or self.address


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalEntry:
    """One line of the laboratory's own table: what its prescriber code stands for."""

    code: str
    """The LIS's code for the recipient."""
    source: str = ""
    """Name of the source folder it is valid for; empty for all."""
    id_type: IdType | None = None
    identifier: str = ""
    """National identifier behind the code (RPPS, ADELI, FINESS), or empty."""
    address: str = ""
    """Mail address to use, or empty: then the national directory decides."""
    label: str = ""
    format: str = ""
    """One of ``delivery.FORMATS``, or empty for the default."""
    channel: str = ""
    delivery: str = "mail"
    """``mail``, ``paper`` or ``none``."""
    valid_from: date | None = None
    valid_to: date | None = None
    added_by: str = ""
    """Who wrote the line, when a command did."""
    added_on: date | None = None
    reason: str = ""
    line: int = 0
    """Line in the table, for messages."""
