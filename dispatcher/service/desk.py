"""Everything preparation needs, wired once and handed to the use cases as one value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from dispatcher.clock import Clock
from dispatcher.dialects.model import Dialect
from dispatcher.formats.base import LaboratoryIdentity, Writer
from dispatcher.ports import AllowedDomains, Certificates, Cipher, Directory, Keyring, Rules, Store
from dispatcher.report.model import Severity
from dispatcher.routing.rules import Policy
from dispatcher.service.channel import Channel
from dispatcher.settings import SourceSettings
from dispatcher.terminology.tables import Terminology

SENT_BY_HAND = "send"
"""Name of the source of bulk sends: which LIS gave the numbers in such a file is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The parts a report passes through between the source folder and the outbox."""

    store: Store
    clock: Clock
    cipher: Cipher = field(repr=False)
    keyring: Keyring = field(repr=False)
    terminology: Terminology = field(repr=False)
    directory: Directory
    domains: Callable[[], AllowedDomains]
    """The list in force now; it may be renewed while the service runs."""
    certificates: Certificates
    laboratory: LaboratoryIdentity
    channels: Mapping[str, Channel]
    sources: Mapping[str, SourceSettings]
    dialects: Mapping[str, Dialect] = field(default_factory=dict)
    """How the LIS of a source writes, by name of the source."""
    policy: Policy
    writers: Mapping[str, Writer]
    """By name: ``pdf``, ``cda``, ``cda-n1``, ``hprim-medecins``."""
    severities: Mapping[str, Severity | None] = field(default_factory=dict)
    allow_test_ins: bool = False
    urgent_within: timedelta = timedelta(minutes=10)
    """How long urgent mail may take until the operator has it."""
    official: Rules | None = None
    """The official rules of the ANS; None when their kit is not installed."""
