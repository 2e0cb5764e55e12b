"""ER7: segments, fields, components; shared by HL7 v2 and HPRIM Santé."""
