"""Directories, list of allowed domains, routing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from dispatcher.settings.ldap import LdapSettings
from dispatcher.settings.revocation import RevocationSettings
from dispatcher.settings.sections import Name, PathSection, Section, SendingFormat
from dispatcher.settings.syncing import DownloadSettings, FhirSettings, NationalFile, WebSection, web_address


class DirectorySettings(PathSection):
    folder: Path = Path("state/directory")
    """Searchable copies, one per source, made by ``dispatcher directory import`` and ``sync``."""
    local: Path = Path("tables/destinataires.csv")
    local_versions: int = Field(default=50, ge=2)
    """Kept versions of the local table, in ``sauvegardes/`` beside it."""
    certificates: Path = Path("certificates")
    """Folder of recipients' certificates (PEM or DER)."""
    issuers: Path | None = None
    """Authorities (PEM, DER, P7B) under which recipients' certificates must stand; absent: any."""
    max_age_days: int = Field(default=15, gt=0)
    """Mailboxes older than this are told."""
    people_max_age_days: int = Field(default=60, gt=0)
    structures_max_age_days: int = Field(default=180, gt=0)
    shrink_percent: float = Field(default=5.0, ge=0)
    fhir: FhirSettings | None = None
    """FHIR API « Annuaire Santé »; absent: not used."""
    downloads: dict[NationalFile, DownloadSettings] = Field(default_factory=dict)
    """National files fetched from a web address, by source."""
    ldap: dict[Name, LdapSettings] = Field(default_factory=dict)
    """LDAP servers, each under a name of the site's own."""
    revocation: RevocationSettings = Field(default_factory=RevocationSettings)
    certificate_state: Path = Path("state/certificates")
    """Kept answers of LDAP servers, fetched revocation lists."""

    @model_validator(mode="after")
    def _issuers_pinned(self) -> DirectorySettings:
        if self.issuers is not None:
            return self
        if any("certificates" in server.use for server in self.ldap.values()):
            raise ValueError("des certificats viennent d'un annuaire LDAP : « issuers » doit nommer leurs autorités")
        if self.revocation.policy != "off":
            raise ValueError("« revocation » se regarde auprès d'autorités connues : « issuers » doit les nommer")
        return self


class TrustSettings(WebSection):
    """The list of allowed domains."""

    url: str = ""
    """Where it is fetched; empty: a person imports it."""
    roots: Path = Path("trust/roots.pem")
    """Pinned root and intermediate certificates (PEM)."""
    signer_cn: str = "alb.mssante.fr"
    crl: Path | None = None
    """Revocation lists of the pinned authorities (PEM or DER); when given, one must answer for the signer."""
    max_age_days: int = Field(default=30, gt=0)
    """Older than this, nothing leaves any more."""
    warn_age_days: int = Field(default=10, gt=0)
    """Older than this, it is told."""
    keep_versions: int = Field(default=12, ge=1)
    """Accepted lists that are kept at least…"""
    keep_months: int = Field(default=1, ge=0)
    """…and those accepted in the last months."""

    @field_validator("url")
    @classmethod
    def _url(cls, value: str) -> str:
        return web_address(value) if value else value


Domain = Annotated[str, Field(pattern=r"^(\*\.)?[^@\s*]+\.[^@\s*]+$")]


class DomainSettings(Section):
    """Defaults for the recipients of one mail domain."""

    channel: Name | None = None
    format: SendingFormat | None = None


class RoutingSettings(Section):
    default_channel: Name | None = None
    """Channel for recipients whose table line names none; needed when there are several channels."""
    prefer: Literal["PER", "ORG"] = "PER"
    unknown_certificate: Literal["hold", "other-way"] = "hold"
    """When nobody could say whether a recipient has a certificate (directory out of reach, revocation not known): wait
    for a person, or go the channel's other protected way, if it has one."""
    patients: bool = False
    """Mail to patients (« Mon espace santé »), where the file asks for it."""
    directory_hold_days: int = Field(default=60, gt=0)
    """A box found in older data than this waits for a person."""
    domains: dict[Domain, DomainSettings] = Field(default_factory=dict)
    """By mail domain; ``*.example.org`` for everything below one."""
