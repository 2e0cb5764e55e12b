"""Settings of one LDAP directory: a part of ``[directory]``. No server is known by default."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from dispatcher.settings.sections import LOOPBACK, Section
from dispatcher.settings.syncing import ScheduledSection

Target = Literal[
    "address",
    "box_type",
    "identifier",
    "rpps",
    "adeli",
    "structure",
    "finess",
    "siret",
    "family",
    "given",
    "title",
    "profession",
    "structure_name",
    "service",
    "postcode",
    "town",
    "paperless",
    "rank",
]
"""Parts of a directory entry. ``identifier`` and ``structure``: in their national form (type digit in front)."""


class LdapValueSettings(Section):
    """Where one part of an entry comes from, when the whole of an attribute is not it."""

    attribute: str = ""
    value: str = ""
    """The same text for every entry, instead of an attribute."""
    pattern: str = ""
    """Regular expression on the attribute, with a group ``value``, or two: ``type`` (digit) and ``id``."""

    @model_validator(mode="after")
    def _one_of_them(self) -> LdapValueSettings:
        if bool(self.attribute) == bool(self.value):
            raise ValueError("il faut soit « attribute », soit « value »")
        if self.pattern:
            groups = _groups(self.pattern)
            if not ("value" in groups or {"type", "id"} <= groups):
                raise ValueError("« pattern » doit nommer (?P<value>…), ou (?P<type>…) et (?P<id>…)")
        return self


def _groups(pattern: str) -> set[str]:
    try:
        return set(re.compile(pattern).groupindex)
    except re.error as error:
        raise ValueError(f"« pattern » n'est pas une expression régulière ({error})") from error


class LdapSettings(ScheduledSection):
    """One LDAP server."""

    url: str = Field(pattern=r"^ldaps?://[^/\s]+/?$")
    start_tls: bool = True
    """For ``ldap://``: TLS on the same port (StartTLS). Off only towards this machine."""
    ca_file: Path | None = None
    """Authorities of the server's certificate (PEM); absent: the machine's."""
    client_cert: Path | None = None
    client_key: Path | None = None
    bind_dn: str = ""
    """Account to log in with; absent: anonymous."""
    password_file: Path | None = None
    base: str
    filter: str = "(objectClass=*)"
    page_size: int = Field(default=500, ge=1, le=10_000)
    timeout_seconds: int = Field(default=10, ge=1, le=300)
    keep_hours: float = Field(default=24, gt=0, le=24 * 30)
    """``certificates``: how long an answer with a usable certificate serves without asking again."""
    keep_none_hours: float = Field(default=2, gt=0, le=24 * 7)
    """The same for an answer without one."""
    use: list[Literal["entries", "certificates"]] = Field(default=["entries"], min_length=1)
    """``entries``: copied by ``dispatcher directory sync``; ``certificates``: asked for recipients' certificates."""
    attributes: dict[Target, str | LdapValueSettings]
    """Part of an entry to the attribute that carries it."""

    @field_validator("filter")
    @classmethod
    def _in_brackets(cls, value: str) -> str:
        if not (value.startswith("(") and value.endswith(")") and value.count("(") == value.count(")")):
            raise ValueError("un filtre LDAP s'écrit entre parenthèses : « (objectClass=person) »")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> LdapSettings:
        if (self.client_cert is None) != (self.client_key is None):
            raise ValueError("« client_cert » et « client_key » vont ensemble")
        if bool(self.bind_dn) != (self.password_file is not None):
            raise ValueError("« bind_dn » et « password_file » vont ensemble")
        if self.url.startswith("ldap://") and not self.start_tls and not self._on_this_machine():
            raise ValueError("« start_tls = false » n'est permis que vers la machine elle-même (127.0.0.1)")
        if not isinstance(self.attributes.get("address"), (str, LdapValueSettings)) or self._value("address"):
            raise ValueError("« attributes.address » doit nommer l'attribut qui porte l'adresse de messagerie")
        if "certificates" in self.use and not isinstance(self.attributes["address"], str):
            raise ValueError("pour chercher des certificats, « attributes.address » est le nom d'un attribut")
        return self

    def _value(self, part: Target) -> str:
        rule = self.attributes.get(part)
        return rule.value if isinstance(rule, LdapValueSettings) else ""

    def _on_this_machine(self) -> bool:
        try:
            return urlsplit(self.url).hostname in LOOPBACK
        except ValueError:
            return False
