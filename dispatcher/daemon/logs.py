"""The service's log: as text or as one JSON object a line, on standard error or in a file that begins anew.

All processes of a service write into one file, each whole lines at its end; the first of them renames it when it is
big or of yesterday, the others see that and open the new one. What an exception says is written nowhere: it may quote
whom it is about. Its class and where it came from are.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import time
import traceback
from collections.abc import Mapping, MutableMapping
from datetime import UTC, date, datetime
from logging.handlers import WatchedFileHandler
from pathlib import Path
from types import TracebackType
from typing import Any

from dispatcher.service.internal import place
from dispatcher.settings import LogSettings

TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
ITEMS = {"dispatch": re.compile(r"\bD[0-9A-HJKMNP-TV-Z]{9}\b"), "file": re.compile(r"\bF[0-9A-HJKMNP-TV-Z]{9}\b")}
"""What a line is about, as a field of its own."""
DAY = 86_400.0

Trace = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def configure(wanted: LogSettings, *, first: bool = True, verbose: bool = False, level: int | None = None) -> None:
    """In force for this process from now on; ``first`` of those who share a file; ``verbose``: on standard error too.

    Raises ``OSError`` when the file cannot be written.
    """
    handlers: list[logging.Handler] = []
    if wanted.file is not None:
        wanted.file.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(LogFile(wanted.file, wanted.max_megabytes * 1e6, wanted.keep_days, renames=first))
    if wanted.file is None or verbose:
        handlers.append(logging.StreamHandler(sys.stderr))
    formatter = _as_json() if wanted.format == "json" else Quiet(TEXT)
    for handler in handlers:
        handler.setFormatter(formatter)
    logging.basicConfig(level=wanted.level if level is None else level, handlers=handlers, force=True)
    threading.excepthook = _tell_thread


class Quiet(logging.Formatter):
    """Text lines, without what exceptions say."""

    def formatException(self, ei: Trace) -> str:  # noqa: N802 - the library's name
        """Class and places only."""
        return trace(ei)


def trace(ei: Trace) -> str:
    """Class of an exception and where it passed, one line each."""
    kind, _, where = ei
    steps = [f"  {one.filename}:{one.lineno} {one.name}" for one in traceback.extract_tb(where)]
    return "\n".join([*steps, kind.__name__ if kind is not None else ""])


class LogFile(WatchedFileHandler):
    """Appends; renamed beside itself when it is too big or of another day; those are kept for some days."""

    def __init__(self, path: Path, most_bytes: float, keep_days: float, *, renames: bool) -> None:
        super().__init__(path, encoding="utf-8", errors="backslashreplace")
        self._path, self._most, self._keep, self._renames = path, most_bytes, keep_days, renames
        self._looked = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line; before it, look now and then whether the file is due."""
        self.look()
        super().emit(record)

    def look(self, every: float = 1.0) -> None:
        """Begin anew when due. Never raises: lines are written wherever they can be."""
        if not self._renames or time.monotonic() - self._looked < every:
            return
        with self.lock or threading.RLock():
            self._looked = time.monotonic()
            try:
                found = self._path.stat()
                now = datetime.now(UTC).astimezone()
                if found.st_size > self._most or (found.st_size and _day(found.st_mtime) != now.date()):
                    self._let_go()
                    self._path.replace(self._path.with_name(f"{self._path.name}.{now:%Y%m%d-%H%M%S}"))
                    self._forget(now.timestamp())
            except OSError:
                return

    def _let_go(self) -> None:
        """The next line opens it anew; Windows renames no file that is open."""
        if self.stream is not None:
            self.stream.close()
            self.stream = None  # as the library itself does
            self.dev = self.ino = -1

    def _forget(self, now: float) -> None:
        for old in self._path.parent.glob(f"{self._path.name}.*-*"):
            if now - old.stat().st_mtime > self._keep * DAY:
                old.unlink()


def look_after() -> None:
    """For the first process, that writes little itself while its workers write much."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, LogFile):
            handler.look(0)


def _day(moment: float) -> date:
    return datetime.fromtimestamp(moment, UTC).astimezone().date()


def _as_json() -> logging.Formatter:
    import structlog

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.stdlib.ExtraAdder(allow=[]),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _items,
            _where,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


def _items(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The dispatch and the file a line names: to search by."""
    for name, pattern in ITEMS.items():
        if found := pattern.search(str(event.get("event", ""))):
            event[name] = found.group()
    return event


def _where(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """In place of an exception's text."""
    told = event.pop("exc_info", None)
    if told:
        event["exception"] = trace(told if isinstance(told, tuple) else sys.exc_info())
    event.pop("stack_info", None)
    return event


def _tell_thread(args: threading.ExceptHookArgs) -> None:
    """A thread that dies: Python would write what the exception says."""
    name = args.thread.name if args.thread is not None else "?"
    error = args.exc_value
    logging.getLogger(__name__).critical("thread %s died: %s", name, place(error) if error is not None else "?")
