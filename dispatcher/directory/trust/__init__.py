"""The signed list of allowed domains."""
