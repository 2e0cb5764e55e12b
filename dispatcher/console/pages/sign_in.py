"""``/connexion``: name and password, then the code where there is a second factor; and the way out."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from dispatcher.console.page import (
    ANYBODY,
    MYSELF,
    SESSION,
    SIGN_IN,
    VISIT,
    PageRoute,
    address,
    back,
    console,
    field,
    flash,
    get,
    post,
    render,
    to,
)
from dispatcher.console.texts import _
from dispatcher.service.accounts import Refusal, Session, Why

AGAIN = "recommencer"
"""Asks for name and password anew."""


@get(SIGN_IN, right=ANYBODY, always=True)
def ask(request: Request) -> Response:
    """The form."""
    wanted = back(request.query_params.get("vers", "/"))
    if request.state.user is not None:
        return to(wanted)
    visit = request.state.csrf
    if AGAIN in request.query_params:
        console(request).halfway.drop(visit)
    return _form(request, wanted, code=console(request).halfway.find(visit) is not None)


@post(SIGN_IN, right=ANYBODY, always=True)
def enter(request: Request) -> Response:
    """Name and password, or the code that was still missing."""
    halfway, visit = console(request).halfway, request.state.csrf
    wanted, code = back(field(request, "vers")), field(request, "code")
    name, password = field(request, "name"), field(request, "password")
    waiting = halfway.find(visit) if code and not password else None
    if waiting is not None:
        name, password = waiting.name, waiting.password
    elif code and not password:
        flash(request, _("Trop de temps a passé : recommencer."), "warn")
        return to(SIGN_IN, vers=wanted)
    found = console(request).accounts.sign_in(name, password, code, address=address(request))
    if isinstance(found, Session):
        halfway.drop(visit)
        return _let_in(request, found, wanted)
    if found.why is Why.CODE_NEEDED:
        halfway.keep(visit, name, password)
        return _form(request, wanted, code=True)
    return _form(request, wanted, code=waiting is not None, refusal=found, name=name, status=403)


def _let_in(request: Request, session: Session, wanted: str) -> Response:
    response = to(wanted)
    secure = request.url.scheme == "https"
    response.set_cookie(SESSION, session.token, httponly=True, samesite="strict", secure=secure)
    response.delete_cookie(VISIT)
    return response


def _form(
    request: Request, wanted: str, *, code: bool, refusal: Refusal | None = None, name: str = "", status: int = 200
) -> Response:
    told = refusal.message if refusal is not None else ""
    house = console(request).house
    return render(
        request,
        "sign_in.html",
        status=status,
        wanted=wanted,
        code=code,
        refusal=told,
        name=name,
        again=AGAIN,
        elsewhere=house.label if house is not None else "",
    )


@post("/deconnexion", right=MYSELF, always=True)
def leave(request: Request) -> Response:
    """The session ends."""
    console(request).accounts.sign_out(request.cookies.get(SESSION, ""))
    response = to(SIGN_IN)
    response.delete_cookie(SESSION)
    flash(request, _("Vous êtes déconnecté."))
    return response


def routes() -> list[PageRoute]:
    return [ask, enter, leave]
