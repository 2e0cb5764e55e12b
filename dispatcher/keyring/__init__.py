"""Our keys and theirs; which one is good on a date."""
