"""HL7 v2 result messages (ORU) and documents (MDM) into reports."""
