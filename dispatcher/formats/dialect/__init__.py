"""Applies the dialect of a source: what the LIS wrote its own way is put where the readers look for it."""
