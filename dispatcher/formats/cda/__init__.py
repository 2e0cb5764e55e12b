"""CDA R2 CR-BIO 2024.01, levels 3 and 1."""
