"""The table of rules, row by row: every answer a row may give and every code it may hold with has a case here.

A row, an answer or a code without a case fails :func:`test_every_answer_of_every_row_has_a_case`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, get_args

import pytest

from dispatcher.ports import CertificateAnswer
from dispatcher.report.identifiers import nir_key
from dispatcher.report.model import Handling, IdType, Ins
from dispatcher.routing.about import About, Scope
from dispatcher.routing.candidates import LocalEntry
from dispatcher.routing.delivery import CARRIED, FORMATS
from dispatcher.routing.holds import HOLDS, OUTSIDE
from dispatcher.routing.policy import DomainPolicy
from dispatcher.routing.route import Decision, RecipientRole
from dispatcher.routing.table import RULES, May
from dispatcher.settings.sections import SendingFormat
from tests.tools.routing_rules import PAGE, page
from tests.unit.routing.routing_desk import (
    FINESS,
    IN,
    OTHER_FINESS,
    OTHER_RPPS,
    OUT,
    POLICY,
    RPPS,
    SMIME,
    decided,
    doctor,
    org,
    per,
    wanted,
)

BOX = f"paul.durand@{IN}"
A = f"a@{IN}"
MATRICULE = "279035121518989"
INS = Ins(matricule=MATRICULE, oid="1.2.250.1.213.1.4.8", qualified=True)
PATIENTS = replace(POLICY, patients=True)
PATIENT_DOMAIN = "patient.mssante.fr"
ADELI = "990010001"


def line(**values: Any) -> LocalEntry:
    return LocalEntry(**{"code": "D001", "line": 7, **values})


def to_patient(about: About = About(ins=INS), address: str = "", **more: Any) -> Decision:  # noqa: B008 - frozen
    who = wanted(role=RecipientRole.PATIENT, address=address, label="boîte d'un patient")
    return decided(who, **{"policy": PATIENTS, "allowed": [PATIENT_DOMAIN], "about": about, **more})


def wishes(**values: Any) -> About:
    return About(handling=Handling(**values), ins=INS)


@dataclass(frozen=True)
class Row:
    """What one rule answers in one case."""

    rule: str
    may: May
    decision: Callable[[], Decision]
    code: str = ""


def row(rule: str, may: May, decision: Callable[[], Decision], code: str = "") -> Row:
    return Row(rule, may, decision, code)


CHOOSE, PASS, PAPER, HOLD = May.CHOOSE, May.PASS, May.PAPER, May.HOLD
OLD = {"mssante": "2026-08-01 03:00 abc", "local": ""}
TWO = (per(BOX), per(A, OTHER_RPPS))
ANNE = per(A, family="PETIT", given="Anne")
BAD_KEY = "99700000014"
WRONG = per(BOX, BAD_KEY)
NATIONAL = per(BOX, source="mssante")
CASES = (
    row("handling", PASS, lambda: decided(doctor(), per(BOX), about=wishes(to_professionals=True))),
    row(
        "handling",
        HOLD,
        lambda: decided(doctor(), per(BOX), about=wishes(to_professionals=False)),
        "not-for-professionals",
    ),
    row(
        "handling",
        HOLD,
        lambda: decided(doctor(), per(BOX), about=wishes(hidden_from_professionals=True)),
        "masked-from-professionals",
    ),
    row(
        "handling",
        HOLD,
        lambda: decided(doctor(), per(BOX), about=wishes(hidden_from_guardians=True)),
        "hidden-from-guardians",
    ),
    row("handling", HOLD, lambda: to_patient(wishes(to_patient=False)), "not-for-patient"),
    row("handling", HOLD, lambda: to_patient(wishes(hidden_from_patient=True)), "hidden-from-patient"),
    row(
        "handling",
        HOLD,
        lambda: decided(doctor(), per(BOX), about=wishes(confidentiality="R", to_professionals=True)),
        "restricted-document",
    ),
    row("handling", HOLD, lambda: to_patient(wishes(confidentiality="V", to_patient=True)), "restricted-document"),
    row("patient-opposition", PASS, lambda: decided(doctor(), per(BOX))),
    row(
        "patient-opposition",
        PAPER,
        lambda: decided(doctor(), per(BOX), about=About(opposed=frozenset({Scope.PROFESSIONALS}))),
    ),
    row("patient-box", CHOOSE, to_patient),
    row("patient-box", HOLD, lambda: to_patient(policy=POLICY), "patient-recipient"),
    row("patient-box", HOLD, lambda: to_patient(About(ins=replace(INS, qualified=False))), "patient-identity"),
    row("patient-box", HOLD, lambda: to_patient(address=f"146026322000196@{PATIENT_DOMAIN}"), "patient-address"),
    row("explicit-address", CHOOSE, lambda: decided(wanted(address=A))),
    row("explicit-address", PASS, lambda: decided(doctor(), per(BOX))),
    row("explicit-address", HOLD, lambda: decided(wanted(address="pas une adresse")), "bad-address"),
    row("local-table", CHOOSE, lambda: decided(wanted(id="D001"), lines=[line(address=A)])),
    row("local-table", PASS, lambda: decided(doctor(), per(BOX))),
    row("local-table", PAPER, lambda: decided(wanted(id="D001"), lines=[line(delivery="paper")])),
    row("local-table", HOLD, lambda: decided(wanted(id="D001"), lines=[line()]), "unknown-recipient"),
    row(
        "local-table",
        HOLD,
        lambda: decided(wanted(id="D001"), lines=[line(address=A), line(address=BOX, line=8)]),
        "ambiguous-recipient",
    ),
    row(
        "local-table",
        HOLD,
        lambda: decided(doctor(), lines=[line(code=RPPS, id_type=IdType.RPPS, identifier=OTHER_RPPS)]),
        "identifier-disagrees",
    ),
    row("recipient-opposition", PASS, lambda: decided(doctor(), per(BOX))),
    row("recipient-opposition", PAPER, lambda: decided(doctor(), per(BOX), opposed={f"RPPS:{RPPS}"})),
    row("box-opposition", PASS, lambda: decided(doctor(), per(BOX))),
    row("box-opposition", PAPER, lambda: decided(doctor(), per(BOX), opposed={f"adresse:{BOX}"})),
    row(
        "correspondence",
        PASS,
        lambda: decided(doctor(id=ADELI, id_type=IdType.ADELI), per(BOX), pairs=[(ADELI, RPPS)]),
    ),
    row(
        "correspondence",
        HOLD,
        lambda: decided(
            doctor(id=ADELI, id_type=IdType.ADELI),
            per(BOX),
            per(A, OTHER_RPPS),
            pairs=[(ADELI, RPPS), (ADELI, OTHER_RPPS)],
        ),
        "ambiguous-correspondence",
    ),
    row("national-identifier", PASS, lambda: decided(doctor(), per(BOX))),
    row("national-identifier", HOLD, lambda: decided(doctor()), "unknown-recipient"),
    row("name-only", PASS, lambda: decided(doctor(), per(BOX))),
    row("name-only", HOLD, lambda: decided(wanted(family="DURAND"), per(BOX)), "unknown-recipient"),
    row(
        "name-only", HOLD, lambda: decided(wanted(family="DURAND"), per(BOX), per(A, OTHER_RPPS)), "ambiguous-recipient"
    ),
    row("same-person", PASS, lambda: decided(doctor(), per(BOX))),
    row("same-person", HOLD, lambda: decided(doctor(family="PETIT", given="Anne"), per(BOX)), "name-disagrees"),
    row("same-person", HOLD, lambda: decided(doctor(address=A), per(A, OTHER_RPPS)), "identifier-disagrees"),
    row(
        "same-person",
        HOLD,
        lambda: decided(doctor(), per(BOX), per(A, family="PETIT", given="Anne")),
        "sources-disagree",
    ),
    row("same-person", HOLD, lambda: decided(wanted(id=BAD_KEY, id_type=IdType.RPPS), WRONG), "unverified-identifier"),
    row("paperless", PASS, lambda: decided(doctor(), per(BOX))),
    row("paperless", PAPER, lambda: decided(doctor(), per(BOX, paperless=False))),
    row("red-list", PASS, lambda: decided(doctor(), per(BOX), per(A, red_list=True))),
    row("red-list", HOLD, lambda: decided(doctor(), per(BOX, red_list=True)), "red-list"),
    row(
        "workplace",
        PASS,
        lambda: decided(
            doctor(organisation_id=FINESS), per(BOX, structure_id=FINESS), org(A), policy=replace(POLICY, prefer="ORG")
        ),
    ),
    row(
        "workplace",
        HOLD,
        lambda: decided(
            doctor(organisation_id=FINESS),
            per("", structure_id=OTHER_FINESS, structure_name="CABINET DU PORT"),
            org(A),
            policy=replace(POLICY, prefer="ORG"),
        ),
        "moved-away",
    ),
    row("one-box", CHOOSE, lambda: decided(doctor(), per(BOX))),
    row("one-box", PASS, lambda: decided(wanted(address=A))),
    row("one-box", HOLD, lambda: decided(doctor(), per(BOX), per(A)), "ambiguous-recipient"),
    row("one-owner", PASS, lambda: decided(doctor(), per(BOX))),
    row("one-owner", HOLD, lambda: decided(doctor(), per(BOX), per(BOX, OTHER_RPPS)), "sources-disagree"),
    row("not-a-patient", PASS, lambda: decided(doctor(), per(BOX))),
    row("not-a-patient", HOLD, lambda: decided(wanted(address=f"{MATRICULE}@{PATIENT_DOMAIN}")), "patient-recipient"),
    row("fresh-directory", PASS, lambda: decided(doctor(), per(BOX))),
    row(
        "fresh-directory", HOLD, lambda: decided(doctor(), per(BOX, source="mssante"), versions=OLD), "stale-directory"
    ),
    row("channel-and-format", CHOOSE, lambda: decided(doctor(), per(BOX))),
    row(
        "channel-and-format",
        HOLD,
        lambda: decided(wanted(id="D001"), lines=[line(address=A, channel="fax")]),
        "unknown-channel",
    ),
    row(
        "channel-and-format",
        HOLD,
        lambda: decided(wanted(id="D001"), lines=[line(address=A, channel="apicrypt", format="cda")]),
        "format-not-carried",
    ),
    row("allowed-domain", PASS, lambda: decided(doctor(), per(BOX))),
    row("allowed-domain", HOLD, lambda: decided(wanted(address=f"a@{OUT}")), "untrusted-domain"),
    row("allowed-domain", HOLD, lambda: decided(wanted(address=A), list_days=31), "stale-domain-list"),
    row("protection", CHOOSE, lambda: decided(doctor(), per(BOX))),
    row(
        "protection",
        HOLD,
        lambda: decided(doctor(), per(BOX), policy=replace(POLICY, channels={"s": SMIME}, default_channel="s")),
        "no-protection",
    ),
    row(
        "protection",
        HOLD,
        lambda: decided(doctor(), per(BOX), said={BOX: CertificateAnswer(unknown=("annuaire LDAP injoignable",))}),
        "certificate-unknown",
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule} {case.may.name} {case.code}".strip())
def test_row(case: Row) -> None:
    decision = case.decision()
    (step,) = [step for step in decision.trace if step.rule == case.rule]
    if case.may is May.CHOOSE:
        assert (step.outcome, decision.route is not None) == ("chosen", True)
    elif case.may is May.PASS:
        assert step.outcome in {"passed", "not-applicable"}
        assert decision.route is not None, decision.hold
    else:
        assert decision.trace[-1] == step
        assert step.outcome == "stopped"
        assert decision.paper == (case.may is May.PAPER)
    assert (decision.hold.code if decision.hold else "") == case.code


def test_every_answer_of_every_row_has_a_case() -> None:
    told = {(case.rule, case.may) for case in CASES}
    assert {(rule.name, may) for rule in RULES for may in rule.may} == told
    codes = {(case.rule, case.code) for case in CASES if case.code}
    assert {(rule.name, code) for rule in RULES for code in rule.holds} == codes


def test_every_code_has_its_sentence_and_is_given_by_a_rule() -> None:
    assert {code for rule in RULES for code in rule.holds} == set(HOLDS)
    assert not set(HOLDS) & set(OUTSIDE)
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_a_rule_holds_only_where_it_may() -> None:
    assert all((May.HOLD in rule.may) == bool(rule.holds) for rule in RULES)


def test_the_page_is_written_from_the_table() -> None:
    """A failure here: ``python -m tests.tools.routing_rules`` writes the page anew."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_settings_know_the_formats_the_rules_know() -> None:
    assert set(get_args(SendingFormat)) == set(FORMATS)
    assert all(can <= set(FORMATS) for can in CARRIED.values())


# ---------------------------------------------------------------------------------- domains


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("a@labo.apicrypt.test", ("apicrypt", "hprim-medecins")),
        ("a@sante.test", ("apicrypt", "hprim-sante")),
        (f"a@{IN}", ("mss", "cda")),
        ("a@exact.apicrypt.test", ("mss", "pdf")),
    ],
)
def test_channel_and_format_by_domain(address: str, expected: tuple[str, str]) -> None:
    policy = replace(
        POLICY,
        domains={
            "*.apicrypt.test": DomainPolicy(channel="apicrypt"),
            "exact.apicrypt.test": DomainPolicy(format="pdf"),
            "sante.test": DomainPolicy(channel="apicrypt", format="hprim-sante"),
        },
    )
    route = decided(wanted(address=address), allowed=[address.partition("@")[2]], policy=policy).route
    assert route is not None
    assert (route.channel, route.format) == expected


def test_the_line_of_the_table_comes_before_the_domain() -> None:
    policy = replace(POLICY, domains={IN: DomainPolicy(channel="apicrypt", format="hprim-sante")})
    mss = decided(wanted(id="D001"), lines=[line(address=A, channel="mss")], policy=policy).route
    assert mss is not None
    assert (mss.channel, mss.format) == ("mss", "cda"), "the domain's format was meant for the domain's channel"
    own = decided(wanted(id="D001"), lines=[line(address=A, format="hprim-medecins")], policy=policy).route
    assert own is not None
    assert (own.channel, own.format) == ("apicrypt", "hprim-medecins")


# ---------------------------------------------------------------------------------- patients


@pytest.mark.parametrize(
    ("ins", "part"),
    [
        (None, "ne porte pas d'INS"),
        (replace(INS, qualified=False), "n'est pas qualifiée"),
        (replace(INS, matricule="27707279035121518989"), "20 caractères, 15 attendus"),
        (replace(INS, matricule="279035121518988"), "clé"),
        (replace(INS, oid="1.2.250.1.213.1.4.10"), "registre de production"),
        (replace(INS, oid=""), "registre de production"),
    ],
)
def test_only_a_qualified_ins_with_a_right_key_leads_to_a_patient(ins: Ins | None, part: str) -> None:
    decision = to_patient(About(ins=ins))
    assert decision.hold is not None
    assert decision.hold.code == "patient-identity"
    assert part in decision.hold.reason
    assert "2790351" not in str(decision)


def test_a_patient_gets_it_in_his_own_box_only() -> None:
    route = to_patient(address=f"{MATRICULE}@{PATIENT_DOMAIN}").route
    assert route is not None
    assert (route.address, route.label) == (f"{MATRICULE}@{PATIENT_DOMAIN}", "boîte d'un patient")
    assert not route.last_message
    assert to_patient(wishes(last_message=True, to_patient=True)).route.last_message  # type: ignore[union-attr]
    parent = to_patient(address=f"146026322000196@{PATIENT_DOMAIN}")
    assert parent.hold is not None
    assert "146026322000196" not in parent.hold.reason


def test_a_corsican_matricule_leads_to_its_box() -> None:
    number = "184072A123456"
    matricule = number + (nir_key(number) or "")
    route = to_patient(About(ins=replace(INS, matricule=matricule))).route
    assert route is not None
    assert route.address == f"{matricule.lower()}@{PATIENT_DOMAIN}"


def test_an_opposition_of_the_patient_is_obeyed_on_its_own_way_only() -> None:
    opposed = About(ins=INS, opposed=frozenset({Scope.PATIENT_BOX}))
    assert to_patient(opposed).paper
    assert decided(doctor(), per(BOX), about=opposed).route is not None
    other = About(ins=INS, opposed=frozenset({Scope.PROFESSIONALS}))
    assert to_patient(other).route is not None
    assert decided(doctor(), per(BOX), about=other, chosen=A).paper, "not even to an address somebody chose"


def test_a_professional_is_never_written_to_in_a_patients_box() -> None:
    box = f"{MATRICULE}@{PATIENT_DOMAIN}"
    for decision in (
        decided(wanted(address=box), policy=PATIENTS, allowed=[PATIENT_DOMAIN]),
        decided(doctor(), per(box), policy=PATIENTS, allowed=[PATIENT_DOMAIN]),
        decided(doctor(), per(BOX), policy=PATIENTS, allowed=[PATIENT_DOMAIN], chosen=box),
        decided(wanted(id="D001"), lines=[line(address=box)], policy=PATIENTS, allowed=[PATIENT_DOMAIN]),
    ):
        assert decision.hold is not None
        assert decision.hold.code == "patient-recipient"


# ---------------------------------------------------------------------------------- wishes a person overrides


def test_a_person_may_send_in_spite_of_the_wishes_and_it_is_told() -> None:
    despite = replace(wishes(to_professionals=False), despite=True)
    decision = decided(doctor(), per(BOX), about=despite)
    assert decision.route is not None
    assert "Envoyé quand même" in decision.trace[0].text


# ---------------------------------------------------------------------------------- sources and ages


def test_the_trace_keeps_what_was_used_and_what_was_left() -> None:
    kept = per(BOX, structure_id=FINESS, source="mssante", version="2026-11-20 03:00 abc")
    left = per(A, structure_id=OTHER_FINESS, source="fhir", version="2026-11-19 04:00 def")
    decision = decided(doctor(organisation_id=FINESS), kept, left)
    assert decision.used == (kept,)
    assert [(one.entry, one.why) for one in decision.refused] == [
        (left, "une autre boîte est dans la structure que nomme le compte rendu")
    ]
    assert decision.ages == {"mssante": 1.0, "allowed-domains": 1.0}


def test_old_data_is_told_before_it_holds() -> None:
    versions = {"mssante": "2026-10-30 03:00 abc", "local": ""}
    decision = decided(doctor(), per(BOX, source="mssante"), versions=versions)
    assert decision.route is not None
    (step,) = [step for step in decision.trace if step.rule == "fresh-directory"]
    assert "22 jours, plus que les 15 prévus" in step.text


def test_a_red_list_address_is_not_shown() -> None:
    decision = decided(doctor(), per(BOX, red_list=True))
    assert BOX not in str(decision.hold)
    assert BOX not in str(decision.refused)
    assert decided(doctor(address=BOX), per(BOX, red_list=True)).route is not None, "its holder gave it to somebody"


def test_a_structures_box_is_no_box_of_somebody_who_left() -> None:
    policy = replace(POLICY, prefer="ORG")
    gone = per(BOX, structure_id=OTHER_FINESS)
    decision = decided(doctor(organisation_id=FINESS), gone, org(A), policy=policy)
    assert decision.route is not None
    assert decision.route.address == BOX
    assert [left.entry.address for left in decision.refused] == [A]
