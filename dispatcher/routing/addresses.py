"""What a mail address looks like: one mailbox, nothing a mail line could break on."""

from __future__ import annotations

import re

PATIENT_DOMAIN = "patient.mssante.fr"
"""« Mon espace santé »: on the list of allowed domains, but its boxes are patients' (mssante.md §5)."""
_LOCAL = r"[^@\s<>(),;:\\\"\[\]\x00-\x1f]"
_DOMAIN_END = r"[^@\s<>(),;:\\\"\[\]\x00-\x1f.]"
_ADDRESS = re.compile(rf"{_LOCAL}{{1,128}}@{_DOMAIN_END}({_LOCAL}{{0,252}}{_DOMAIN_END})?")


def well_formed(text: str) -> bool:
    """``text`` is ``name@domain``; nothing is said about the box existing."""
    return _ADDRESS.fullmatch(text) is not None
