"""What a report must meet before it may leave."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.errors import ConfigError
from dispatcher.report.checks import SEVERITIES, Rules, check, overrides
from dispatcher.report.model import (
    AltValue,
    Battery,
    Code,
    IdType,
    Ins,
    Observation,
    Order,
    Patient,
    Practitioner,
    Report,
    Severity,
    Sex,
    Status,
    ValueType,
)

NOW = datetime(2026, 3, 11, 18, 0, tzinfo=UTC)
RULES = Rules(now=NOW)
PATIENT = Patient(birth_name="MARTINEAU", given_names=("CLAIRE",), birth_date=date(1979, 3, 12), sex=Sex.FEMALE)
GLUCOSE = Observation(
    code=Code(code="GLY", system="L"),
    type=ValueType.NUMERIC,
    value="1.32",
    low="0.70",
    high="1.10",
    flags=("H",),
    status="F",
)
GOOD = Report(
    patient=PATIENT,
    order=Order(filler="B2403110007"),
    collected_at=datetime(2026, 3, 11, 6, 45, tzinfo=UTC),
    reported_at=datetime(2026, 3, 11, 17, 15, tzinfo=UTC),
    batteries=(Battery(observations=(GLUCOSE,)),),
)


def codes(report: Report, rules: Rules = RULES) -> list[str]:
    return [problem.code for problem in check(report, rules)]


def of_patient(**changes: object) -> Report:
    return replace(GOOD, patient=replace(PATIENT, **changes))  # type: ignore[arg-type]


def of_result(status: Status = Status.FINAL, **changes: object) -> Report:
    observation = replace(GLUCOSE, **changes)  # type: ignore[arg-type]
    return replace(GOOD, status=status, batteries=(Battery(observations=(observation,)),))


def test_a_good_report_has_no_problem() -> None:
    assert check(GOOD, RULES) == ()


@pytest.mark.parametrize(
    ("report", "code"),
    [
        (of_patient(birth_name=" "), "missing-birth-name"),
        (of_patient(given_names=()), "missing-first-given"),
        (of_patient(birth_date=None), "missing-birth-date"),
        (of_patient(birth_date=date(2026, 3, 13)), "birth-date-future"),
        (replace(GOOD, batteries=()), "no-content"),
        (of_result(value="", low="", high="", flags=()), "empty-value"),
        (of_result(status=Status.FINAL, flags=("QCF",)), "quality-control-failed"),
        (replace(GOOD, collected_at=date(1979, 3, 11)), "collected-before-birth"),
    ],
)
def test_the_charter_and_plain_nonsense_hold_a_report(report: Report, code: str) -> None:
    problems = check(report, RULES)
    assert code in [problem.code for problem in problems]
    assert any(problem.severity is Severity.ERROR for problem in problems)


def test_a_cancelled_report_needs_no_content() -> None:
    assert "no-content" not in codes(replace(GOOD, status=Status.CANCELLED, batteries=()))


def test_text_alone_is_medical_content() -> None:
    assert codes(replace(GOOD, batteries=(), text="Frottis normal.")) == []


def test_a_lunar_birth_date_is_told_but_leaves() -> None:
    problems = check(of_patient(birth_date=None, birth_date_raw="31/13/1941"), RULES)
    assert [problem.code for problem in problems] == ["birth-date-not-calendar"]
    assert all(problem.severity is not Severity.ERROR for problem in problems)


@pytest.mark.parametrize(
    ("status", "letter", "code"),
    [
        (Status.FINAL, "P", "mixed-status"),
        (Status.CORRECTED, "R", "mixed-status"),
        (Status.FINAL, "I", "pending-result"),
        (Status.FINAL, "W", "withdrawn-result"),
        (Status.CANCELLED, "F", "mixed-status"),
        (Status.PARTIAL, "P", None),
        (Status.CORRECTED, "W", None),
        (Status.FINAL, "C", None),
        (Status.FINAL, "", None),
    ],
)
def test_status_of_results_against_status_of_the_report(status: Status, letter: str, code: str | None) -> None:
    assert codes(_with(status, letter)) == ([code] if code else [])


def _with(status: Status, letter: str) -> Report:
    return replace(GOOD, status=status, batteries=(Battery(observations=(replace(GLUCOSE, status=letter),)),))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"value": "beaucoup"}, "value-not-numeric"),
        ({"comparator": "~"}, "unknown-comparator"),
        ({"low": "bas"}, "range-not-numeric"),
        ({"low": "7", "high": "5.7"}, "range-reversed"),
        ({"flags": ("L",)}, "flag-disagrees"),
        ({"flags": ("N",)}, "flag-disagrees"),
        ({"value": "0.90", "flags": ("HH",)}, "flag-disagrees"),
        ({"type": ValueType.DOCUMENT}, "document-missing"),
        ({"flags": ("A",)}, None),
        ({"comparator": "<", "value": "0.80", "flags": ("L",)}, None),
    ],
)
def test_results(changes: dict[str, object], code: str | None) -> None:
    assert codes(of_result(**changes)) == ([code] if code else [])  # type: ignore[arg-type]


def test_dates() -> None:
    late = replace(GOOD, collected_at=GOOD.reported_at, reported_at=GOOD.collected_at)
    assert codes(late) == ["reported-before-collected"]
    same_day = replace(GOOD, collected_at=GOOD.reported_at, reported_at=date(2026, 3, 11))
    assert codes(same_day) == []
    tomorrow = replace(GOOD, reported_at=NOW + timedelta(days=1))
    assert codes(tomorrow) == []
    assert codes(replace(GOOD, reported_at=NOW + timedelta(days=2))) == ["date-future"]
    assert codes(replace(GOOD, reported_at=None)) == ["missing-report-date"]
    assert codes(of_patient(birth_date=date(1879, 3, 12))) == ["birth-date-remote"]


def test_a_wrong_ins_holds_only_when_it_is_called_qualified() -> None:
    wrong = Ins(matricule="279035121518988", oid="1.2.250.1.213.1.4.8")
    assert codes(of_patient(ins=wrong)) == ["ins-key"]
    problems = check(of_patient(ins=replace(wrong, qualified=True), birth_place="75056"), RULES)
    assert [problem.code for problem in problems] == ["ins-key-qualified"]
    assert any(problem.severity is Severity.ERROR for problem in problems)


def test_ins_oid_traits_and_owner() -> None:
    ins = Ins(matricule="279035121518989", oid="1.2.250.1.213.1.4.10", qualified=True)
    assert codes(of_patient(ins=ins, birth_place="75056")) == ["ins-test-oid"]
    allowed = Rules(now=NOW, allow_test_ins=True)
    assert codes(of_patient(ins=ins, birth_place="75056"), allowed) == []
    assert codes(of_patient(ins=ins), allowed) == ["ins-traits"]
    assert codes(of_patient(ins=ins, birth_place="75056", sex=Sex.MALE), allowed) == ["ins-disagrees"]
    assert codes(of_patient(ins=ins, birth_place="75056", birth_date=date(1979, 4, 12)), allowed) == ["ins-disagrees"]
    assert "ins-oid-qualified" in codes(of_patient(ins=replace(ins, oid="1.2.3"), birth_place="75056"), allowed)


def test_a_laboratory_may_change_or_silence_a_severity() -> None:
    reversed_range = of_result(low="7", high="5.7")
    strict = Rules(now=NOW, severities={"range-reversed": Severity.ERROR})
    assert any(problem.severity is Severity.ERROR for problem in check(reversed_range, strict))
    assert check(reversed_range, Rules(now=NOW, severities={"range-reversed": None})) == ()


def test_severities_are_read_from_words_and_every_wrong_one_is_told() -> None:
    assert overrides({"range-reversed": "error", "ins-test-oid": "off"}) == {
        "range-reversed": Severity.ERROR,
        "ins-test-oid": None,
    }
    with pytest.raises(ConfigError) as caught:
        overrides({"rnge": "error", "ins-key": "loud"})
    assert len(caught.value.faults) == 2


def test_a_prescriber_number_with_a_wrong_key_is_told() -> None:
    prescriber = Practitioner(id="10001234560", id_type=IdType.RPPS, family="DURAND")
    problems = check(replace(GOOD, prescriber=prescriber), RULES)
    assert [problem.code for problem in problems] == ["prescriber-id"]
    assert all(problem.severity is not Severity.ERROR for problem in problems)


def test_every_check_is_documented_with_its_severity() -> None:
    text = (Path(__file__).resolve().parents[3] / "docs/mappings.md").read_text(encoding="utf-8")
    told: dict[str, str] = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and cells[1] in {"error", "warning", "info"}:
            told |= dict.fromkeys(re.findall(r"`([a-z-]+)`", cells[0]), cells[1])
    assert told == {code: severity.value for code, severity in SEVERITIES.items()}


def test_messages_name_nobody_and_no_result() -> None:
    ins = Ins(matricule="279035121518988", oid="1.2.3", qualified=True)
    patient = replace(PATIENT, ins=ins, birth_date=None, birth_date_raw="31/13/1979")
    bad = replace(of_result(value="secret", low="9", high="1", status=Status.FINAL), patient=patient)
    texts = " ".join(problem.message + problem.where for problem in check(bad, RULES))
    for secret in ("MARTINEAU", "CLAIRE", "279035121518988", "secret", "31/13"):
        assert secret not in texts


TEXT = st.text(max_size=12)


@given(TEXT, TEXT, TEXT, TEXT, TEXT, st.sampled_from(Status), st.sampled_from(ValueType), st.datetimes() | st.dates())
def test_never_raises_and_every_code_has_a_severity(
    value: str, low: str, high: str, letter: str, number: str, status: Status, kind: ValueType, when: datetime | date
) -> None:
    observation = Observation(code=Code(), type=kind, value=value, low=low, high=high, flags=(letter,), status=letter)
    report = Report(
        patient=Patient(
            birth_name=value, birth_date_raw=low, birth_date=date(2000, 1, 1), ins=Ins(matricule=number, oid=low)
        ),
        status=status,
        collected_at=when,
        reported_at=NOW,
        batteries=(Battery(observations=(observation,)),),
    )
    assert {problem.code for problem in check(report, RULES)} <= set(SEVERITIES)


@pytest.mark.parametrize(
    "unit", ["/mm3", "/mm³", "mm3", "/µL", "/uL", "/ul", "elements/mm3", "éléments / mm3", "cell/µl"]
)
def test_a_point_between_thousands_holds_a_count(unit: str) -> None:
    found = check(of_result(value="224.000", unit=unit, low="", high="", flags=()), RULES)
    assert [(one.code, one.severity) for one in found] == [("thousands-doubtful", Severity.ERROR)]
    assert "thousands" in found[0].message


@pytest.mark.parametrize(
    "changes",
    [
        {"value": "2.920"},
        {"value": "1.234.567", "type": ValueType.TEXT},
        {"value": "224000", "low": "150.000", "high": "400.000", "flags": ()},
        {"value": "0.22", "unit": "T/L", "alt": AltValue(value="220.000", unit="/mm3")},
    ],
)
def test_a_grouped_count_is_found_wherever_it_stands(changes: dict[str, object]) -> None:
    told = codes(of_result(**({"unit": "/mm3", "low": "", "high": "", "flags": ()} | changes)))  # type: ignore[arg-type]
    assert "thousands-doubtful" in told


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        ("10.000", "UFC/mL", ["thousands-possible"]),
        ("1.250", "copies/mL", ["thousands-possible"]),
        ("0.125", "/mm3", []),
        ("224.0", "/mm3", []),
        ("224000", "/mm3", []),
        ("4.520", "T/L", []),
        ("4.520", "10^3/mm3", []),
        ("4.520", "K/uL", []),
        ("1.050", "g/L", []),
    ],
)
def test_other_units_are_told_or_left_alone(value: str, unit: str, expected: list[str]) -> None:
    assert codes(of_result(value=value, unit=unit, low="", high="", flags=())) == expected


@pytest.mark.parametrize(("flags", "told"), [(("N", "A"), True), (("N", "H"), True), (("N",), False), (("A",), False)])
def test_normal_and_abnormal_at_once_are_told(flags: tuple[str, ...], told: bool) -> None:
    assert ("flags-contradict" in codes(of_result(flags=flags, low="", high=""))) is told


@pytest.mark.parametrize("field", ["birth_name", "used_name", "given_names"])
@pytest.mark.parametrize("mark", [";", "|", "\n", "\r", "\x00", "\x85"])
def test_a_name_with_a_separator_or_a_line_end_is_held(field: str, mark: str) -> None:
    name = f"MARTIN{mark}DURAND"
    assert "name-damaged" in codes(of_patient(**{field: (name,) if field == "given_names" else name}))
