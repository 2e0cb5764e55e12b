"""Root is stopped by no file right; here it is, for a while."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.needs import missing

VERSION_3 = 0x20080522
OVERRIDE = 1 << 1 | 1 << 2
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH (capabilities(7))."""


@contextmanager
def file_rights_count() -> Iterator[None]:
    """Within, this thread is bound by the rights of files and folders even when it runs as root (Linux)."""
    if os.geteuid() != 0:
        yield
        return
    if sys.platform != "linux":
        missing("run as an ordinary user: root may write anywhere")
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice

    def call(function: str) -> None:
        if getattr(libc, function)(header, sets) != 0:
            raise OSError(ctypes.get_errno(), function)

    call("capget")
    before = sets[0]
    sets[0] = before & ~OVERRIDE
    call("capset")
    try:
        yield
    finally:
        sets[0] = before
        call("capset")
