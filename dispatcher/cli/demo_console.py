"""``dispatcher demo --serve``: the console on the demo, which goes on working underneath: a replay really leaves."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from dispatcher import wiring
from dispatcher.cli.console_serving import serving
from dispatcher.cli.demo import Round
from dispatcher.cli.output import say
from dispatcher.errors import DispatcherError
from dispatcher.service import account_care
from dispatcher.service.rights import Role
from dispatcher.wiring import Office

NAME = "demo"
EVERY_SECONDS = 2.0


def stay_open(office: Office, result: Round, go_on: Callable[[], None], *, port: int) -> None:
    """Until Ctrl-C. Raises :class:`ConfigError`: the port is taken."""
    del result  # told once it is over
    found = serving(office, office.settings.console.moved(None, port))
    secrets = wiring.console_secrets()
    password = secrets.one_time_password()
    account_care.create(office.store, office.clock, secrets, NAME, list(Role), password, actor="operator:demo")
    stop = threading.Event()

    def engine() -> None:
        while not stop.wait(EVERY_SECONDS):
            with suppress(DispatcherError):  # told on the pages
                go_on()

    thread = threading.Thread(target=engine, name="demo", daemon=True)
    thread.start()
    say(
        f"Console : {found.url} – compte « {NAME} », mot de passe « {password} ». Ctrl-C l'arrête, puis montre le tour."
    )
    try:
        with suppress(KeyboardInterrupt):
            found.run()
    finally:
        stop.set()
        thread.join(30.0)
