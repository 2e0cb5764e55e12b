"""What the site decided, from its settings: channels, defaults, formats by domain, patients, ages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dispatcher.routing.domain_names import pattern_key
from dispatcher.settings.sections import LOOPBACK

if TYPE_CHECKING:
    from dispatcher.settings import ChannelSettings, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPolicy:
    """What the rules need to know of a channel."""

    name: str
    family: str
    """``mssante``, ``apicrypt`` or ``smime``."""
    default_format: str
    sender: str = ""
    mutual_tls: bool = False
    """A client certificate is set, and the connection is TLS."""
    local: bool = False
    """Handed over on this machine: loopback, or a folder."""
    domains: tuple[str, ...] = ()
    """``apicrypt`` only: domains its proxy serves; ``*.example.org`` for every subdomain of one."""

    @classmethod
    def of(cls, name: str, settings: ChannelSettings) -> ChannelPolicy:
        """From the settings of the channel called ``name``."""
        return cls(
            name=name,
            family=settings.family,
            default_format=settings.default_format,
            sender=settings.sender,
            mutual_tls=settings.client_cert is not None and settings.tls != "none",
            local=settings.transport == "folder" or settings.host in LOOPBACK,
            domains=tuple(map(pattern_key, settings.domains)),
        )

    def serves(self, domain: str) -> bool:
        """The site said that this channel's proxy serves ``domain`` (in the form of comparison)."""
        own = pattern_key(self.sender.rpartition("@")[2])
        patterns = [own, *map(pattern_key, self.domains)]
        return any(domain.endswith(one[1:]) if one.startswith("*.") else domain == one for one in patterns)


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainPolicy:
    """Channel and format for the recipients of one mail domain; an empty text leaves the default."""

    channel: str = ""
    format: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the site decided, from its settings."""

    channels: Mapping[str, ChannelPolicy]
    default_channel: str
    domains: Mapping[str, DomainPolicy] = field(default_factory=dict)
    """By domain, in any writing; ``*.example.org`` for everything below one."""
    prefer: str = "PER"
    """``PER`` or ``ORG``: which kind of box when a recipient has both."""
    patients: bool = False
    """Mail to patients (Mon espace santé) is switched on."""
    allow_test_ins: bool = False
    """A matricule of the test and demonstration registers leads to a patient's box too (tests and rehearsals)."""
    list_max_age_days: int = 30
    unknown_certificate: str = "hold"
    """``hold`` or ``other-way``: what to do when nobody could say whether a recipient has a certificate."""
    directory_max_age_days: int = 15
    """From here on the age of the directory is told with every decision that rests on it."""
    directory_hold_days: int = 60
    """From here on such a decision waits for a person."""

    @classmethod
    def of(cls, settings: Settings) -> Policy:
        """From the whole settings; the only channel is the default one when none is named."""
        routing = settings.routing
        return cls(
            channels={name: ChannelPolicy.of(name, channel) for name, channel in settings.channels.items()},
            default_channel=routing.default_channel or next(iter(settings.channels)),
            domains={
                pattern_key(name): DomainPolicy(channel=one.channel or "", format=one.format or "")
                for name, one in routing.domains.items()
            },
            prefer=routing.prefer,
            patients=routing.patients,
            allow_test_ins=settings.checks.allow_test_ins,
            list_max_age_days=settings.trust.max_age_days,
            unknown_certificate=routing.unknown_certificate,
            directory_max_age_days=settings.directory.max_age_days,
            directory_hold_days=routing.directory_hold_days,
        )

    def for_domain(self, domain: str) -> DomainPolicy:
        """What is set for ``domain``: itself before ``*.`` of a domain above it, the longest of these first."""
        known = {pattern_key(name): one for name, one in self.domains.items()}
        exact = known.get(domain)
        if exact is not None:
            return exact
        above = [name for name in known if name.startswith("*.") and domain.endswith(name[1:])]
        return known[max(above, key=len)] if above else DomainPolicy()
