"""``/envois/D…``: the whole story of one dispatch, why it is so, its proof, and what a person may do with it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from starlette.requests import Request
from starlette.responses import Response

from dispatcher.console.asked import reason, told
from dispatcher.console.page import (
    PageRoute,
    actor,
    field,
    get,
    office,
    post,
    render,
    shows,
    to,
)
from dispatcher.console.texts import _
from dispatcher.errors import ConfigError
from dispatcher.outbox.states import MOVES, State
from dispatcher.receipts.support import DELIVERY, READING
from dispatcher.service import operate
from dispatcher.service.changed import Changed
from dispatcher.service.explain import explain
from dispatcher.service.overview import DispatchView, show
from dispatcher.service.prove import Wish, prove
from dispatcher.service.replay import REPLAYABLE
from dispatcher.service.settle_by_hand import settle_by_hand
from dispatcher.service.wording import EVENTS, RECEIPTS, envelope
from dispatcher.service.wording import actor as who
from dispatcher.wiring.proving import proving_of

BY_HAND = (State.HELD, State.WITHDRAWN, State.CLOSED)
"""What a person may make of it, where the states allow it."""


@get("/envois/{item}", right="see")
def dispatch(request: Request) -> Response:
    """As ``dispatcher show`` and ``explain`` tell it."""
    parts, item = office(request), str(request.path_params["item"])
    view, why = show(parts.store, item), explain(parts.store, parts.channels, item)
    if view is None or why is None:
        return _unknown(request)
    expects = view.expects
    return render(
        request,
        "dispatch.html",
        view=view,
        d=view.dispatch,
        lines=why.lines,
        events=EVENTS,
        kinds=RECEIPTS,
        by=who,
        protection=envelope(view.dispatch.envelope),
        expects=f"{DELIVERY[expects.delivery]} ; {READING[expects.reading]}" if expects is not None else "",
        moves=_moves(view),
        replayable=view.dispatch.state in REPLAYABLE,
        State=State,
    )


def _moves(view: DispatchView) -> frozenset[State]:
    """None while it is being handed over: its outcome comes first."""
    now = view.dispatch.state
    return frozenset() if now is State.SENDING else frozenset(BY_HAND) & frozenset(MOVES[now])


def _unknown(request: Request) -> Response:
    return render(
        request,
        "error.html",
        status=404,
        title=_("Envoi inconnu"),
        text=_("Aucun envoi ne porte ce numéro."),
        hint=_("La page « Envois » cherche par numéro de dossier et par destinataire."),
    )


def _changed(request: Request, done: str, work: Callable[[str, str], Changed]) -> Response:
    """``work`` is given the number and the reason."""
    item = str(request.path_params["item"])
    changed = work(item, reason(request))
    told(request, done if changed.done else "", changed.refused)
    return to(f"/envois/{item}")


@post("/envois/{item}/mise-en-attente", right="operate")
def hold(request: Request) -> Response:
    """It does not leave until somebody releases it."""
    store = office(request).store
    return _changed(
        request,
        _("Envoi mis en attente."),
        lambda item, why: operate.hold(store, [item], reason=why, actor=actor(request)),
    )


@post("/envois/{item}/retrait", right="operate")
def withdraw(request: Request) -> Response:
    """It never leaves."""
    store = office(request).store
    return _changed(
        request, _("Envoi retiré."), lambda item, why: operate.withdraw(store, [item], reason=why, actor=actor(request))
    )


@post("/envois/{item}/cloture", right="operate")
def close(request: Request) -> Response:
    """A person has seen to it another way."""
    store = office(request).store
    return _changed(
        request, _("Envoi clos."), lambda item, why: operate.close(store, [item], reason=why, actor=actor(request))
    )


@post("/envois/{item}/issue", right="operate")
def settle(request: Request) -> Response:
    """What became of it, from the recipient or the operator's own log."""
    told_so = field(request, "issue")
    if told_so not in {"arrive", "refuse"}:
        raise ConfigError(_("Dire l'un ou l'autre : arrivé, ou jamais accepté."))
    store, arrived = office(request).store, told_so == "arrive"
    done = _("Noté : arrivé.") if arrived else _("Noté : jamais accepté. Il peut être rejoué.")
    return _changed(
        request,
        done,
        lambda item, why: settle_by_hand(store, [item], arrived=arrived, reason=why, actor=actor(request)),
    )


@post("/envois/{item}/preuve", right="see")
def proof(request: Request) -> Response:
    """The evidence without anything of a patient."""
    return _proof(request, Wish(actor=actor(request)))


@post("/envois/{item}/preuve-avec-contenu", right="operate", patients=True)
def proof_with_content(request: Request) -> Response:
    """With the source file and what was written of it; the reason goes to the journal."""
    why = reason(request)
    shows(request, "dispatch", [str(request.path_params["item"])])
    return _proof(request, Wish(actor=actor(request), content=True, reason=why))


def _proof(request: Request, wish: Wish) -> Response:
    item = str(request.path_params["item"])
    with ExitStack() as closing:
        made = prove(proving_of(office(request), closing), item, wish)
    if made is None:
        return _unknown(request)
    name = f'attachment; filename="preuve-{item}.zip"'
    return Response(made.archive, media_type="application/zip", headers={"content-disposition": name})


def routes() -> list[PageRoute]:
    return [dispatch, hold, withdraw, close, settle, proof, proof_with_content]
