"""Alembic runs this file. The connection is handed in by :func:`dispatcher.store.schema.upgrade_connection`."""

from __future__ import annotations

from alembic import context

from dispatcher.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
