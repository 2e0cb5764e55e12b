"""How the revocation of recipients' certificates is looked at: a part of ``[directory]``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator, model_validator

from dispatcher.settings.syncing import WebSection

_NO_ADDRESS = frozenset(' \\"<>^`{}')


class RevocationSettings(WebSection):
    """Revocation lists of the authorities in ``directory.issuers``."""

    policy: Literal["off", "soft", "require"] = "off"
    """``off``: not looked at; ``soft``: only « revoked » refuses; ``require``: the lists must clear it."""
    lists: list[str] = Field(default_factory=list)
    """Files (PEM, DER) or addresses: ``http(s)://``, ``ldap(s)://``. The lists are signed, so plain http will do."""
    every_hours: float = Field(default=6, gt=0, le=24 * 30)

    @field_validator("lists")
    @classmethod
    def _places(cls, value: list[str], info: ValidationInfo) -> list[str]:
        folder = (info.context or {}).get("folder")
        return [_place(place, folder) for place in value]

    @model_validator(mode="after")
    def _something_to_ask(self) -> RevocationSettings:
        if self.policy == "require" and not self.lists:
            raise ValueError('« policy = "require" » demande des listes (« lists »)')
        return self


def _place(place: str, folder: Path | None) -> str:
    scheme, found, _ = place.partition("://")
    if not found:
        return place if folder is None or Path(place).is_absolute() else str(Path(folder) / place)
    try:
        parts = urlsplit(place)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError("liste de révocation : adresse illisible") from error
    if scheme not in {"http", "https", "ldap", "ldaps"} or not host:
        raise ValueError("liste de révocation : fichier, ou adresse http://, https://, ldap:// ou ldaps:// attendus")
    if "@" in parts.netloc:  # the address stands in messages and logs, and a list is public
        raise ValueError("liste de révocation : adresse sans compte ni mot de passe attendue (rien devant « @ »)")
    web = scheme in {"http", "https"}  # names in an LDAP address are often written with their spaces
    if not place.isprintable() or (web and any(sign in _NO_ADDRESS or not sign.isascii() for sign in place)):
        raise ValueError("liste de révocation : signe qu'une adresse ne porte pas (une espace s'y écrit « %20 »)")
    return place
