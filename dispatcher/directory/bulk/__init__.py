"""National files in bulk: read line by line into a snapshot."""
