"""Recipients a sender chose for a file (``dispatcher send --to``), kept with the file before anything else happens."""

from __future__ import annotations

import json
from dataclasses import asdict

from dispatcher.ports import Store, UnitOfWork
from dispatcher.report.model import IdType
from dispatcher.routing.route import RecipientRole, Wanted

ADDED = "recipients"
"""Kind of the payload."""
MORE = "dispatches"
"""Kind of the payload that names dispatches of a report first brought by another file."""


def keep(uow: UnitOfWork, file_id: str, added: tuple[Wanted, ...]) -> None:
    """Write them down; nothing when the documents name their recipients themselves."""
    if added:
        uow.payloads.put(file_id, ADDED, json.dumps([asdict(wanted) for wanted in added]).encode())


def chosen_for(store: Store, file_id: str) -> tuple[Wanted, ...]:
    """Recipients the sender chose for a file of a bulk send; empty when the documents name them."""
    with store.reading() as uow:
        content = uow.payloads.get(file_id, ADDED)
    if content is None:
        return ()
    return tuple(
        Wanted(**{**item, "role": RecipientRole(item["role"]), "id_type": IdType(item["id_type"])})
        for item in json.loads(content)
    )


def note_more(uow: UnitOfWork, file_id: str, dispatch_ids: tuple[str, ...]) -> None:
    """This file led to (more) dispatches of a report that another file had brought."""
    if not dispatch_ids:
        return
    uow.payloads.put(file_id, MORE, json.dumps((*more_of(uow, file_id), *dispatch_ids)).encode())


def more_of(uow: UnitOfWork, file_id: str) -> tuple[str, ...]:
    """The dispatches :func:`note_more` noted."""
    content = uow.payloads.get(file_id, MORE)
    return tuple(json.loads(content)) if content is not None else ()
