"""Another house that says who somebody is (OpenID Connect), and what is made of what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from dispatcher.settings.sections import LOOPBACK, PathSection, Section


class GrantSettings(Section):
    """Who gets roles: every claim named must have one of its values."""

    roles: list[Literal["operator", "biologist", "administrator", "auditor"]] = Field(min_length=1)
    claims: dict[str, list[str]] = Field(min_length=1)


class OidcSettings(PathSection):
    issuer: str
    """Exactly as its tokens name it."""
    discovery: str = ""
    """Where it describes itself, when not at the usual place below ``issuer``."""
    client_id: str = Field(min_length=1)
    secret_file: Path
    redirect: str
    """Address of the console's page that people come back to, as the issuer knows it."""
    scopes: list[str] = Field(default_factory=lambda: ["openid"])
    acr: list[str] = Field(default_factory=list)
    """Ways of recognising somebody that are strong enough; empty: whatever the issuer holds for enough."""
    name_claim: str = "preferred_username"
    """Becomes the name of the account."""
    label: str = "Se connecter autrement"
    """On the button."""
    ca_file: Path | None = None
    """Authorities of its TLS certificate, when they are not those of the system."""
    grants: list[GrantSettings] = Field(min_length=1)

    @field_validator("issuer", "discovery", "redirect")
    @classmethod
    def _https(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and not (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)):
            raise ValueError("une adresse https:// est attendue (http:// sur cette machine seulement)")
        return value

    @field_validator("scopes")
    @classmethod
    def _openid(cls, value: list[str]) -> list[str]:
        if "openid" not in value:
            raise ValueError("« openid » doit y figurer")
        return value
