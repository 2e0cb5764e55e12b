"""Settings: one TOML file → pydantic models (decision D11). Unknown keys are refused; all faults are listed at once.

Relative paths are relative to the folder of the file. Secrets are given by path. An environment variable
``DISPATCHER__SECTION__KEY`` overrides one value. Every key is explained in ``docs/settings.md``; a test compares.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from dispatcher.errors import ConfigError
from dispatcher.faults import sentences, unreadable_toml
from dispatcher.french import counted
from dispatcher.settings.alarms import AlarmSettings
from dispatcher.settings.answers import AnswersSettings
from dispatcher.settings.bulk import BulkSettings
from dispatcher.settings.channels import ChannelSettings
from dispatcher.settings.console import ConsoleSettings
from dispatcher.settings.directory import DirectorySettings, RoutingSettings, TrustSettings
from dispatcher.settings.index import IndexSettings
from dispatcher.settings.ladder import LadderSettings
from dispatcher.settings.paper import PaperSettings
from dispatcher.settings.retention import RetentionSettings
from dispatcher.settings.sections import Name, PathSection, Section
from dispatcher.settings.service import LogSettings, MetricsSettings, RetrySettings, ServiceSettings


class BiologistSettings(Section):
    rpps: str = Field(pattern=r"^\d{11}$")
    family: str
    given: str
    title: str = "DR"
    profession: str = "G15_10/SM03"
    """JDV_J01: G15_10/SM03 médecin biologiste, G15_21/G pharmacien biologiste."""


class LaboratorySettings(Section):
    """Who signs the reports."""

    name: str
    finess: str = Field(pattern=r"^[0-9][0-9AB][0-9]{7}$")
    oid: str = Field(pattern=r"^[0-2](\.(0|[1-9]\d*))+$")
    address: list[str] = Field(default_factory=list, max_length=4)
    postcode: str = ""
    town: str = ""
    phone: str = ""
    cofrac: str = ""
    biologist: BiologistSettings


class StoreSettings(Section):
    url: str = "sqlite:///state/dispatcher.sqlite3"
    """SQLAlchemy URL. SQLite paths are relative to the configuration file; PostgreSQL: ``postgresql+psycopg://…``."""


class KeysSettings(PathSection):
    master: Path = Path("keys/master.key")
    """Master key of the payloads (32 random bytes, base64), mode 0600."""
    folder: Path = Path("keys")


class SourceSettings(PathSection):
    """One folder a LIS writes into."""

    folder: Path
    patterns: list[str] = Field(default_factory=lambda: ["*"])
    ignore: list[str] = Field(default_factory=lambda: [".*", "*.tmp", "*.part", "*.ok", "*.OK", "*~"])
    contract: Literal["stable", "done-file"] = "stable"
    """``stable``: quiet over two looks and complete in content; ``done-file``: ``NAME.OK`` stands beside it."""
    done_suffix: str = ".OK"
    stable_seconds: float = Field(default=2.0, ge=0)
    patience_seconds: float = Field(default=60.0, ge=0)
    """How long an incomplete file, or one that is no message, waits before it is taken (and quarantined) as it is."""
    max_bytes: int = Field(default=50_000_000, gt=0)
    encoding: str | None = None
    """Overrides what the file declares: ``utf-8``, ``cp1252``, ``cp850``, ``mac-roman``…"""
    dialect: str | None = None
    """How this LIS writes: name of a shipped dialect, or path of the laboratory's own ``.toml`` (docs/dialectes.md)."""
    after: Literal["remove", "archive"] = "remove"
    archive: Path | None = None
    partial: Literal["hold", "send"] = "send"
    """What to do with partial reports."""
    cancellations: Literal["send", "hold"] = "send"
    """A cancelled report: its cancellation follows to everyone who got a version, or a person is asked each time."""
    watch: Literal["native", "polling", "off"] = "native"
    """Folder events are hints only; ``polling`` for network shares."""
    copies: bool = True
    """Also send to the copies named by the file."""
    index: IndexSettings | None = None
    answers: AnswersSettings | None = None
    """What the LIS is told of its files and of what became of them."""

    @model_validator(mode="after")
    def _archive_given(self) -> SourceSettings:
        if self.after == "archive" and self.archive is None:
            raise ValueError('« after = "archive" » demande un dossier « archive »')
        return self


class TerminologySettings(PathSection):
    folder: Path | None = None
    """The laboratory's own tables, laid over the shipped ones."""
    snomed: bool = False
    """Send SNOMED CT codes of organisms; their use needs a right of the laboratory's own (licence)."""
    antibiograms: bool = True
    """Give the lines of an antibiogram the LOINC code of their antibiotic (docs/adr/0008)."""
    critical: bool = True
    """The table of critical analyses decides, besides the flags of the LIS, what leaves as urgent."""


class ChecksSettings(Section):
    """How strict the checks of a report are (report/checks.py)."""

    allow_test_ins: bool = False
    """Accept INS numbers of the test and demonstration OIDs without remark."""
    severities: dict[str, Literal["error", "warning", "info", "off"]] = Field(default_factory=dict)
    """Code of a check to its severity here; ``error`` holds the report. Codes are verified at start."""


class PdfSettings(PathSection):
    """The report as the program prints it."""

    layout: Path | None = None
    """Folder with the laboratory's own ``report.typ`` (and its logo and fonts); absent: the shipped layout."""
    level: Literal["a-1a", "a-1b"] = "a-1a"
    """PDF/A-1a is tagged for screen readers; -1b is about a third smaller."""


class JournalSettings(PathSection):
    """Who signs the journal, how often, and where the signatures are copied."""

    signer: str | None = None
    """Channel whose key signs; absent: the first that has one."""
    anchor_hours: float = Field(default=24, gt=0)
    anchor_folder: Path | None = None
    """Every anchor is copied there as it is made: a share of another machine, better one that can only be added to."""
    timestamp_url: str | None = Field(default=None, pattern=r"^https?://[^\s]+$")
    """Time-stamping authority (RFC 3161)."""
    timestamp_roots: Path | None = None
    """Certificates (PEM) its answers must go back to."""
    timestamp_seconds: float = Field(default=30, gt=0)


class Settings(Section):
    """The whole file."""

    laboratory: LaboratorySettings
    store: StoreSettings = StoreSettings()
    keys: KeysSettings = Field(default_factory=KeysSettings)
    sources: dict[Name, SourceSettings] = Field(default_factory=dict)
    channels: dict[Name, ChannelSettings] = Field(min_length=1)
    directory: DirectorySettings = Field(default_factory=DirectorySettings)
    trust: TrustSettings = Field(default_factory=TrustSettings)
    routing: RoutingSettings = RoutingSettings()
    terminology: TerminologySettings = TerminologySettings()
    checks: ChecksSettings = ChecksSettings()
    pdf: PdfSettings = PdfSettings()
    retry: RetrySettings = RetrySettings()
    service: ServiceSettings = ServiceSettings()
    journal: JournalSettings = Field(default_factory=JournalSettings)
    ladder: LadderSettings = LadderSettings()
    paper: PaperSettings = Field(default_factory=PaperSettings)
    console: ConsoleSettings = Field(default_factory=ConsoleSettings)
    log: LogSettings = Field(default_factory=LogSettings)
    metrics: MetricsSettings = Field(default_factory=MetricsSettings)
    retention: RetentionSettings = RetentionSettings()
    alarms: AlarmSettings = AlarmSettings()
    bulk: BulkSettings = Field(default_factory=BulkSettings)
    _folder: Path = PrivateAttr(default_factory=Path.cwd)

    @property
    def folder(self) -> Path:
        """Folder of the configuration file: where relative paths start."""
        return self._folder

    @model_validator(mode="after")
    def _channel_known(self) -> Settings:
        default = self.routing.default_channel
        if default is not None and default not in self.channels:
            raise ValueError(f"« routing.default_channel » nomme un canal inconnu : « {default} »")
        if default is None and len(self.channels) > 1:
            raise ValueError("plusieurs canaux : « routing.default_channel » doit dire lequel sert par défaut")
        if self.journal.signer is not None and self.journal.signer not in self.channels:
            raise ValueError(f"« journal.signer » nomme un canal inconnu : « {self.journal.signer} »")
        for domain, wanted in self.routing.domains.items():
            if wanted.channel is not None and wanted.channel not in self.channels:
                raise ValueError(f"« routing.domains.{domain} » nomme un canal inconnu : « {wanted.channel} »")
        for source in self.ladder.seconds:
            if source not in self.sources:
                raise ValueError(f"« ladder.seconds » nomme une source inconnue : « {source} »")
        for source in self.alarms.silence:
            if source not in self.sources:
                raise ValueError(f"« alarms.silence » nomme une source inconnue : « {source} »")
        return self


def _overrides(environ: dict[str, str], data: dict[str, Any]) -> None:
    for key, value in environ.items():
        if not key.startswith("DISPATCHER__"):
            continue
        *sections, last = [part.lower() for part in key.split("__")[1:]]
        target = data
        for section in sections:
            target = target.setdefault(section, {})
        target[last] = value


def parse(text: str, folder: Path, environ: dict[str, str] | None = None, name: str = "dispatcher.toml") -> Settings:
    """TOML text to settings; relative paths under ``folder``. Raises :class:`ConfigError` with every fault found."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name} : {unreadable_toml(error)}.", hint="Corriger la ligne indiquée.") from error
    _overrides(environ or {}, data)
    for section in ("keys", "directory", "trust", "journal", "paper", "bulk", "log", "metrics"):
        data.setdefault(section, {})  # so that their default paths are resolved too
    try:
        settings = Settings.model_validate(data, context={"folder": folder})
    except ValidationError as error:
        faults = sentences(error, Settings, text)
        raise ConfigError(
            f"{name} : {counted(len(faults), 'faute')} de configuration.", faults=faults, hint="Voir docs/settings.md."
        ) from error
    settings._folder = folder
    return settings


def load(path: Path) -> Settings:
    """Read the file at ``path``. Raises :class:`ConfigError` when it is missing or wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(
            f"Configuration introuvable : {path}.", hint="« dispatcher init DOSSIER » en écrit une commentée."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"Configuration illisible : {path} ({type(error).__name__}).", hint="Attendu : TOML en UTF-8."
        ) from error
    return parse(text, path.parent.resolve(), dict(os.environ), path.name)
