"""Where the readers look for things: the places a dialect's concepts are brought to, per format.

HL7 v2.5 chapters 3, 4, 7; HPRIM Santé as gathered in the shared notes "HPRIM" §2. Field numbers count from 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Spot = tuple[str, int, int]
"""Segment, field, component; component 0 is the whole field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One format."""

    header: str
    patient: str
    comment: str
    orders: tuple[str, ...]
    """Segments that open an order."""
    texts: dict[str, tuple[Spot, ...]]
    """Concept of a dialect (a text or a date) to every place the reader takes it from."""
    wipes: bool
    """A text brought to a component leaves nothing of what else stood in its field."""
    people: dict[str, tuple[Spot, ...]]
    """The same for persons; the first place gets them, the others are emptied."""
    persons: tuple[tuple[str, int], ...]
    """Every field that holds persons."""
    type_at: int
    """Component of a person that says what the number is."""
    given_at: int
    """Component of a person's given name; 0 when it is the second subcomponent of the name."""
    names: tuple[tuple[str, int], ...]
    """Fields with names of the patient: family and given in components 1 and 2."""
    times: frozenset[tuple[str, int]] = field(default_factory=frozenset)
    """Fields with a time that may lack its offset."""


HL7 = Layout(
    header="MSH",
    patient="PID",
    comment="NTE",
    orders=("ORC", "OBR"),
    texts={
        "filler": (("OBR", 3, 1), ("ORC", 3, 1)),
        "placer": (("OBR", 2, 1), ("ORC", 2, 1)),
        "visit_id": (("PV1", 19, 1),),
        "chapter": (("OBR", 24, 1),),
        "specimen": (("OBR", 15, 2), ("SPM", 4, 2)),
        "collected": (("OBR", 7, 1), ("SPM", 17, 1)),
        "received": (("OBR", 14, 1), ("SPM", 18, 1)),
        "reported": (("OBR", 22, 1),),
    },
    wipes=True,
    people={
        "prescriber": (("OBR", 16, 0), ("ORC", 12, 0), ("PV1", 8, 0)),
        "validator": (("OBR", 32, 0),),
    },
    persons=(
        *(("OBR", number) for number in (16, 28, 32)),
        *(("PV1", number) for number in (7, 8, 9, 17)),
        ("ORC", 12),
        ("OBX", 16),
        ("TXA", 5),
        ("TXA", 23),
    ),
    type_at=13,
    given_at=3,
    names=(("PID", 5), ("PID", 9)),
    times=frozenset(
        {("MSH", 7), ("ORC", 9), ("ORC", 15), ("OBX", 14), ("OBX", 19), ("SPM", 17), ("SPM", 18), ("TXA", 4)}
        | {("OBR", number) for number in (6, 7, 8, 14, 22)}
    ),
)

HPRIM_SANTE = Layout(
    header="H",
    patient="P",
    comment="C",
    orders=("OBR",),
    texts={
        "filler": (("OBR", 3, 2),),
        "placer": (("OBR", 2, 2),),
        "visit_id": (("P", 4, 1),),
        "chapter": (("OBX", 15, 1), ("OBR", 24, 2)),
        "specimen": (("OBR", 15, 2),),
        "collected": (("OBR", 7, 1),),
        "received": (("OBR", 14, 1),),
        "reported": (("OBR", 22, 1),),
    },
    wipes=False,
    people={"prescriber": (("OBR", 16, 0), ("P", 13, 0)), "validator": (("OBR", 32, 0),)},
    persons=(("OBR", 16), ("OBR", 28), ("OBR", 32), ("OBX", 16), ("P", 13)),
    type_at=3,
    given_at=0,
    names=(("P", 5), ("P", 6)),
    times=frozenset({("H", 13), ("OBX", 14)} | {("OBR", number) for number in (6, 7, 14, 22)}),
)

LAYOUTS = {"hl7v2": HL7, "hprim-sante": HPRIM_SANTE}
