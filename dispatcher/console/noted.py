"""Which views of patient data the journal knows of already: a page that renews itself is still the same view."""

from __future__ import annotations

import threading
from collections import OrderedDict

MOST = 5000


class Noted:
    """The latest views, by session. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._views: OrderedDict[tuple[str, ...], None] = OrderedDict()

    def add(self, *view: str) -> None:
        """The journal has its line."""
        with self._lock:
            self._views[view] = None
            self._views.move_to_end(view)
            if len(self._views) > MOST:
                self._views.popitem(last=False)

    def __contains__(self, view: tuple[str, ...]) -> bool:
        with self._lock:
            return view in self._views
