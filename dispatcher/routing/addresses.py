"""What a mail address looks like, in the one form it is compared, kept and written to in.

Every address of a file, a table, a directory or a command is put into that form where it comes in, or refused there.
"""

from __future__ import annotations

import re

from dispatcher.routing.domain_names import LABELS, domain_key, looks_like

PATIENT_DOMAIN = "patient.mssante.fr"
"""« Mon espace santé »: on the list of allowed domains, but its boxes are patients' (mssante.md §5)."""
_SOME_ADDRESS = re.compile(r"[^\s@<>\"]+@([^\s@<>\"\\,;()«»]+)")
_SOME_DOMAIN = re.compile(r"@([^\s@<>\"\\,;()«»]+)")
"""The same from its ``@`` on: found at once in a long text that mostly has none."""
_LOCAL = r"[a-z0-9!#$%&'*+\-./=?^_`{}~]{1,64}"
_FORM = re.compile(rf"{_LOCAL}@{LABELS}")
_LOCAL_PART = re.compile(_LOCAL)
_DOTS = (".", "\u3002", "\uff0e", "\uff61")


def canonical(text: str) -> str | None:
    """``"Dr.Durand@ÉTÉ.Exemple.fr"`` to ``"dr.durand@xn--t-9fab.exemple.fr"``; ``None`` when it is no address.

    One mailbox, ASCII before the ``@`` (RFC 5321 §4.1.2 without SMTPUTF8; 64 characters, §4.5.3.1.1), a domain of
    :func:`domain_names.domain_key` after it; nothing is said about the box existing.
    """
    if text.isascii():
        low = text.lower()
        return low if _FORM.fullmatch(low) and len(low.partition("@")[2]) <= 253 else None
    local, _, domain = text.rpartition("@")
    if not local.isascii() or not _LOCAL_PART.fullmatch(local.lower()) or domain.endswith(_DOTS):
        return None
    key = None if any(map(str.isspace, domain)) else domain_key(domain)
    return f"{local.lower()}@{key}" if key else None


def as_compared(text: str) -> str:
    """The canonical form; what is no address comes back bare, and is equal to none."""
    bare = text.strip()
    return canonical(bare) or (bare.lower() if bare.isascii() else bare)  # lower case makes ASCII of some letters


def unlinked(text: str) -> str:
    """Without ``mailto:`` in front (RFC 6068)."""
    return text[7:] if text[:7].isascii() and text[:7].lower() == "mailto:" else text


def well_formed(text: str) -> bool:
    """``text`` is ``name@domain`` that a mail can be written to."""
    return canonical(text) is not None


def is_patient(address: str) -> bool:
    """A box of « Mon espace santé », in whatever writing. What stands before the ``@`` is the patient's INS."""
    return looks_like(address.rpartition("@")[2], PATIENT_DOMAIN)


def hidden(text: str, name: str) -> str:
    """``text`` with ``name`` in place of what stands before the ``@`` of every patient's address."""
    if not any(map(is_patient, _SOME_DOMAIN.findall(text))):
        return text
    return _SOME_ADDRESS.sub(lambda found: _without(found, name), text)


def _without(found: re.Match[str], name: str) -> str:
    if not is_patient(found[1]):
        return found[0]
    bare = found[1].rstrip(".:!?")
    return f"{name}@{PATIENT_DOMAIN}{found[1][len(bare) :]}"
