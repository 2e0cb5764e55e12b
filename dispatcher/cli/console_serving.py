"""The console, put together for ``dispatcher console``, ``run`` and ``demo --serve``. Its libraries load only then."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from dispatcher.cli.output import complain
from dispatcher.cli.status_alarms import gathered
from dispatcher.errors import DispatcherError
from dispatcher.service.internal import place
from dispatcher.settings import ConsoleSettings
from dispatcher.wiring import Office

if TYPE_CHECKING:
    from dispatcher.console.serve import Serving

log = logging.getLogger(__name__)


def serving(parts: Office, wanted: ConsoleSettings) -> Serving:
    """It listens already; nobody answers yet. Raises :class:`ConfigError`."""
    from dispatcher.console.app import build
    from dispatcher.console.people import KeptAccounts
    from dispatcher.console.serve import Serving

    return Serving(build(parts, KeptAccounts(parts), gathered, hosts=[wanted.host, *wanted.hosts]), wanted)


FIRST = "Personne ne peut encore entrer : « dispatcher users add NOM --role administrator » crée le premier compte."


def tell_first_account(parts: Office) -> None:
    """Nobody can sign in yet: say how."""
    with parts.store.reading() as uow:
        if not uow.accounts.list():
            complain(FIRST)


def beside(parts: Office) -> Serving | None:
    """Started beside the service, when the settings want it. A fault of the console never stops the service."""
    wanted = parts.settings.console
    if not wanted.serve:
        return None
    try:
        found = serving(parts, wanted)
        found.start()
        return found
    except DispatcherError as error:
        log.error("the console does not answer (%s): %s", error.code, error.message)
    except Exception as error:
        log.error("the console does not answer: %s", place(error))
    return None
