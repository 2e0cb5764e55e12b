"""Patients as recipients and oppositions, through the whole engine: own box only, nowhere in clear, obeyed late."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from dispatcher.errors import ConfigError
from dispatcher.intake import by_hand
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import State
from dispatcher.ports import OppositionRow
from dispatcher.report.identifiers import nir_key
from dispatcher.report.model import IdType
from dispatcher.routing.about import Scope
from dispatcher.routing.candidates import Entry
from dispatcher.routing.policy import DomainPolicy, Policy
from dispatcher.routing.trace import as_json, from_json
from dispatcher.service import oppositions
from dispatcher.service.patients import masked, shown
from dispatcher.service.release import release
from tests.service import handed
from tests.service.bench import DURAND, Bench, local
from tests.service.samples import LEO, OTHER_VALUE, ZOE, Person, dsn, oru

EVE = "operator:eve"
BOX = f"{ZOE.ins}@patient.mssante.fr"


def asked(
    *flags: str, fin: bool = False, prt: str = "", who: Person = ZOE, vali: str = "VALI", order: str = "R1"
) -> bytes:
    """A result with the wishes of the ANS volet, for a qualified patient."""
    lines = oru(who=who).decode().strip("\r").split("\r")
    ins = f"{who.ins}^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS"
    for place, line in enumerate(lines):
        if line.startswith("PID"):
            fields = line.split("|")
            fields += [""] * (33 - len(fields))
            fields[3] = f"{fields[3]}~{ins}" if fields[3] and ins not in fields[3] else ins
            fields[32] = vali
            lines[place] = "|".join(fields)
    if prt:
        lines.append(f"PRT||UC||RCT^^participation{'|' * 11}^^X.400^{prt}")
    for number, flag in enumerate(flags):
        lines.append(f"OBX|{50 + number}|CE|{flag[:-2]}^X^MetaDMPMSS||{flag[-1]}^^expandedYes-NoIndicator||||||F")
        if fin and flag.startswith("DESTMSSANTEPAT"):
            lines.append("NTE|1||| FIN".replace(" ", ""))
    return "\r".join(lines).encode() + b"\r"


@pytest.fixture(name="mes")
def patients_switched_on(bench: Bench) -> Bench:
    bench.desk = replace(bench.desk, policy=patients(bench))
    return bench


def patients(bench: Bench, **changes: Any) -> Policy:
    values: dict[str, Any] = {
        "patients": True,
        "allow_test_ins": True,
        "domains": {"patient.mssante.fr": DomainPolicy(channel="mss", format="cda")},
    }
    return replace(bench.desk.policy, **values | changes)


def of_patient(bench: Bench) -> Dispatch:
    (found,) = [dispatch for dispatch in bench.dispatches() if dispatch.role == "patient"]
    return found


def mail_of(bench: Bench, dispatch_id: str) -> EmailMessage:
    content = bench.payload(dispatch_id, "sealed")
    assert content is not None
    mail = message_from_bytes(content, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def leave(bench: Bench) -> None:
    bench.batch("mss")
    bench.send("mss")


def everything_in_clear(bench: Bench) -> str:
    """All text of the index tables and the journal, as somebody with the database file alone would read it."""
    found = []
    with sqlite3.connect(bench.database) as database:
        for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in database.execute(f"SELECT * FROM {table}"):
                found += [str(value) for value in row if isinstance(value, str)]
    return "\n".join(found)


def test_the_patient_gets_it_in_his_own_box_and_is_named_nowhere(mes: Bench) -> None:
    mes.bring(asked("DESTMSSANTEPS=Y", "DESTMSSANTEPAT=Y"))
    dispatch = of_patient(mes)
    assert (dispatch.state, dispatch.label, dispatch.recipient_id) == (State.READY, "boîte d'un patient", "")
    assert dispatch.domain == "patient.mssante.fr"
    mail = mail_of(mes, dispatch.id)
    assert mail["To"].addresses[0].addr_spec.lower() == BOX
    assert mail["X-MSS-MES"] is None
    leave(mes)
    assert [handed.mail.recipient for handed in mes.transport.accepted] == [BOX]
    assert str(ZOE.ins) not in everything_in_clear(mes)
    assert str(ZOE.ins) not in "".join(of_patient(mes).decision["trace"][0]["text"])  # type: ignore[index]


def test_without_the_switch_it_waits_and_leaves_once_switched_on(bench: Bench) -> None:
    bench.bring(asked("DESTMSSANTEPS=Y", "DESTMSSANTEPAT=Y"))
    held = of_patient(bench)
    assert (held.state, held.hold_code) == (State.HELD, "patient-recipient")
    bench.desk = replace(bench.desk, policy=patients(bench))
    assert release(bench.desk, held.id, reason="en service", actor=EVE).released
    leave(bench)
    assert [handed.mail.recipient for handed in bench.transport.accepted] == [BOX]
    assert str(ZOE.ins) not in everything_in_clear(bench)


def test_a_patient_who_may_not_answer(mes: Bench) -> None:
    mes.bring(asked("DESTMSSANTEPS=Y", "DESTMSSANTEPAT=Y", fin=True))
    assert mail_of(mes, of_patient(mes).id)["X-MSS-MES"] == "FIN"


def test_an_unqualified_identity_leads_nowhere(mes: Bench) -> None:
    mes.bring(asked("DESTMSSANTEPS=Y", "DESTMSSANTEPAT=Y", vali="PROV"))
    assert of_patient(mes).hold_code == "patient-identity"


def test_the_address_of_a_parent_is_never_written_to(mes: Bench) -> None:
    number = "1460263220001"
    parent = f"{number}{nir_key(number)}"
    mes.bring(asked("DESTMSSANTEPS=Y", "DESTMSSANTEPAT=Y", prt=f"{parent}@patient.mssante.fr"))
    held = of_patient(mes)
    assert (held.state, held.hold_code) == (State.HELD, "patient-address")
    assert parent not in everything_in_clear(mes)
    released = release(mes.desk, held.id, to=f"{parent}@patient.mssante.fr", reason="essai", actor=EVE)
    assert not released.released
    assert parent not in everything_in_clear(mes)


def test_another_patients_address_is_never_written_to(mes: Bench) -> None:
    mes.bring(asked("DESTMSSANTEPS=Y", "DESTMSSANTEPAT=Y", who=LEO, prt=BOX))
    assert of_patient(mes).hold_code == "patient-address"


def test_a_prescribers_hold_is_not_released_to_a_patient(mes: Bench) -> None:
    mes.bring(oru(to="INCONNU^DURAND^Pierre"))
    held = mes.one(states=(State.HELD,))
    answer = release(mes.desk, held.id, to=BOX, reason="essai", actor=EVE)
    assert not answer.released
    assert "patient" in answer.why
    assert mes.get(held.id) == held
    assert str(ZOE.ins) not in everything_in_clear(mes)


@pytest.mark.parametrize(("flag", "code"), [("INVISIBLE_PATIENT=Y", "hidden-from-patient")])
def test_what_the_patient_must_not_see_does_not_go_to_him(mes: Bench, flag: str, code: str) -> None:
    mes.bring(asked("DESTMSSANTEPS=Y", "DESTMSSANTEPAT=Y", flag))
    assert of_patient(mes).hold_code in {code, "report-check"}


def test_a_notice_of_his_operator_is_matched_though_the_row_hides_his_address(mes: Bench) -> None:
    mes.bring(asked("DESTMSSANTEPS=Y", "DESTMSSANTEPAT=Y"))
    leave(mes)
    mes.mailbox.arrive(dsn(of_patient(mes).message_id, BOX))
    mes.collect()
    assert of_patient(mes).state is State.DELIVERED
    assert str(ZOE.ins) not in everything_in_clear(mes)


def test_hprim_is_no_format_for_a_patient(mes: Bench) -> None:
    mes.desk = replace(mes.desk, policy=patients(mes, domains={}))
    mes.bring(asked("DESTMSSANTEPS=Y", "DESTMSSANTEPAT=Y"))
    assert of_patient(mes).hold_code == "format-not-carried"


# ------------------------------------------------------------------------------------------------ oppositions


def test_an_opposition_is_kept_without_the_number_and_journalled(bench: Bench) -> None:
    row = oppositions.record(bench.desk, f"ins:{ZOE.ins}", Scope.PATIENT_BOX, actor=EVE, note="courrier du 3 mars")
    assert row is not None
    assert oppositions.record(bench.desk, f"ins:{ZOE.ins}", Scope.PATIENT_BOX, actor=EVE) is None, "once"
    assert str(ZOE.ins) not in everything_in_clear(bench)
    assert bench.events(row.id) == ["opposition.added"]
    with bench.store.transaction() as uow:
        assert uow.oppositions.list() == (row,)
        assert uow.oppositions.remove(row.id, actor=EVE)
        assert not uow.oppositions.remove(row.id, actor=EVE)
        assert uow.oppositions.list() == ()
    assert bench.events(row.id) == ["opposition.added", "opposition.removed"]


@pytest.mark.parametrize(
    "text", ["", "ins:", "ins:123", "RPPS", "nom:DURAND", f"ins:{ZOE.ins}0", "rpps:99700000014", "finess:990004013"]
)
def test_what_names_nobody_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        oppositions.named(text)


def test_a_scope_that_does_not_fit_is_refused(bench: Bench) -> None:
    for text, scope in ((f"ins:{ZOE.ins}", Scope.RECIPIENT), ("code:D001", Scope.PATIENT_BOX)):
        with pytest.raises(ConfigError):
            oppositions.record(bench.desk, text, scope, actor=EVE)


def test_a_patient_who_objects_to_the_professional_way(mes: Bench) -> None:
    oppositions.record(mes.desk, f"ins:{ZOE.ins}", Scope.PROFESSIONALS, actor=EVE)
    mes.bring(asked("DESTMSSANTEPS=Y", "DESTMSSANTEPAT=Y"))
    states = {dispatch.role: (dispatch.state, dispatch.reason) for dispatch in mes.dispatches()}
    assert states["prescriber"][0] is State.PAPER
    assert "opposé" in states["prescriber"][1]
    assert states["patient"][0] is State.READY


def test_a_patient_who_objects_to_his_own_box(mes: Bench) -> None:
    oppositions.record(mes.desk, f"ins:{ZOE.ins}", Scope.PATIENT_BOX, actor=EVE)
    mes.bring(asked("DESTMSSANTEPS=Y", "DESTMSSANTEPAT=Y"))
    states = {dispatch.role: dispatch.state for dispatch in mes.dispatches()}
    assert states == {"prescriber": State.READY, "patient": State.PAPER}


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        (f"ins:{ZOE.ins}", Scope.PROFESSIONALS),
        ("code:D001", Scope.RECIPIENT),
        (f"adresse:{DURAND}", Scope.RECIPIENT),
    ],
)
def test_an_opposition_after_preparation_is_seen_at_hand_over(bench: Bench, text: str, scope: Scope) -> None:
    bench.bring(asked("DESTMSSANTEPS=Y"))
    (ready,) = bench.dispatches(states=(State.READY,))
    bench.batch()
    row = oppositions.record(bench.desk, text, scope, actor=EVE)
    assert row is not None
    bench.send()
    held = bench.get(ready.id)
    assert (held.state, held.hold_code) == (State.HELD, "opposition")
    assert bench.transport.accepted == []
    assert not release(bench.desk, held.id, reason="essai", actor=EVE).released, "not while it stands"
    with bench.store.transaction() as uow:
        uow.oppositions.remove(row.id, actor=EVE)
    assert release(bench.desk, held.id, reason="levée", actor=EVE).released
    bench.batch()
    bench.send()
    assert [handed.mail.recipient for handed in bench.transport.accepted] == [DURAND]


@pytest.mark.parametrize("text", ["code:D001", f"adresse:{DURAND.upper()}"])
def test_a_recipient_who_objects_takes_paper(bench: Bench, text: str) -> None:
    oppositions.record(bench.desk, text, Scope.RECIPIENT, actor=EVE)
    bench.bring(oru())
    assert bench.one().state is State.PAPER
    assert "opposé" in bench.one().reason


def test_somebody_elses_opposition_changes_nothing(bench: Bench) -> None:
    oppositions.record(bench.desk, f"ins:{LEO.ins or '146026322000196'}", Scope.PROFESSIONALS, actor=EVE)
    oppositions.record(bench.desk, "code:D002", Scope.RECIPIENT, actor=EVE)
    bench.bring(oru())
    assert bench.one().state is State.READY


RPPS, ADELI = "99700000013", "759900013"
BOX_OF_RPPS = Entry(address=DURAND, id_type=IdType.RPPS, identifier=RPPS, family="DURAND", given="Pierre")
HOME = Entry(address=DURAND, box_type="ORG", structure_id="990004012", structure_name="EHPAD Les Tilleuls")


@pytest.mark.parametrize(
    ("text", "entry"),
    [(f"rpps:{RPPS}", BOX_OF_RPPS), ("finess:990004012", HOME)],
    ids=["person", "structure"],
)
def test_whoever_the_directory_knows_behind_the_tables_address_is_obeyed(bench: Bench, text: str, entry: Entry) -> None:
    bench.directory.entries.append(entry)
    oppositions.record(bench.desk, text, Scope.RECIPIENT, actor=EVE)
    bench.bring(oru())
    assert bench.one().state is State.PAPER


def test_an_address_that_objects_takes_paper_when_the_directory_leads_to_it(bench: Bench) -> None:
    bench.directory.entries.append(BOX_OF_RPPS)
    bench.directory.lines[:] = [local("D001", "", id_type=IdType.RPPS, identifier=RPPS)]
    oppositions.record(bench.desk, f"adresse:{DURAND}", Scope.RECIPIENT, actor=EVE)
    bench.bring(oru())
    assert bench.one().state is State.PAPER
    assert "opposé" in bench.one().reason


@pytest.mark.parametrize("text", [f"rpps:{RPPS}", f"adeli:{ADELI}", "code:D001", f"adresse:{DURAND}"])
def test_every_number_he_goes_by_is_looked_at_again_at_hand_over(bench: Bench, text: str) -> None:
    bench.directory.entries.append(BOX_OF_RPPS)
    bench.directory.pairs.append((ADELI, RPPS))
    bench.directory.lines[:] = [local("D001", "", id_type=IdType.ADELI, identifier=ADELI)]
    bench.bring(oru())
    (ready,) = bench.dispatches(states=(State.READY,))
    bench.batch()
    oppositions.record(bench.desk, text, Scope.RECIPIENT, actor=EVE)
    bench.send()
    assert (bench.get(ready.id).state, bench.get(ready.id).hold_code) == (State.HELD, "opposition")
    assert bench.transport.accepted == []


BY_NUMBER = oru(to=f"{RPPS}^DURAND^Pierre")


def named_by_code(bench: Bench) -> None:
    """The table says what D001 stands for, the directory where it leads; the file names him by his number."""
    bench.directory.entries.append(BOX_OF_RPPS)
    bench.directory.lines[:] = [local("D001", "", id_type=IdType.RPPS, identifier=RPPS)]


def test_an_opposition_under_a_code_binds_the_number_its_line_names(bench: Bench) -> None:
    named_by_code(bench)
    row = oppositions.record(bench.desk, "code:D001", Scope.RECIPIENT, actor=EVE)
    bench.bring(BY_NUMBER)
    assert (bench.one().state, "opposé" in bench.one().reason) == (State.PAPER, True)
    with bench.store.transaction() as uow:
        assert row is not None
        uow.oppositions.remove(row.id, actor=EVE)
    bench.bring(oru(value=OTHER_VALUE, status="C", at="20260311100000", control="M3", to=f"{RPPS}^DURAND^Pierre"))
    assert State.READY in bench.states()


def test_an_opposition_under_a_code_binds_the_number_at_hand_over_too(bench: Bench) -> None:
    named_by_code(bench)
    bench.bring(BY_NUMBER)
    (ready,) = bench.dispatches(states=(State.READY,))
    bench.batch()
    oppositions.record(bench.desk, "code:D001", Scope.RECIPIENT, actor=EVE)
    bench.send()
    assert (bench.get(ready.id).state, bench.get(ready.id).hold_code) == (State.HELD, "opposition")


def test_a_code_that_passed_to_another_binds_who_has_it_now(bench: Bench) -> None:
    named_by_code(bench)
    today = bench.clock.now().date()
    old = replace(bench.directory.lines[0], valid_to=today - timedelta(days=9))
    bench.directory.lines[:] = [old]
    oppositions.record(bench.desk, "code:D001", Scope.RECIPIENT, actor=EVE)
    opposed = oppositions.recipient_opposes(bench.desk, "sil")
    assert opposed(f"RPPS:{RPPS}"), "nobody else has it"
    bench.directory.lines.append(local("D001", "autre@dest.test", valid_from=today))
    assert not opposed(f"RPPS:{RPPS}")


# ------------------------------------------------------------------------------------------- whose number it is

OF_A_LIS = pytest.mark.parametrize(
    ("text", "scope"), [("patient:PR1001", Scope.PROFESSIONALS), ("code:D001", Scope.RECIPIENT)]
)


def with_sources(bench: Bench, *names: str) -> None:
    """So many LIS, whose numbers are each other's people's."""
    bench.channels = {name: replace(one, sources=frozenset(names)) for name, one in bench.channels.items()}
    bench.desk = replace(bench.desk, sources=dict.fromkeys(names, bench.sources["sil"]), channels=bench.channels)


@OF_A_LIS
@pytest.mark.parametrize(("source", "state"), [("sil", State.PAPER), ("autre", State.READY), ("*", State.PAPER)])
def test_a_number_is_obeyed_where_it_was_given(
    bench: Bench, text: str, scope: Scope, source: str, state: State
) -> None:
    with_sources(bench, "sil", "autre")
    with pytest.raises(ConfigError, match="Plusieurs logiciels"):
        oppositions.record(bench.desk, text, scope, actor=EVE)
    with pytest.raises(ConfigError, match="inconnue"):
        oppositions.record(bench.desk, text, scope, actor=EVE, source="nulle-part")
    assert oppositions.record(bench.desk, text, scope, actor=EVE, source=source)
    bench.bring(oru())
    assert bench.one().state is state


@OF_A_LIS
@pytest.mark.parametrize(("source", "stopped"), [("sil", True), ("autre", False), ("*", True)])
def test_a_number_is_obeyed_at_hand_over_where_it_was_given(
    bench: Bench, text: str, scope: Scope, source: str, stopped: bool
) -> None:
    with_sources(bench, "sil", "autre")
    bench.bring(oru())
    bench.batch()
    assert oppositions.record(bench.desk, text, scope, actor=EVE, source=source)
    bench.send()
    assert (bench.one().hold_code == "opposition", bench.transport.accepted == []) == (stopped, stopped)


@OF_A_LIS
def test_the_number_of_a_source_that_is_gone_is_obeyed_everywhere(bench: Bench, text: str, scope: Scope) -> None:
    with_sources(bench, "ancien", "sil")
    assert oppositions.record(bench.desk, text, scope, actor=EVE, source="ancien")
    with_sources(bench, "sil")
    bench.bring(oru())
    assert bench.one().state is State.PAPER


@OF_A_LIS
def test_the_number_of_a_source_that_is_gone_is_obeyed_at_hand_over_too(bench: Bench, text: str, scope: Scope) -> None:
    with_sources(bench, "ancien", "sil")
    bench.bring(oru())
    bench.batch()
    assert oppositions.record(bench.desk, text, scope, actor=EVE, source="ancien")
    with_sources(bench, "sil")
    bench.send()
    assert (bench.one().hold_code, bench.transport.accepted) == ("opposition", [])


@OF_A_LIS
def test_a_file_sent_by_hand_is_held_against_every_source(
    bench: Bench, tmp_path: Path, text: str, scope: Scope
) -> None:
    with_sources(bench, "sil", "autre")
    assert oppositions.record(bench.desk, text, scope, actor=EVE, source="autre")
    file = tmp_path / "a.hl7"
    file.write_bytes(oru())
    (planned,) = handed.plan(bench.desk, by_hand.gather([file]).taken, ())
    assert [one.state for one in planned.dispatches] == [State.PAPER]
    handed.submit(bench.desk, by_hand.gather([file]).taken, ())
    bench.prepare()
    assert bench.one().state is State.PAPER


def test_the_only_source_is_meant_and_a_national_number_has_none(bench: Bench) -> None:
    row = oppositions.record(bench.desk, "code:D001", Scope.RECIPIENT, actor=EVE)
    assert row is not None
    assert row.kind == "code@sil"
    with pytest.raises(ConfigError, match="le même partout"):
        oppositions.record(bench.desk, f"rpps:{RPPS}", Scope.RECIPIENT, actor=EVE, source="sil")


@OF_A_LIS
def test_one_recorded_before_sources_counted_holds_for_all(bench: Bench, text: str, scope: Scope) -> None:
    key, kind = oppositions.named(text)
    old = OppositionRow(
        id="P1", key=bench.desk.cipher.hash(key), scope=scope.value, kind=kind, added_at=bench.clock.now(), actor=EVE
    )
    with bench.store.transaction() as uow:
        assert uow.oppositions.add(old)
    with_sources(bench, "sil", "autre")
    bench.bring(oru())
    assert bench.one().state is State.PAPER


# ------------------------------------------------------------------------------------------ the address as a name


@pytest.mark.parametrize("place", ["label", "reason", "address"])
def test_a_patients_address_is_masked_wherever_a_row_tells_it(bench: Bench, place: str) -> None:
    """Line 12 of an HPRIM Médecins file may bear it as the recipient's label."""
    bench.bring(oru())
    row = replace(bench.one(), **{place: f"« {BOX} »"})
    named = {**row.decision, "wanted": {**row.decision["wanted"], "label": BOX}}
    told = masked(bench.desk, replace(row, decision=named), DURAND)
    assert ZOE.ins not in getattr(told, place)
    assert "@patient.mssante.fr" in getattr(told, place)
    assert ZOE.ins not in str(told.decision)


def test_a_decision_on_a_screen_tells_no_patients_address(bench: Bench) -> None:
    bench.bring(oru(to=f"{BOX}^{BOX}"))
    kept = from_json(bench.one().decision)
    bare = replace(kept, wanted=replace(kept.wanted, label=BOX, address=BOX))
    assert bare.hold is not None
    bare = replace(bare, hold=replace(bare.hold, reason=f"Le code de « {BOX} » est inconnu."))
    assert ZOE.ins in str(as_json(bare))
    assert ZOE.ins not in str(as_json(shown(bare)))
