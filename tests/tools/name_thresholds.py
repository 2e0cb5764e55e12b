"""``python -m tests.tools.name_thresholds``: what other thresholds of likeness would do (docs/adr/0012).

Every look-alike case with a name and a number: the number is right (holding it is a false hold), or it is somebody
else's (sending it is a missed look-alike). One threshold is moved at a time.
"""

from __future__ import annotations

from dispatcher.routing import likeness
from dispatcher.routing.identities import bare_identifier
from tests.unit.routing.lookalikes import Case, boxes_of, cases, pairs, run

STEPS = (0.70, 0.75, 0.80, 0.85, 0.875, 0.90, 0.92, 0.95, 1.0)


def counts() -> tuple[int, int]:
    """False holds and missed look-alikes among the cases, with the thresholds as they are."""
    held, missed = 0, 0
    for case in cases():
        decision = run(case)
        if decision.route is not None:
            missed += decision.route.address not in boxes_of(case.meant)
        elif decision.hold is not None and decision.hold.code == "name-disagrees":
            held += _right(case)
    return held, missed


def _right(case: Case) -> bool:
    """The number in the file is that of the person meant."""
    bare = bare_identifier(case.wanted.id_type, case.wanted.id)
    numbers = {bare, *(rpps for adeli, rpps in pairs() if adeli == bare)}
    return bool({box for number in numbers for box in boxes_of(number)} & boxes_of(case.meant))


def measured(name: str) -> list[tuple[float, int, int]]:
    """(threshold, false holds, missed look-alikes) for one constant of ``likeness``."""
    kept, rows = getattr(likeness, name), []
    try:
        for step in STEPS:
            setattr(likeness, name, step)
            rows.append((step, *counts()))
    finally:
        setattr(likeness, name, kept)
    return rows


if __name__ == "__main__":
    for constant in ("FAMILY_LIKENESS", "STRUCTURE_LIKENESS"):
        print(f"\n{constant} (in force: {getattr(likeness, constant)})")
        for threshold, false_holds, missed in measured(constant):
            print(f"  {threshold:5.3f}  false holds {false_holds:3}  missed look-alikes {missed:3}")
