"""``/``: is all well? One sentence, then what needs a person, then the figures, each with the list behind it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from dispatcher.console.page import PageRoute, console, get, office, render
from dispatcher.console.parts import Nav
from dispatcher.console.texts import N_, _, n_
from dispatcher.outbox.states import FileState, State
from dispatcher.service import overview

NAV = (Nav(order=0, path="/", label=N_("Tout va bien ?"), key="g a"),)

SEE_TO = (State.HELD, State.FAILED, State.UNKNOWN)
"""What waits for a person."""


@get("/", right="see")
def glance(request: Request) -> Response:
    """The state of everything, as ``dispatcher status`` tells it."""
    parts = office(request)
    view = overview.status(parts.store, parts.clock, parts.channels)
    alarms = console(request).alarms(parts)
    waiting = sum(view.dispatches.get(state, 0) for state in SEE_TO) + view.files.get(FileState.QUARANTINED, 0)
    tone, verdict = _verdict(len(alarms), waiting)
    now = parts.clock.now()
    file_age = now - view.oldest_file.received_at if view.oldest_file is not None else None
    return render(
        request,
        "glance.html",
        view=view,
        alarms=alarms,
        tone=tone,
        verdict=verdict,
        file_age=file_age,
        State=State,
        FileState=FileState,
    )


def _verdict(alarms: int, waiting: int) -> tuple[str, str]:
    """One sentence, and its colour."""
    if alarms:
        return "bad", n_("Non : %(num)d alarme.", "Non : %(num)d alarmes.", alarms)
    if waiting:
        return "warn", n_(
            "Le service va bien ; %(num)d élément attend quelqu'un.",
            "Le service va bien ; %(num)d éléments attendent quelqu'un.",
            waiting,
        )
    return "good", _("Oui, tout va bien.")


def routes() -> list[PageRoute]:
    return [glance]
