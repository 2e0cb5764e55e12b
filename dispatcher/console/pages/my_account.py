"""``/mon-compte``: one's own account, password and second factor."""

from __future__ import annotations

import segno
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.console.page import (
    CHANGE,
    MYSELF,
    SESSION,
    SIGN_IN,
    PageRoute,
    address,
    console,
    field,
    flash,
    get,
    post,
    render,
    to,
    user,
)
from dispatcher.console.texts import N_, _
from dispatcher.errors import ConfigError
from dispatcher.service.rights import IN_FRENCH

HERE, FACTOR = "/mon-compte", "/mon-compte/second-facteur"
ROLES = (N_("opérateur"), N_("biologiste"), N_("administrateur"), N_("auditeur"))
"""The words of ``IN_FRENCH``, marked for translation; a test compares."""


@get(HERE, right=MYSELF)
def account(request: Request) -> Response:
    """Who one is here."""
    roles = sorted(_(IN_FRENCH[role]) for role in user(request).roles)
    return render(request, "my_account.html", roles=roles, change=CHANGE, factor=FACTOR)


@get(CHANGE, right=MYSELF, always=True)
def password(request: Request) -> Response:
    """The form for a new password."""
    return render(request, "password.html", faults=(), change=CHANGE)


@post(CHANGE, right=MYSELF, always=True)
def change_password(request: Request) -> Response:
    """A new password; every session ends."""
    new = field(request, "new")
    if new != field(request, "again"):
        faults: tuple[str, ...] = (_("Les deux nouveaux mots de passe ne sont pas les mêmes."),)
    else:
        accounts = console(request).accounts
        faults = accounts.change_password(user(request), field(request, "old"), new, address=address(request))
    if faults:
        return render(request, "password.html", status=422, faults=faults, change=CHANGE)
    flash(request, _("Le mot de passe est changé. Se connecter avec le nouveau."))
    response = to(SIGN_IN)
    response.delete_cookie(SESSION)
    return response


@get(FACTOR, right=MYSELF)
def factor(request: Request) -> Response:
    """The key to put into an application, as a picture and as text."""
    _not_yet(request)
    return _offered(request, "")


@post(FACTOR, right=MYSELF)
def confirm_factor(request: Request) -> Response:
    """The second factor is in force when its first code is right."""
    _not_yet(request)
    secret = field(request, "secret")
    codes = console(request).accounts.confirm_totp(user(request), secret, field(request, "code"))
    if not codes:
        return _offered(
            request, _("Ce code n'est pas le bon. Vérifier l'heure du téléphone ; la clé ci-dessous est neuve.")
        )
    return render(request, "factor_codes.html", codes=codes, here=HERE)


def _offered(request: Request, fault: str) -> Response:
    offer = console(request).accounts.offer_totp(user(request))
    # The library writes numbers and letters of the alphabet of SVG only; nothing of the address is in it as text.
    picture = Markup(segno.make(offer.uri, micro=False).svg_inline(scale=5, border=4))  # noqa: S704
    grouped = " ".join(offer.secret[at : at + 4] for at in range(0, len(offer.secret), 4))
    return render(
        request,
        "factor.html",
        status=422 if fault else 200,
        picture=picture,
        secret=offer.secret,
        grouped=grouped,
        fault=fault,
        factor=FACTOR,
    )


def _not_yet(request: Request) -> None:
    if user(request).totp:
        raise ConfigError(
            _("Un second facteur est déjà en service."),
            hint=_("Téléphone perdu ou changé : un administrateur le retire (« dispatcher users totp NOM --off »)."),
        )


def routes() -> list[PageRoute]:
    return [account, password, change_password, factor, confirm_factor]
