"""What ``run`` would hold a report for, told by the commands that look at files without sending them."""

from __future__ import annotations

from dispatcher.cli.context import config_exists, settings
from dispatcher.clock import SystemClock
from dispatcher.report.checks import Rules, overrides

CHECK_NAME = "contrôles d'avant l'envoi (identité, INS, dates, états, valeurs)"
"""What ``validate`` calls the checks of the report itself in its list."""


def leaving_rules() -> Rules:
    """The configured strictness, at this moment. Without a configuration a test INS is welcome: one tries things out.

    Raises :class:`dispatcher.errors.ConfigError`.
    """
    now = SystemClock().now()
    if not config_exists():
        return Rules(now=now, allow_test_ins=True)
    wanted = settings().checks
    return Rules(now=now, severities=overrides(wanted.severities), allow_test_ins=wanted.allow_test_ins)
