"""Searchable read-only copies, one SQLite file a source, replaced in one step."""
