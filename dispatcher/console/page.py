"""What a page is made of: who may see it, its form verified, its text in their language (see the package's page)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import TypeVar
from urllib.parse import quote, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive

from dispatcher.console.parts import CONSOLE, Console
from dispatcher.console.people import RIGHTS
from dispatcher.console.texts import COOKIE, LANGUAGE, LANGUAGES, _
from dispatcher.errors import DispatcherError
from dispatcher.service.internal import place
from dispatcher.service.rights import User
from dispatcher.wiring import Office

log = logging.getLogger(__name__)

SESSION, VISIT, FLASH = "session", "visite", "message"
"""Cookies: who signed in, who came without, what to tell once on the next page."""
ANYBODY, MYSELF = "", "myself"
"""What the page to sign in asks for; what pages about one's own account ask for: to have signed in."""
YEAR = 365 * 86_400
FORM_FILES, FORM_FIELDS = 2000, 5000
MOST_BYTES, MOST_BYTES_OF_STRANGERS = 512 * 1024 * 1024, 64 * 1024
"""Of a form, by who sends it."""
MOST_DIGITS = 12
"""Of a length that is told."""
SIGN_IN = "/connexion"
CHANGE = "/mon-compte/mot-de-passe"

T = TypeVar("T")
Handler = Callable[[Request], Response]


class PageRoute(Route):
    """A page, and who may see it."""

    def __init__(self, path: str, handler: Handler, *, method: str, right: str, patients: bool, always: bool) -> None:
        self.right, self.patients, self.always = right, patients, always
        super().__init__(
            path, _endpoint(self, handler), methods=[method], name=f"{handler.__module__}.{handler.__name__}"
        )


def get(
    path: str, *, right: str = "see", patients: bool = False, always: bool = False
) -> Callable[[Handler], PageRoute]:
    """A page to look at. ``always``: also for somebody who must choose a new password first."""
    return lambda handler: PageRoute(path, handler, method="GET", right=right, patients=patients, always=always)


def post(
    path: str, *, right: str = "operate", patients: bool = False, always: bool = False
) -> Callable[[Handler], PageRoute]:
    """What a form asks for; ``request.state.form`` holds its fields, its token is verified."""
    return lambda handler: PageRoute(path, handler, method="POST", right=right, patients=patients, always=always)


# ------------------------------------------------------------------------------------------------ for pages


def office(request: Request) -> Office:
    """The parts of the installation."""
    return console(request).office


def console(request: Request) -> Console:
    """The console itself."""
    found: Console = getattr(request.app.state, CONSOLE)
    return found


def user(request: Request) -> User:
    """Who is there."""
    found: User = request.state.user
    return found


def actor(request: Request) -> str:
    """Who did it, for the journal."""
    return user(request).actor


def address(request: Request) -> str:
    """Where the person sits."""
    return request.client.host if request.client is not None else ""


def field(request: Request, name: str) -> str:
    """What the form says there; empty without it, and for a file."""
    told = request.state.form.get(name, "")
    return told if isinstance(told, str) else ""


def may(request: Request, right: str) -> bool:
    """Whether they may."""
    who = request.state.user
    return who is not None and console(request).accounts.may(who, right)


def shows(request: Request, what: str, ids: Sequence[str]) -> None:
    """Patient data of these (« dispatch », « file »…) is about to be shown: the journal says who saw it."""
    made, view = console(request), (request.state.csrf, what, *ids)
    if ids and not ("x-live" in request.headers and view in made.noted):
        made.accounts.note_view(user(request), what, list(ids))
        made.noted.add(*view)
    request.state.shown = True


def render(request: Request, template: str, *, status: int = 200, **values: object) -> Response:
    """A page, with what every page has."""
    made = console(request)
    text = made.templates.get_template(template).render(
        request=request,
        who=request.state.user,
        laboratory=made.office.settings.laboratory.name,
        nav=[one for one in made.nav if may(request, one.right)],
        language=LANGUAGE.get(),
        languages=LANGUAGES,
        csrf_token=request.state.csrf,
        flashes=_flashes(request),
        may=lambda right: may(request, right),
        link=made.link,
        **values,
    )
    response = HTMLResponse(text, status_code=status)
    if FLASH in request.cookies:
        response.delete_cookie(FLASH)
    return response


def to(path: str, **query: object) -> Response:
    """After a form: the page to go on with, asked for anew."""
    return RedirectResponse(f"{path}?{urlencode(query)}" if query else path, status_code=303)


def flash(request: Request, text: str, tone: str = "good") -> None:
    """Tell ``text`` once, on the next page: ``good``, ``warn`` or ``bad``. Never a patient's name."""
    request.state.flashes.append((tone, text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pager:
    """One page of a long list; whether there is more is known by asking for one line more."""

    number: int
    size: int
    path: str
    query: Mapping[str, str]
    fetch: int
    """How many lines to ask the store for: everything up to here, and one more."""

    @classmethod
    def of(cls, request: Request, size: int = 50) -> Pager:
        """The page that the address asks for."""
        told = request.query_params.get("page", "1")
        number = min(max(int(told), 1), 200) if told.isascii() and told.isdigit() and len(told) < 6 else 1
        query = {name: value for name, value in request.query_params.items() if name not in {"page", "lang"}}
        return cls(number=number, size=size, path=request.url.path, query=query, fetch=number * size + 1)

    def cut(self, rows: Sequence[T]) -> Sequence[T]:
        """The lines of this page."""
        return rows[(self.number - 1) * self.size : self.number * self.size]

    def more(self, rows: Sequence[object]) -> bool:
        """Whether there is a page after this one."""
        return len(rows) > self.number * self.size

    def at(self, number: int) -> str:
        """Address of another page of the list."""
        return f"{self.path}?{urlencode({**self.query, 'page': number})}"


# ------------------------------------------------------------------------------------------------ the way of a request


def _endpoint(route: PageRoute, handler: Handler) -> Callable[[Request], object]:
    async def answer(request: Request) -> Response:
        request.state.user, request.state.form, request.state.shown = None, None, False
        request.state.flashes = []
        secret = request.cookies.get(SESSION) or request.cookies.get(VISIT) or console(request).visit()
        request.state.csrf = hashlib.sha256(f"csrf:{secret}".encode()).hexdigest()
        refused = await run_in_threadpool(_refusal, route, request)
        if refused is not None:
            return _finish(request, refused, secret)
        if request.method == "POST":
            response = await _posted(route, handler, request)
        else:
            response = await run_in_threadpool(_guarded, route, handler, request)
        return _finish(request, response, secret)

    return answer


async def _posted(route: PageRoute, handler: Handler, asked: Request) -> Response:
    request = Request(asked.scope, _counted(asked.receive, _most(asked)))
    try:
        async with request.form(max_files=FORM_FILES, max_fields=FORM_FIELDS) as form:
            request.state.form = form
            return await run_in_threadpool(_guarded, route, handler, request)
    except _TooBig:
        return await run_in_threadpool(_too_big, request)


def _guarded(route: PageRoute, handler: Handler, request: Request) -> Response:
    """Never raises: whoever logs the exception would log whom it quotes."""
    try:
        return _run(route, handler, request)
    except DispatcherError as error:
        title = _("Ce n'est pas possible")
        return render(request, "error.html", status=409, title=title, text=error.message, hint=error.hint)
    except Exception as error:
        log.error("console: %s: unexpected %s", route.name, place(error))
        return _unexpected(request)


def _run(route: PageRoute, handler: Handler, request: Request) -> Response:
    if request.method == "POST" and not _ours(request):
        return _not_ours(request)
    response = handler(request)
    if route.patients and response.status_code == 200 and not request.state.shown:
        log.error("console: %s shows patients and wrote no journal line", route.name)
        return _unexpected(request)
    return response


def _unexpected(request: Request) -> Response:
    text = _("La page n'a pas pu être faite. Le service lui-même continue ; le journal technique dit où c'est arrivé.")
    return render(request, "error.html", status=500, title=_("Erreur inattendue"), text=text, hint="")


def _not_ours(request: Request) -> Response:
    text = _("Le formulaire était trop ancien ou venait d'ailleurs. Rien n'a été fait : recommencer depuis la page.")
    return render(request, "error.html", status=403, title=_("Formulaire refusé"), text=text, hint="")


def _refusal(route: PageRoute, request: Request) -> Response | None:
    """Why they do not get what they ask for; None: they do. Before anything they send is read. Never raises."""
    try:
        return _asked(route, request)
    except DispatcherError as error:
        return render(
            request, "error.html", status=503, title=_("Base indisponible"), text=error.message, hint=error.hint
        )
    except Exception as error:
        log.error("console: %s: unexpected %s", route.name, place(error))
        return _unexpected(request)


def _asked(route: PageRoute, request: Request) -> Response | None:
    accounts = console(request).accounts
    token = request.cookies.get(SESSION, "")
    used = "x-live" not in request.headers
    who = request.state.user = accounts.session_of(token, used=used) if token else None
    if route.right != ANYBODY and who is None:
        return _sign_in_first(request)
    if who is not None and who.must_change and not route.always:
        return to(CHANGE)
    if request.method == "POST" and _length(request) > _most(request):
        return _too_big(request)
    needed = [right for right in (route.right, "see_patients" if route.patients else "") if right in RIGHTS]
    if who is None or all(accounts.may(who, right) for right in needed):
        return None
    text = _("Votre compte n'a pas ce droit. Un administrateur peut le donner (« dispatcher users »).")
    return render(request, "error.html", status=403, title=_("Accès refusé"), text=text, hint="")


def _too_big(request: Request) -> Response:
    text = _("Ce qui est envoyé est trop grand, ou ne dit pas sa taille. Rien n'a été fait.")
    return render(request, "error.html", status=413, title=_("Envoi trop grand"), text=text, hint="")


def _most(request: Request) -> int:
    return MOST_BYTES if request.state.user is not None else MOST_BYTES_OF_STRANGERS


def _length(request: Request) -> float:
    """Of what is sent; endless when it does not say, or comes in chunks, which count before any length told beside."""
    told = request.headers.getlist("content-length")
    if "transfer-encoding" in request.headers or len(told) != 1:
        return inf
    return int(told[0]) if told[0].isascii() and told[0].isdigit() and len(told[0]) <= MOST_DIGITS else inf


class _TooBig(Exception):
    """More came than was told."""


def _counted(receive: Receive, most: int) -> Receive:
    """The same, and not a byte more than ``most``: what was told is not what comes."""
    read = 0

    async def counted() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > most:
            raise _TooBig
        return message

    return counted


def _sign_in_first(request: Request) -> Response:
    if "x-live" in request.headers:
        return PlainTextResponse("", status_code=401)
    asked = request.url.path if request.method == "GET" else ""
    return to(SIGN_IN, vers=asked) if asked not in {"", "/"} else to(SIGN_IN)


def _ours(request: Request) -> bool:
    """The form was made by this console for this person."""
    origin = request.headers.get("origin")
    if origin is not None and origin != f"{request.url.scheme}://{request.headers.get('host', '')}":
        return False
    return hmac.compare_digest(field(request, "csrf").encode(), request.state.csrf.encode())


def _finish(request: Request, response: Response, secret: str) -> Response:
    secure = request.url.scheme == "https"
    if not request.cookies.get(SESSION) and request.cookies.get(VISIT) != secret:
        response.set_cookie(VISIT, secret, httponly=True, samesite="strict", secure=secure)
    if request.query_params.get("lang") in LANGUAGES:
        response.set_cookie(COOKIE, LANGUAGE.get(), max_age=YEAR, httponly=True, samesite="lax", secure=secure)
    if request.state.flashes:
        told = base64.urlsafe_b64encode(json.dumps(request.state.flashes[-5:]).encode()).decode()
        response.set_cookie(FLASH, told, httponly=True, samesite="strict", secure=secure)
    if request.method == "GET" and response.status_code == 200 and isinstance(response, HTMLResponse):
        etag = f'W/"{hashlib.sha256(response.body).hexdigest()[:32]}"'
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers={"etag": etag})
        response.headers["etag"] = etag
    return response


def _flashes(request: Request) -> list[tuple[str, str]]:
    """What the page before had to tell; and what this one tells itself, which then needs no cookie."""
    told, request.state.flashes = list(request.state.flashes), []
    try:
        kept = json.loads(base64.urlsafe_b64decode(request.cookies.get(FLASH, "")) or b"[]")
        return [*((str(tone), str(text)) for tone, text in kept), *told]
    except (ValueError, TypeError):
        return told


def back(asked: str) -> str:
    """A path of this console to go back to, never an address elsewhere."""
    safe = asked.startswith("/") and not asked.startswith("//") and "\\" not in asked and asked.isprintable()
    return quote(asked, safe="/?=&%") if safe else "/"
