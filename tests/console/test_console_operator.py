"""The pages of the operator on the store of a demo: held, dispatches, preview, replay; what each role may do."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from dispatcher import wiring
from dispatcher.cli.demo import play
from dispatcher.console.app import build
from dispatcher.console.page import PageRoute
from dispatcher.console.pages import dispatch, dispatches, held, preview, replay, resolve, search
from dispatcher.outbox.dispatch import Dispatch, JournalLine
from dispatcher.outbox.states import State
from dispatcher.ports import DispatchFilter
from dispatcher.settings import load
from dispatcher.wiring import Office
from tests.console.conftest import HERE
from tests.console.kit import ROLES, FakeAccounts, Person

ROUTES = [
    route for module in (dispatch, dispatches, held, preview, replay, resolve, search) for route in module.routes()
]
PATIENT = "KERSAUSON"
"""A patient of the demo."""


@pytest.fixture(scope="module")
def played() -> Iterator[Office]:
    with tempfile.TemporaryDirectory(prefix="console-") as name:
        play(Path(name), lambda text: None)
        office = wiring.build(load(Path(name) / "dispatcher.toml"))
        yield office
        office.close()


@dataclass
class Desk:
    office: Office
    accounts: FakeAccounts
    browser: TestClient

    def one(self, state: State, **wanted: str) -> Dispatch:
        with self.office.store.reading() as uow:
            return uow.dispatches.list(DispatchFilter(states=(state,), **wanted))[0]

    def now(self, item: str) -> Dispatch:
        with self.office.store.reading() as uow:
            found = uow.dispatches.get(item)
        assert found is not None
        return found

    def journal(self, item: str) -> tuple[JournalLine, ...]:
        with self.office.store.reading() as uow:
            return uow.journal.of_subject(item)

    def move(self, item: str, *states: State) -> None:
        for state in states:
            with self.office.store.transaction() as uow:
                uow.dispatches.move(item, state, reason="essai")

    def page(self, path: str, status: int = 200) -> str:
        answer = self.browser.get(path)
        assert answer.status_code == status, text(answer.text)
        return answer.text

    def submit(self, path: str, status: int, **fields: str) -> str:
        """The form, with the token of the session."""
        csrf = re.search(r'name="csrf" value="(\w+)"', self.page("/mon-compte"))
        assert csrf is not None
        answer = self.browser.post(path, data={"csrf": csrf[1], **fields})
        assert answer.status_code == status, text(answer.text)
        return answer.text

    def become(self, role: str) -> None:
        self.accounts.people["alice"] = Person("alice", rights=ROLES[role])


@pytest.fixture
def desk(played: Office) -> Iterator[Desk]:
    accounts = FakeAccounts()
    with TestClient(build(played, accounts, lambda parts: ()), base_url=HERE, follow_redirects=False) as browser:
        browser.cookies.set("session", "alice")
        yield Desk(played, accounts, browser)


def text(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page.partition("<main")[2])).split())


def value(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, name
    return unescape(found[1])


def named(route: PageRoute) -> str:
    return f"{'/'.join(sorted(route.methods or ()))} {route.path}"


# ------------------------------------------------------------------------------------------------ who may


@pytest.mark.parametrize("role", sorted(ROLES))
@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_each_page_asks_for_its_right(desk: Desk, route: PageRoute, role: str) -> None:
    desk.become(role)
    needed = {route.right, *(["see_patients"] if route.patients else [])}
    path = route.path.replace("{item}", desk.one(State.HELD).id)
    if "GET" in (route.methods or ()):
        status = desk.browser.get(path).status_code
        assert (status == 403) == (not needed <= ROLES[role])
    elif not needed <= ROLES[role]:
        assert "n'a pas ce droit" in text(desk.submit(path, 403, motif="essai"))


@pytest.mark.parametrize("route", [one for one in ROUTES if "POST" in (one.methods or ())], ids=named)
def test_no_action_without_its_token(desk: Desk, route: PageRoute) -> None:
    item = desk.one(State.HELD)
    answer = desk.browser.post(route.path.replace("{item}", item.id), data={"motif": "essai", "envois": item.id})
    assert (answer.status_code, desk.now(item.id)) == (403, item)


@pytest.mark.parametrize("role", ["operator", "administrator", "auditor"])
def test_nothing_of_a_patient_for_who_may_not_see(desk: Desk, role: str) -> None:
    desk.become(role)
    read = desk.one(State.READ)
    for path in ("/attente", "/envois", f"/envois/{read.id}", f"/attente/{desk.one(State.HELD).id}"):
        page = desk.page(path)
        assert PATIENT not in page.upper()
        assert "/apercu" not in page
    assert desk.accounts.shown == []


# ------------------------------------------------------------------------------------------------ dispatches


def test_the_search_finds_by_order_recipient_state_and_day(desk: Desk) -> None:
    one = desk.one(State.READ)
    with desk.office.store.reading() as uow:
        report = uow.reports.get(one.report_id)
    assert report is not None
    assert one.created_at is not None
    day = one.created_at.date().isoformat()
    for query in (f"dossier={report.order_filler}", f"destinataire={one.address}", "etat=read", f"du={day}"):
        assert one.id in desk.page(f"/envois?{query}")
    for query in ("dossier=0", "destinataire=personne", "etat=closed", "au=2020-01-01", "lot=L0"):
        assert "Aucun envoi ne correspond." in text(desk.page(f"/envois?{query}"))
    assert "Ce jour n'existe pas." in text(desk.page("/envois?du=2026-02-30", 409))


def test_the_page_of_a_dispatch_tells_its_story(desk: Desk) -> None:
    one = desk.one(State.READ)
    told = text(desk.page(f"/envois/{one.id}"))
    for word in (one.label, one.address, one.message_id, "avis de lecture", "Règles suivies", "Lu ou intégré"):
        assert word in told
    assert "Aucun envoi ne porte ce numéro." in text(desk.page("/envois/D0", 404))


def test_a_preview_is_read_by_us_and_noted_first(desk: Desk) -> None:
    with desk.office.store.reading() as uow:
        every = uow.dispatches.list(DispatchFilter(states=(State.READ, State.DELIVERED), limit=100))
    cda = next(one for one in every if one.format == "cda")
    assert PATIENT in desk.page(f"/envois/{cda.id}/apercu").upper() or "<table" in desk.page(f"/envois/{cda.id}/apercu")
    assert ("alice", "dispatch", (cda.id,)) in desk.accounts.shown
    answer = desk.browser.get(f"/envois/{cda.id}/apercu/pdf")
    assert (answer.headers["content-type"], answer.content[:5]) == ("application/pdf", b"%PDF-")
    assert len(desk.accounts.shown) >= 2


def test_evidence_is_downloaded_and_its_content_only_with_a_reason(desk: Desk) -> None:
    one = desk.one(State.READ)
    path = f"/envois/{one.id}/preuve"
    csrf = value(desk.page(f"/envois/{one.id}"), "csrf")
    plain = desk.browser.post(path, data={"csrf": csrf})
    assert (plain.headers["content-type"], plain.content[:2]) == ("application/zip", b"PK")
    desk.submit(f"{path}-avec-contenu", 409, motif=" ")
    assert desk.accounts.shown == []
    whole = desk.browser.post(f"{path}-avec-contenu", data={"csrf": csrf, "motif": "expertise"})
    assert len(whole.content) > len(plain.content)
    assert desk.accounts.shown == [("alice", "dispatch", (one.id,))]
    assert any(line.detail.get("reason") == "expertise" for line in desk.journal(one.id))


# ------------------------------------------------------------------------------------------------ held


def homonym(desk: Desk) -> Dispatch:
    return desk.one(State.HELD, fault="ambiguous-recipient")


def test_the_queue_groups_what_waits(desk: Desk) -> None:
    told = text(desk.page("/attente"))
    assert "nom « DR MARTIN Jean », sans code" in told


def test_a_choice_is_shown_and_then_exactly_done(desk: Desk) -> None:
    one = homonym(desk)
    assert "Choisir" in desk.page(f"/attente/{one.id}")
    shown = desk.submit(f"/attente/{one.id}/choix", 200, vers="1")
    assert "1 envoi à libérer" in text(shown)
    assert desk.now(one.id) == one
    assert "n'est plus ce qui était montré" in text(
        desk.submit(f"/attente/{one.id}/vers", 409, vers="2", jeton=value(shown, "jeton"), motif="essai")
    )
    desk.submit(f"/attente/{one.id}/vers", 409, vers="1", jeton=value(shown, "jeton"), motif="")
    assert desk.now(one.id) == one
    desk.submit(f"/attente/{one.id}/vers", 303, vers="1", jeton=value(shown, "jeton"), motif="appelé le cabinet")
    done = desk.now(one.id)
    assert (done.state, done.address in shown) == (State.READY, True)
    last = desk.journal(one.id)[-1]
    assert (last.actor, last.detail["reason"]) == ("operator:alice", "appelé le cabinet")
    assert desk.browser.get(f"/attente/{one.id}").headers["location"] == f"/envois/{one.id}"
    desk.submit(f"/envois/{one.id}/mise-en-attente", 303, motif="à revoir")
    assert (desk.now(one.id).state, desk.now(one.id).hold_code) == (State.HELD, "operator")


def test_nobody_is_told_as_such(desk: Desk) -> None:
    one = desk.one(State.HELD)
    assert "aucune boîte" in text(desk.submit(f"/attente/{one.id}/choix", 409, autre="Dr Durand"))
    assert desk.now(one.id) == one


def test_looking_again_tells_what_still_waits(desk: Desk) -> None:
    one = desk.one(State.HELD, fault="untrusted-domain")
    desk.submit("/attente/recherche", 303, envois=one.id)
    assert one.id in text(desk.page("/attente"))
    assert desk.now(one.id).state is State.HELD


def test_closing_needs_a_reason_and_keeps_it(desk: Desk) -> None:
    one = desk.one(State.HELD, fault="untrusted-domain")
    desk.submit("/attente/cloture", 409, envois=one.id)
    assert desk.now(one.id).state is State.HELD
    desk.submit("/attente/cloture", 303, envois=one.id, motif="remis en main propre")
    assert (desk.now(one.id).state, desk.now(one.id).reason) == (State.CLOSED, "remis en main propre")


# ------------------------------------------------------------------------------------------------ replay


def failed(desk: Desk) -> Dispatch:
    return desk.one(State.FAILED)


def test_a_replay_shows_its_list_and_does_exactly_that(desk: Desk) -> None:
    one = failed(desk)
    assert "Dire quoi rejouer" in text(desk.page("/rejeu"))
    shown = desk.page(f"/rejeu?envois={one.id}")
    assert "À rejouer : 1 élément" in text(shown)
    assert desk.now(one.id) == one
    fields = {"envois": one.id, "etat": "failed", "jeton": value(shown, "jeton")}
    desk.submit("/rejeu", 409, **fields, motif="")
    assert "n'est plus celle" in text(desk.submit("/rejeu", 409, **{**fields, "jeton": "0"}, motif="essai"))
    assert desk.now(one.id) == one
    desk.submit("/rejeu", 303, **fields, motif="boîte vidée")
    done = desk.now(one.id)
    assert (done.state, done.reason, done.message_id) == (State.QUEUED, "boîte vidée", one.message_id)
    desk.submit("/rejeu", 409, **fields, motif="second clic")
    assert one.id in desk.page(f"/envois?lot={done.batch_id}")
    desk.submit("/rejeu/annulation", 303, lot=done.batch_id, motif="trop tôt")
    assert desk.now(one.id).state is State.FAILED


def test_a_large_replay_asks_for_its_number(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    one = failed(desk)
    service = desk.office.settings.service.model_copy(update={"ask_count_above": 0})
    office = replace(desk.office, settings=desk.office.settings.model_copy(update={"service": service}))
    with TestClient(build(office, desk.accounts, lambda parts: ()), base_url=HERE, follow_redirects=False) as browser:
        browser.cookies.set("session", "alice")
        other = Desk(office, desk.accounts, browser)
        shown = other.page(f"/rejeu?envois={one.id}")
        fields = {"envois": one.id, "jeton": value(shown, "jeton"), "motif": "essai"}
        assert "pas leur nombre" in text(other.submit("/rejeu", 409, **fields, nombre="2"))
        assert desk.now(one.id) == one


def test_an_unknown_outcome_is_settled_by_a_person(desk: Desk) -> None:
    one = failed(desk)
    desk.move(one.id, State.QUEUED, State.SENDING, State.UNKNOWN)
    assert "qu'est-il devenu" in text(desk.page(f"/envois/{one.id}"))
    assert "Rien à rejouer." in text(desk.page(f"/rejeu?envois={one.id}"))
    desk.submit(f"/envois/{one.id}/issue", 409, motif="appel")
    desk.submit(f"/envois/{one.id}/issue", 303, issue="refuse", motif="appel")
    assert (desk.now(one.id).state, desk.now(one.id).reason) == (State.FAILED, "appel")


def test_what_has_left_cannot_be_withdrawn(desk: Desk) -> None:
    one = desk.one(State.READ)
    desk.submit(f"/envois/{one.id}/retrait", 303, motif="essai")
    assert desk.now(one.id) == one
    assert one.id in text(desk.page(f"/envois/{one.id}"))


def test_the_dispatches_of_a_patient_are_found_by_traits_and_noted(desk: Desk) -> None:
    one = desk.one(State.READ, order="26A0011")
    traits = {"nom": "De Kersauson", "prenom": "Yves-Marie", "ne": "1934-09-15"}
    assert one.id in desk.submit("/recherche", 200, **traits)
    assert one.id in {item for _, _, ids in desk.accounts.shown for item in ids}
    seen = len(desk.accounts.shown)
    assert "Aucun envoi pour ces traits." in text(desk.submit("/recherche", 200, **{**traits, "prenom": "Yves"}))
    assert len(desk.accounts.shown) == seen
    desk.submit("/recherche", 409, **{**traits, "ne": ""})
