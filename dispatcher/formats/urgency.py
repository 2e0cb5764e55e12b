"""Is there something urgent in a file just taken in? A glance at bytes, so that it is read before the others.

Segments of HL7 v2 and HPRIM Santé only: the priority of a request (OBR-5, OBR-27.6, TQ1-9), critical flags (OBX-8).
What it misses (another format, a value that only the table of critical analyses names) is prepared in its turn, and
leaves as urgent all the same: what a report says decides, not this glance. Pure.
"""

from __future__ import annotations

import re

URGENT = frozenset({b"S", b"A", b"U", b"STAT", b"ASAP"})
CRITICAL = frozenset({b"HH", b"LL", b"AA"})
_SEGMENT = re.compile(rb"(?:^|[\r\n])(OBR|TQ1|OBX)([|!#;,])([^\r\n]{0,4000})")
_PLACES = {b"OBR": ((5, 0), (27, 5)), b"TQ1": ((9, 0),), b"OBX": ((8, 0),)}
"""Field and component to look at. HPRIM parts components by ``~``, HL7 repetitions: both are looked at."""
_PARTS = re.compile(rb"[~\^&]")


def looks_urgent(content: bytes) -> bool:
    """Whether some segment says so. A long value (a document in OBX-5) hides the flag behind it, no other segment."""
    if b"\0" in content[:8]:  # UTF-16: segments, separators and flags are ASCII
        content = content.replace(b"\0", b"")
    return any(_says_so(*found.groups()) for found in _SEGMENT.finditer(content))


def _says_so(name: bytes, separator: bytes, rest: bytes) -> bool:
    fields = rest.split(separator)
    for field, component in _PLACES[name]:
        if len(fields) < field:
            continue
        parts = _PARTS.split(fields[field - 1].strip().upper())
        if name == b"OBX":
            if not CRITICAL.isdisjoint(parts):
                return True
        elif len(parts) > component and parts[component] in URGENT:
            return True
    return False
