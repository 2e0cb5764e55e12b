"""Folder events as hints (decision D8): they only wake the scan up; the scan is the truth.

Events get lost on network shares and when the kernel's queue overflows, so nothing here is ever relied on.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Literal

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver
from watchdog.observers.polling import PollingObserver

log = logging.getLogger(__name__)

STOP_SECONDS = 2.0
"""Most that ending the watching may take."""


class _Wake(FileSystemEventHandler):
    def __init__(self, event: threading.Event) -> None:
        self._event = event

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type in {"closed", "moved", "created"}:
            self._event.set()


class Watcher:
    """Watches folders and sets ``wake`` when something happened in one of them."""

    def __init__(self, wake: threading.Event) -> None:
        self._wake = wake
        self._observers: list[BaseObserver] = []

    def watch(self, folder: Path, mode: Literal["native", "polling", "off"]) -> None:
        """Start watching. A folder that cannot be watched is only scanned: a warning says so."""
        if mode == "off":
            return
        observer: BaseObserver = PollingObserver(timeout=5) if mode == "polling" else Observer()
        try:
            observer.schedule(_Wake(self._wake), str(folder), recursive=False)
            observer.daemon = True
            observer.start()
        except OSError as error:
            log.warning("folder cannot be watched, only scanned (%s)", type(error).__name__)
            return
        self._observers.append(observer)

    def alive(self) -> bool:
        """False when a watching thread died: the scans go on, health reports it."""
        return all(observer.is_alive() for observer in self._observers)

    def stop(self) -> None:
        """End all watching threads; one that hangs on a dead share is left behind (it is a daemon thread)."""
        ending = threading.Thread(target=self._stop_all, name="watcher-stop", daemon=True)
        ending.start()
        ending.join(STOP_SECONDS)

    def _stop_all(self) -> None:
        for observer in self._observers:
            observer.stop()
        for observer in self._observers:
            observer.join(timeout=STOP_SECONDS)
        self._observers.clear()
