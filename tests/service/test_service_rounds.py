"""The looks into the mailboxes: each mailbox for itself, one look at a time."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

from dispatcher.daemon.rounds import Rounds
from dispatcher.settings import MailboxSettings
from tests.fakes import MemoryMailbox
from tests.service.bench import Bench, channel_settings

AMPLE = 60.0
"""Seconds after which a thread is taken to hang; nothing is measured."""


def office(bench: Bench, open_mailbox: Any) -> Any:
    service = SimpleNamespace(collect_seconds=30.0)
    return SimpleNamespace(
        store=bench.store,
        clock=bench.clock,
        channels=bench.channels,
        settings=SimpleNamespace(service=service),
        open_mailbox=open_mailbox,
    )


def test_a_server_that_hangs_delays_no_other_mailbox(bench: Bench) -> None:
    hanging, go_on, opened = threading.Event(), threading.Event(), []

    def open_mailbox(name: str) -> MemoryMailbox:
        if name == "pro":
            hanging.set()
            assert go_on.wait(AMPLE)
        opened.append(name)
        return MemoryMailbox()

    ticks = Rounds(office(bench, open_mailbox), None).ticks()
    stuck = threading.Thread(target=ticks["collect-pro"][1], daemon=True)
    stuck.start()
    try:
        assert hanging.wait(AMPLE)
        other = threading.Thread(target=ticks["collect-mss"][1], daemon=True)
        other.start()
        other.join(AMPLE / 6)
        assert opened == ["mss"]
    finally:
        go_on.set()
        stuck.join(AMPLE)
    assert opened == ["mss", "pro"]


def test_every_channel_has_its_looks_and_one_mailbox_has_one_lock(bench: Bench) -> None:
    box = MailboxSettings(kind="pop3", host="127.0.0.1", user="labo", password_file="mot")  # type: ignore[arg-type]
    bench.set_channel("pro", channel_settings(mailbox=box))
    bench.set_channel("autre", channel_settings(mailbox=box))
    rounds = Rounds(office(bench, lambda _: None), None)
    assert set(rounds.ticks()) == {f"{what}-{name}" for name in bench.channels for what in ("collect", "care", "doubt")}
    assert rounds._locks["pro"] is rounds._locks["autre"]
    assert rounds._locks["pro"] is not rounds._locks["mss"]
