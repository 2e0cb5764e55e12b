"""A result never leaves for somebody else than the file names unless a person says so, and then it stays told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dispatcher.outbox.states import State
from dispatcher.report.model import IdType
from dispatcher.routing.candidates import Entry
from dispatcher.service.another import disagreement, is_word
from dispatcher.service.choose import choose
from dispatcher.service.explain import explain
from dispatcher.service.proposed import propose
from dispatcher.service.release import release
from tests.service.bench import DURAND, PETIT, Bench
from tests.service.samples import oru

EVE = "operator:eve"
RPPS, OTHER = "99700000013", "99700000021"
PAUL = Entry(address=DURAND, id_type=IdType.RPPS, identifier=RPPS, family="DURAND", given="Pierre")
SOPHIE = Entry(address=PETIT, id_type=IdType.RPPS, identifier=OTHER, family="PETIT", given="Sophie")
HOME = Entry(address="accueil@dest.test", box_type="ORG", structure_id="990004012", structure_name="EHPAD Les Tilleuls")
NUMBER = f"{RPPS}^DURAND^Pierre^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^L^^^RPPS"


@pytest.fixture
def bench(bench: Bench) -> Bench:
    bench.directory.entries += [PAUL, SOPHIE, HOME]
    return bench


def held(bench: Bench, to: str = "D077^DURAND^Pierre") -> str:
    bench.bring(oru(to=to))
    (dispatch,) = bench.dispatches()
    assert dispatch.state is State.HELD, dispatch
    return dispatch.id


def told(bench: Bench, item: str) -> str:
    found = explain(bench.store, bench.channels, item)
    assert found is not None
    return "\n".join(found.lines)


def test_another_person_gets_nothing_without_a_word(bench: Bench) -> None:
    item = held(bench)
    before = bench.get(item)
    answer = release(bench.desk, item, to=PETIT, reason="x", actor=EVE)
    assert not answer.released
    assert "« DURAND Pierre »" in answer.why
    assert "PETIT Sophie" in answer.why
    assert "--despite-name" in answer.why
    assert bench.get(item) == before


def test_another_writing_of_the_address_is_the_same_box(bench: Bench) -> None:
    """A domain in letters with accents and in its IDNA form, capitals: compared in the one canonical form."""
    bench.directory.entries.append(replace(SOPHIE, address="petit@xn--t-9fab.test"))
    item = held(bench)
    for text in ("Petit@\u00c9T\u00c9.test", "petit@xn--t-9fab.test"):
        assert "PETIT Sophie" in disagreement(bench.directory, bench.get(item), text)
        assert choose(bench.desk, bench.get(item), text).entry is not None


def test_with_it_he_does_and_explain_tells_it_for_ever(bench: Bench) -> None:
    item = held(bench)
    assert release(bench.desk, item, to=PETIT, reason="remplaçante", actor=EVE, despite_name=True).released
    bench.run()
    assert bench.get(item).state is State.SENT
    text = told(bench, item)
    assert "Le fichier nommait « DURAND Pierre »." in text
    assert "Nom différent, vu et accepté par eve le 11/03/2026" in text
    with bench.real.reading() as uow:
        events = [line.event for line in uow.journal.of_subject(item) if line.actor == EVE]
    assert events == ["dispatch.name-overruled", "dispatch.released"]


def test_the_very_person_needs_no_word(bench: Bench) -> None:
    item = held(bench)
    assert release(bench.desk, item, to=DURAND, reason="x", actor=EVE).released
    assert "vu et accepté" not in told(bench, item)


def test_a_hold_about_the_name_always_needs_it(bench: Bench) -> None:
    """The wrong code leads to somebody else: even the box of the one the file names is a second look."""
    item = held(bench, f"{OTHER}^DURAND^Pierre^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^L^^^RPPS")
    assert bench.get(item).hold_code == "name-disagrees"
    assert not release(bench.desk, item, to=PETIT, reason="x", actor=EVE).released
    assert not release(bench.desk, item, to="inconnu@dest.test", reason="x", actor=EVE).released
    assert release(bench.desk, item, to=PETIT, reason="x", actor=EVE, despite_name=True).released


def test_a_namesake_with_another_number_is_somebody_else(bench: Bench) -> None:
    bench.directory.entries[:] = [replace(PAUL, identifier=OTHER, address=PETIT)]
    item = held(bench, NUMBER)
    answer = release(bench.desk, item, to=PETIT, reason="x", actor=EVE)
    assert not answer.released
    assert RPPS in answer.why
    assert OTHER in answer.why


@pytest.mark.parametrize("address", ["inconnu@dest.test", HOME.address])
def test_a_box_that_names_nobody_is_shown_not_judged(bench: Bench, address: str) -> None:
    item = held(bench)
    seen = propose(bench.desk, item, address)
    assert (seen.warning, seen.refusal, seen.named) == ("", "", "DURAND Pierre")
    assert seen.label == ("EHPAD Les Tilleuls" if address == HOME.address else "personne de connu à cette adresse")
    assert release(bench.desk, item, to=address, reason="x", actor=EVE).released


def test_another_structure(bench: Bench) -> None:
    item = held(bench, "E009^EHPAD Les Bruyères")
    assert "Tilleuls" in propose(bench.desk, item, HOME.address).warning


def test_a_proposal_shows_both_names_and_changes_nothing(bench: Bench) -> None:
    item = held(bench)
    before = bench.get(item)
    seen = propose(bench.desk, item, PETIT)
    assert (seen.named, seen.address, seen.held, seen.word) == ("DURAND Pierre", PETIT, before.reason, "PETIT")
    assert "PETIT" in seen.label
    assert "dehors.test" in propose(bench.desk, item, "a@dehors.test").refusal
    assert propose(bench.desk, "D0", PETIT).refusal
    assert bench.get(item) == before


@pytest.mark.parametrize(
    ("typed", "word", "same"),
    [
        ("petit", "PETIT", True),
        (" Hervé ", "HERVE", True),
        ("o", "PETIT", False),
        ("", "PETIT", False),
        ("A@b.fr", "a@b.fr", True),
        ("b", "a@b.fr", False),
    ],
)
def test_what_is_typed(typed: str, word: str, same: bool) -> None:
    assert is_word(typed, word) is same
