"""Builds the mail and seals it: MIME bytes (RFC 5322, 2045), CMS (RFC 5652), S/MIME 4.0 (RFC 8551). Pure: keys and time are handed in."""
