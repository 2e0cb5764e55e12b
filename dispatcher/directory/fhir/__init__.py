"""FHIR API « Annuaire Santé » v2: client, mapping, synchronisation."""
