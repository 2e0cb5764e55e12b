"""Dispatches that may be what kills the workers: claimed alone, one at a time, and set aside in the end (ADR 0016).

A sealed mail is opened before its hand-over begins. Bytes that end the process there would end the next one too, and
with each the other mails of its claim come back: those are innocent. So returns in company only make a suspect; what
sets a dispatch aside are returns of its own, with no other suspect in hand anywhere.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, and_, bindparam, literal, or_, select

from dispatcher.outbox.dispatch import Lane
from dispatcher.outbox.states import State
from dispatcher.store.claims import Chosen, Guard, may_leave
from dispatcher.store.session import Session
from dispatcher.store.tables import SUSPECT, SUSPECTS, destinations, in_state
from dispatcher.store.tables import dispatches as table

MOST = SUSPECT + 3
"""Returns after which a dispatch is set aside: the last three came while it was claimed alone."""
CODE = "stopped-program"
"""Hold code."""
REASON = (
    f"Le programme s'est arrêté {MOST} fois avec cet envoi en main, les dernières fois avec lui seul, et jamais la "
    "remise n'a commencé : rien n'est parti. Voir le journal technique ; la cause trouvée, libérer l'envoi "
    "(« dispatcher release »), sinon le clore et remettre le compte rendu autrement."
)


def next_suspect(session: Session, channel: str, lane: Lane | None, now: datetime) -> list[Chosen]:
    """The suspect to try now, if there is one and no other is being tried on any channel or node."""
    lanes = (lane,) if lane is not None else (Lane.URGENT, Lane.ROUTINE)
    for one in lanes:
        row = session.read(_next(), {"of_channel": channel, "of_lane": one, "now": now}).first()
        if row is not None:
            free = session.try_lock("suspect") and session.read(_IN_HAND).first() is None
            return [Chosen(row.id, Guard(row.domain) if row.circuit else None)] if free else []
    return []


_IN_HAND = select(literal(1)).where(in_state(table, State.SENDING), table.c.returns >= SUSPECT).limit(1)


@cache
def _next() -> Select[Any]:
    """The oldest that may leave and whose domain is open, or may be tried."""
    known = destinations.c
    way = and_(known.channel == table.c.channel, known.domain == table.c.domain)
    rested = or_(known.state.is_(None), known.state == "", known.probe_at <= bindparam("now"))
    free = or_(known.free_at.is_(None), known.free_at <= bindparam("now"))
    mine = table.c.channel == bindparam("of_channel"), table.c.lane == bindparam("of_lane")
    return (
        select(table.c.id, table.c.domain, known.state.label("circuit"))
        .select_from(table.outerjoin(destinations, way))
        .where(in_state(table, State.QUEUED), SUSPECTS, *mine, rested, free, may_leave(table))
        .order_by(table.c.created_at, table.c.id)
        .limit(1)
    )
