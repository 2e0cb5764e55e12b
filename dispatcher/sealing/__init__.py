"""The sealed mail: what it says (composition), MIME (RFC 2045-2047, 2231), CMS (RFC 5652), S/MIME 4.0 (RFC 8551).

Pure: keys, certificates and time are handed in.
"""
