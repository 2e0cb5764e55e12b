"""``/attente``: what waits for a person, in groups that one decision settles; look again, or close."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from dispatcher.console.asked import numbers, reason, told
from dispatcher.console.page import PageRoute, actor, field, get, office, post, render, to
from dispatcher.console.parts import Nav
from dispatcher.console.texts import N_, _, n_
from dispatcher.errors import ConfigError
from dispatcher.outbox.states import State
from dispatcher.service import operate
from dispatcher.service.held import held_groups
from dispatcher.service.release import release

HERE = "/attente"
NAV = (Nav(order=10, path=HERE, label=N_("En attente"), key="g h"),)
LOOKED_AT = 200
"""Of what is held, the oldest: each costs a look at its report, its file and the directories."""


@get(HERE, right="see")
def queue(request: Request) -> Response:
    """As ``dispatcher list --held``."""
    parts = office(request)
    with parts.store.reading() as uow:
        held = uow.dispatches.counts().get(State.HELD, 0)
    groups = held_groups(parts.desk, LOOKED_AT)
    return render(request, "held.html", groups=groups, held=held, looked_at=LOOKED_AT, now=parts.clock.now())


@post("/attente/recherche", right="release")
def look_again(request: Request) -> Response:
    """Release those that the directories and the table settle by now; the others stay."""
    ids, desk, why = _ids(request), office(request).desk, _("recherche refaite par un opérateur")
    results = [release(desk, one, reason=why, actor=actor(request)) for one in ids]
    done = [one.id for one in results if one.released]
    text = n_("%(num)d envoi libéré.", "%(num)d envois libérés.", len(done)) if done else ""
    told(request, text, [(one.id, one.why) for one in results if not one.released])
    return to(HERE)


@post("/attente/cloture", right="operate")
def close(request: Request) -> Response:
    """A person has seen to them another way."""
    changed = operate.close(office(request).store, _ids(request), reason=reason(request), actor=actor(request))
    done = n_("%(num)d envoi clos.", "%(num)d envois clos.", len(changed.done)) if changed.done else ""
    told(request, done, changed.refused)
    return to(HERE)


def _ids(request: Request) -> tuple[str, ...]:
    found = numbers(field(request, "envois"))
    if not found:
        raise ConfigError(_("Aucun envoi n'est nommé. Rien n'a été fait."))
    return found


def routes() -> list[PageRoute]:
    return [queue, look_again, close]
