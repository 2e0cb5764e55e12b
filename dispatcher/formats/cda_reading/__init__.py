"""CDA R2 back into the report model: CR-BIO 2021.01 to 2024.01, level 3 and 1; any other CDA as a document report."""
