"""``/``: is all well? One sentence, then what needs a person, then the figures, each with the list behind it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from dispatcher.console.page import PageRoute, console, get, office, render
from dispatcher.console.parts import Nav
from dispatcher.console.texts import N_, _, n_
from dispatcher.outbox.states import FileState, State
from dispatcher.service.overview import StatusView, status
from dispatcher.service.today import today
from dispatcher.wiring.standing import split

NAV = (Nav(order=0, path="/", label=N_("Tout va bien ?"), key="g a"),)

SEE_TO = (State.HELD, State.FAILED, State.UNKNOWN)
"""What waits for a person, with quarantined files and letters."""


@get("/", right="see")
def glance(request: Request) -> Response:
    """The state of everything, as ``dispatcher status`` tells it."""
    parts = office(request)
    view = status(parts.store, parts.clock, parts.channels)
    pressing, foreseen = split(console(request).alarms.get())
    tone, verdict = _verdict(len(pressing), _waiting(view))
    file = view.oldest_file
    return render(
        request,
        "glance.html",
        view=view,
        day=today(parts.store, parts.clock, parts.channels),
        alarms=pressing,
        foreseen=foreseen,
        tone=tone,
        verdict=verdict,
        file_age=parts.clock.now() - file.received_at if file is not None else None,
        State=State,
        FileState=FileState,
    )


def _waiting(view: StatusView) -> int:
    """How many things a person must see to."""
    held = sum(view.dispatches.get(state, 0) for state in SEE_TO)
    return held + view.files.get(FileState.QUARANTINED, 0) + view.to_print


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
