"""One message as our reader and as hl7apy see it, side by side: segments, values, groups (decision D6).

hl7apy drops segments its structures do not know without a word (PRT, TXA), and so would lose a recipient: what it keeps
of the very message is counted here, beside what it makes of the standard segments alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message, parse_segment

from dispatcher.formats.er7.messages import Message
from dispatcher.formats.er7.segments import Segment
from dispatcher.formats.hl7.groups import Grouped, group

_ORDERS = ("ORDER_OBSERVATION",)
_RESULTS = ("OBSERVATION", "OBX")
_PATIENTS = ("PATIENT_RESULT", "RESPONSE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What each sees in one message. ``theirs`` is None when hl7apy does not know the version, or refuses it all."""

    where: str
    kind: str
    """MSH-9, for example ``ORU^R01``."""
    version: str
    ours: Counter[str]
    """Segments by name."""
    theirs: Counter[str] | None = None
    """Segments hl7apy keeps of the message as it stands."""
    groups: Counter[str] = field(default_factory=Counter)
    """Its groups, from the standard segments."""
    counted: tuple[int, int, int] = (0, 0, 0)
    """Our patients, orders and OBX."""
    differing: tuple[str, ...] = ()
    """Fields it reads otherwise than they are written: ``ligne 4, OBX-5``."""

    @property
    def lost(self) -> Counter[str]:
        """Segments of ours that it does not keep."""
        return self.ours - self.theirs if self.theirs is not None else Counter()

    @property
    def groups_agree(self) -> bool:
        """As many orders and OBX under groups as we have; true where it makes no groups of results."""
        orders, results = _number(self.groups, _ORDERS), _number(self.groups, _RESULTS)
        return not orders or (orders, results) == self.counted[1:]

    @property
    def agrees(self) -> bool:
        """Both see the same message."""
        return self.theirs == self.ours and not self.differing and self.groups_agree


def compare(message: Message, known: Sequence[Segment], version: str) -> Comparison:
    """``known`` are the segments of this version of the standard. Never raises."""
    mine = _counted(group(message))
    kept = _parsed(message.segments)
    standard = kept if len(known) == len(message.segments) else _parsed(known)
    return Comparison(
        where=message.header.where(),
        kind="^".join(part for place in (1, 2) if (part := message.header.component(9, place))),
        version=version,
        ours=Counter(segment.name for segment in message.segments),
        theirs=None if kept is None else Counter(name for name, is_group in kept if not is_group),
        groups=Counter(name for name, is_group in standard or () if is_group),
        counted=mine,
        differing=tuple(place for segment in known for place in _differing(segment, version)),
    )


def _counted(grouped: Grouped) -> tuple[int, int, int]:
    orders = [order for patient in grouped.patients for order in patient.orders]
    lines = [line for order in orders for line in (*order.lines, *order.wishes)]
    return len(grouped.patients), len(orders), sum(len(line.segments()) for line in lines)


def _number(groups: Counter[str], ends: tuple[str, ...]) -> int:
    """Groups whose own name, behind that of the structure, is one of these."""
    return sum(count for name, count in groups.items() if name.split("_", 2)[-1] in ends)


def as_text(segment: Segment) -> str:
    """The segment on one line, as it stood in the file; large data (documents) is shortened, only its type counts."""
    fields = segment.fields
    if segment.name == "MSH":
        fields = [fields[0], *fields[2:]]
    short = [one if len(one) < 5000 else one[:100] for one in fields]
    return segment.separators.field.join(short).replace("\n", " ")


def _parsed(segments: Sequence[Segment]) -> list[tuple[str, bool]] | None:
    """Names of all groups and segments in the order of hl7apy's tree; None when it refuses the message."""
    try:
        parsed = parse_message("\r".join(map(as_text, segments)), VALIDATION_LEVEL.TOLERANT, find_groups=True)
        return [found for child in parsed.children for found in _walk(child)]
    except Exception:  # hl7apy raises what it likes; here any of it means no
        return None


def _walk(element: Any) -> Iterator[tuple[str, bool]]:
    is_group = element.classname == "Group"
    yield str(element.name), is_group
    if is_group:
        for child in element.children:
            yield from _walk(child)


def characters(segment: Segment) -> dict[str, str]:
    """The separators of a segment as hl7apy wants them."""
    separators = segment.separators
    return {
        "FIELD": separators.field,
        "COMPONENT": separators.component,
        "REPETITION": separators.repetition,
        "ESCAPE": separators.escape,
        "SUBCOMPONENT": separators.subcomponent,
        "SEGMENT": "\r",
        "GROUP": "\r",
    }


def _differing(segment: Segment, version: str) -> list[str]:
    """Fields that come out of hl7apy otherwise than they went in, blanks and empty ends aside."""
    if segment.name in ("MSH", "FHS", "BHS"):
        return []  # it rewrites their separators
    chars = characters(segment)
    try:
        text = str(parse_segment(as_text(segment), version, chars, VALIDATION_LEVEL.TOLERANT).to_er7(chars))
    except Exception:  # see above; told by the opinion
        return []
    mine, theirs = as_text(segment).split(chars["FIELD"]), text.split(chars["FIELD"])
    length = max(len(mine), len(theirs))
    pairs = zip(_filled(mine, length), _filled(theirs, length), strict=True)
    return [segment.where(place) for place, (a, b) in enumerate(pairs) if _bare(a, chars) != _bare(b, chars)]


def _filled(fields: list[str], length: int) -> list[str]:
    return fields + [""] * (length - len(fields))


def _bare(text: str, chars: dict[str, str]) -> str:
    empty = "".join(chars[name] for name in ("COMPONENT", "REPETITION", "SUBCOMPONENT"))
    return text.strip().rstrip(f"{empty} ")
