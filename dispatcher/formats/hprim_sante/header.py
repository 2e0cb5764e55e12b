"""The ``H`` segment: sender, context, version, date; with one field too many or too few put right.

Shared notes "HPRIM" §2.3: emitters exist that write an empty field too many or too few after H.4.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.er7.segments import Segment
from dispatcher.formats.er7.timestamps import parse_when
from dispatcher.formats.hprim_sante.people import address
from dispatcher.report.identifiers import finess_ok
from dispatcher.report.model import Laboratory, When

CONTEXTS = frozenset({"ORU", "ADM", "ORM", "REG", "ERR", "FAC"})
_VERSION = re.compile(r"H?\s?([0-9]\.[0-9])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What ``H`` says. ``context`` is ``ORU``, ``ERR``… or empty; ``version`` is ``2.1``… or empty."""

    file_name: str
    laboratory: Laboratory
    context: str
    receiver: str
    version: str
    processing: str
    sent_at: When | None


def read_header(h: Segment, notes: Notes) -> Header:
    """One ``H`` segment. A shift is repaired and told."""
    shift = _shift(h)
    if shift:
        notes.warning(
            "shifted-header",
            h.where(),
            f"En-tête H décalé de {shift:+d} champ (contexte attendu en H.6, trouvé en H.{6 + shift}) : lu ainsi. "
            "Corriger l’export du laboratoire.",
        )
    sender = h.composite(4)
    code = sender.first(1)
    version = _VERSION.match(h.component(12 + shift).upper())
    sent_at, fault = parse_when(h.component(13 + shift))
    if fault:
        notes.warning("unreadable-date", h.where(13 + shift), "Date de l’en-tête illisible ; attendu AAAAMMJJHHMM.")
    return Header(
        file_name=h.text(2),
        laboratory=Laboratory(
            name=sender.whole(2) or code,
            id=code,
            finess=code if finess_ok(code) else "",
            address=address(h.composite(5 + shift)) if shift >= 0 else None,
            phone=h.component(7 + shift),
        ),
        context=h.component(6 + shift).upper(),
        receiver=h.component(9 + shift),
        version=version[1] if version else "",
        processing=h.component(11 + shift).upper(),
        sent_at=sent_at,
    )


def _shift(h: Segment) -> int:
    """By how much H.5 and the following are moved: the context word, else the version, tells."""
    if h.component(6).upper() in CONTEXTS:
        return 0
    for place in (5, 7, 8):
        if h.component(place).upper() in CONTEXTS:
            return place - 6
    if h.component(6):
        return 0
    for place in (11, 13, 14):
        if _VERSION.fullmatch(h.component(place).upper()) and h.component(place).upper().startswith("H"):
            return place - 12
    return 0
