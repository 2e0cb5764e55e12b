"""Learning with a person: the rule of one choice, and exactly the dispatches that were shown. On both engines."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatcher.errors import DirectoryError
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import State
from dispatcher.report.model import IdType
from dispatcher.routing.candidates import Entry, LocalEntry
from dispatcher.service import operate
from dispatcher.service.choose import choose
from dispatcher.service.explain import explain
from dispatcher.service.held import held_groups
from dispatcher.service.learn import RULE, SUBJECT, Plan, held_for, plan_code, plan_rule, remember, spoken
from dispatcher.service.release import CHANGED, release
from dispatcher.settings import SourceSettings
from tests.fakes import Killed
from tests.service.bench import DURAND, PETIT, Bench, Tools, local
from tests.service.samples import oru

EVE = "operator:eve"
ADELI = "^^^^^^^L^^^ADELI"
RPPS, OTHER_RPPS = "99700000013", "99700000021"
ANA = Entry(
    address="ana.nouveau@dest.test", id_type=IdType.RPPS, identifier=RPPS, family="NOUVEAU", given="Ana", title="Dr"
)
ANA_TOO = replace(ANA, address="ana.cabinet@dest.test", structure_name="Cabinet des Lilas")
HOME = Entry(address="accueil@dest.test", box_type="ORG", structure_id="990004012", structure_name="EHPAD Les Tilleuls")
PETIT_BOX = Entry(address=PETIT, id_type=IdType.RPPS, identifier=OTHER_RPPS, family="PETIT", given="Sophie")


@dataclass
class Rules:
    """The table of the scripted directory, as the program writes it."""

    bench: Bench
    writes: list[LocalEntry] = field(default_factory=list)
    dies: bool = False

    def version(self) -> str:
        return repr(self.bench.directory.lines)

    def write(self, before: LocalEntry | None, after: LocalEntry, *, version: str, by: str, why: str) -> str:
        if version != self.version():
            raise DirectoryError("a changé entre-temps", code="table-changed")
        after = replace(after, added_by=by, reason=why)
        lines = self.bench.directory.lines
        if before is not None:
            lines[lines.index(before)] = after
        else:
            lines.append(after)
        self.writes.append(after)
        if self.dies:
            raise Killed
        return self.version()


@pytest.fixture
def lab(on_both: Bench) -> Bench:
    """A bench on each engine."""
    on_both.directory.entries += [ANA, HOME, PETIT_BOX]
    return on_both


def bring(bench: Bench, *names: str) -> tuple[str, ...]:
    """Held dispatches, in the order of the names given."""
    found = []
    for number, name in enumerate(names):
        before = {one.id for one in bench.dispatches()}
        bench.bring(oru(f"L{len(before)}-{number}", to=name))
        found += [one.id for one in bench.dispatches() if one.id not in before]
    return tuple(found)


def plan(bench: Bench, rules: Rules, item: str, to: str, *, instead: bool = False) -> Plan:
    choice = choose(bench.desk, bench.get(item), to)
    assert choice.refusal == "", choice.refusal
    return plan_rule(bench.desk, rules, item, choice, instead=instead)


def rows(bench: Bench) -> dict[str, Dispatch]:
    return {one.id: one for one in bench.dispatches()}


# ------------------------------------------------------------------------------------------------ one choice


def test_one_choice_stores_the_rule_and_releases_what_was_shown(lab: Bench) -> None:
    rules = Rules(lab)
    ids = bring(lab, *["D077^NOUVEAU^Ana"] * 3, "D078^AUTRE^Max")
    assert lab.states() == [State.HELD] * 4
    seen = plan(lab, rules, ids[0], RPPS)
    assert [one.id for one in seen.going] == list(ids[:3])
    assert {one.address for one in seen.going} == {ANA.address}
    assert rules.writes == [], "a plan changes nothing"
    results = remember(lab.desk, rules, seen, reason="vu avec le cabinet", actor=EVE)
    assert [one.released for one in results] == [True] * 3
    (rule,) = rules.writes
    assert (rule.code, rule.id_type, rule.identifier, rule.address) == ("D077", IdType.RPPS, RPPS, "")
    assert [lab.get(item).state for item in ids] == [State.READY] * 3 + [State.HELD]
    for item in ids[:3]:
        with lab.real.reading() as uow:
            (line,) = [one for one in uow.journal.of_subject(item) if one.actor == EVE]
        assert line.event == "dispatch.released"
        assert "vu avec le cabinet" in str(line.detail["reason"])
        assert f"RPPS {RPPS}" in str(line.detail["reason"])
    with lab.real.reading() as uow:
        (told,) = uow.journal.of_subject(SUBJECT)
    assert (told.event, told.actor, told.detail["code"]) == (RULE, EVE, "D077")
    assert bring(lab, "D077^NOUVEAU^Ana")
    assert lab.states(recipient="NOUVEAU") == [State.READY] * 4, "and the next one leaves by itself"


def test_what_the_rule_settles_under_a_number_of_another_kind_is_shown_and_goes_too(lab: Bench) -> None:
    """A code of the laboratory and an ADELI of nine figures each: the line answers for both, so both are looked at."""
    rules = Rules(lab)
    code, number, other = bring(
        lab, *(f"990010001^{name}" for name in ("NOUVEAU^Ana", f"NOUVEAU^Ana{ADELI}", f"AUTRE^Max{ADELI}"))
    )
    seen = plan(lab, rules, code, RPPS)
    assert [one.id for one in seen.going] == [code, number]
    remember(lab.desk, rules, seen, reason="x", actor=EVE)
    assert [lab.get(one).state for one in (code, number, other)] == [State.READY, State.READY, State.HELD]
    assert plan_code(lab.desk, "990010001").going == (), "the rule settles nothing that was not shown"


def test_a_plan_shows_whose_box_it_is_and_not_the_table_s_word(lab: Bench) -> None:
    (item,) = bring(lab, "D077^NOUVEAU^Ana")
    lab.directory.lines.append(local("D077", ANA.address, label="Dr PETIT Sophie"))
    assert [one.label for one in plan_code(lab.desk, "D077").going] == [ANA.label]
    assert lab.get(item).state is State.HELD


def test_a_replaced_line_keeps_nothing_of_the_person_before(lab: Bench) -> None:
    lab.directory.lines.append(
        local(
            "D079", PETIT, id_type=IdType.RPPS, identifier=OTHER_RPPS, label="Dr PETIT Sophie", format="hprim-medecins"
        )
    )
    rules = Rules(lab)
    (item,) = bring(lab, "D079^NOUVEAU^Ana")
    by_number = plan(lab, rules, item, RPPS, instead=True).rule
    assert by_number is not None
    assert (by_number.after.identifier, by_number.after.label) == (RPPS, ANA.label)
    assert by_number.after.format == "hprim-medecins"
    by_address = plan(lab, rules, item, "libre@dest.test", instead=True).rule
    assert by_address is not None
    assert (by_address.after.identifier, by_address.after.label) == ("", "NOUVEAU Ana")


def test_the_number_of_a_candidate_as_explain_lists_them(lab: Bench) -> None:
    lab.directory.entries.append(ANA_TOO)
    lab.directory.lines.append(local("D080", "", id_type=IdType.RPPS, identifier=RPPS))
    (item,) = bring(lab, "D080^NOUVEAU^Ana")
    assert lab.get(item).hold_code == "ambiguous-recipient"
    told = explain(lab.real, lab.channels, item)
    assert told is not None
    listed = [line.strip() for line in told.lines if line.strip().startswith("candidat ")]
    number = next(line.split()[1] for line in listed if ANA_TOO.address in line)
    choice = choose(lab.desk, lab.get(item), number)
    assert (choice.address, choice.entry and choice.entry.address) == (ANA_TOO.address, ANA_TOO.address)


def test_an_address_stands_beside_the_identifier_only_where_the_identifier_leaves_a_doubt(lab: Bench) -> None:
    lab.directory.entries.append(ANA_TOO)
    rules = Rules(lab)
    (item,) = bring(lab, "D077^NOUVEAU^Ana")
    seen = plan(lab, rules, item, ANA_TOO.address)
    assert seen.rule is not None
    assert (seen.rule.after.identifier, seen.rule.after.address) == (RPPS, ANA_TOO.address)


def test_a_structure_is_remembered_by_its_number(lab: Bench) -> None:
    rules = Rules(lab)
    (item,) = bring(lab, "E044^TILLEULS")
    seen = plan(lab, rules, item, "990004012")
    assert seen.rule is not None
    assert (seen.rule.after.id_type, seen.rule.after.identifier) == (IdType.FINESS, "990004012")
    assert [one.address for one in seen.going] == [HOME.address]


def test_an_address_no_directory_knows_is_remembered_as_it_is(lab: Bench) -> None:
    rules = Rules(lab)
    (item,) = bring(lab, "D077^NOUVEAU^Ana")
    seen = plan(lab, rules, item, "nouvelle@dest.test")
    assert seen.rule is not None
    assert (seen.rule.after.identifier, seen.rule.after.address) == ("", "nouvelle@dest.test")


# ------------------------------------------------------------------------------------------------ no rule


def test_a_name_alone_makes_no_rule(lab: Bench) -> None:
    rules = Rules(lab)
    (item,) = bring(lab, "^NOUVEAU^Ana")
    seen = plan(lab, rules, item, ANA.address)
    assert seen.rule is None
    assert seen.refusal is not None
    assert "un nom seul ne fait pas une règle" in seen.refusal.why


def test_a_national_number_is_not_turned_into_another(lab: Bench) -> None:
    rules = Rules(lab)
    (item,) = bring(lab, "10009999999^NOUVEAU^Ana^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^^^^RPPS")
    assert lab.get(item).recipient_id_type == IdType.RPPS
    seen = plan(lab, rules, item, ANA.address)
    assert seen.refusal is not None
    assert "ne se traduit pas" in seen.refusal.why


def test_a_rule_outside_the_trust_space_is_not_stored(lab: Bench) -> None:
    rules = Rules(lab)
    (item,) = bring(lab, "D077^NOUVEAU^Ana")
    seen = plan(lab, rules, item, "ana@dehors.test")
    assert seen.rule is None
    assert seen.refusal is not None
    assert "dehors.test" in seen.refusal.why


def test_a_line_that_says_otherwise_is_shown_and_replaced_only_when_asked(lab: Bench) -> None:
    rules = Rules(lab)
    lab.directory.lines.append(local("D079", "ailleurs@dehors.test", channel="mss"))
    (item,) = bring(lab, "D079^NOUVEAU^Ana")
    seen = plan(lab, rules, item, ANA.address)
    assert seen.refusal is not None
    assert [line.address for line in seen.refusal.against] == ["ailleurs@dehors.test"]
    assert rules.writes == []
    seen = plan(lab, rules, item, PETIT, instead=True)
    assert seen.rule is None or seen.rule.before is not None


def test_a_line_without_its_box_is_completed_and_keeps_the_rest(lab: Bench) -> None:
    lab.directory.entries.append(ANA_TOO)
    lab.directory.lines.append(local("D080", "", id_type=IdType.RPPS, identifier=RPPS, format="hprim-medecins"))
    rules = Rules(lab)
    (item,) = bring(lab, "D080^NOUVEAU^Ana")
    seen = plan(lab, rules, item, ANA.address)
    assert seen.rule is not None
    assert seen.rule.before is not None
    after = seen.rule.after
    assert (after.address, after.identifier, after.format, after.line) == (ANA.address, RPPS, "hprim-medecins", 99)


def test_a_line_that_is_over_does_not_stand_in_the_way(lab: Bench) -> None:
    day = lab.clock.now().date()
    lab.directory.lines.append(local("D081", PETIT, valid_to=day.replace(year=day.year - 1)))
    rules = Rules(lab)
    (item,) = bring(lab, "D081^NOUVEAU^Ana")
    seen = plan(lab, rules, item, ANA.address)
    assert seen.rule is not None
    assert (seen.rule.before, seen.rule.after.valid_from) == (None, day)


def test_with_several_sources_the_rule_is_for_the_one_that_gave_the_code(lab: Bench) -> None:
    other = lab.folder / "autre"
    other.mkdir()
    lab.sources = {**lab.sources, "sil2": SourceSettings(folder=other)}
    lab.restart()
    rules = Rules(lab)
    (item,) = bring(lab, "D077^NOUVEAU^Ana")
    seen = plan(lab, rules, item, ANA.address)
    assert seen.rule is not None
    assert seen.rule.after.source == "sil"


def test_the_only_source_is_named_too_so_that_one_added_later_does_not_inherit_the_rule(lab: Bench) -> None:
    rules = Rules(lab)
    (item,) = bring(lab, "D077^NOUVEAU^Ana")
    seen = plan(lab, rules, item, ANA.address)
    assert seen.rule is not None
    assert seen.rule.after.source == "sil"


def test_a_file_sent_by_hand_makes_no_rule(lab: Bench) -> None:
    """Its code may be that of any software."""
    rules = Rules(lab)
    (item,) = bring(lab, "D077^NOUVEAU^Ana")
    with lab.real.transaction() as uow:
        uow._session.connection.exec_driver_sql("UPDATE files SET source = 'send'")
    seen = plan(lab, rules, item, ANA.address)
    assert seen.rule is None
    assert seen.refusal is not None
    assert "ne vient d'aucune source" in seen.refusal.why


def test_a_code_is_looked_at_for_one_source_only_when_asked(lab: Bench) -> None:
    ids = bring(lab, "D077^NOUVEAU^Ana", "D077^NOUVEAU^Ana")
    with lab.real.transaction() as uow:
        first = uow.reports.get(lab.get(ids[0]).report_id)
        assert first is not None
        uow._session.connection.exec_driver_sql(f"UPDATE files SET source = 'sil2' WHERE id = '{first.file_id}'")
    assert [one.dispatch.id for one in held_for(lab.desk, "D077", "sil2")] == [ids[0]]
    assert [one.dispatch.id for one in held_for(lab.desk, "D077", "sil")] == [ids[1]]
    assert len(held_for(lab.desk, "D077")) == 2


def test_what_is_held_for_something_else_stays(lab: Bench) -> None:
    rules = Rules(lab)
    ids = bring(lab, "D077^NOUVEAU^Ana", "D077^NOUVEAU^Ana", "D077^AUTREMENT^Zoltan")
    with lab.real.transaction() as uow:
        uow.dispatches.update(ids[1], event="dispatch.held", hold_code="report-check", reason="faute du compte rendu")
    seen = plan(lab, rules, ids[0], ANA.address)
    assert [one.id for one in seen.going] == [ids[0]]
    assert [item for item, _ in seen.staying] == [ids[2]]
    assert "quelqu'un d'autre" in seen.staying[0][1] or "AUTREMENT" in seen.staying[0][1]


def test_another_name_under_the_code_stays_even_when_the_rule_is_an_address(lab: Bench) -> None:
    """An address from the table is not compared with any name: the names of the files are all there is."""
    rules = Rules(lab)
    ids = bring(lab, "D077^NOUVEAU^Ana", "D077^AUTREMENT^Zoltan", "D077^NOUVEAU^A.", "D077")
    seen = plan(lab, rules, ids[0], "libre@dest.test")
    assert [one.id for one in seen.going] == [ids[0], ids[2], ids[3]]
    ((item, why),) = seen.staying
    assert item == ids[1]
    assert "quelqu'un d'autre" in why
    assert "AUTREMENT" in why


def test_a_box_of_another_name_is_warned_about(lab: Bench) -> None:
    rules = Rules(lab)
    (item,) = bring(lab, "D077^NOUVEAU^Ana")
    assert plan(lab, rules, item, RPPS).warning == ""
    assert "PETIT Sophie" in plan(lab, rules, item, PETIT).warning


def test_a_name_accepted_despite_all_is_learned_for_that_name_only(lab: Bench) -> None:
    """The line bears the name a person saw; a third name under the code is compared as ever."""
    rules = Rules(lab)
    (item,) = bring(lab, "D077^AUTRE^Zoe")
    seen = plan(lab, rules, item, RPPS)
    assert "NOUVEAU Ana" in seen.warning
    assert [one.released for one in remember(lab.desk, rules, seen, reason="x", actor=EVE)] == [False]
    assert rules.writes == []
    results = remember(lab.desk, rules, seen, reason="son nom d'usage", actor=EVE, despite_name=True)
    assert [one.released for one in results] == [True]
    (rule,) = rules.writes
    assert (rule.identifier, rule.address, rule.label) == (RPPS, ANA.address, "AUTRE Zoe")
    assert spoken(rule).endswith(f"{ANA.address} (au nom de « AUTRE Zoe »)")
    later = bring(lab, "D077^AUTRE^Z.", "D077^NOUVEAU^Ana", "D077^PETIT^Sophie", "D077^AUTRE^Max")
    assert [lab.get(one).state for one in later] == [State.READY, State.READY, State.HELD, State.HELD]
    assert {lab.get(one).hold_code for one in later[2:]} == {"name-disagrees"}


def test_a_plan_compares_the_label_as_the_written_line_will_be(lab: Bench) -> None:
    """A family name alone is not the name the address is confirmed for: shown as staying, not refused afterwards."""
    rules = Rules(lab)
    first, other = bring(lab, "D077^NOUVEAU^Ana", "D077^NOUVEAU")
    seen = plan(lab, rules, first, "libre@dest.test")
    assert ([one.id for one in seen.going], [one for one, _ in seen.staying]) == ([first], [other])


BY_NUMBER = "^NOUVEAU^Ana^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^^^^RPPS"


@pytest.mark.parametrize("to", [OTHER_RPPS + BY_NUMBER, OTHER_RPPS + "^NOUVEAU^Ana"], ids=["typed", "by its key"])
def test_a_number_of_somebody_else_than_the_file_names_makes_no_rule(lab: Bench, to: str) -> None:
    """The record in the LIS is wrong: the one dispatch may leave, the next waits again (docs/adr/0014)."""
    rules = Rules(lab)
    (item,) = bring(lab, to)
    assert lab.get(item).hold_code == "name-disagrees"
    seen = plan(lab, rules, item, OTHER_RPPS)
    assert (seen.rule, seen.going) == (None, ())
    assert seen.refusal is not None and seen.refusal.alone
    assert "aucune règle" in seen.refusal.why.lower() and "la fiche est à corriger" in seen.refusal.why
    assert remember(lab.desk, rules, seen, reason="x", actor=EVE, despite_name=True) == ()
    assert rules.writes == []
    assert release(lab.desk, item, to=PETIT, reason="x", actor=EVE, despite_name=True).released
    (later,) = bring(lab, to)
    assert lab.get(later).hold_code == "name-disagrees"


def test_an_address_no_directory_knows_is_compared_with_the_name_it_was_confirmed_for(lab: Bench) -> None:
    """When the next file comes, and when what waits is released by its code (docs/adr/0014)."""
    rules = Rules(lab)
    first, other = bring(lab, "D077^NOUVEAU^Ana", "D077^BERNARD^Luc")
    remember(lab.desk, rules, plan(lab, rules, first, "libre@dest.test"), reason="au téléphone", actor=EVE)
    assert rules.writes[0].label == "NOUVEAU Ana"
    seen = plan_code(lab.desk, "D077")
    assert seen.going == ()
    ((item, why),) = seen.staying
    assert item == other
    assert "« NOUVEAU Ana »" in why and "libre@dest.test" in why
    later = bring(lab, "D077^NOUVEAU^A.", "D077^BERNARD^Luc", "D077")
    assert [lab.get(one).state for one in later] == [State.READY, State.HELD, State.READY]
    assert lab.get(later[1]).hold_code == "name-disagrees"


@pytest.mark.parametrize("text", ["9", "0", "DURAND", "12345", "99700000021x"])
def test_what_means_nobody_is_refused_with_what_to_type(lab: Bench, text: str) -> None:
    (item,) = bring(lab, "D077^NOUVEAU^Ana")
    choice = choose(lab.desk, lab.get(item), text)
    assert choice.address == ""
    assert choice.refusal


# ------------------------------------------------------------------------------------------------ in between


def test_what_changed_since_the_preview_is_left_and_told(lab: Bench) -> None:
    rules = Rules(lab)
    ids = bring(lab, *["D077^NOUVEAU^Ana"] * 3)
    seen = plan(lab, rules, ids[0], ANA.address)
    operate.close(lab.store, [ids[1]], reason="appelé", actor="operator:max")
    results = {one.id: one for one in remember(lab.desk, rules, seen, reason="x", actor=EVE)}
    assert [results[item].released for item in ids] == [True, False, True]
    assert results[ids[1]].why
    assert lab.get(ids[1]).state is State.CLOSED


def test_what_would_go_elsewhere_by_now_is_left(lab: Bench) -> None:
    rules = Rules(lab)
    ids = bring(lab, "D077^NOUVEAU^Ana", "D077^NOUVEAU^Ana")
    seen = plan(lab, rules, ids[0], RPPS)
    lab.directory.entries[0] = replace(ANA, address="demenagee@dest.test")
    results = remember(lab.desk, rules, seen, reason="x", actor=EVE)
    assert [one.released for one in results] == [False, False]
    assert "demenagee@dest.test" in results[0].why
    assert [lab.get(item).state for item in ids] == [State.HELD] * 2


def test_what_came_in_since_the_preview_is_not_released(lab: Bench) -> None:
    rules = Rules(lab)
    (item,) = bring(lab, "D077^NOUVEAU^Ana")
    seen = plan(lab, rules, item, ANA.address)
    (late,) = bring(lab, "D077^NOUVEAU^Ana")
    remember(lab.desk, rules, seen, reason="x", actor=EVE)
    assert lab.get(late).state is State.HELD
    assert [one.id for one in plan_code(lab.desk, "D077").going] == [late]


def test_a_table_changed_since_the_preview_stores_and_releases_nothing(lab: Bench) -> None:
    rules = Rules(lab)
    (item,) = bring(lab, "D077^NOUVEAU^Ana")
    seen = plan(lab, rules, item, ANA.address)
    lab.directory.lines.append(local("D500", PETIT))
    with pytest.raises(DirectoryError) as caught:
        remember(lab.desk, rules, seen, reason="x", actor=EVE)
    assert caught.value.code == "table-changed"
    assert lab.get(item).state is State.HELD


def test_a_stop_after_the_rule_is_stored_is_shown_and_completed(lab: Bench) -> None:
    rules = Rules(lab, dies=True)
    ids = bring(lab, "D077^NOUVEAU^Ana", "D077^NOUVEAU^Ana")
    seen = plan(lab, rules, ids[0], RPPS)
    with pytest.raises(Killed):
        remember(lab.desk, rules, seen, reason="x", actor=EVE)
    assert lab.states() == [State.HELD] * 2
    (group,) = held_groups(lab.desk)
    assert (group.count, group.settled, group.todo) == (2, True, "dispatcher release --code D077")
    again = plan(lab, Rules(lab), ids[0], RPPS)
    assert again.rule is not None
    assert not again.rule.written, "it is in the table already"
    for one in (again, plan_code(lab.desk, "D077")):
        assert [going.id for going in one.going] == list(ids)
    remember(lab.desk, Rules(lab), again, reason="suite", actor=EVE)
    assert lab.states() == [State.READY] * 2
    assert [line.code for line in lab.directory.lines].count("D077") == 1


def test_two_people_with_the_same_preview_release_once(lab: Bench) -> None:
    rules = Rules(lab)
    ids = bring(lab, "D077^NOUVEAU^Ana", "D077^NOUVEAU^Ana")
    seen = plan(lab, rules, ids[0], RPPS)
    assert all(one.released for one in remember(lab.desk, rules, seen, reason="x", actor=EVE))
    with pytest.raises(DirectoryError):
        remember(lab.desk, rules, seen, reason="x", actor="operator:max")
    later = replace(seen, rule=None)
    assert not any(one.released for one in remember(lab.desk, rules, later, reason="x", actor="operator:max"))
    assert lab.events(ids[0]).count("dispatch.released") == 1


def test_an_address_expected_is_released_only_there(lab: Bench) -> None:
    (item,) = bring(lab, "D077^NOUVEAU^Ana")
    lab.directory.lines.append(local("D077", DURAND))
    assert not release(lab.desk, item, reason="x", actor=EVE, expect=PETIT).released
    assert lab.get(item).state is State.HELD
    assert release(lab.desk, item, reason="x", actor=EVE, expect=DURAND).released
    assert release(lab.desk, item, reason="x", actor=EVE, expect=DURAND).why != CHANGED


# ------------------------------------------------------------------------------------------------ property


@contextmanager
def another_bench(tools: Tools, folder: Path) -> Iterator[Bench]:
    made = Bench(tools, Path(tempfile.mkdtemp(dir=folder)))
    made.directory.entries += [ANA, PETIT_BOX]
    try:
        yield made
    finally:
        made.close()


arrivals = st.lists(
    st.sampled_from(
        [
            "D077^NOUVEAU^Ana",
            "D077^NOUVEAU",
            "D077^PETIT^Sophie",
            "D078^NOUVEAU^Ana",
            "^NOUVEAU^Ana",
            "D001^DURAND^Pierre",
        ]
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=arrivals, to=st.sampled_from([RPPS, ANA.address, "libre@dest.test", PETIT]), closed=st.sets(st.integers(0, 5))
)
def test_exactly_what_was_shown_leaves_and_nothing_else_changes(
    tools: Tools, fast_folder: Path, names: list[str], to: str, closed: set[int]
) -> None:
    with another_bench(tools, fast_folder) as bench:
        rules = Rules(bench)
        ids = bring(bench, "D077^NOUVEAU^Ana", *names)
        seen = plan(bench, rules, ids[0], to)
        gone = {one.id for one in seen.going if ids.index(one.id) in closed}
        operate.close(bench.store, gone, reason="vu", actor="operator:max")
        before = rows(bench)
        how = {"reason": "x", "actor": EVE, "despite_name": bool(seen.warning)}
        results = remember(bench.desk, rules, seen, **how) if seen.rule is not None else ()
        after = rows(bench)
        shown = {one.id: one.address for one in seen.going}
        changed = {item for item in after if after[item] != before[item]}
        assert changed == shown.keys() - gone if results else changed == set()
        for item in changed:
            assert (after[item].state, after[item].address) == (State.READY, shown[item])
        assert {one.id for one in results if not one.released} == gone


def test_a_rule_for_somebody_else_is_neither_written_nor_followed_unseen(lab: Bench) -> None:
    rules = Rules(lab)
    (item,) = bring(lab, "D077^NOUVEAU^Ana")
    before, seen = rows(lab), plan(lab, rules, item, PETIT)
    (left,) = remember(lab.desk, rules, seen, reason="x", actor=EVE)
    assert not left.released
    assert "--despite-name" in left.why
    assert (rules.writes, rows(lab)) == ([], before)
    (gone,) = remember(lab.desk, rules, seen, reason="x", actor=EVE, despite_name=True)
    assert gone.released
    told = explain(lab.store, lab.channels, item)
    assert told is not None
    assert any("accepté par eve" in line and "« NOUVEAU Ana »" in line for line in told.lines)


def test_groups_of_what_waits(lab: Bench) -> None:
    bring(lab, "D078^AUTRE^Max", *["D077^NOUVEAU^Ana"] * 3, "^NOUVEAU^Ana", "X001^AILLEURS")
    groups = held_groups(lab.desk)
    assert [(group.what, group.count) for group in groups] == [
        ("code D077", 3),
        ("code D078", 1),
        (groups[2].what, 1),
        (groups[3].what, 1),
    ]
    assert "sans code" in groups[2].what
    assert "domaine" in groups[3].what
    assert not any(group.settled for group in groups)
