"""Decision D10 at work: what a recipient's software would refuse is held, told or let through, as the channel says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dispatcher.conformance.in_service import InstalledRules
from dispatcher.conformance.installed import KIT as COPY
from dispatcher.conformance.installed import install
from dispatcher.errors import ConfigError
from dispatcher.formats.base import Rendition, WriteContext, Writer
from dispatcher.outbox.states import State
from dispatcher.report.model import Problem, Report, Severity
from dispatcher.service.check import Finding, check_conformance
from dispatcher.service.release import release
from dispatcher.service.warm import warm_up
from tests.needs import KIT, needs_shared
from tests.service.bench import Bench, channel_settings
from tests.service.samples import oru

TO_MSS = {"to": "M001^CABINET"}
SAID = "Il manque un élément"


class Judge:
    """Rules that say what they are told to say, and count."""

    def __init__(self, *problems: Problem, error: ConfigError | None = None) -> None:
        self.problems = problems
        self.error = error
        self.seen: list[bytes] = []
        self.readied = 0

    def check(self, data: bytes) -> list[Problem]:
        self.seen.append(data)
        if self.error is not None:
            raise self.error
        return list(self.problems)

    def versions(self) -> tuple[str, ...]:
        self.readied += 1
        if self.error is not None:
            raise self.error
        return ("2024.01",)


def refusing() -> Judge:
    return Judge(Problem(code="official-volet", severity=Severity.ERROR, where="/ClinicalDocument[1]", message=SAID))


def set_up(bench: Bench, mode: str, judge: Judge | None) -> None:
    bench.set_channel("mss", channel_settings("mssante", conformance=mode))
    bench.restart()
    bench.desk = replace(bench.desk, official=judge)


class Damaging:
    """A writer whose document lost a part on the way."""

    def __init__(self, inner: Writer, old: bytes, new: bytes) -> None:
        self.name, self.inner, self.old, self.new = inner.name, inner, old, new

    def write(self, report: Report, context: WriteContext) -> Rendition:
        made = self.inner.write(report, context)
        assert self.old in made.content
        return replace(made, content=made.content.replace(self.old, self.new))


def damage(bench: Bench, writer: str, old: bytes, new: bytes) -> None:
    bench.with_writer(writer, Damaging(bench.desk.writers[writer], old, new))


def test_enforce_holds_what_the_official_rules_refuse_with_a_way_out(bench: Bench) -> None:
    judge = refusing()
    set_up(bench, "enforce", judge)
    bench.bring(oru(**TO_MSS))
    held = bench.one()
    assert (held.state, held.hold_code) == (State.HELD, "conformance")
    assert SAID in held.reason and "règles officielles" in held.reason and "conformance" in held.reason
    assert len(judge.seen) == 1 and b"ClinicalDocument" in judge.seen[0]
    bench.desk = replace(bench.desk, official=Judge())  # the laboratory put it right
    release(bench.desk, held.id, actor="operator:eve", reason="kit corrigé")
    assert bench.one().state is State.READY


def test_warn_sends_and_leaves_the_remark(bench: Bench) -> None:
    set_up(bench, "warn", refusing())
    bench.bring(oru(**TO_MSS))
    ready = bench.one()
    assert ready.state is State.READY and SAID in ready.reason and "Envoyé quand même" in ready.reason


def test_off_asks_nobody(bench: Bench) -> None:
    judge = refusing()
    set_up(bench, "off", judge)
    damage(bench, "cda", b'<realmCode code="FR"/>', b'<realmCode code="XX"/>')
    bench.bring(oru(**TO_MSS))
    assert bench.one().state is State.READY and judge.seen == []


def test_warnings_of_the_rules_hold_nothing(bench: Bench) -> None:
    set_up(bench, "enforce", Judge(Problem(code="official-ihe", severity=Severity.WARNING, message=SAID)))
    bench.bring(oru(**TO_MSS))
    assert bench.one().state is State.READY


def test_our_own_checks_are_made_without_any_kit(bench: Bench) -> None:
    set_up(bench, "enforce", None)
    damage(bench, "cda", b'<realmCode code="FR"/>', b'<realmCode code="XX"/>')
    bench.bring(oru(**TO_MSS))
    held = bench.one()
    assert held.hold_code == "conformance" and "règles officielles" not in held.reason


def test_an_hprim_report_is_checked_too(bench: Bench) -> None:
    damage(bench, "hprim-medecins", b"****FINFICHIER****", b"")
    bench.bring(oru())
    held = bench.one()
    assert held.hold_code == "conformance" and "HPRIM" in held.reason


@pytest.mark.parametrize(("mode", "state"), [("enforce", State.HELD), ("warn", State.READY), ("off", State.READY)])
def test_rules_that_cannot_run_are_no_permission(bench: Bench, mode: str, state: State) -> None:
    set_up(bench, mode, Judge(error=ConfigError("Le kit a changé.", hint="Installez-le à nouveau.")))
    bench.bring(oru(**TO_MSS))
    found = bench.one()
    assert found.state is state
    if mode == "enforce":
        assert "Le kit a changé" in found.reason and "conformance install" in found.reason


# ------------------------------------------------------------------------------------------------ check, warm


def told(bench: Bench) -> dict[str, Finding]:
    return {finding.subject: finding for finding in check_conformance(bench.desk)}


def test_check_says_whether_the_rules_are_installed_and_used(bench: Bench) -> None:
    missing = told(bench)["conformité"]
    assert missing.severity is Severity.WARNING and "conformance install" in missing.hint
    bench.desk = replace(bench.desk, official=Judge())
    used = told(bench)["conformité"]
    assert used.severity is Severity.INFO and "2024.01" in used.text and "pro" in used.text
    set_up(bench, "warn", Judge())
    assert told(bench)["canal mss"].severity is Severity.WARNING
    bench.desk = replace(bench.desk, official=Judge(error=ConfigError("Le kit a changé.")))
    assert told(bench)["conformité"].severity is Severity.ERROR


def test_a_worker_makes_the_rules_ready_before_it_claims_a_file(bench: Bench) -> None:
    judge = Judge()
    bench.desk = replace(bench.desk, official=judge)
    warm_up(bench.desk)
    assert judge.readied == 1
    for name in bench.channels:
        bench.set_channel(name, bench.channels[name].settings.model_copy(update={"conformance": "off"}))
    warm_up(bench.desk)
    assert judge.readied == 1


# ------------------------------------------------------------------------------------------------ the real kit


@pytest.fixture(name="place", scope="module")
def real_kit_installed(tmp_path_factory: pytest.TempPathFactory, tools: object) -> Path:
    needs_shared(KIT)
    place = tmp_path_factory.mktemp("state") / "conformance"
    install(KIT, place, Bench(tools, tmp_path_factory.mktemp("clock")).clock.now())  # type: ignore[arg-type]
    return place


def test_with_the_real_kit_good_documents_leave_and_bad_ones_wait(bench: Bench, place: Path) -> None:
    set_up(bench, "enforce", None)
    rules = InstalledRules.at(place)
    assert rules is not None and InstalledRules.at(place.parent) is None
    bench.desk = replace(bench.desk, official=rules)
    bench.bring(oru(**TO_MSS))
    assert bench.one().state is State.READY
    # Our own checks let an unknown attribute pass; the schema does not.
    damage(bench, "cda", b'<realmCode code="FR"/>', b'<realmCode code="FR" of="1"/>')
    bench.bring(oru(order="A9", **TO_MSS))
    (held,) = [dispatch for dispatch in bench.dispatches() if dispatch.state is State.HELD]
    assert held.hold_code == "conformance" and "règles officielles" in held.reason


def test_a_kit_touched_behind_our_back_holds(bench: Bench, place: Path, tmp_path: Path) -> None:
    touched = tmp_path / "conformance"
    install(place / COPY, touched, bench.clock.now())
    (touched / COPY / "jeuxDeValeurs" / "JDV_J01_XdsAuthorSpecialty_CISIS.xml").unlink()
    set_up(bench, "enforce", None)
    bench.desk = replace(bench.desk, official=InstalledRules.at(touched))
    bench.bring(oru(**TO_MSS))
    assert bench.one().hold_code == "conformance" and "manifeste" in bench.one().reason
