"""Use case: several services on one database. Who is there, is its clock right, is what lies on its disk the same?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatcher.clock import Clock, paris
from dispatcher.errors import NameTaken
from dispatcher.french import age
from dispatcher.ports import DRAIN, LeaseRow, NodeRow, Store
from dispatcher.service import alarms

BEAT = timedelta(seconds=5)
"""Between two heartbeats."""
SILENT = timedelta(seconds=20)
"""A node not heard of for that long is told; only the end of its leases takes work from it."""
SKEW = 5.0
"""Seconds a node's clock may differ from the database's."""

Runs = Callable[[int, str], bool | None]
"""Whether the process of that number and mark runs; None: it cannot be told from here."""


def unknown(number: int, mark: str) -> None:
    """From here nobody can tell."""


_SILENT = "Le poste « {name} » ne donne plus signe de vie depuis {age} "
_DEAD = (
    "et son processus n'existe plus ; ce qu'il tenait est repris à la fin de son bail. Le relancer ; s'il ne doit pas "
    "revenir : « dispatcher nodes forget {name} »."
)
_UNSEEN = (
    "; ce qu'il tenait est repris à la fin de son bail. Regarder sur la machine « {host} » si son service tourne : "
    "arrêté, le relancer ; en marche, c'est le disque ou l'accès à la base. S'il ne doit pas revenir : "
    "« dispatcher nodes forget {name} »."
)
_MUTE = (
    "Le service du poste « {name} » tourne (processus {pid}) mais n'écrit plus rien dans la base depuis {age} : disque "
    "plein, base bloquée ou processus figé. Y remédier, il reprend alors de lui-même ; le relancer n'y change rien."
)
_TAKEN = (
    "Un service tourne déjà sous le nom de poste « {name} » : machine « {host} », processus {pid}, depuis le {since}."
)
_TAKEN_HINT = (
    "Celui-ci ne démarre pas. Un seul service par poste : arrêter l'autre d'abord, ou donner à celui-ci un autre nom "
    "([service] node)."
)
_SKEW = (
    "L'horloge du poste « {name} » {way} de {seconds:.0f} secondes sur celle de la base de données. "
    "Vérifier sa mise à l'heure (NTP) : les heures d'envoi et le débit s'y règlent."
)
_DIFFERENT = (
    "La table des destinataires n'est pas la même sur tous les postes ({names}) : un résultat part selon le poste qui "
    "le prépare. Y mettre le même fichier."
)
_TWIN = (
    "Deux services portent le nom de poste « {name} » : chacun reprend à l'autre ses dossiers et ses boîtes. Donner à "
    "chacun le sien ([service] node) et les redémarrer."
)
_ALL_DRAINING = (
    "Tous les postes en marche sont en vidange ({names}) : plus rien n'est relevé, préparé ni envoyé. "
    "« dispatcher nodes resume {first} » en remet un au travail."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """One node, and what is wrong with it (French; empty: nothing)."""

    node: NodeRow
    silent: str
    runs: bool | None
    """Its process, where that can be told."""
    skewed: str
    twin: str
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
    all_draining: str

    @property
    def alarms(self) -> tuple[str, ...]:
        """Everything there is to tell."""
        told = [text for one in self.nodes for text in (one.silent, one.skewed, one.twin)]
        return tuple(text for text in (self.all_draining, *told, self.different) if text)


def view(store: Store, runs: Runs = unknown) -> NodesView:
    """Every node known, as it is now."""
    with store.reading() as uow:
        rows, leases, now = uow.nodes.list(), uow.leases.list(), uow.nodes.now()
    living = [row for row in rows if lives(row, now)]
    return NodesView(
        nodes=tuple(_view(row, leases, now, runs(row.pid, row.process)) for row in rows),
        different=_different(living),
        all_draining=_all_draining(living),
    )


def lives(row: NodeRow, now: datetime) -> bool:
    """It was heard of lately; ``now`` by the clock all nodes share."""
    return abs(now - row.seen_at) <= SILENT  # not since a clock was set back, when that was at a moment to come


def _view(row: NodeRow, leases: Sequence[LeaseRow], now: datetime, runs: bool | None) -> NodeView:
    way = "avance" if row.skew > 0 else "retarde"
    held = [one for one in leases if one.node == row.name and one.owner and one.until and one.until > now]
    return NodeView(
        node=row,
        silent="" if lives(row, now) else _silent(row, now, runs),
        runs=runs,
        skewed=_SKEW.format(name=row.name, way=way, seconds=abs(row.skew)) if abs(row.skew) > SKEW else "",
        twin=_TWIN.format(name=row.name) if any(one.name == twins(row.name) for one in held) else "",
        owns=tuple(one.name for one in held if one.name != twins(row.name)),
    )


def _silent(row: NodeRow, now: datetime, runs: bool | None) -> str:
    text = _MUTE if runs else _SILENT + (_UNSEEN if runs is None else _DEAD)
    return text.format(name=row.name, host=row.host, pid=row.pid, age=age(now - row.seen_at))


def _different(living: Sequence[NodeRow]) -> str:
    if len({row.digests.get("local", "") for row in living}) < 2:
        return ""
    return _DIFFERENT.format(names=", ".join(row.name for row in living))


def _all_draining(living: Sequence[NodeRow]) -> str:
    if not living or any(row.wanted != DRAIN for row in living):
        return ""
    return _ALL_DRAINING.format(names=", ".join(row.name for row in living), first=living[0].name)


def watch(store: Store, runs: Runs = unknown) -> int:
    """Tell each alarm that begins or ends, once; gives how many were told. For one node at a time."""
    seen, told = view(store, runs), 0
    for one in seen.nodes:
        told += bool(alarms.tell(store, silence(one.node.name), one.silent))
        told += bool(alarms.tell(store, wrong_clock(one.node.name), one.skewed))
        told += bool(alarms.tell(store, twins(one.node.name), one.twin))
    told += bool(alarms.tell(store, DRAINED, seen.all_draining))
    return told + bool(alarms.tell(store, TABLES, seen.different))


def watch_when_all_drain(store: Store) -> None:
    """Asked by every node that drains: its ticks are at rest, and when all drain nobody else would tell of it."""
    if view(store).all_draining:
        watch(store)


TABLES = "nodes/local-table"
"""Subject of the alarm about tables that differ."""
DRAINED = "nodes/all-draining"
"""Subject of the alarm that nobody works."""


def silence(name: str) -> str:
    """Subject of the alarm about a node that fell silent."""
    return f"node:{name}/silent"


def wrong_clock(name: str) -> str:
    """Subject of the alarm about a node's clock."""
    return f"node:{name}/clock"


def twins(name: str) -> str:
    """Subject of the alarm about two services of one name, and the lease by which the one without a row says so."""
    return f"node:{name}/twin"


def join(store: Store, node: NodeRow) -> None:
    """A service starts under its name."""
    with store.transaction() as uow:
        uow.nodes.join(node)


def enter(store: Store, node: NodeRow, runs: Runs, silent: NodeRow | None = None) -> NodeRow | None:
    """A service starts under its name, unless another lives that bears it: then its row, and nothing is changed.

    ``silent``: one that was watched for as long as it takes, and gave no sign of life.
    """
    with store.transaction() as uow:
        before = uow.nodes.bearer(node.name)
        if before is not None and not same_sign(before, silent) and _bears(before, uow.nodes.now(), runs):
            return before
        uow.nodes.join(node)
    return None


def same_sign(row: NodeRow, other: NodeRow | None) -> bool:
    """The very same sign of life of the same service."""
    return other is not None and (row.id, row.seen_at) == (other.id, other.seen_at)


def _bears(row: NodeRow, now: datetime, runs: Runs) -> bool:
    """Or may: after a sign of life at a moment to come (a clock was set back) another one is worth waiting for."""
    return now - row.seen_at <= SILENT and runs(row.pid, row.process) is not False


def name_taken(row: NodeRow) -> NameTaken:
    """What is told of a name that another living service bears."""
    since = paris(row.started_at).strftime("%d/%m/%Y %H:%M")
    return NameTaken(_TAKEN.format(name=row.name, host=row.host, pid=row.pid, since=since), hint=_TAKEN_HINT)


def leave(store: Store, node: NodeRow) -> None:
    """It ends in good order: nothing of it is left to be told."""
    with store.transaction() as uow:
        uow.nodes.leave(node.id)
    _all_over(store, node.name)


def take_over_own(store: Store, name: str, runs: Runs = unknown) -> None:
    """What a dead process of this very node held by name is free, unless a service of that name lives."""
    with store.transaction() as uow:
        row = uow.nodes.bearer(name)
        if row is None or not lives(row, uow.nodes.now()) or runs(row.pid, row.process) is False:
            uow.nodes.free(name)


def drain(store: Store, name: str, *, actor: str, force: bool = False) -> str:
    """Ask a node to drain. Gives ``draining``, ``unknown``, or ``last``: refused, as no other living node works."""
    with store.transaction() as uow:
        rows, now = uow.nodes.list(), uow.nodes.now()
        others = [row for row in rows if row.name != name and lives(row, now) and row.wanted != DRAIN]
        if any(row.name == name for row in rows) and not others and not force:
            return "last"
        return "draining" if uow.nodes.want(name, DRAIN, actor=actor) else "unknown"


def resume(store: Store, name: str, *, actor: str) -> bool:
    """Ask a node to go on; False when it is unknown."""
    with store.transaction() as uow:
        return uow.nodes.want(name, "", actor=actor)


def forget(store: Store, clock: Clock, name: str, *, actor: str, force: bool = False) -> str:
    """End all leases of a node that will not come back. Gives ``forgotten``, ``unknown``, or ``alive``: refused."""
    with store.transaction() as uow:
        row = next((row for row in uow.nodes.list() if row.name == name), None)
        if row is None:
            return "unknown"
        if lives(row, uow.nodes.now()) and not force:
            return "alive"
        uow.nodes.forget(name, actor=actor)
        uow.dispatches.expire_leases(clock.now())
    _all_over(store, name)
    return "forgotten"


def _all_over(store: Store, name: str) -> None:
    for subject in (silence(name), wrong_clock(name), twins(name)):
        alarms.tell(store, subject, "")
