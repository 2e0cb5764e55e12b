"""Use case: what waits for a person, grouped by what would settle it, the greatest group first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import State
from dispatcher.ports import DispatchFilter, UnitOfWork
from dispatcher.report.model import IdType
from dispatcher.routing.holds import HOLDS, OUTSIDE, Reason
from dispatcher.routing.route import Wanted
from dispatcher.service.desk import Desk
from dispatcher.service.learn import waits_for_recipient
from dispatcher.service.make import route_one

BY_RECIPIENT = frozenset(
    {
        "unknown-recipient",
        "ambiguous-recipient",
        "name-disagrees",
        "identifier-disagrees",
        "bad-address",
        *("ambiguous-correspondence", "moved-away", "red-list", "sources-disagree", "unverified-identifier"),
    }
)
"""Holds that knowing the recipient settles."""
MOST = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Held dispatches that one decision would settle."""

    what: str
    """French: « code D001 », « liste des domaines autorisés », …"""
    todo: str
    """French: the command or the thing to do."""
    ids: tuple[str, ...]
    """Oldest first."""
    label: str
    """The recipient as the files call him, or empty."""
    oldest: Dispatch
    source: str = ""
    code: str = ""
    settled: bool = False
    """The table or the directories answer by now: releasing by code is enough."""

    @property
    def count(self) -> int:
        """How many."""
        return len(self.ids)


_OTHERS: dict[str, Reason] = {
    "report-check": Reason("Faute dans le compte rendu.", "Corriger dans le SIL et réexporter."),
    "stopped-program": Reason(
        "Le programme s'est arrêté plusieurs fois en ouvrant le courrier de cet envoi ; rien n'est parti.",
        "Voir le journal technique ; la cause trouvée, libérer (« dispatcher release »), sinon clore et remettre "
        "autrement.",
    ),
    "operator": Reason("Mis en attente par un opérateur.", "Libérer ou clore."),
}
"""Holds that are not of routing."""


def held_groups(desk: Desk, most: int = MOST) -> tuple[Group, ...]:
    """Groups of everything held, greatest first, then the one that waits longest. ``most``: only the oldest ones."""
    with desk.store.reading() as uow:
        held = uow.dispatches.list(DispatchFilter(states=(State.HELD,), limit=most))
        sources = {one.id: _source(uow, one) for one in held}
    found: dict[tuple[str, ...], list[tuple[Dispatch, Wanted | None]]] = {}
    for dispatch in held:
        wanted = waits_for_recipient(dispatch)
        found.setdefault(_key(dispatch, wanted, sources.get(dispatch.id, "")), []).append((dispatch, wanted))
    groups = [_group(desk, key, members) for key, members in found.items()]
    return tuple(sorted(groups, key=lambda group: (-group.count, group.oldest.created_at, group.oldest.id)))


def _source(uow: UnitOfWork, dispatch: Dispatch) -> str:
    version = uow.reports.get(dispatch.report_id)
    file = uow.files.get(version.file_id) if version is not None else None
    return file.source if file is not None else ""


def _key(dispatch: Dispatch, wanted: Wanted | None, source: str) -> tuple[str, ...]:
    if wanted is None or dispatch.hold_code not in BY_RECIPIENT:
        return ("hold", dispatch.hold_code)
    if wanted.id:
        return ("code", source if wanted.id_type is IdType.LOCAL else "", str(wanted.id_type), wanted.id)
    return ("name", wanted.label or wanted.family)


def _group(desk: Desk, key: tuple[str, ...], members: Iterable[tuple[Dispatch, Wanted | None]]) -> Group:
    members = list(members)
    first, wanted = members[0]
    ids = tuple(dispatch.id for dispatch, _ in members)
    if key[0] == "hold":
        plain = Reason(first.reason or "Sans motif.", f"« dispatcher explain {first.id} »")
        reason = {**HOLDS, **OUTSIDE, **_OTHERS}.get(key[1], plain)
        return Group(what=reason.means, todo=reason.do, ids=ids, label="", oldest=first)
    label = next((one.label or one.family for _, one in members if one is not None and (one.label or one.family)), "")
    if key[0] == "name" or wanted is None:
        what = f"nom « {label} », sans code" if label else "aucun destinataire nommé"
        todo = f"un par un (un nom ne fait pas une règle) : « dispatcher explain {first.id} » montre les candidats"
        return Group(what=what, todo=todo, ids=ids, label=label, oldest=first)
    what = f"code {wanted.id}" if wanted.id_type is IdType.LOCAL else f"{wanted.id_type} {wanted.id}"
    source = key[1]
    settled = route_one(desk, source, wanted).route is not None
    todo = f"dispatcher release --code {wanted.id}" if settled else f"dispatcher release {first.id} --to … --remember"
    what += f" (source {source})" if source and len(desk.sources) > 1 else ""
    return Group(
        what=what, todo=todo, ids=ids, label=label, oldest=first, source=source, code=wanted.id, settled=settled
    )
