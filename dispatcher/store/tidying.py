"""After a purge: the log of the database holds nothing of what went, nor do the pages it left.

SQLite overwrites what is deleted (``secure_delete``, store/connect.py), so the file itself is clean at the commit; its
write-ahead log keeps earlier pages until it is emptied. A database that an older version of the program wrote has free
pages that were never overwritten: ``compact`` (VACUUM) writes the file anew. PostgreSQL removes dead rows by VACUUM;
its own log and its archives are the administrator's (docs/entretien.md).
"""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from dispatcher.store import faults
from dispatcher.store.connect import BUSY_SECONDS
from dispatcher.store.tables import metadata

PATIENCE = 2.0
"""Seconds to wait for who still reads the log: nobody can write meanwhile."""


def tidy(engine: Engine, *, compact: bool) -> bool:
    """False: somebody else was reading, the log was not emptied. Raises :class:`dispatcher.errors.StoreError`."""
    try:
        if engine.dialect.name == "postgresql":
            return _postgresql(engine, compact=compact)
        return _sqlite(engine, compact=compact)
    except SQLAlchemyError as error:
        raise faults.translate(error) from error
    except sqlite3.Error as error:
        raise faults.translate_sqlite(error) from error


def _sqlite(engine: Engine, *, compact: bool) -> bool:
    connection = engine.raw_connection()
    driver: Any = connection.dbapi_connection
    try:
        if compact:
            driver.execute("PRAGMA temp_store=FILE")  # a copy of the whole database does not fit into memory
            driver.execute("VACUUM")
        driver.execute(f"PRAGMA busy_timeout={int(PATIENCE * 1000)}")
        busy, _pages, _moved = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy
    finally:
        driver.execute(f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000)}")
        driver.execute("PRAGMA temp_store=MEMORY")
        connection.close()


def _postgresql(engine: Engine, *, compact: bool) -> bool:
    how = "VACUUM (FULL, ANALYZE)" if compact else "VACUUM (ANALYZE)"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET lock_timeout = '30s'"))
        for table in metadata.sorted_tables:
            connection.execute(text(f"{how} {table.name}"))
    return True
