"""Numbers and people of one order: what :mod:`dispatcher.formats.er7.requests` needs to make reports of orders.

HL7 v2.5 chapter 4 §4.5.1 (ORC-2, -3, -4, -12) and chapter 7 §7.4.1 (OBR-2, -3, -16, -28, -29).
"""

from __future__ import annotations

from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.er7.people import merge
from dispatcher.formats.er7.requests import Request
from dispatcher.formats.hl7.datatypes import practitioners
from dispatcher.formats.hl7.groups import Order


def request(order: Order, notes: Notes) -> Request[Order]:
    """Read the numbers and the people of one order; OBR goes before ORC."""
    obr, orc = order.obr, order.orc
    asked = practitioners(obr, 16, notes) if obr is not None else []
    if not asked and orc is not None:
        asked = practitioners(orc, 12, notes)
    link = obr.composite(29) if obr is not None and obr.raw(29) else None
    return Request(
        order=order,
        placer=order.value(2, of_orc=2),
        filler=order.value(3, of_orc=3),
        group=orc.component(4) if orc is not None else "",
        parents=frozenset(text for place in (1, 2) if link is not None and (text := link.first(place))),
        prescribers=merge(asked, by_name=True),
        copies=merge(practitioners(obr, 28, notes), by_name=False) if obr is not None else (),
    )
