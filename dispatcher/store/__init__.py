"""Writes everything down: SQLAlchemy tables, one unit of work, encrypted payloads, hash-chained journal."""
