"""Mail addresses and Message-IDs as notices write them, and when two of them are the same."""

from __future__ import annotations

import contextlib
import re

ADDRESS = re.compile(
    r"(?<![\w.!#$%&'*+/=?^`{|}~-])"
    r"(\"[^\"\s@]{1,64}\"|[\w!#$%&'*+/=?^`{|}~-][\w.!#$%&'*+/=?^`{|}~-]{0,63})"
    r"@([A-Za-z0-9\u00a1-\uffff](?:[A-Za-z0-9\u00a1-\uffff.-]{0,252}[A-Za-z0-9\u00a1-\uffff])?)"
)
"""Something that looks like an address inside free text; groups: local part, domain."""

_MESSAGE_ID = re.compile(r"<\s{0,9}([^<>\s@]{1,250}(?:\s{0,9}@\s{0,9}[^<>\s]{1,250})?)\s{0,9}>")
_XTEXT = re.compile(r"\+([0-9A-F]{2})")


def find_addresses(text: str) -> tuple[str, ...]:
    """Addresses in a text, lower case, in order, each once."""
    found = (clean(f"{local}@{domain}") for local, domain in ADDRESS.findall(text))
    return tuple(dict.fromkeys(address for address in found if address))


def clean(text: str) -> str:
    """One address without its brackets, quotes around it and type prefix, lower case; empty when there is none.

    ``rfc822; <Nom@Domaine.fr>`` gives ``nom@domaine.fr``. A local name without a domain is kept as it is.
    """
    bare = text.strip()
    kind, semicolon, rest = bare.partition(";")
    if semicolon and re.fullmatch(r"[\w-]{1,20}", kind.strip()):
        bare = rest.strip()
    bare = re.sub(r"(?i)^(?:smtp|mailto|rfc822|imceasmtp)\s*[:;]\s*", "", bare.strip("\"'<>[]() \t,"))
    if match := re.search(r"<([^<>]*@[^<>]*)>", bare):
        bare = match[1]
    bare = bare.strip("\"'<>[]() \t,.;:").lower()
    if " " in bare:
        inside = ADDRESS.search(bare)
        bare = inside[0] if inside else bare
    return bare[:320]


def unxtext(text: str) -> str:
    """Undo the xtext encoding of RFC 3461 §4 (``+40`` is ``@``)."""
    return _XTEXT.sub(lambda match: chr(int(match[1], 16)), text)


def xtext(text: str) -> str:
    """Encode for ENVID and ORCPT (RFC 3461 §4): ``+``, ``=`` and what is not printable ASCII become ``+XX``."""
    return "".join(
        chr(byte) if 33 <= byte <= 126 and byte not in b"+=" else f"+{byte:02X}" for byte in text.encode("utf-8")
    )


def original(text: str) -> str:
    """An ``Original-Recipient`` value; xtext is undone only where it hides the ``@`` sign."""
    address = clean(text)
    return clean(unxtext(address.upper())) if "@" not in address and "+40" in address else address


def message_ids(text: str) -> tuple[str, ...]:
    """Message-IDs of a header value, with angle brackets, blanks inside them removed, in order."""
    return tuple("<" + "".join(inside.split()) + ">" for inside in _MESSAGE_ID.findall(text))


def message_id(text: str) -> str | None:
    """The Message-ID of one field; brackets are added when the sender left them out."""
    if found := message_ids(text):
        return found[0]
    bare = text.strip().strip("<>").strip()
    return f"<{bare}>" if bare and re.fullmatch(r"[^\s<>]+@[^\s<>]+", bare) else None


def same_address(one: str | None, other: str | None) -> bool:
    """Whether both name one mailbox: case, IDNA form of the domain and xtext do not matter."""
    return bool(one) and bool(other) and _canonical(one or "") == _canonical(other or "")


def domain(address: str | None) -> str:
    """Part after the last ``@``, IDNA form, lower case; empty when there is none."""
    return _canonical(address or "").rpartition("@")[2] if "@" in (address or "") else ""


def _canonical(address: str) -> str:
    local, at, host = original(address).rpartition("@")
    if not at:
        return host
    host = host.rstrip(".")
    with contextlib.suppress(UnicodeError):
        host = host.encode("idna").decode("ascii")
    return f"{local.strip(chr(34))}@{host}"
