"""Why this recipient, address, format, key and time: in French, for every state, and never a patient's name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import State
from dispatcher.report.model import IdType
from dispatcher.routing.candidates import Entry
from dispatcher.service import operate
from dispatcher.service.explain import explain
from dispatcher.service.release import release
from tests.fakes import ReplyLost
from tests.service.bench import DURAND, PAPER, PETIT, Bench
from tests.service.samples import OTHER_VALUE, SECRETS, dsn, mdn, oru
from tests.service.test_service_send import BUSY, GONE

EVE = "operator:eve"


def ready(bench: Bench) -> None:
    bench.bring(oru())


def queued(bench: Bench) -> None:
    ready(bench)
    bench.batch()


def sent(bench: Bench) -> None:
    queued(bench)
    bench.send()


def delivered(bench: Bench) -> None:
    sent(bench)
    bench.mailbox.arrive(dsn(bench.one().message_id, DURAND))
    bench.collect()


def read(bench: Bench) -> None:
    delivered(bench)
    bench.mailbox.arrive(mdn(bench.one().message_id, DURAND))
    bench.collect()


def deferred(bench: Bench) -> None:
    bench.transport.endings = [BUSY]
    sent(bench)


def failed(bench: Bench) -> None:
    bench.transport.endings = [GONE]
    sent(bench)


def unknown(bench: Bench) -> None:
    bench.transport.endings = [ReplyLost()]
    sent(bench)


def closed(bench: Bench) -> None:
    failed(bench)
    operate.close(bench.store, [bench.one().id], reason="résultat donné par téléphone", actor=EVE)


def held_by_a_person(bench: Bench) -> None:
    queued(bench)
    operate.hold(bench.store, [bench.one().id], reason="attendre le biologiste", actor=EVE)


def unknown_recipient(bench: Bench) -> None:
    bench.bring(oru(to="D077^NOUVEAU^Ana"))


def untrusted(bench: Bench) -> None:
    bench.bring(oru(to="X001^AILLEURS"))


def unprotected(bench: Bench) -> None:
    bench.bring(oru(to="N001^SANS"))


def unchecked(bench: Bench) -> None:
    bench.bring(oru().replace(b"|19790314|", b"||"))


def paper(bench: Bench) -> None:
    bench.bring(oru(to=f"{PAPER}^PAPIER"))


def to_smime(bench: Bench) -> None:
    bench.bring(oru(to="S001^BOB"))


def withdrawn(bench: Bench) -> None:
    bench.bring(oru(), oru(value=OTHER_VALUE, status="C", at="20260311100000"))


def late(bench: Bench) -> None:
    bench.bring(oru(value=OTHER_VALUE, status="C", at="20260311100000"), oru())


def first(bench: Bench) -> Dispatch:
    return bench.dispatches()[0]


def second(bench: Bench) -> Dispatch:
    return bench.dispatches()[1]


CASES: dict[str, tuple[Callable[[Bench], None], Callable[[Bench], Dispatch], State, tuple[str, ...]]] = {
    "ready": (ready, first, State.READY, ("attend le prochain lot du canal", "au plus tard dans 5 min")),
    "queued": (queued, first, State.QUEUED, ("placé dans le lot L", "Débit du canal « pro »")),
    "sent": (sent, first, State.SENT, ("parti avec le lot L", "Accepté par l'opérateur le 11/03/2026 à 10:00:0")),
    "delivered": (delivered, first, State.DELIVERED, ("Remis dans la boîte du destinataire le 11/03/2026",)),
    "read": (read, first, State.READ, ("Lu ou intégré par le destinataire le 11/03/2026",)),
    "deferred": (deferred, first, State.DEFERRED, ("Nouvel essai prévu le 11/03/2026", "après 1 tentative")),
    "failed": (failed, first, State.FAILED, ("Situation : Adresse refusée, boîte inconnue (550 5.1.1).",)),
    "unknown": (unknown, first, State.UNKNOWN, ("accepté ou non, impossible à dire d'ici",)),
    "closed": (closed, first, State.CLOSED, ("Situation : résultat donné par téléphone",)),
    "held by a person": (held_by_a_person, first, State.HELD, ("Situation : attendre le biologiste",)),
    "unknown recipient": (unknown_recipient, first, State.HELD, ("En attente d'un opérateur", "D077")),
    "untrusted domain": (untrusted, first, State.HELD, ("« dehors.test »", "domaines autorisés")),
    "no protection": (unprotected, first, State.HELD, ("rien ne part en clair", "certificat")),
    "report check": (unchecked, first, State.HELD, ("Date de naissance absente",)),
    "paper": (paper, first, State.PAPER, ("papier",)),
    "S/MIME": (to_smime, first, State.READY, ("chiffré pour le certificat", "CDA")),
    "withdrawn": (withdrawn, first, State.WITHDRAWN, ("Remplacé par la version 2", "Situation : Remplacé")),
    "replaces": (withdrawn, second, State.READY, ("Remplace la version 1 (envoi D",)),
    "late": (late, second, State.HELD, ("vérifier dans le SIL laquelle vaut",)),
}


@pytest.mark.parametrize("case", CASES)
def test_every_state_is_explained(bench: Bench, case: str) -> None:
    prepare, which, state, expected = CASES[case]
    prepare(bench)
    dispatch = which(bench)
    assert dispatch.state is state, dispatch.reason
    found = explain(bench.store, bench.channels, dispatch.id)
    assert found is not None
    text = "\n".join(found.lines)
    assert text.startswith(f"Envoi {dispatch.id} : compte rendu du dossier R1001, version {dispatch.version}, lu dans")
    assert "Destinataire : " in text
    for part in expected:
        assert part in text, text
    assert not re.search("|".join(map(re.escape, SECRETS)), text, re.IGNORECASE)
    own_words = re.sub(r"réponse « .* »", "", text)
    assert not re.search(
        r"\b(None|True|False|queued|deferred|withdrawn|hprim-medecins|mutual-tls|\w+Error)\b", own_words
    )
    told = found.as_json()
    assert json.loads(json.dumps(told))["explanation"] == list(found.lines)
    assert told["state"] == state


def test_a_late_version_does_not_claim_to_replace(bench: Bench) -> None:
    late(bench)
    found = explain(bench.store, bench.channels, second(bench).id)
    assert found is not None
    assert not any(line.startswith("Remplace la version") for line in found.lines)


def test_address_format_and_rules_are_told(bench: Bench) -> None:
    ready(bench)
    found = explain(bench.store, bench.channels, first(bench).id)
    assert found is not None
    text = "\n".join(found.lines)
    assert f"Adresse : {DURAND}. Pour le code « D001 », la table des destinataires, ligne 2" in text
    assert "format HPRIM Médecins" in text
    assert "Remis sur cette machine au logiciel du site, qui chiffre lui-même." in text
    assert "Données consultées : extraction MSSanté du 11/03/2026" in text


def test_an_address_chosen_by_a_person_is_told_as_such(bench: Bench) -> None:
    unknown_recipient(bench)
    release(bench.desk, first(bench).id, to=DURAND, reason="appelé", actor=EVE)
    found = explain(bench.store, bench.channels, first(bench).id)
    assert found is not None
    assert any(DURAND in line and "opérateur" in line for line in found.lines)


def test_what_a_person_did_and_what_else_was_possible_stay_told(bench: Bench) -> None:
    bench.directory.entries += [
        Entry(address=DURAND, id_type=IdType.RPPS, identifier="99700000013", family="NOUVEAU", given="Ana"),
        Entry(address=PETIT, id_type=IdType.RPPS, identifier="99700000021", family="NOUVEAU", given="Ana"),
    ]
    unknown_recipient(bench)
    item = first(bench).id
    assert release(bench.desk, item, to=DURAND, reason="dit au téléphone", actor=EVE).released
    found = explain(bench.store, bench.channels, item)
    assert found is not None
    text = "\n".join(found.lines)
    assert "Avait attendu un opérateur : " in text
    assert f"99700000021, {PETIT}" in text
    assert "Libéré par eve le 11/03/2026 à" in text
    assert "dit au téléphone." in text
    assert "Situation" not in text
    told = found.as_json()
    assert [(one["by"], one["reason"]) for one in told["people"]] == [("eve", "dit au téléphone")]
    assert len(told["decision"]["waited"]["candidates"]) == 2


def test_the_reason_of_a_hold_is_said_once(bench: Bench) -> None:
    unknown_recipient(bench)
    dispatch = first(bench)
    found = explain(bench.store, bench.channels, dispatch.id)
    assert found is not None
    assert "\n".join(found.lines).count(dispatch.reason) == 1


OLD = {
    "wanted": {"role": "prescriber", "id": "D001", "id_type": "local", "label": "Dr DURAND"},
    "route": {"address": DURAND, "channel": "pro", "format": "hprim-medecins", "envelope": "proxy", "id_type": "local"},
    "trace": [{"rule": "local-table", "outcome": "chosen", "text": "Pour le code « D001 », la table donne l'adresse."}],
    "versions": {"directory": "2026-03-10", "local": "abc"},
}


def test_a_decision_of_an_older_version_is_still_explained(bench: Bench) -> None:
    ready(bench)
    item = first(bench).id
    for kept in (OLD, {**OLD, "route": None, "hold": {"reason": "Inconnu."}}, {}, {"trace": [{"rule": "x"}]}):
        with bench.real.transaction() as uow:
            uow.dispatches.update(item, event="dispatch.looked-again", decision=kept)
        found = explain(bench.store, bench.channels, item)
        assert found is not None
        assert json.dumps(found.as_json())
    with bench.real.transaction() as uow:
        uow.dispatches.update(item, event="dispatch.looked-again", decision=OLD)
    found = explain(bench.store, bench.channels, item)
    assert found is not None
    assert "annuaire national du 10/03/2026 ; table des destinataires (version abc)" in "\n".join(found.lines)


def test_what_does_not_exist_has_no_explanation(bench: Bench) -> None:
    assert explain(bench.store, bench.channels, "D000000000") is None


def test_one_whose_channel_is_gone_from_the_settings_is_still_explained(bench: Bench) -> None:
    queued(bench)
    found = explain(bench.store, {}, first(bench).id)
    assert found is not None
    assert any("lot L" in line for line in found.lines)
