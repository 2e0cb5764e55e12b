"""``/attente/D…``: one held dispatch, its candidates, and the choice: shown first, then exactly what was shown."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from dispatcher import wiring
from dispatcher.console.asked import reason, told
from dispatcher.console.page import PageRoute, actor, field, flash, get, office, post, render, to
from dispatcher.console.texts import _, n_
from dispatcher.directory.local.rules import TableRules
from dispatcher.errors import ConfigError
from dispatcher.outbox.states import State
from dispatcher.routing.trace import from_json
from dispatcher.service.another import is_word, named
from dispatcher.service.choose import candidates
from dispatcher.service.explain import explain
from dispatcher.service.learn import Plan, plan_code, plan_rule, remember, spoken
from dispatcher.service.proposed import Proposal, propose
from dispatcher.service.release import FAULTY, Released, release

HERE = "/attente"


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a choice would do, as it was shown."""

    proposal: Proposal
    plan: Plan | None

    @property
    def token(self) -> str:
        """Another one as soon as anything would go elsewhere than shown."""
        one, plan = self.proposal, self.plan
        shown = [one.id, one.address, one.label, one.warning, one.refusal, _of(plan) if plan is not None else []]
        return hashlib.sha256(json.dumps(shown).encode()).hexdigest()


def _of(plan: Plan) -> list[object]:
    rule = spoken(plan.rule.after) if plan.rule is not None else ""
    refusal = plan.refusal.why if plan.refusal is not None else ""
    return [rule, plan.version, plan.warning, refusal, [[one.id, one.address] for one in plan.going]]


@get("/attente/{item}", right="see")
def waiting(request: Request) -> Response:
    """Why it waits, and who it may be for."""
    parts, item = office(request), str(request.path_params["item"])
    found = explain(parts.store, parts.channels, item)
    if found is None:
        return _unknown(request)
    if found.dispatch.state is not State.HELD:
        flash(request, _("Cet envoi n'attend plus d'opérateur."))
        return to(f"/envois/{item}")
    return render(
        request,
        "resolve.html",
        d=found.dispatch,
        lines=found.lines,
        named=_named(found.dispatch.decision),
        candidates=candidates(found.dispatch),
        faulty=found.dispatch.hold_code in FAULTY,
    )


def _named(decision: dict[str, object]) -> str:
    try:
        return named(from_json(decision).wanted).strip("«» ")
    except (KeyError, TypeError, ValueError, AttributeError):
        return ""


@post("/attente/{item}/choix", right="release")
def choose(request: Request) -> Response:
    """Show what the choice would do; nothing is done yet."""
    return _show(request, _look(request))


@post("/attente/{item}/vers", right="release")
def send(request: Request) -> Response:
    """Exactly what was shown."""
    seen, item = _look(request), str(request.path_params["item"])
    if field(request, "jeton") != seen.token:
        return _show(request, seen, _("Ce n'est plus ce qui était montré. Rien n'a été fait : regarder de nouveau."))
    if seen.proposal.refusal:
        return _show(request, seen)
    warned = seen.proposal.warning or (seen.plan.warning if seen.plan is not None else "")
    if warned and not is_word(field(request, "mot"), seen.proposal.word):
        return _show(request, seen, _("Ce n'est pas ce qui était à taper. Rien n'a été fait."))
    results = _carry_out(request, seen, despite_name=bool(warned))
    if seen.plan is not None and seen.plan.rule is not None and any(one.released for one in results):
        flash(request, _("Retenu pour la prochaine fois : %(rule)s.", rule=spoken(seen.plan.rule.after)))
    _tell(request, results)
    return to(HERE if any(one.released for one in results) else f"{HERE}/{item}")


def _carry_out(request: Request, seen: Looked, *, despite_name: bool) -> tuple[Released, ...]:
    """With the rule when one can be made; a choice without one leaves alone, once it was shown so."""
    desk, who, why = office(request).desk, actor(request), reason(request)
    plan, one = seen.plan, seen.proposal
    if plan is not None and plan.refusal is None:
        return remember(desk, _rules(request), plan, reason=why, actor=who, despite_name=despite_name)
    if plan is not None and not (plan.refusal is not None and plan.refusal.alone and despite_name):
        raise ConfigError(
            plan.refusal.why if plan.refusal is not None else _("Rien n'est à retenir."),
            hint=_("Revenir et libérer sans retenir."),
        )
    return (release(desk, one.id, to=one.address, reason=why, actor=who, despite_name=despite_name),)


def _look(request: Request) -> Looked:
    desk, item, asked = office(request).desk, str(request.path_params["item"]), field(request, "vers")
    proposal = propose(desk, item, asked or field(request, "autre"))
    if proposal.refusal or not field(request, "retenir"):
        return Looked(proposal=proposal, plan=None)
    instead = bool(field(request, "remplacer"))
    return Looked(proposal=proposal, plan=plan_rule(desk, _rules(request), item, proposal.choice, instead=instead))


def _show(request: Request, seen: Looked, fault: str = "") -> Response:
    return render(
        request,
        "choice.html",
        status=409 if fault or seen.proposal.refusal else 200,
        item=str(request.path_params["item"]),
        one=seen.proposal,
        plan=seen.plan,
        rule=spoken(seen.plan.rule.after) if seen.plan is not None and seen.plan.rule is not None else "",
        against=[spoken(line) for line in seen.plan.refusal.against] if seen.plan and seen.plan.refusal else [],
        token=seen.token,
        asked=field(request, "vers") or field(request, "autre"),
        instead=bool(field(request, "remplacer")),
        why=field(request, "motif"),
        fault=fault,
    )


def _rules(request: Request) -> TableRules:
    parts = office(request)
    return TableRules(wiring.table_book(parts.settings, parts.clock))


@post("/attente/{item}/tel-quel", right="release")
def despite(request: Request) -> Response:
    """As it is, in spite of what the checks found in the report."""
    item = str(request.path_params["item"])
    done = release(office(request).desk, item, reason=reason(request), actor=actor(request), despite=True)
    _tell(request, (done,))
    return to(HERE if done.released else f"{HERE}/{item}")


@post("/attente/code", right="release")
def by_code(request: Request) -> Response:
    """All that waits for a code the table settles by now: shown first, then exactly those."""
    desk, code = office(request).desk, field(request, "code")
    plan = plan_code(desk, code, field(request, "source") or None)
    token = hashlib.sha256(json.dumps(_of(plan)).encode()).hexdigest()
    said = field(request, "jeton")
    if said != token or not plan.going:
        fault = _("Ce n'est plus ce qui était montré. Rien n'a été fait : regarder de nouveau.") if said else ""
        values = {"plan": plan, "code": code, "source": field(request, "source"), "token": token, "fault": fault}
        return render(request, "by_code.html", status=409 if fault else 200, **values)
    _tell(request, remember(desk, None, plan, reason=reason(request), actor=actor(request)))
    return to(HERE)


def _tell(request: Request, results: tuple[Released, ...]) -> None:
    done = sum(one.released for one in results)
    text = n_("%(num)d envoi libéré.", "%(num)d envois libérés.", done) if done else ""
    told(request, text, [(one.id, one.why) for one in results if not one.released])


def _unknown(request: Request) -> Response:
    text = _("Aucun envoi ne porte ce numéro.")
    return render(request, "error.html", status=404, title=_("Envoi inconnu"), text=text, hint="")


def routes() -> list[PageRoute]:
    return [by_code, waiting, choose, send, despite]
