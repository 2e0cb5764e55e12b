"""HL7 v2 result messages (ORU) into reports."""
