"""Who wrote a mail, read strictly: what decides whether a notice may speak for a recipient.

Names and odd forms of ``From`` are where a stranger hides somebody else's address. So one field with one plain address
counts, and nothing else does (RFC 5322 §3.4.1 and §3.6.2, without its lists, groups and quoted local parts).
"""

from __future__ import annotations

import re
from email.errors import InvalidHeaderDefect, MessageError
from email.policy import default

from dispatcher.receipts import addresses

_ADDRESS = r"[^\s\"<>()\[\]:;@\\,]{1,64}@[A-Za-z0-9\u00a1-\uffff.-]{1,253}"
_PLAIN = re.compile(_ADDRESS)
_NAMED = re.compile(rf"[^@<>]*<({_ADDRESS})>")
"""However the name is written (commas, brackets, encoded words in quotes), it holds no other address."""
_FAULTS = (MessageError, ValueError, LookupError, AttributeError, TypeError)
"""What the library's own parser raises over hostile fields."""


def author(fields: tuple[str, ...]) -> str | None:
    """The address of a mail's ``From`` fields as written , encoded words still on; None when not certain."""
    if len(fields) != 1:
        return None
    value = fields[0].strip()
    if _PLAIN.fullmatch(value):
        return addresses.clean(value)
    if named := _NAMED.fullmatch(value):
        return addresses.clean(named[1])
    try:
        field = default.header_factory("From", value)
        found = field.addresses
    except _FAULTS:
        return None
    if any(isinstance(defect, InvalidHeaderDefect) for defect in field.defects):
        return None
    if len(found) != 1 or not _PLAIN.fullmatch(found[0].addr_spec):
        return None
    return addresses.clean(found[0].addr_spec)
