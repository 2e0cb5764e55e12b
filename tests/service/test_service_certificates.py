"""Certificates while a mail is made: one that changed in between, and one nobody could ask for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from dispatcher.outbox.states import State
from dispatcher.ports import CertificateAnswer, RecipientCertificate
from dispatcher.service.release import release
from tests.service.bench import Bench
from tests.service.samples import oru


@dataclass
class Scripted:
    """Gives these answers in turn, the last one for ever."""

    answers: list[CertificateAnswer]
    asked: list[str] = field(default_factory=list)

    def answer(self, address: str, at: datetime) -> CertificateAnswer:
        self.asked.append(address)
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


def held_reason(bench: Bench) -> tuple[str, str]:
    (dispatch,) = bench.dispatches()
    assert dispatch.state is State.HELD
    return dispatch.hold_code, dispatch.reason


def use(bench: Bench, *answers: CertificateAnswer) -> None:
    bench.desk = replace(bench.desk, certificates=Scripted(list(answers)))


def test_a_certificate_that_changes_between_decision_and_sealing_holds(bench: Bench) -> None:
    first: RecipientCertificate = bench.tools.certificate
    other = replace(first, fingerprint="autre")
    use(bench, CertificateAnswer(chosen=first), CertificateAnswer(chosen=other))
    bench.bring(oru())
    code, reason = held_reason(bench)
    assert code == "certificate-changed"
    assert "a changé pendant la préparation" in reason


def test_a_certificate_nobody_could_ask_for_holds_until_it_can_be_asked_again(bench: Bench) -> None:
    silent = CertificateAnswer(unknown=("Annuaire LDAP « x » : serveur injoignable",))
    theirs = replace(bench.tools.certificate, address="pierre.durand@dest.test")
    use(bench, silent, silent, CertificateAnswer(chosen=theirs))
    bench.bring(oru())
    code, reason = held_reason(bench)
    assert code == "certificate-unknown"
    assert "On ne peut pas dire" in reason
    (dispatch,) = bench.dispatches()
    how = {"reason": "annuaire rétabli", "actor": "op"}
    still = release(bench.desk, dispatch.id, **how)
    assert not still.released
    assert "injoignable" in still.why
    assert release(bench.desk, dispatch.id, **how).released
    (dispatch,) = bench.dispatches()
    assert (dispatch.state, dispatch.envelope) == (State.READY, "smime")
