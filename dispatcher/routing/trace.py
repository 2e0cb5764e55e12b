"""A decision as JSON, kept with the dispatch, and told again in French: why this recipient, address, format, key.

The JSON is stable: plain texts, numbers, booleans, lists. Reading is lenient (a missing key takes its default) so that
rows of earlier versions can still be explained.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dispatcher.report.model import Handling, IdType
from dispatcher.routing import sources
from dispatcher.routing.candidates import Entry
from dispatcher.routing.delivery import FORMATS
from dispatcher.routing.route import Decision, Envelope, Hold, RecipientRole, Refused, Route, TraceStep, Wanted

_ENTRY = (
    "address",
    "box_type",
    "identifier",
    "family",
    "given",
    "title",
    "profession",
    "structure_id",
    "structure_name",
    "service",
    "postcode",
    "town",
    "paperless",
    "rank",
    "red_list",
    "source",
    "version",
)
_ROLES = {
    RecipientRole.PRESCRIBER: "prescripteur",
    RecipientRole.COPY: "copie demandée par le compte rendu",
    RecipientRole.EXPLICIT: "destinataire désigné par le compte rendu",
    RecipientRole.ADDED: "destinataire ajouté pour cet envoi",
    RecipientRole.PATIENT: "patient du compte rendu",
}
_MARKS = {"chosen": "→", "passed": "✓", "stopped": "✗", "not-applicable": "·"}


def as_json(decision: Decision) -> dict[str, object]:
    """A decision as plain JSON values. ``id_type`` is the text of :class:`IdType`; absent parts are ``None``."""
    return {
        "wanted": _wanted_json(decision.wanted),
        "route": None if decision.route is None else _route_json(decision.route),
        "hold": None if decision.hold is None else hold_json(decision.hold),
        "paper": decision.paper,
        "trace": [{"rule": step.rule, "outcome": step.outcome, "text": step.text} for step in decision.trace],
        "versions": dict(decision.versions),
        "ages": dict(decision.ages),
        "line": decision.line,
        "used": [candidate_json(entry) for entry in decision.used],
        "refused": [{"why": left.why, "entry": candidate_json(left.entry)} for left in decision.refused],
    }


def hold_json(hold: Hold) -> dict[str, object]:
    """A hold as plain JSON values."""
    return {"code": hold.code, "reason": hold.reason, "candidates": [candidate_json(one) for one in hold.candidates]}


def _wanted_json(wanted: Wanted) -> dict[str, object]:
    names = ("id", "label", "family", "given", "organisation_id", "address")
    texts = {name: getattr(wanted, name) for name in names}
    return {"role": str(wanted.role), "id_type": str(wanted.id_type), **texts}


def _route_json(route: Route) -> dict[str, object]:
    names = ("address", "label", "id", "channel", "format", "certificate", "title", "family", "given", "last_message")
    plain = {name: getattr(route, name) for name in names}
    return {"id_type": str(route.id_type), "envelope": str(route.envelope), **plain}


def with_handling(decision: dict[str, object], handling: Handling) -> dict[str, object]:
    """The JSON of a decision with what the sender asks of the document (ANS volet), when he asks something."""
    return {**decision, "handling": list(handling.sentences)} if handling.sentences else decision


def candidate_json(entry: Entry) -> dict[str, object]:
    """A directory entry as plain JSON values."""
    plain: dict[str, object] = {name: getattr(entry, name) for name in _ENTRY}
    return {**plain, "id_type": str(entry.id_type) if entry.id_type else None, "label": entry.label}


def from_json(data: Mapping[str, Any]) -> Decision:
    """The decision behind :func:`as_json`. Raises ``ValueError`` or ``TypeError`` for what never was one."""
    route, hold = data.get("route"), data.get("hold")
    return Decision(
        wanted=_wanted(data.get("wanted") or {}),
        route=_route(route) if route else None,
        hold=_hold(hold) if hold else None,
        paper=bool(data.get("paper")),
        trace=tuple(
            TraceStep(rule=str(step["rule"]), outcome=str(step["outcome"]), text=str(step["text"]))
            for step in data.get("trace") or ()
        ),
        versions={str(name): str(version) for name, version in (data.get("versions") or {}).items()},
        ages={str(name): float(age) for name, age in (data.get("ages") or {}).items()},
        line=int(data.get("line") or 0),
        used=tuple(candidate(entry) for entry in data.get("used") or ()),
        refused=tuple(
            Refused(entry=candidate(left["entry"]), why=str(left["why"])) for left in data.get("refused") or ()
        ),
    )


def _wanted(data: Mapping[str, Any]) -> Wanted:
    texts = {
        name: str(data.get(name) or "") for name in ("id", "label", "family", "given", "organisation_id", "address")
    }
    return Wanted(
        role=RecipientRole(data.get("role") or RecipientRole.PRESCRIBER),
        id_type=IdType(data.get("id_type") or IdType.LOCAL),
        **texts,
    )


def _route(data: Mapping[str, Any]) -> Route:
    names = ("address", "label", "id", "channel", "format", "certificate", "title", "family", "given")
    texts = {name: str(data.get(name) or "") for name in names}
    return Route(
        id_type=IdType(data.get("id_type") or IdType.LOCAL),
        envelope=Envelope(str(data.get("envelope"))),
        last_message=bool(data.get("last_message")),
        **texts,
    )


def _hold(data: Mapping[str, Any]) -> Hold:
    return Hold(
        code=str(data.get("code") or ""),
        reason=str(data.get("reason") or ""),
        candidates=tuple(candidate(entry) for entry in data.get("candidates") or ()),
    )


def candidate(data: Mapping[str, Any]) -> Entry:
    """The directory entry behind :func:`candidate_json`."""
    plain = {name: data[name] for name in _ENTRY if name in data}
    kind = data.get("id_type")
    return Entry(**{**plain, "id_type": IdType(kind) if kind else None})


def explain_french(decision: Mapping[str, Any], facts: object = None) -> list[str]:
    """Plain sentences about one dispatch: recipient, address, format, channel, protection, rules tried, versions used.

    ``decision`` is the stored JSON; ``facts`` the dispatch, or a mapping with its fields: its ``address``, ``channel``,
    ``format``, ``certificate`` and ``label`` of today win where an operator changed them since. Never raises for an odd
    or empty decision.
    """
    try:
        told = from_json(decision)
    except (KeyError, TypeError, ValueError, AttributeError):
        return ["La décision d'acheminement de cet envoi n'a pas été gardée."]
    now = _as_now(facts)
    lines = [_recipient(told, now), *_outcome(told, now)]
    if told.route is not None and told.hold is not None:  # it left by the route, which was refused
        lines += ["Autres boîtes connues après le refus :", *numbered(told.hold.candidates)]
    if told.trace:
        lines.append("Règles suivies, dans l'ordre :")
        lines += [f"  {_MARKS.get(step.outcome, '·')} {_step(step, lines)}" for step in told.trace]
    wishes = [str(text) for text in decision.get("handling") or ()]
    if wishes:
        lines.append(f"Consignes du laboratoire : {' ; '.join(wishes)}.")
    lines += [f"Boîte laissée de côté : {_candidate(left.entry)} ({left.why})." for left in told.refused]
    used = [_version(name, version, told.ages) for name, version in _in_order(told.versions) if version]
    if used:
        lines.append(f"Données consultées : {' ; '.join(used)}.")
    return lines


def _step(step: TraceStep, said: Sequence[str]) -> str:
    """The reason of a hold stands above already: it is not said twice."""
    twice = step.outcome == "stopped" and said[1].endswith(step.text)
    return "La recherche s'arrête ici, pour la raison dite plus haut." if twice else step.text


def numbered(entries: Iterable[Entry]) -> list[str]:
    """Candidates as ``release --to NUMBER`` takes them."""
    return [f"  candidat {number} : {_candidate(entry)}" for number, entry in enumerate(entries, 1)]


def _in_order(versions: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted(versions.items(), key=lambda item: sources.place(item[0]))


def _version(name: str, version: str, ages: Mapping[str, float]) -> str:
    age = ages.get(name)
    old = "" if age is None else f", {int(age)} jour{'s' if age >= 2 else ''} au moment de la décision"
    return f"{sources.spoken(name, version)}{old}"


def _as_now(facts: object) -> dict[str, str]:
    names = ("address", "channel", "format", "certificate", "label")
    found = {name: facts.get(name) if isinstance(facts, Mapping) else getattr(facts, name, "") for name in names}
    return {name: str(value) for name, value in found.items() if value}


def _recipient(decision: Decision, now: Mapping[str, str]) -> str:
    wanted, route = decision.wanted, decision.route
    label = now.get("label") or (route.label if route else "") or wanted.label or "sans nom"
    given = f"{_kind(wanted.id_type)} {wanted.id}" if wanted.id else "sans code ni identifiant"
    found = f", {_kind(route.id_type)} {route.id}" if route and route.id and route.id != wanted.id else ""
    return f"Destinataire : {label} ({given}{found}), {_ROLES[wanted.role]}."


def _kind(id_type: IdType) -> str:
    return "code" if id_type is IdType.LOCAL else str(id_type)


def _outcome(decision: Decision, now: Mapping[str, str]) -> list[str]:
    route, hold = decision.route, decision.hold
    if route is None and not now.get("address"):
        if decision.paper:
            return [f"Pas d'envoi électronique. {_last(decision)}"]
        if hold is None:
            return ["Aucune adresse n'a été décidée."]
        lines = [f"En attente d'un opérateur : {hold.reason}"]
        lines += numbered(hold.candidates)
        return lines
    address = now.get("address") or (route.address if route else "")
    changed = "" if route and address == route.address else " (choisie par un opérateur depuis la décision)"
    lines = [f"Adresse : {address}{changed}. {_said(decision, 'one-box', 'local-table', 'explicit-address')}".rstrip()]
    layout, channel = now.get("format", ""), now.get("channel", "")
    if route and layout in {"", route.format} and channel in {"", route.channel}:
        lines.append(_said(decision, "channel-and-format") or f"Canal « {route.channel} » ; {_layout(route.format)}.")
    elif layout or channel:
        lines.append(f"Canal « {channel} » ; {_layout(layout)} (changés depuis la décision).")
    certificate = now.get("certificate") or (route.certificate if route else "")
    if certificate:
        lines.append(f"Certificat : chiffré pour le certificat {certificate} (SHA-256).")
    else:
        lines.append(f"Certificat : aucun. {_said(decision, 'protection')}".rstrip())
    return lines


def _layout(name: str) -> str:
    return f"format {FORMATS.get(name, name)}"


def _said(decision: Decision, *rules: str) -> str:
    """What the first of these rules that chose something said."""
    for rule in rules:
        for step in decision.trace:
            if step.rule == rule and step.outcome == "chosen":
                return step.text
    return ""


def _last(decision: Decision) -> str:
    return decision.trace[-1].text if decision.trace else ""


def _candidate(entry: Entry) -> str:
    parts = [entry.label, f"{entry.id_type} {entry.identifier}" if entry.id_type else "", entry.address]
    parts += [entry.structure_name if entry.structure_name != entry.label else "", entry.service]
    parts += [" ".join(part for part in (entry.postcode, entry.town) if part)]
    return ", ".join(part for part in dict.fromkeys(parts) if part)
