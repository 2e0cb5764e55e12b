"""Alarms to a program of the site's own: facts by standard input (JSON) and environment, no shell, a time limit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress

from dispatcher.alarms.wording import line, subject
from dispatcher.errors import OurFault, TryLater, in_french
from dispatcher.ports import AlarmNote
from dispatcher.settings.alarm_ways import AlarmCommandSettings

KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "SYSTEMROOT", "COMSPEC", "TEMP", "TMP")
"""Of our own environment; the rest may hold secrets of ours."""


class CommandWay:
    """One run a message."""

    name, joins = "command", False

    def __init__(self, settings: AlarmCommandSettings, laboratory: str) -> None:
        self._settings, self._laboratory = settings, laboratory

    def give(self, notes: Sequence[AlarmNote]) -> None:
        """Raises OurFault (not found, refused), TryLater (failed, too slow)."""
        for note in notes:
            self._run(note)

    def _run(self, note: AlarmNote) -> None:
        told = {"id": note.id, "at": note.at.isoformat(), "laboratory": self._laboratory, **note.body}
        try:
            process = subprocess.Popen(  # noqa: S603 - the site's own command, no shell
                self._settings.argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=self._environment(note),
                start_new_session=True,
            )
        except OSError as error:
            raise OurFault(f"Commande d'alarme impossible à lancer ({in_french(error)}).", stage="connect") from error
        try:
            process.communicate(json.dumps(told, ensure_ascii=False).encode(), timeout=self._settings.timeout_seconds)
        except subprocess.TimeoutExpired as error:
            _end(process)
            seconds = self._settings.timeout_seconds
            raise TryLater(f"La commande d'alarme n'a pas fini en {seconds:g} s.", stage="data") from error
        if process.returncode:
            raise TryLater(f"La commande d'alarme a fini avec le code {process.returncode}.", stage="data")

    def _environment(self, note: AlarmNote) -> dict[str, str]:
        own = {name: os.environ[name] for name in KEPT if name in os.environ}
        return own | {
            "DISPATCHER_ALARM_ID": note.id,
            "DISPATCHER_ALARM_KIND": note.kind,
            "DISPATCHER_ALARM_KEY": note.key,
            "DISPATCHER_ALARM_SUBJECT": subject([note.body], self._laboratory),
            "DISPATCHER_ALARM_TEXT": line(note.body)[:4000],
        }


def _end(process: subprocess.Popen[bytes]) -> None:
    """With whatever it started."""
    if os.name == "posix":
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
