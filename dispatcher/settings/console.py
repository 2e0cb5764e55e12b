"""The web console: where it answers, and how long somebody who signed in stays so."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationError, model_validator

from dispatcher.errors import ConfigError
from dispatcher.settings.oidc import OidcSettings
from dispatcher.settings.sections import LOOPBACK, PathSection


class ConsoleSettings(PathSection):
    serve: bool = False
    """``dispatcher run`` serves it too; without it only ``dispatcher console`` does."""
    host: str = "127.0.0.1"
    port: int = Field(default=8741, ge=0, le=65535)
    hosts: list[str] = Field(default_factory=list)
    """Names by which people call it, besides those of this machine: any other is refused (DNS rebinding)."""
    certificate: Path | None = None
    """TLS: certificate and those of its authorities (PEM). Without it the console stays on this machine."""
    key: Path | None = None
    idle_minutes: float = Field(default=30, gt=0, le=720)
    """A session that nobody uses ends after this time."""
    session_hours: float = Field(default=12, gt=0, le=24)
    """It ends after this time whatever happens."""
    oidc: OidcSettings | None = None
    """Another house that says who somebody is."""

    def moved(self, host: str | None, port: int | None) -> ConsoleSettings:
        """On another address, for those given. Raises :class:`ConfigError`."""
        told = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
        try:
            return ConsoleSettings.model_validate(self.model_dump() | told)
        except ValidationError as error:
            text = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
            raise ConfigError(f"Console : {text}.", hint="[console] dans docs/settings.md.") from error

    @model_validator(mode="after")
    def _never_in_clear(self) -> ConsoleSettings:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("« certificate » et « key » vont ensemble")
        if self.host not in LOOPBACK and self.certificate is None:
            raise ValueError(
                f"« {self.host} » n'est pas cette machine : la console n'y répond qu'en TLS, "
                "« certificate » et « key » sont à donner"
            )
        return self
