"""Alembic environment; every released schema upgrades from here."""
