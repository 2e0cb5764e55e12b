"""What an address or a form asks for: which dispatches, of which days, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

from starlette.requests import Request

from dispatcher.clock import PARIS
from dispatcher.console.page import field, flash
from dispatcher.console.texts import _, n_
from dispatcher.errors import ConfigError
from dispatcher.outbox.states import State
from dispatcher.ports import DispatchFilter

FIELDS = ("dossier", "destinataire", "canal", "lot", "cause", "fichier", "du", "au")
"""In an address and in a form."""
LONGEST = 500
"""Of a reason."""
TOLD = 3
"""Refusals told one by one."""


def asked(params: Mapping[str, str]) -> dict[str, str]:
    """The fields that say something."""
    found = {name: " ".join(params.get(name, "").split()) for name in FIELDS}
    return {name: text for name, text in found.items() if text}


def wanted(params: Mapping[str, str]) -> DispatchFilter:
    """What they mean. Raises ConfigError: a day that is none."""
    told = asked(params)
    last = day(told.get("au", ""))
    return DispatchFilter(
        order=told.get("dossier", ""),
        recipient=told.get("destinataire", ""),
        channel=told.get("canal", ""),
        batch_id=told.get("lot", ""),
        fault=told.get("cause", ""),
        file_id=told.get("fichier", ""),
        since=_begins(day(told.get("du", ""))),
        until=_begins(last + timedelta(days=1) if last is not None else None),
    )


def states(told: Sequence[str]) -> tuple[State, ...]:
    """Those there are; anything else is left out."""
    known = {state.value: state for state in State}
    return tuple(known[one] for one in dict.fromkeys(told) if one in known)


def day(told: str) -> date | None:
    """As a form writes it; None when empty. Raises ConfigError."""
    if not told:
        return None
    try:
        found = date.fromisoformat(told)
    except ValueError:
        found = None
    if found is None or not 1900 <= found.year < 2200:
        raise ConfigError(_("Ce jour n'existe pas."), hint=_("L'écrire année-mois-jour, par exemple 2026-03-11."))
    return found


def _begins(day: date | None) -> datetime | None:
    """Of Paris."""
    return datetime.combine(day, time(), PARIS).astimezone(UTC) if day is not None else None


def numbers(told: str) -> tuple[str, ...]:
    """Numbers of dispatches or files, each once, whatever stands between them."""
    return tuple(dict.fromkeys(told.replace(",", " ").split()))


def reason(request: Request) -> str:
    """Why a person does it; kept in the journal. Raises ConfigError without one."""
    given = " ".join(field(request, "motif").split())[:LONGEST]
    if not given:
        raise ConfigError(_("Un motif est demandé. Rien n'a été fait."), hint=_("Revenir à la page et l'écrire."))
    return given


def told(request: Request, done: str, refused: Sequence[tuple[str, str]]) -> None:
    """What was done, and the first refusals, on the next page."""
    if done:
        flash(request, done)
    for item, why in refused[:TOLD]:
        flash(request, f"{item} : {why[:240]}", "bad")
    if len(refused) > TOLD:
        flash(request, n_("… et %(num)d autre refus.", "… et %(num)d autres refus.", len(refused) - TOLD), "bad")
