"""Sources of the directories that are fetched over the network: when, from where, with which secrets."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from dispatcher.settings.sections import LOOPBACK, PathSection

NationalFile = Literal["mssante", "people", "structures", "adeli"]
Resource = Literal["Practitioner", "PractitionerRole", "Organization", "HealthcareService", "Device"]


class ScheduledSection(PathSection):
    """When a source is fetched; the same keys for every kind of source."""

    at: str = "03:30"
    """Time of day in Paris."""
    every_hours: float = Field(default=24, gt=0, le=24 * 30)
    retry_minutes: float = Field(default=30, gt=0)
    """After a failure."""
    max_age_days: float = Field(default=15, gt=0)
    """Older data than this alarms."""

    @field_validator("at")
    @classmethod
    def _time_of_day(cls, value: str) -> str:
        if not re.fullmatch(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]", value):
            raise ValueError("heure attendue sous la forme « 03:30 »")
        return value


def web_address(value: str) -> str:
    """``https://…``; plain ``http`` only towards this machine."""
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError("adresse illisible") from error
    if not host or parts.username is not None or parts.fragment or "\\" in value or not value.isprintable():
        raise ValueError("adresse attendue sous la forme « https://serveur/chemin »")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        raise ValueError("« https » exigé (http n'est permis que vers 127.0.0.1)")
    return value


class WebSection(ScheduledSection):
    """A source behind a web address."""

    ca_file: Path | None = None
    """Authorities of the server (PEM); absent: those of the system. IGC-Santé is in no public store."""
    proxy: str = ""
    """``http://serveur:port`` of the site's proxy; the connection inside stays encrypted to the source."""
    timeout_seconds: float = Field(default=60, gt=0, le=600)

    @field_validator("proxy")
    @classmethod
    def _proxy(cls, value: str) -> str:
        if value and (urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).hostname):
            raise ValueError("mandataire attendu sous la forme « http://serveur:port »")
        return value


class FhirSettings(WebSection):
    """FHIR API « Annuaire Santé » v2."""

    url: str = "https://gateway.api.esante.gouv.fr/fhir/v2"
    key_file: Path
    """One line: the ESANTE-API-KEY of portal.api.esante.gouv.fr."""
    resources: list[Resource] = Field(
        default=["Practitioner", "PractitionerRole", "Organization", "HealthcareService", "Device"], min_length=1
    )
    """Kinds of records fetched, one call per kind."""
    page_size: int = Field(default=500, ge=1, le=10_000)
    calls_per_second: int = Field(default=17, ge=1, le=17)
    """The operator's ceiling per application; to be shared out between machines that use the same key."""
    overlap_hours: float = Field(default=24, ge=0, le=24 * 15)
    """An update asks again for this much before the last one: records become visible later than their stamp says."""
    full_every_days: float = Field(default=7, gt=0, le=29)
    """Everything is fetched again after this long, so that what was erased without a trace goes."""

    @field_validator("url")
    @classmethod
    def _url(cls, value: str) -> str:
        if urlsplit(value).query:
            raise ValueError("adresse sans « ? » attendue")
        return web_address(value.rstrip("/"))


class DownloadSettings(WebSection):
    """A national file published at a web address; its header must be of the source it stands under."""

    url: str

    @field_validator("url")
    @classmethod
    def _url(cls, value: str) -> str:
        return web_address(value)
