"""What a support bundle holds, part by part; nothing of it names a patient, a recipient, an address or a key."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from dispatcher import __version__, wiring
from dispatcher.daemon.figures import look
from dispatcher.errors import DispatcherError
from dispatcher.settings import Settings
from dispatcher.settings.masking import masked
from dispatcher.store import schema

LINES = 3000
"""Of the log, the last ones."""
PATIENCE = 120
"""Seconds ``check`` may take."""
ADDRESS = re.compile(r"[\w.+~%-]+@[\w-]+(\.[\w-]+)+")
NUMBER = re.compile(r"\b\d{1,3}(\.\d{1,3}){3}\b")
PLACE = re.compile(r"(?<![\w:/])/(?:[^\s/«»\"',;:]+/)*[^\s/«»\"',;:]+")
DOMAIN = re.compile(r"\b(?:[\w-]+\.)+(?:fr|com|org|net|eu|test|lan|local|health|sante)\b", re.IGNORECASE)
KEY = re.compile(r"-----BEGIN[\s\S]*?-----END[^\n]*|\b[A-Za-z0-9+/]{43}=|\b[A-Za-z0-9+/_-]{60,}={0,2}")
OURS = re.compile(r"/dispatcher/[\w/]+\.py$")
MASK = "(masqué)"


def clean(text: str, secrets: tuple[str, ...]) -> str:
    """Without addresses, domains, machine addresses, paths, key material, and what the configuration holds as text."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    for pattern in (KEY, ADDRESS, NUMBER, DOMAIN):
        text = pattern.sub(MASK, text)
    return PLACE.sub(_place, text)


def _place(found: re.Match[str]) -> str:
    """Of a path only where it lies in the program itself."""
    ours = OURS.search(found.group())
    return MASK + (ours.group() if ours else "")


def versions() -> dict[str, Any]:
    """Of everything that runs."""
    return {
        "dispatcher": __version__,
        "python": sys.version,
        "system": platform.platform(),
        "sqlite": schema.sqlite_version(),
        "libraries": dict(_libraries()),
    }


def _libraries() -> Iterator[tuple[str, str]]:
    try:
        wanted = requires("dispatcher-labo") or []
    except PackageNotFoundError:
        return
    for line in wanted:
        name = re.split(r"[^\w.-]", line, maxsplit=1)[0]
        try:
            yield name, version(name)
        except PackageNotFoundError:
            yield name, "absent"


def configuration(settings: Settings) -> dict[str, Any]:
    """Masked."""
    return masked(settings)


def check(config: Path) -> str:
    """What ``dispatcher check --offline`` says, from a process of its own: it is wanted when something breaks."""
    command = [sys.executable, "-m", "dispatcher", "--config", str(config), "check", "--offline"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return f"« dispatcher check » dure depuis plus de {PATIENCE} secondes.\n"
    return f"{done.stdout}{done.stderr}\n(code {done.returncode})\n"


def state(settings: Settings) -> dict[str, Any]:
    """Alarms by code, counts by state, ages; how long each look takes. No number of a dispatch but the oldest's."""
    times: dict[str, float] = {}
    found: dict[str, Any] = {"revision": schema.standing(settings.store.url, settings.folder), "seconds": times}
    found["revision_needed"] = schema.REVISIONS[-1]
    parts = _timed(times, "open", lambda: wiring.build(settings, upgrade=False))
    try:
        seen = _timed(times, "status", lambda: look(parts))
        with parts.store.reading() as uow:
            found["journal_lines"] = _timed(times, "journal", lambda: uow.journal.last()[0])
            found["database_bytes"] = uow.installation.size()
            found["dispatches"] = {
                name or "(sans canal)": {
                    str(state): count for state, count in uow.dispatches.counts(channel=name).items()
                }
                for name in parts.channels
            }
        view = seen.view
        return found | {
            "alarms": [{"code": alarm.code, "since": alarm.since} for alarm in seen.alarms],
            "all": {str(state): count for state, count in view.dispatches.items()},
            "files": {str(state): count for state, count in view.files.items()},
            "oldest": view.oldest.id if view.oldest is not None else None,
            "oldest_seconds": view.oldest_age.total_seconds() if view.oldest_age is not None else None,
            "lying": [{"source": one.source, "files": one.files, "seconds": one.oldest_seconds} for one in seen.lying],
            "channels": [
                {"name": one.name, "waiting": one.waiting, "paused": bool(one.paused), "unknown": one.unknown}
                for one in view.channels
            ],
            "nodes": [{"workers": one.node.workers, "seen_at": one.node.seen_at} for one in seen.seen.nodes],
        }
    finally:
        parts.close()


def _timed(times: dict[str, float], name: str, job: Callable[[], Any]) -> Any:
    begun = time.perf_counter()
    try:
        return job()
    finally:
        times[name] = round(time.perf_counter() - begun, 3)


def metrics(settings: Settings) -> str:
    """What the running service tells; empty when it tells nothing."""
    wanted = settings.metrics
    if not wanted.port:
        return ""
    host = "127.0.0.1" if wanted.host in {"", "0.0.0.0", "::"} else wanted.host  # noqa: S104 - only compared
    try:
        with urlopen(f"http://{host}:{wanted.port}/metrics", timeout=10) as answer:
            return str(answer.read().decode("utf-8", "replace"))
    except (URLError, OSError) as error:
        return f"# {type(error).__name__}\n"


def last_lines(settings: Settings) -> str:
    """Of the log file, where there is one."""
    path = settings.log.file
    if path is None or not path.is_file():
        return ""
    with path.open(encoding="utf-8", errors="replace") as lines:
        return "".join(deque(lines, LINES))


def as_text(value: Any) -> str:
    """JSON for people."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n"


def failed(error: DispatcherError) -> str:
    """A part that could not be had; never the text of the fault, which may quote the configuration."""
    return f"Impossible à établir : {error.code}.\n"
