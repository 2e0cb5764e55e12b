"""``/rejeu``: send again what failed, the same bytes under the same Message-ID: first the list, then exactly it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from starlette.datastructures import FormData, QueryParams
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.console.asked import asked, numbers, reason, states, told, wanted
from dispatcher.console.page import PageRoute, actor, field, get, office, post, render, to
from dispatcher.console.parts import Nav
from dispatcher.console.texts import N_, _, n_
from dispatcher.errors import ConfigError
from dispatcher.outbox.states import State
from dispatcher.ports import DispatchFilter
from dispatcher.service.replay import REPLAYABLE, ReplayPlan, plan_replay, replay, undo

HERE = "/rejeu"
NAV = (Nav(order=40, path=HERE, label=N_("Rejeu"), right="operate", key="g r"),)
SHOWN = 50
"""Rows listed one by one; the sums tell of all."""


@get(HERE, right="operate")
def preview(request: Request) -> Response:
    """What would be sent again; nothing is done."""
    return _show(request, request.query_params)


@post(HERE, right="operate")
def carry_out(request: Request) -> Response:
    """Exactly the list that was shown."""
    parts, form = office(request), request.state.form
    plan = _plan(request, form)
    if plan is None or not plan.count:
        raise ConfigError(_("Rien n'est à rejouer. Rien n'a été fait."))
    if field(request, "jeton") != plan.token:
        return _show(request, form, _("La liste n'est plus celle qui était montrée. Rien n'a été fait."))
    if plan.count > parts.settings.service.ask_count_above and field(request, "nombre").strip() != str(plan.count):
        return _show(request, form, _("Ce n'est pas leur nombre. Rien n'a été fait."))
    changed = replay(parts.store, parts.clock, plan, reason=reason(request), actor=actor(request))
    batches = ", ".join(changed.batches)
    count = len(changed.done)
    done = n_("%(num)d élément rejoué.", "%(num)d éléments rejoués.", count) if count else ""
    told(request, f"{done} {_('Lot : %(ids)s.', ids=batches)}" if batches and done else done, changed.refused)
    return to("/envois", lot=changed.batches[0]) if len(changed.batches) == 1 else to(HERE)


@post("/rejeu/annulation", right="operate")
def take_back(request: Request) -> Response:
    """What has not begun to leave stands as before."""
    parts, batch = office(request), field(request, "lot").strip()
    changed = undo(parts.store, parts.clock, batch, reason=reason(request), actor=actor(request))
    count = len(changed.done)
    done = n_("%(num)d envoi remis comme avant.", "%(num)d envois remis comme avant.", count) if count else ""
    told(request, done, changed.refused)
    return to(HERE)


def _plan(request: Request, params: QueryParams | FormData) -> ReplayPlan | None:
    """None when nothing is asked for: everything that ever failed is no answer to that."""
    told_so = _texts(params)
    ids, filtered = numbers(told_so.get("envois", "")), wanted(told_so)
    if not ids and filtered == DispatchFilter():
        return None
    return plan_replay(
        office(request).store,
        ids=ids,
        wanted=filtered if filtered != DispatchFilter() else None,
        states=_states(params),
    )


def _states(params: QueryParams | FormData) -> tuple[State, ...]:
    chosen = states([one for one in params.getlist("etat") if isinstance(one, str)])
    return tuple(one for one in chosen if one in REPLAYABLE) or (State.FAILED,)


def _texts(params: QueryParams | FormData) -> Mapping[str, str]:
    return {name: value for name, value in params.items() if isinstance(value, str)}


def _show(request: Request, params: QueryParams | FormData, fault: str = "") -> Response:
    plan, above = _plan(request, params), office(request).settings.service.ask_count_above
    sums = Counter((one.label, one.address, one.fault or one.reason) for one in plan.dispatches) if plan else Counter()
    return render(
        request,
        "replay.html",
        status=409 if fault else 200,
        plan=plan,
        sums=sums.most_common(SHOWN) if plan is not None and plan.count > SHOWN else (),
        shown=SHOWN,
        ask_count=plan is not None and plan.count > above,
        ids=" ".join(numbers(_texts(params).get("envois", ""))),
        fields=asked(_texts(params)),
        chosen=_states(params),
        choices=REPLAYABLE,
        channels=sorted(office(request).channels),
        why=_texts(params).get("motif", ""),
        fault=fault,
        State=State,
    )


def routes() -> list[PageRoute]:
    return [preview, carry_out, take_back]
