"""``/recherche``: the dispatches about one patient, by birth name, first given name and day of birth, for who may see.

Only a keyed hash of the three is compared; what is typed travels by POST and is kept nowhere.
"""

from __future__ import annotations

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from dispatcher.console.asked import day
from dispatcher.console.page import PageRoute, field, get, office, post, render, shows
from dispatcher.console.parts import Nav
from dispatcher.console.texts import N_, _
from dispatcher.errors import ConfigError
from dispatcher.service.patients import about

HERE = "/recherche"
NAV = (Nav(order=25, path=HERE, label=N_("Patient"), right="see_patients", key="g p"),)
MOST = 200


@get(HERE, right="see_patients")
def ask(request: Request) -> Response:
    """The form."""
    return render(request, "search.html", rows=None, most=MOST)


@post(HERE, right="see", patients=True)
def find(request: Request) -> Response:
    """What was sent about this patient; the journal says who asked for which dispatches."""
    name, given, born = (
        field(request, "nom").strip(),
        field(request, "prenom").strip(),
        day(field(request, "ne").strip()),
    )
    if not (name and given and born is not None):
        raise ConfigError(_("Donner le nom de naissance, le premier prénom et le jour de naissance."))
    parts = office(request)
    asking = replace(about(parts.desk, birth_name=name, given=given, born=born), limit=MOST)
    with parts.store.reading() as uow:
        found = uow.dispatches.list(asking)
    shows(request, "dispatch", [one.id for one in found])
    return render(request, "search.html", rows=found, most=MOST)


def routes() -> list[PageRoute]:
    return [ask, find]
