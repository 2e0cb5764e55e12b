"""The table of faults with the sandbox operator: the same mail, the same outcome, over a real connection."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dispatcher.cli.main import app
from dispatcher.errors import ConfigError
from dispatcher.outbox.states import State
from dispatcher.sandbox.faults import SWITCHES, Faults
from dispatcher.sandbox.operator import SandboxOperator
from dispatcher.service.collect import collect
from dispatcher.settings import ChannelSettings
from dispatcher.transport.maildir import MaildirMailbox
from tests.service.bench import Bench
from tests.service.conftest import bench, fast_folder, tools, watch  # noqa: F401
from tests.service.faulty import CHANNEL, check_wait, expected, go_on, told, towards, waiting
from tests.tools.fault_table import FAULTS, SLOW_TIMEOUT, SLOWER, Fault

PLAYED = [fault for fault in FAULTS if fault.sandbox or fault.box != "silent"]


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[SandboxOperator]:
    with SandboxOperator(tmp_path / "sandbox", certificates=()) as running:
        yield running


def settings(operator: SandboxOperator, folder: Path, fault: Fault) -> ChannelSettings:
    values = operator.channel_settings()
    del values["mailbox"]
    values |= {
        "timeout_seconds": SLOW_TIMEOUT if fault.name in SLOWER else 20,
        "connections": 1,
        "pace": {"per_minute": 6000},
    }
    if fault.sandbox == "refuse-login":
        (folder / "password").write_text("perime\n", encoding="utf-8")
        values |= {"user": "labo", "password_file": str(folder / "password")}
    return ChannelSettings.model_validate(values)


def turn_off(operator: SandboxOperator) -> None:
    """The fault is over; what a recipient was put off for stays remembered."""
    time.sleep(operator.faults.greylist_seconds)
    for name, value in vars(Faults()).items():
        if name not in {"_lock", "greylist_seconds"}:
            setattr(operator.faults, name, value)


@pytest.mark.parametrize("fault", PLAYED, ids=lambda fault: fault.name)
def test_what_becomes_of_the_mail(
    bench: Bench,  # noqa: F811
    operator: SandboxOperator,
    tmp_path: Path,
    fault: Fault,
) -> None:
    towards(bench, settings(operator, tmp_path, fault))
    (dispatch,) = waiting(bench, f"{fault.box}@sandbox.mssante.test")
    if fault.sandbox:
        operator.faults.turn(fault.sandbox)
    bench.send(CHANNEL)
    assert told(bench, dispatch) == expected(fault), bench.get(dispatch.id).reason
    check_wait(bench, dispatch, fault)
    if fault.state is State.SENT and fault.after is State.FAILED:
        assert operator.wait_notices(10)
        collect(CHANNEL, MaildirMailbox(operator.mailbox), bench.store, bench.clock)
    turn_off(operator)
    go_on(bench, fault)
    now = bench.get(dispatch.id)
    assert now.state is fault.after, now.reason
    kept = Counter(line.message_id for line in operator.accepted())
    assert kept[dispatch.message_id] == (1 if fault.kept or fault.after is State.SENT else 0)


# ------------------------------------------------------------------------------------------------ the switches


def test_every_switch_has_an_effect_and_is_off_by_default() -> None:
    for switch in SWITCHES:
        faults = Faults()
        before = repr(faults)
        faults.turn(f"{switch.name}=451" if switch.value else switch.name)
        assert repr(faults) != before, switch.name


@pytest.mark.parametrize(
    "word", ["inconnue", "slow", "slow=vite", "slow=-1", "disk-full=3", "answer-dot=299", "", "greylist="]
)
def test_a_switch_that_is_none_is_refused_with_those_there_are(word: str) -> None:
    with pytest.raises(ConfigError) as error:
        Faults().turn(word)
    assert error.value.hint.startswith("Attendu :")


def test_switches_that_count_count_down() -> None:
    faults = Faults()
    faults.turn("cut-in-data=2")
    assert [faults.take_cut() for _ in range(3)] == [True, True, False]


def test_the_command_lists_them_and_refuses_others(tmp_path: Path) -> None:
    listed = CliRunner().invoke(app, ["sandbox", str(tmp_path), "--fault", "list"])
    assert listed.exit_code == 0
    assert all(switch.word in listed.output for switch in SWITCHES)
    refused = CliRunner().invoke(app, ["sandbox", str(tmp_path), "--fault", "inconnue"])
    assert refused.exit_code != 0
    assert isinstance(refused.exception, ConfigError)
