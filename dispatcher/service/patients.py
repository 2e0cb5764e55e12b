"""A patient's address is his INS: rows, decisions and sentences carry a pseudonym, the address an encrypted payload.

Index tables hold no patient identity in clear (decision D4); D14 for logs and lists.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date

from dispatcher.outbox.dispatch import Dispatch
from dispatcher.ports import DispatchFilter, UnitOfWork
from dispatcher.report.versions import identity_text
from dispatcher.routing.addresses import as_compared, hidden, is_patient
from dispatcher.routing.route import Decision
from dispatcher.routing.trace import as_json, from_json
from dispatcher.service.desk import Desk

RECIPIENT = "recipient"
"""Kind of the payload that holds the address."""
_MATRICULE = re.compile(r"\b[1-478][0-9]{4}(?:[0-9]{2}|2[ABab])[0-9]{6}(?:[0-9]{2})?\b")


def masked(desk: Desk, dispatch: Dispatch, address: str) -> Dispatch:
    """``dispatch`` with the pseudonym of ``address`` wherever a patient's address stands, in the decision too."""
    name = f"patient-{desk.cipher.hash(f'adresse:{as_compared(address)}')[:16]}"
    text = json.dumps(dispatch.decision, ensure_ascii=False)
    without = hidden(text, name)
    if not is_patient(address) and without == text:
        return dispatch
    return replace(
        dispatch,
        address=hidden(dispatch.address, name),
        label=hidden(dispatch.label, name),
        reason=hidden(dispatch.reason, name),
        recipient_id="" if is_patient(address) else hidden(dispatch.recipient_id, name),
        decision=json.loads(without),
    )


def about(desk: Desk, *, birth_name: str, given: str, born: date) -> DispatchFilter:
    """Everything about one patient, by the three traits exactly as reports give them; none is kept in clear."""
    traits = identity_text(birth_name, given, born)
    return DispatchFilter(patient=desk.cipher.hash(traits), oldest_first=False)


def shown(decision: Decision) -> Decision:
    """For a screen: without the number in front of a patient's address, wherever the decision tells it."""
    return from_json(json.loads(hidden(json.dumps(as_json(decision), ensure_ascii=False), "patient")))


def envelope_address(uow: UnitOfWork, dispatch: Dispatch) -> str:
    """The address to write on the envelope. Raises StoreError, KeyringError."""
    if not is_patient(dispatch.address):
        return dispatch.address
    kept = uow.payloads.get(dispatch.id, RECIPIENT)
    return kept.decode() if kept is not None else ""


def as_sent(uow: UnitOfWork, dispatch: Dispatch | None) -> Dispatch | None:
    """In memory only, to compare with a notice: the dispatch with the address it was sent to."""
    if dispatch is None or not is_patient(dispatch.address):
        return dispatch
    return replace(dispatch, address=envelope_address(uow, dispatch) or dispatch.address)


def quotable(dispatch: Dispatch, text: str) -> str:
    """What a server said, without the matricule it may quote."""
    return _MATRICULE.sub("…", text) if is_patient(dispatch.address) else text
