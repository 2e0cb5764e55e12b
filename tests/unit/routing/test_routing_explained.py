"""The decision told again: plain French, whatever was kept."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import State
from dispatcher.report.model import IdType
from dispatcher.routing.candidates import LocalEntry
from dispatcher.routing.trace import as_json, candidate, candidate_json, explain_french
from tests.unit.routing.routing_desk import IN, OTHER_RPPS, RPPS, decided, doctor, per, wanted

BOX = f"paul.durand@{IN}"


def told(*args: object, **options: object) -> str:
    return "\n".join(explain_french(as_json(decided(*args, **options))))  # type: ignore[arg-type]


def test_a_route_tells_who_where_how_and_why() -> None:
    text = told(doctor(), per(BOX), certificates={BOX: "ab" * 32})
    assert "Destinataire : DURAND Paul (RPPS 99700000013), prescripteur." in text
    assert f"Adresse : {BOX}. Boîte retenue : {BOX}, la seule." in text
    assert "Canal « mss » (canal par défaut) ; format CDA (CR de biologie) (celui du canal)." in text
    assert f"Certificat : chiffré pour le certificat {'ab' * 32} (SHA-256)." in text
    assert "→ Boîte retenue" in text
    assert "extraction MSSanté du 20/11/2026" in text
    assert "liste des domaines autorisés du 20/11/2026 (version abc)" in text


def test_a_code_tells_the_number_behind_it() -> None:
    line = LocalEntry(code="D001", id_type=IdType.RPPS, identifier=RPPS, line=4)
    text = told(wanted(id="D001", label="Dr DURAND"), per(BOX), lines=[line])
    assert "(code D001, RPPS 99700000013)" in text
    assert "ligne 4" in text


def test_a_hold_tells_the_reason_and_the_candidates() -> None:
    twins = (per(BOX, town="VILLE", postcode="99001"), per(f"b@{IN}", OTHER_RPPS))
    text = told(wanted(family="DURAND", given="Paul", label="Dr DURAND Paul"), *twins)
    assert "En attente d'un opérateur : " in text
    assert f" : DURAND Paul, RPPS {RPPS}, {BOX}, 99001 VILLE" in text


def test_paper_tells_why() -> None:
    assert "Pas d'envoi électronique. L'annuaire dit" in told(doctor(), per(BOX, paperless=False))


def test_what_the_row_says_today_wins() -> None:
    kept = as_json(decided(wanted(id="ZZZ", label="Dr X")))
    row = Dispatch(
        id="D1", report_id="C1", chain="c", version=1, state=State.READY, recipient_key="k", role="prescriber",
        address=f"choisi@{IN}", channel="mss", format="hprim-medecins", certificate="cd" * 32, label="Dr CHOISI",
    )  # fmt: skip
    for facts in (row, asdict(row)):
        text = "\n".join(explain_french(kept, facts))
        assert "Destinataire : Dr CHOISI" in text
        assert f"Adresse : choisi@{IN} (choisie par un opérateur depuis la décision)." in text
        assert "format HPRIM Médecins (changés depuis la décision)" in text
        assert "cd" * 32 in text


@pytest.mark.parametrize(
    "kept", [{}, {"wanted": None}, {"wanted": {"role": "?"}}, {"trace": [{}]}, {"route": {"x": 1}}]
)
def test_an_odd_record_is_told_not_raised(kept: dict[str, object]) -> None:
    assert explain_french(kept)


def test_a_candidate_comes_back_whole() -> None:
    entry = per(BOX, rank=2, paperless=False, structure_id="990004012", service="Cardiologie")
    assert candidate(candidate_json(entry)) == entry
