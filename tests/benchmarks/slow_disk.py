"""The installed command on a disk as slow as asked for: ``FSYNC_MS=1 python -m tests.benchmarks.slow_disk ARGUMENT…``.

Every commit that writes sleeps for that long where SQLite would wait for its disk: while it holds the write lock. A
worker process imports this module again (spawn), so its commits are as slow.
"""

from __future__ import annotations

import os
import time

from sqlalchemy import Connection, Engine, event

from dispatcher.store.connect import READING

MILLISECONDS = float(os.environ.get("FSYNC_MS") or 0)


def wait_for_the_disk(connection: Connection) -> None:
    if not connection.get_execution_options().get(READING, False):
        time.sleep(MILLISECONDS / 1000)


if __name__ in {"__main__", "__mp_main__"} and MILLISECONDS > 0:
    event.listen(Engine, "commit", wait_for_the_disk)

if __name__ == "__main__":
    from dispatcher.cli.main import main

    main()
