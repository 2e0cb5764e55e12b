"""``/envois``: dispatches by order number, recipient, state, channel, batch and period; the newest first."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from dispatcher.console.asked import asked, states, wanted
from dispatcher.console.page import Pager, PageRoute, get, office, render
from dispatcher.console.parts import Nav
from dispatcher.console.texts import N_
from dispatcher.outbox.states import State
from dispatcher.service.replay import REPLAYABLE

NAV = (Nav(order=20, path="/envois", label=N_("Envois"), key="g e"),)


@get("/envois", right="see")
def listing(request: Request) -> Response:
    """The form and what it finds."""
    pager = Pager.of(request)
    fields, chosen = asked(request.query_params), states(request.query_params.getlist("etat"))
    asking = replace(wanted(request.query_params), states=chosen, oldest_first=False, limit=pager.fetch)
    with office(request).store.reading() as uow:
        found = uow.dispatches.list(asking)
    again = urlencode([*fields.items(), *(("etat", one.value) for one in chosen)])
    replayable = bool(fields) and bool(chosen) and all(one in REPLAYABLE for one in chosen)
    return render(
        request,
        "dispatches.html",
        rows=found,
        pager=pager,
        fields=fields,
        chosen=chosen,
        states=tuple(State),
        channels=sorted(office(request).channels),
        replay=f"/rejeu?{again}" if replayable else "",
    )


def routes() -> list[PageRoute]:
    return [listing]
