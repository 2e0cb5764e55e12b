"""Dialects: how one LIS writes a format, as data. A TOML file in, one frozen value out, handed to the readers."""
