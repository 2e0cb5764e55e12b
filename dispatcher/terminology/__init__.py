"""Codes and units: the laboratory's own code to LOINC, its unit text to UCUM, its flags to HL7. Tables are text."""
