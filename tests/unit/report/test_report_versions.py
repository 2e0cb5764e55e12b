"""Which reports are versions of one another, and which are the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from dispatcher.report.model import (
    Address,
    Attachment,
    Battery,
    Code,
    Kind,
    Laboratory,
    Observation,
    Order,
    Patient,
    Practitioner,
    Problem,
    Report,
    Severity,
    SourceDocument,
    Specimen,
    Status,
    ValueType,
    When,
)
from dispatcher.report.versions import analyses, chain_text, fingerprint, identity_text, is_older, patient_text

PATIENT = Patient(birth_name="LE GOFF", given_names=("ÉLOÏSE", "Marie"), birth_date=date(1979, 3, 12))
ORGANISM = Observation(code=Code(code="GERME"), value="Escherichia coli", raw="Escherichia coli")
LINE = Observation(code=Code(code="AMX"), type=ValueType.CODED, value="R", parent=0)
REPORT = Report(
    patient=PATIENT,
    laboratory=Laboratory(name="Laboratoire Boize", id="LABOIZE"),
    order=Order(placer="E9001", filler="B2403110007"),
    reported_at=datetime(2026, 3, 11, 17, 15, tzinfo=UTC),
    collected_at=datetime(2026, 3, 11, 6, 45, tzinfo=UTC),
    batteries=(Battery(title="ECBU", observations=(ORGANISM, LINE)),),
    documents=(Attachment(media_type="application/pdf", content=b"%PDF-1", name="a.pdf"),),
    sender_file_id="MSG1",
)


def with_line(**changes: object) -> Report:
    line = replace(LINE, **changes)  # type: ignore[arg-type]
    return replace(REPORT, batteries=(replace(REPORT.batteries[0], observations=(ORGANISM, line)),))


def test_the_same_content_in_another_message_is_the_same() -> None:
    again = replace(
        REPORT,
        sender_file_id="MSG2",
        reported_at=datetime(2026, 3, 12, tzinfo=UTC),
        problems=(Problem(code="x", severity=Severity.INFO),),
        documents=(replace(REPORT.documents[0], name="b.pdf"),),
        patient=replace(PATIENT, address=Address(town="QUIMPER"), phones=("0298000000",)),
    )
    assert fingerprint(again) == fingerprint(REPORT)
    other = SourceDocument(id="1.2.3", set_id="1.2", version=1)
    assert fingerprint(replace(REPORT, source_document=other)) == fingerprint(REPORT), "which document brought it"


def test_a_document_that_replaces_another_is_a_version_of_its_own() -> None:
    """Its narrative, which is not all read, may be what was corrected."""

    def brought(**changes: str | int) -> str:
        source = SourceDocument(id="1.2.3", set_id="1.2", version=2, replaces="1.2.2")
        return fingerprint(replace(REPORT, source_document=replace(source, **changes)))

    assert brought() != fingerprint(REPORT)
    assert brought(version=3) != brought()
    assert brought(replaces="1.2.1") != brought()
    assert brought(id="1.2.9") == brought(), "exported again under another id"
    assert fingerprint(with_line(raw="r", loinc="18861-5", ucum="mg/L")) == fingerprint(REPORT)


@pytest.mark.parametrize(
    "other",
    [
        with_line(value="S"),
        with_line(parent=None),
        with_line(flags=("R",)),
        with_line(status="C"),
        with_line(comments=("contrôlé",)),
        replace(REPORT, status=Status.CORRECTED),
        replace(REPORT, comments=("conclusion",)),
        replace(REPORT, copies=(Practitioner(id="D2"),)),
        replace(REPORT, patient=replace(PATIENT, birth_name="LE GOF")),
        replace(REPORT, documents=(replace(REPORT.documents[0], content=b"%PDF-2"),)),
        replace(REPORT, documents=()),
    ],
)
def test_any_change_of_content_is_seen(other: Report) -> None:
    assert fingerprint(other) != fingerprint(REPORT)


def test_fingerprint_is_stable_from_one_release_to_the_next() -> None:
    small = Report(patient=PATIENT, order=Order(filler="B1"), text="Frottis normal.")
    assert fingerprint(small) == "8a76afbcbd7cd080e627f548059fcb75a4271d6d2afbd0908c4e2bd2cd30a521"


def test_versions_of_one_report_share_a_chain() -> None:
    corrected = replace(with_line(value="S"), status=Status.CORRECTED, sender_file_id="MSG9", reported_at=None)
    assert chain_text(corrected) == chain_text(REPORT)
    spelled = replace(REPORT, patient=replace(PATIENT, birth_name="Le-Goff", given_names=("Eloise",)))
    assert chain_text(spelled) == chain_text(REPORT)


@pytest.mark.parametrize(
    "other",
    [
        replace(REPORT, order=Order(filler="B2403110008")),
        replace(REPORT, laboratory=Laboratory(id="AUTRE")),
        replace(REPORT, patient=replace(PATIENT, birth_date=date(1980, 3, 12))),
        replace(REPORT, patient=replace(PATIENT, given_names=("ANNE",))),
    ],
)
def test_another_order_laboratory_or_patient_is_another_chain(other: Report) -> None:
    assert chain_text(other) != chain_text(REPORT)


def test_without_a_number_the_set_of_a_document_stands_in() -> None:
    """CDA setId: the same for all versions of a document, whatever they say."""

    def version(number: int, set_id: str = "1.2.250.1.999.1.5") -> Report:
        source = SourceDocument(id=f"1.2.250.1.999.1.5.{number}", set_id=set_id, version=number)
        return replace(
            REPORT, order=Order(), collected_at=None, batteries=REPORT.batteries[:number], source_document=source
        )

    assert chain_text(version(0)) == chain_text(version(1))
    assert chain_text(version(0)) != chain_text(version(0, "1.2.250.1.999.1.6"))
    numbered = replace(version(1), order=REPORT.order)
    assert chain_text(numbered) == chain_text(replace(numbered, source_document=None)), "the order number comes first"


def test_without_a_number_day_and_analyses_stand_in() -> None:
    bare = replace(REPORT, order=Order())
    assert chain_text(bare) == chain_text(replace(with_line(value="S"), order=Order(), status=Status.CORRECTED))
    assert chain_text(bare) != chain_text(replace(bare, collected_at=date(2026, 3, 12)))
    assert chain_text(bare) != chain_text(replace(bare, batteries=(Battery(title="NFS"),)))


def test_without_a_number_two_collections_of_one_day_are_two_reports() -> None:
    morning = replace(REPORT, order=Order())
    assert chain_text(morning) != chain_text(replace(morning, collected_at=datetime(2026, 3, 11, 17, tzinfo=UTC)))


def test_without_a_number_other_specimens_are_another_report() -> None:
    bare = replace(REPORT, order=Order(), collected_at=None)
    one, two = (
        replace(bare, batteries=(replace(bare.batteries[0], specimen=Specimen(id=number)),)) for number in ("E1", "E2")
    )
    assert chain_text(one) != chain_text(two)
    assert chain_text(one) == chain_text(replace(one, status=Status.CORRECTED, reported_at=None))


@pytest.mark.parametrize("collected", [None, date(2026, 3, 11)])
def test_without_number_and_time_every_content_is_a_report_of_its_own(collected: date | None) -> None:
    bare = replace(REPORT, order=Order(), collected_at=collected)
    assert chain_text(bare) == chain_text(replace(bare, sender_file_id="MSG2"))
    assert chain_text(bare) != chain_text(replace(with_line(value="S"), order=Order(), collected_at=collected))


def test_documents_without_a_number_are_told_apart_by_their_content() -> None:
    one = Report(patient=Patient(), documents=REPORT.documents, kind=Kind.DOCUMENT)
    two = replace(one, documents=(replace(REPORT.documents[0], content=b"%PDF-2"),))
    assert chain_text(one) != chain_text(two)
    at = datetime(2026, 3, 11, 6, 45, tzinfo=UTC)
    assert chain_text(replace(one, collected_at=at)) != chain_text(replace(two, collected_at=at))


def document_report(group: str, code: str, content: bytes, name: str = "") -> Report:
    attachment = Attachment(media_type="application/pdf", content=content, name=name)
    line = Observation(code=Code(code=code), type=ValueType.DOCUMENT, document=attachment)
    battery = Battery(code=Code(code=group), observations=(line,))
    return replace(REPORT, batteries=(battery,), documents=(attachment,))


def test_a_document_is_known_by_its_group_and_code_else_by_name_else_by_content() -> None:
    first = document_report("ECBU", "11502-2", b"%PDF-1")
    assert analyses(first) == analyses(document_report("ECBU", "11502-2", b"%PDF-2"))
    assert not analyses(first) & analyses(document_report("NFS", "11502-2", b"%PDF-1"))
    assert not analyses(first) & analyses(document_report("ECBU", "IMG", b"%PDF-1"))
    assert analyses(document_report("", "", b"%PDF-1", "a.pdf")) == analyses(
        document_report("", "", b"%PDF-2", "a.pdf")
    )
    assert not analyses(document_report("", "", b"%PDF-1")) & analyses(document_report("", "", b"%PDF-2"))


def test_identity_is_spelled_one_way() -> None:
    assert patient_text(REPORT) == identity_text("le goff", "eloïse", date(1979, 3, 12))
    assert patient_text(REPORT) != identity_text("le goff", "eloïse", date(1979, 3, 13))
    assert identity_text("A", "B", None, "31/13/1941") != identity_text("A", "B", None, "")


@pytest.mark.parametrize(
    ("new", "current", "older"),
    [
        (datetime(2026, 3, 11, 8, tzinfo=UTC), datetime(2026, 3, 11, 9, tzinfo=UTC), True),
        (datetime(2026, 3, 11, 10, tzinfo=UTC), datetime(2026, 3, 11, 9, tzinfo=UTC), False),
        (date(2026, 3, 10), datetime(2026, 3, 11, 9, tzinfo=UTC), True),
        (date(2026, 3, 11), datetime(2026, 3, 11, 9, tzinfo=UTC), False),
        (None, datetime(2026, 3, 11, 9, tzinfo=UTC), False),
    ],
)
def test_edition_time_tells_the_older(new: When | None, current: When | None, older: bool) -> None:
    assert is_older(replace(REPORT, reported_at=new), replace(REPORT, reported_at=current)) is older


def test_status_tells_the_older_when_times_are_equal() -> None:
    corrected = replace(REPORT, status=Status.CORRECTED)
    assert is_older(REPORT, corrected)
    assert not is_older(corrected, REPORT)
    assert not is_older(REPORT, REPORT)
    assert is_older(replace(REPORT, status=Status.PARTIAL), REPORT)
