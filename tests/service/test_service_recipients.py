"""Who gets which version: recipients added by hand, dropped by the LIS, one order under two identities, and parts."""

from __future__ import annotations

from collections import Counter

import pytest

from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext
from dispatcher.outbox.dispatch import Dispatch, ReportVersion
from dispatcher.outbox.states import State
from dispatcher.ports import Found, Taken
from dispatcher.service import bulk
from dispatcher.service.render import Sheets
from tests.service.bench import DURAND, Bench
from tests.service.samples import OTHER_VALUE, THIRD_VALUE, oru

SOME_VERSION = ReportVersion(
    id="C1", file_id="F1", position=0, chain="c", version=1, fingerprint="f", document_id="D-1", set_id="S-1"
)
OTHER = "autre@dest.test"
THIRD = "tiers@dest.test"
FIRST = oru()
CORRECTED = oru(value=OTHER_VALUE, status="C", at="20260311100000", control="M3")
NEWEST = oru(value=THIRD_VALUE, status="C", at="20260311110000", control="M4")
IONO = FIRST.replace(b"GLY^Glyc", b"IONO^Iono").replace(b"GLY^Glucose", b"NA^Sodium").replace(b"OBS^", b"K^")


def submit(bench: Bench, content: bytes, *to: str, name: str = "envoi.hl7") -> tuple[str, ...]:
    """``dispatcher send``: the file is kept, not prepared yet."""
    bench.clock.advance(0.001)
    found = Found(path=f"/tmp/{name}", name=name, size=len(content), mtime_ns=1, whole=True)
    added = tuple(bulk.named(one) for one in to)
    return bulk.submit(bench.desk, [Taken(found=found, content=content)], added)


def hand(bench: Bench, content: bytes, *to: str, name: str = "envoi.hl7") -> tuple[str, ...]:
    ids = submit(bench, content, *to, name=name)
    bench.prepare()
    return ids


def told(bench: Bench) -> list[tuple[int, str, State, str]]:
    """Version, box, state and hold code of every dispatch."""
    return sorted((d.version, d.address, d.state, d.hold_code) for d in bench.dispatches())


def got(bench: Bench) -> Counter[str]:
    return Counter(handed.mail.recipient for handed in bench.transport.accepted)


def held(bench: Bench) -> Dispatch:
    return bench.one(states=(State.HELD,))


# ------------------------------------------------------------------------------------------------ nobody released twice


@pytest.mark.parametrize("sent", [False, True])
def test_a_box_named_by_another_code_in_the_correction_is_told_what_it_replaces(bench: Bench, sent: bool) -> None:
    """D001 and an explicit recipient of the same box: one recipient for the order of versions and for the mail."""
    hand(bench, FIRST, DURAND)
    if sent:
        bench.run()
    bench.bring(CORRECTED)
    first, second = bench.dispatches()
    assert first.recipient_key != second.recipient_key
    assert first.address == second.address
    assert [d.state for d in (first, second)] == [State.SENT if sent else State.WITHDRAWN, State.READY]
    bench.run()
    if sent:
        assert first.message_id in str(bench.transport.accepted[-1].message)


# ------------------------------------------------------------------------------------------------ without a number

EVENING = oru("", OTHER_VALUE, control="M8").replace(b"|20260311070000|", b"|20260311180000|")


def test_two_glycaemias_of_one_day_without_a_number_both_leave(bench: Bench) -> None:
    bench.bring(oru(""), EVENING)
    assert bench.states() == [State.READY, State.READY]


def test_a_correction_without_a_number_still_replaces(bench: Bench) -> None:
    bench.bring(oru(""), oru("", OTHER_VALUE, status="C", at="20260311100000"))
    assert bench.states() == [State.WITHDRAWN, State.READY]


def test_bare_documents_replace_nothing(bench: Bench) -> None:
    written = bench.tools.writers["pdf"]
    for number in ("R1", "R2"):
        (report,) = registry.read(oru(number), ReadContext(file_name="r.hl7")).reports
        content = written.write(report, Sheets(bench.desk, SOME_VERSION, report).context()).content
        hand(bench, content, OTHER, name=f"{number}.pdf")
    assert len({d.chain for d in bench.dispatches()}) == len(bench.dispatches()) == 2
    assert State.WITHDRAWN not in bench.states()
