"""Where a command finds its configuration and its parts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dispatcher.settings import Settings, load

if TYPE_CHECKING:
    from dispatcher.wiring import Office


@dataclass
class _Config:
    """What the common options said."""

    path: Path | None = None
    verbose: bool = False

    def resolve(self) -> Path:
        """``--config``, else ``DISPATCHER_CONFIG``, else ``./dispatcher.toml``."""
        if self.path is not None:
            return self.path
        return Path(os.environ.get("DISPATCHER_CONFIG") or "dispatcher.toml")


CONFIG = _Config()


def settings() -> Settings:
    """The settings. Raises :class:`dispatcher.errors.ConfigError`."""
    return load(CONFIG.resolve())


def office(*, upgrade: bool = False) -> Office:
    """All parts, wired from the configuration. Raises :class:`dispatcher.errors.DispatcherError`.

    Only the service brings an older database up to date by itself (``upgrade``): somebody who only wanted to look must
    not make it unreadable for the version of the program that is running.
    """
    from dispatcher import wiring

    return wiring.build(settings(), upgrade=upgrade)


def config_exists() -> bool:
    """True when a configuration is there to be used."""
    return CONFIG.resolve().is_file()
