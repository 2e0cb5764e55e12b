"""One order and its results into a :class:`Battery`; all batteries of a report linked for microbiology.

HL7 v2.5 chapter 7 §7.4.1 (OBR), §7.4.3 (SPM), chapter 4 §4.5.4 (TQ1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dispatcher.formats.er7.coding import both_codings
from dispatcher.formats.er7.documents import EXTENSIONS
from dispatcher.formats.er7.microbiology import parents
from dispatcher.formats.er7.moments import first_of, last_of
from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.er7.segments import Segment
from dispatcher.formats.er7.status import letter
from dispatcher.formats.hl7.datatypes import moment
from dispatcher.formats.hl7.documents import Sibling
from dispatcher.formats.hl7.groups import Order
from dispatcher.formats.hl7.observations import observations
from dispatcher.report.model import Attachment, Battery, Observation, Specimen, ValueType, When

_URGENT = frozenset({"S", "A", "STAT", "ASAP", "U"})


def batteries(orders: Sequence[Order], notes: Notes, sibling: Sibling) -> tuple[Battery, ...]:
    """One battery per order, in file order, antibiogram lines pointing at their organism (index in the report)."""
    read = [_battery(order, notes, sibling) for order in orders]
    found = parents([(order.obr, battery.observations) for order, battery in zip(orders, read, strict=True)])
    if not found:
        return tuple(read)
    linked, index = [], 0
    for battery in read:
        own = battery.observations
        changed = tuple(replace(one, parent=found.get(index + place)) for place, one in enumerate(own))
        linked.append(replace(battery, observations=changed))
        index += len(own)
    return tuple(linked)


def _battery(order: Order, notes: Notes, sibling: Sibling) -> Battery:
    obr = order.obr
    results: list[Observation] = []
    for line in order.lines:
        results.extend(observations(line, notes, sibling))
    if obr is None:
        if results:
            notes.warning("missing-order", order.lines[0].obx.where(), "Résultats (OBX) sans OBR au-dessus d’eux.")
        return Battery(comments=tuple(order.comments), observations=tuple(results))
    code, alternate = both_codings(obr.first(4), obr.separators)
    return Battery(
        title=code.text or alternate.text or code.code or alternate.code,
        code=code if code.code else alternate,
        chapter=_label(obr, 24),
        specimen=_specimen(order, notes),
        status=letter(obr.component(25)),
        collected_at=moment(obr, 7, notes),
        comments=tuple(order.comments),
        observations=tuple(results),
    )


def _label(segment: Segment, number: int) -> str:
    composite = segment.composite(number)
    return composite.whole(2) or composite.whole(1)


def _specimen(order: Order, notes: Notes) -> Specimen | None:
    """SPM (2.5 and later), else OBR-15 (up to 2.4)."""
    if order.specimens:
        spm = order.specimens[0]
        if len(order.specimens) > 1:
            notes.info("several-specimens", spm.where(), "Plusieurs SPM sous un même OBR : le premier est repris.")
        kind = spm.composite(4)
        return Specimen(
            id=spm.component(2) or spm.component(2, 2),
            text=kind.whole(2) or kind.whole(9) or kind.whole(5) or kind.whole(1),
            code=kind.whole(1) if kind.whole(3).upper().startswith("HL70487") else "",
            collected_at=moment(spm, 17, notes),
            received_at=moment(spm, 18, notes),
        )
    obr = order.obr
    if obr is None or not obr.raw(15):
        return None
    source = obr.composite(15)
    code, text = source.sub(1, 1), source.sub(1, 2)
    # The standard puts code and text in subcomponents; exports also write "code^text" or the bare text.
    text = text or source.whole(3) or source.whole(2) or code
    system = (source.sub(1, 3) or source.whole(3)).upper()
    return Specimen(text=text, code=code if system.startswith("HL70487") else "")


def documents_of(results: Sequence[Observation]) -> tuple[Attachment, ...]:
    """Each document once, the laboratory's PDF first; a neutral name where the file gives none."""
    once: dict[str, Attachment] = {}
    for one in results:
        if one.type is ValueType.DOCUMENT and one.document is not None:
            once.setdefault(one.document.sha256, one.document)
    ordered = sorted(once.values(), key=lambda document: document.media_type != "application/pdf")
    return tuple(
        document
        if document.name
        else replace(document, name=f"document-{rank}.{EXTENSIONS.get(document.media_type, 'bin')}")
        for rank, document in enumerate(ordered, start=1)
    )


# ------------------------------------------------------------------------------------------------ times


def _moments(orders: Sequence[Order], number: int, notes: Notes) -> list[When]:
    found = (moment(order.obr, number, notes) for order in orders if order.obr is not None)
    return [when for when in found if when is not None]


def earliest(orders: Sequence[Order], number: int, notes: Notes) -> When | None:
    """First of the moments that the OBR of these orders give in field ``number``."""
    return first_of(_moments(orders, number, notes))


def latest(orders: Sequence[Order], number: int, notes: Notes) -> When | None:
    """Last of them."""
    return last_of(_moments(orders, number, notes))


def collected(read: Sequence[Battery]) -> When | None:
    """First collection the specimens tell."""
    return first_of(one.specimen.collected_at for one in read if one.specimen and one.specimen.collected_at)


def urgent(order: Order) -> bool:
    """TQ1-9, OBR-5, or the sixth component of OBR-27 and ORC-7: S (stat) or A (as soon as possible)."""
    letters = [tq1.component(9) for tq1 in order.timing if tq1.name == "TQ1"]
    if order.obr is not None:
        letters += [order.obr.component(5), order.obr.component(27, 6)]
    if order.orc is not None:
        letters.append(order.orc.component(7, 6))
    return any(letter.upper() in _URGENT for letter in letters)
