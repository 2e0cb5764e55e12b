"""One TOML file to frozen models (decision D11)."""

from dispatcher.settings.alarms import AlarmSettings
from dispatcher.settings.answers import AnswersSettings, MllpSettings
from dispatcher.settings.bulk import BulkSettings
from dispatcher.settings.channels import ChannelSettings, MailboxSettings
from dispatcher.settings.console import ConsoleSettings
from dispatcher.settings.directory import DirectorySettings, RoutingSettings, TrustSettings
from dispatcher.settings.file import (
    BiologistSettings,
    LaboratorySettings,
    PdfSettings,
    Settings,
    SourceSettings,
    TerminologySettings,
    load,
    parse,
)
from dispatcher.settings.index import IndexSettings
from dispatcher.settings.oidc import GrantSettings, OidcSettings
from dispatcher.settings.pace import PaceSettings
from dispatcher.settings.paper import PaperSettings
from dispatcher.settings.retention import RetentionSettings
from dispatcher.settings.service import LogSettings, MetricsSettings

__all__ = [
    "AlarmSettings",
    "AnswersSettings",
    "BiologistSettings",
    "BulkSettings",
    "ChannelSettings",
    "ConsoleSettings",
    "DirectorySettings",
    "GrantSettings",
    "IndexSettings",
    "LaboratorySettings",
    "LogSettings",
    "MailboxSettings",
    "MetricsSettings",
    "MllpSettings",
    "OidcSettings",
    "PaceSettings",
    "PaperSettings",
    "PdfSettings",
    "RetentionSettings",
    "RoutingSettings",
    "Settings",
    "SourceSettings",
    "TerminologySettings",
    "TrustSettings",
    "load",
    "parse",
]
