"""A CDA dropped in a watched folder is a report like any other: read, compared, addressed and written again."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta

import pytest

from dispatcher.formats.base import DocumentIds
from dispatcher.formats.cda.writer import CdaWriter
from dispatcher.formats.xdm.writer import XdmDocument, XdmWriter, context_of
from dispatcher.outbox.states import FileState, State
from dispatcher.report.model import Handling, Practitioner, Report, Status
from dispatcher.resources import sample
from dispatcher.service.release import release
from tests.service.bench import DURAND, Bench
from tests.unit.formats.cda.cases import CONTEXT, GLUCOSE, IDS, PDF, REPORT, with_results
from tests.unit.formats.cda.full_cases import urine_culture

EVE = "operator:eve"
SECOND = replace(IDS, document="1.2.250.1.999.1.7.2", version=2, replaces=IDS.document)


def cda(report: Report, to: str = "D001", ids: DocumentIds = IDS) -> bytes:
    """The report as the CDA of a LIS, for the prescriber of that local code."""
    addressed = replace(report, prescriber=Practitioner(id=to, family="DURAND", given="Pierre"))
    return CdaWriter().write(addressed, replace(CONTEXT, ids=ids)).content


def test_it_is_taken_read_and_sent_again_as_hprim(bench: Bench) -> None:
    bench.drop("cr.xml", cda(REPORT))
    assert bench.take().taken == 1
    bench.prepare()
    dispatch = bench.one()
    assert (dispatch.state, dispatch.address, dispatch.format) == (State.READY, DURAND, "hprim-medecins")
    written = bench.payload(dispatch.id, "rendition:hprim-medecins")
    assert written is not None
    assert "RES|Glycémie|GLYCÉMIE|N|5.50|mmol/L|4.0|6.0|N|F|" in written.decode("iso8859-1")
    assert bench.file_states() == [FileState.DONE]


def test_a_cut_document_waits_and_is_then_set_aside(bench: Bench) -> None:
    bench.drop("cr.xml", cda(REPORT)[:-200])
    bench.scan()
    bench.clock.advance(2)
    assert bench.scan().waiting == 1
    bench.clock.advance(120)
    bench.take()
    bench.prepare()
    assert bench.file_states() == [FileState.QUARANTINED]
    assert bench.dispatches() == ()


def test_the_same_report_in_an_archive_is_not_sent_twice(bench: Bench) -> None:
    first = cda(REPORT)
    bench.bring(first)
    archive = XdmWriter().pack([XdmDocument(content=first)], context_of(CONTEXT)).content
    bench.bring(archive)
    assert len(bench.dispatches()) == 1


def test_the_document_that_replaces_it_withdraws_the_first(bench: Bench) -> None:
    bench.bring(cda(REPORT))
    bench.clock.advance(timedelta(hours=1).total_seconds())
    corrected = replace(
        with_results(replace(GLUCOSE, value="5.80", raw="5.80")),
        status=Status.CORRECTED,
        reported_at=CONTEXT.created_at + timedelta(hours=1),
    )
    bench.bring(cda(corrected, ids=SECOND))
    assert [(d.version, d.state) for d in bench.dispatches()] == [(1, State.WITHDRAWN), (2, State.READY)]


def test_a_replacing_document_whose_text_alone_has_changed_is_a_new_version(bench: Bench) -> None:
    """Same coded results: what was corrected stands in the narrative, which the doctor reads."""
    third = replace(SECOND, document="1.2.250.1.999.1.7.3", version=3, replaces=SECOND.document)
    for ids in (IDS, SECOND, third):
        bench.bring(cda(REPORT, ids=ids))
        bench.clock.advance(3600)
    expected = [(1, State.WITHDRAWN), (2, State.WITHDRAWN), (3, State.READY)]
    assert [(d.version, d.state) for d in bench.dispatches()] == expected
    bench.bring(cda(REPORT, ids=replace(third, document="1.2.250.1.999.1.7.4")))
    assert [(d.version, d.state) for d in bench.dispatches()] == expected, "exported again under another id"


def test_the_laboratory_s_own_document_goes_on_byte_for_byte(bench: Bench) -> None:
    own = cda(urine_culture(), to="M001")
    bench.bring(own)
    dispatch = bench.one()
    assert (dispatch.state, dispatch.format) == (State.READY, "cda"), dispatch.reason
    written = bench.payload(dispatch.id, "rendition:cda")
    assert written is not None
    assert written == own
    assert b"Escherichia coli" in written


@pytest.mark.parametrize(
    ("code", "said"), [("R", "restreinte (R)"), ("V", "très restreinte (V)")], ids=["restricted", "very"]
)
def test_a_restricted_document_waits_for_a_person_and_keeps_its_code(bench: Bench, code: str, said: str) -> None:
    own = cda(replace(REPORT, handling=Handling(confidentiality=code)), to="M001")
    assert f'<confidentialityCode code="{code}"'.encode() in own
    bench.bring(own)
    held = bench.one()
    assert (held.state, held.hold_code) == (State.HELD, "restricted-document")
    assert said in held.reason
    refused = release(bench.desk, held.id, reason="vu", actor=EVE)
    assert (refused.released, bench.one().state) == (False, State.HELD)
    assert release(bench.desk, held.id, reason="vu avec le biologiste", actor=EVE, despite=True).released
    assert bench.payload(held.id, "rendition:cda") == own


def letter(pdf: bytes = b"") -> bytes:
    """The letter of the samples, for a box of the local table."""
    found = sample("cda", "lettre_de_liaison.xml").read_bytes()
    found = found.replace(b'root="1.2.250.1.71.4.2.1" extension="899700000013"', b'root="1.2.3" extension="M001"')
    value = b'<value mediaType="application/pdf" representation="B64">' + base64.b64encode(pdf) + b"</value>"
    entry = b'<entry><observationMedia classCode="OBS" moodCode="EVN">' + value + b"</observationMedia></entry>"
    return found.replace(b"</section>", entry + b"</section>") if pdf else found


@pytest.mark.parametrize(("pdf", "held"), [(PDF.content, ""), (b"", "render-no-pdf")], ids=["with a PDF", "without"])
def test_another_kind_of_document_leaves_as_it_came_or_not_at_all(bench: Bench, pdf: bytes, held: str) -> None:
    """A letter is not made into a laboratory report: its own bytes travel on, beside the PDF it holds."""
    bench.bring(letter(pdf))
    dispatch = bench.one()
    assert (dispatch.hold_code, dispatch.format) == (held, "cda"), dispatch.reason
    if not held:
        assert bench.payload(dispatch.id, "rendition:cda") == letter(pdf)
