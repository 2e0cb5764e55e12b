"""Where recipients are looked up: national extraction, local table, list of allowed domains, certificates."""
