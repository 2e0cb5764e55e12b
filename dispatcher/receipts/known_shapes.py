"""Failure mails of old servers as Mailman knows them: asked for the address where our own reader finds a failure and no
recipient. Its detectors know their mail systems one by one; they expect ASCII headers and may fall over others.
"""

from __future__ import annotations

import logging
from email import message_from_bytes

from flufl.bounce import all_failures

from dispatcher.receipts import addresses

MOST = 20_000
"""Bytes of a mail that are looked at: detectors take a second for a hundred thousand empty lines."""

logging.getLogger("flufl.bounce").disabled = True  # it logs what a detector fell over: words of the mail


def recipients(mail: bytes) -> tuple[str, ...]:
    """Addresses that could not be reached, lower case, sorted; empty when no detector knows this shape."""
    message = message_from_bytes(bytes(byte if byte < 128 else 63 for byte in mail[:MOST]))
    try:
        temporary, permanent = all_failures(message)
    except Exception:  # of a detector, over a mail it did not foresee: it knows nothing then
        return ()
    found = {addresses.clean(one.decode("ascii", errors="replace")) for one in temporary | permanent}
    return tuple(sorted(one for one in found if "@" in one))
