"""Who signs in to the console: secrets and sessions as the settings want them."""

from __future__ import annotations

from datetime import timedelta

from dispatcher.ports import Secrets
from dispatcher.service.accounts import SessionRules
from dispatcher.settings import ConsoleSettings


def console_secrets() -> Secrets:
    """Passwords, codes and tokens. Make it once a process: it computes a hash to begin with."""
    from dispatcher.keyring.console_secrets import ConsoleSecrets  # argon2 and pyotp serve the console only

    return ConsoleSecrets()


def session_rules(settings: ConsoleSettings) -> SessionRules:
    """How long a session lasts."""
    return SessionRules(idle=timedelta(minutes=settings.idle_minutes), whole=timedelta(hours=settings.session_hours))
