"""A pretend operator: SMTP in, directory, allowed domains, recipients that read or do not, notices back, its own throw-away keys."""
