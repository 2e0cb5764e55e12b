"""What a mail address looks like: one mailbox, nothing a mail line could break on."""

from __future__ import annotations

import re

PATIENT_DOMAIN = "patient.mssante.fr"
"""« Mon espace santé »: on the list of allowed domains, but its boxes are patients' (mssante.md §5)."""
_PATIENT = re.compile(rf"[^\s@<>\"]+@{re.escape(PATIENT_DOMAIN)}", re.IGNORECASE)
_LOCAL = r"[^@\s<>(),;:\\\"\[\]\x00-\x1f]"
_DOMAIN_END = r"[^@\s<>(),;:\\\"\[\]\x00-\x1f.]"
_ADDRESS = re.compile(rf"{_LOCAL}{{1,128}}@{_DOMAIN_END}({_LOCAL}{{0,252}}{_DOMAIN_END})?")


def well_formed(text: str) -> bool:
    """``text`` is ``name@domain``; nothing is said about the box existing."""
    return _ADDRESS.fullmatch(text) is not None


def is_patient(address: str) -> bool:
    """A box of « Mon espace santé ». What stands before the ``@`` is the patient's INS: an identity."""
    domain = address.rpartition("@")[2].lower()
    return domain == PATIENT_DOMAIN or domain.endswith(f".{PATIENT_DOMAIN}")


def hidden(text: str, name: str) -> str:
    """``text`` with ``name`` in place of what stands before the ``@`` of every patient's address."""
    return _PATIENT.sub(f"{name}@{PATIENT_DOMAIN}", text)
