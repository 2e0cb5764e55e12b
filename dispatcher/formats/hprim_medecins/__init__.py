"""HPRIM Médecins: header, text and coded section."""
