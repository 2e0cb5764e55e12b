"""Use case: several services on one database. Who is there, is its clock right, is what lies on its disk the same?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatcher.clock import Clock
from dispatcher.ports import DRAIN, LeaseRow, NodeRow, Store
from dispatcher.service import alarms

BEAT = timedelta(seconds=5)
"""Between two heartbeats."""
SILENT = timedelta(seconds=20)
"""A node not heard of for that long is told; only the end of its leases takes work from it."""
SKEW = 5.0
"""Seconds a node's clock may differ from the database's."""

_SILENT = (
    "Le poste « {name} » ne donne plus signe de vie depuis {seconds} secondes ; son travail est repris à la fin de son "
    "bail. Le relancer ; s'il ne doit pas revenir : « dispatcher nodes forget {name} »."
)
_SKEW = (
    "L'horloge du poste « {name} » {way} de {seconds:.0f} secondes sur celle de la base de données. "
    "Vérifier sa mise à l'heure (NTP) : les heures d'envoi et le débit s'y règlent."
)
_DIFFERENT = (
    "La table des destinataires n'est pas la même sur tous les postes ({names}) : un résultat part selon le poste qui "
    "le prépare. Y mettre le même fichier."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """One node, and what is wrong with it (French; empty: nothing)."""

    node: NodeRow
    silent: str
    skewed: str
    owns: tuple[str, ...]
    """Names of the leases it holds now."""

    @property
    def draining(self) -> bool:
        return self.node.wanted == DRAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class NodesView:
    """All nodes, and what is wrong between them."""

    nodes: tuple[NodeView, ...]
    different: str

    @property
    def alarms(self) -> tuple[str, ...]:
        """Everything there is to tell."""
        told = [text for one in self.nodes for text in (one.silent, one.skewed)]
        return tuple(text for text in (*told, self.different) if text)


def view(store: Store) -> NodesView:
    """Every node known, as it is now."""
    with store.reading() as uow:
        rows, leases, now = uow.nodes.list(), uow.leases.list(), uow.nodes.now()
    return NodesView(nodes=tuple(_view(row, leases, now) for row in rows), different=_different(rows, now))


def _view(row: NodeRow, leases: Sequence[LeaseRow], now: datetime) -> NodeView:
    age = now - row.seen_at
    way = "avance" if row.skew > 0 else "retarde"
    return NodeView(
        node=row,
        silent=_SILENT.format(name=row.name, seconds=int(age.total_seconds())) if age > SILENT else "",
        skewed=_SKEW.format(name=row.name, way=way, seconds=abs(row.skew)) if abs(row.skew) > SKEW else "",
        owns=tuple(one.name for one in leases if one.node == row.name and one.owner and one.until and one.until > now),
    )


def _different(rows: Sequence[NodeRow], now: datetime) -> str:
    living = [row for row in rows if now - row.seen_at <= SILENT]
    if len({row.digests.get("local", "") for row in living}) < 2:
        return ""
    return _DIFFERENT.format(names=", ".join(row.name for row in living))


def watch(store: Store) -> int:
    """Tell each alarm that begins or ends, once; gives how many were told. For one node at a time."""
    seen, told = view(store), 0
    for one in seen.nodes:
        told += bool(alarms.tell(store, silence(one.node.name), one.silent))
        told += bool(alarms.tell(store, wrong_clock(one.node.name), one.skewed))
    return told + bool(alarms.tell(store, TABLES, seen.different))


TABLES = "nodes/local-table"
"""Subject of the alarm about tables that differ."""


def silence(name: str) -> str:
    """Subject of the alarm about a node that fell silent."""
    return f"node:{name}/silent"


def wrong_clock(name: str) -> str:
    """Subject of the alarm about a node's clock."""
    return f"node:{name}/clock"


def join(store: Store, node: NodeRow) -> None:
    """A service starts under its name."""
    with store.transaction() as uow:
        uow.nodes.join(node)


def leave(store: Store, node: NodeRow) -> None:
    """It ends in good order: nothing of it is left to be told."""
    with store.transaction() as uow:
        uow.nodes.leave(node.id)
    _all_over(store, node.name)


def take_over_own(store: Store, name: str) -> None:
    """What a dead process of this very node held by name is free, unless a service of that name lives."""
    with store.transaction() as uow:
        now = uow.nodes.now()
        if not any(row.name == name and now - row.seen_at <= SILENT for row in uow.nodes.list()):
            uow.nodes.free(name)


def order(store: Store, name: str, wanted: str, *, actor: str) -> bool:
    """Ask a node to drain (:data:`DRAIN`) or to go on (empty); False when it is unknown."""
    with store.transaction() as uow:
        return uow.nodes.want(name, wanted, actor=actor)


def forget(store: Store, clock: Clock, name: str, *, actor: str, force: bool = False) -> str:
    """End all leases of a node that will not come back. Gives ``forgotten``, ``unknown``, or ``alive``: refused."""
    with store.transaction() as uow:
        row = next((row for row in uow.nodes.list() if row.name == name), None)
        if row is None:
            return "unknown"
        if uow.nodes.now() - row.seen_at <= SILENT and not force:
            return "alive"
        uow.nodes.forget(name, actor=actor)
        uow.dispatches.expire_leases(clock.now())
    _all_over(store, name)
    return "forgotten"


def _all_over(store: Store, name: str) -> None:
    for subject in (silence(name), wrong_clock(name)):
        alarms.tell(store, subject, "")
