"""``/oidc``: to the house that says who somebody is, and back (only with ``[console.oidc]``)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from dispatcher.console.page import ANYBODY, SESSION, PageRoute, address, console, get, render, to
from dispatcher.console.texts import _
from dispatcher.errors import SignInError
from dispatcher.service.accounts import Refusal

COOKIE = "ailleurs"
"""What this browser asked for, enciphered. Lax: the way back comes from another site."""
PATH = "/oidc"
SECONDS = 600


@get("/oidc/aller", right=ANYBODY, always=True)
def go(request: Request) -> Response:
    """Send the person there."""
    house = console(request).house
    if house is None:
        return _closed(request, _("Aucun service d'identité n'est réglé ici."), "")
    begun = house.begin()
    response = to(begun.url)
    secure = request.url.scheme == "https"
    response.set_cookie(
        COOKIE, begun.remember, max_age=SECONDS, path=PATH, httponly=True, samesite="lax", secure=secure
    )
    return response


@get("/oidc/retour", right=ANYBODY, always=True)
def come_back(request: Request) -> Response:
    """The person is back, recognised or not."""
    house, accounts = console(request).house, console(request).accounts
    if house is None:
        return _closed(request, _("Aucun service d'identité n'est réglé ici."), "")
    try:
        who = house.finish(request.query_params, request.cookies.get(COOKIE, ""))
    except SignInError as error:
        if recognised(error):
            accounts.refused_elsewhere(error.code, address=address(request))
        return _closed(request, error.message, error.hint)
    found = accounts.recognised(who, address=address(request))
    if isinstance(found, Refusal):
        return _closed(request, found.message, "")
    response = render(request, "oidc.html")
    response.set_cookie(SESSION, found.token, httponly=True, samesite="strict", secure=request.url.scheme == "https")
    response.headers["refresh"] = "0; url=/"  # not a redirection: the browser would leave out a strict cookie
    response.delete_cookie(COOKIE, path=PATH)
    return response


def recognised(error: SignInError) -> bool:
    """Somebody had been recognised when it failed; else strangers could fill the journal."""
    from dispatcher.console.oidc import BEFORE

    return error.code not in BEFORE


def _closed(request: Request, text: str, hint: str) -> Response:
    response = render(request, "error.html", status=403, title=_("Identité non reconnue"), text=text, hint=hint)
    response.delete_cookie(COOKIE, path=PATH)
    return response


def routes() -> list[PageRoute]:
    return [go, come_back]
