"""The installed rules as the service uses them: compiled on first use, once per process, shared by its threads."""

from __future__ import annotations

import threading
from pathlib import Path

from dispatcher.conformance.installed import MANIFEST, checked
from dispatcher.conformance.official import OfficialRules
from dispatcher.report.model import Problem


class InstalledRules:
    """The kit at ``place``. What keeps it from being used is told by each call, never hidden."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._rules: OfficialRules | None = None
        self._lock = threading.Lock()

    @classmethod
    def at(cls, place: Path) -> InstalledRules | None:
        """The rules of ``place``; None when nothing is installed there."""
        return cls(place) if (place / MANIFEST).is_file() else None

    def check(self, data: bytes) -> list[Problem]:
        """What the rules say of a CDA.

        Raises :class:`dispatcher.errors.ConfigError`: kit changed since it was installed, Saxon missing, broken rule.
        """
        return self._loaded().check(data)

    def versions(self) -> tuple[str, ...]:
        """Versions of the CR-BIO model the kit knows, every rule compiled. Raises like :meth:`check`."""
        rules = self._loaded()
        rules.compile()
        return rules.versions

    def _loaded(self) -> OfficialRules:
        with self._lock:
            if self._rules is None:
                self._rules = OfficialRules.of(checked(self._place))
            return self._rules
