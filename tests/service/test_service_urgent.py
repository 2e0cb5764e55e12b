"""Urgent results: what makes one, how soon it is prepared, and who hears of it when it does not leave."""

from __future__ import annotations

import pytest

from dispatcher.outbox.dispatch import Lane
from tests.service.bench import Bench
from tests.service.samples import oru


def potassium(value: str, order: str = "R1", flag: str = "") -> bytes:
    """No flag of the LIS says anything."""
    content = oru(order, control=f"M{order}").replace(b"GLY^Glucose^L", b"2823-3^Potassium^LN")
    assert b"2823-3" in content
    lines = content.split(b"\r")
    for number, line in enumerate(lines):
        if line.startswith(b"OBX|1|NM"):
            cells = line.split(b"|")
            cells[5], cells[6], cells[7], cells[8] = value.encode(), b"mmol/L", b"3.5-5.1", flag.encode()
            lines[number] = b"|".join(cells)
    return b"\r".join(lines)


@pytest.mark.parametrize(
    ("value", "flag", "lane"),
    [("7.1", "", Lane.URGENT), ("2.1", "L", Lane.URGENT), ("4.2", "", Lane.ROUTINE), ("5.4", "HH", Lane.URGENT)],
)
def test_the_table_of_critical_analyses_decides_besides_the_flags(
    bench: Bench, value: str, flag: str, lane: Lane
) -> None:
    bench.bring(potassium(value, flag=flag))
    assert bench.one().lane is lane
    assert bool(bench.one().batch_id) is (lane is Lane.URGENT)
