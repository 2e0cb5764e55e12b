"""The local rule one choice of an operator makes: code → identifier, else code → address. Pure.

A rule is made of what the file says to recognise a recipient again: a code or a number, never a name. The identifier
is preferred to the address, since the directory follows a person who moves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from dispatcher.report.identifiers import compact
from dispatcher.report.model import IdType
from dispatcher.routing.addresses import as_compared
from dispatcher.routing.candidates import Entry, LocalEntry
from dispatcher.routing.facts import Identity, own_identity
from dispatcher.routing.likeness import Name, agree
from dispatcher.routing.route import Wanted
from dispatcher.service.choose import Choice

NO_CODE = (
    "Rien à retenir : le compte rendu ne donne ni code ni identifiant pour ce destinataire, et un nom seul ne fait pas "
    "une règle (deux médecins peuvent le porter). Faire porter un code ou un RPPS par le logiciel du laboratoire."
)
WRONG_RECORD = (
    "Rien à retenir : le compte rendu donne lui-même le {number}, et {other} Aucune règle : un numéro national ne se "
    "traduit pas, la fiche est à corriger dans le logiciel du laboratoire."
)
BY_HAND = (
    "Rien à retenir : cet envoi ne vient d'aucune source de la configuration, son code peut être celui de plusieurs "
    "logiciels. Ajouter la ligne par « dispatcher directory local add CODE --source NOM »."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of the laboratory's table to write: ``after``, in place of ``before`` when there is one."""

    after: LocalEntry
    before: LocalEntry | None = None

    @property
    def written(self) -> bool:
        """It says something new; otherwise the table has it already."""
        return self.before != self.after


@dataclass(frozen=True, slots=True, kw_only=True)
class NoRule:
    """Why no rule can be made (French), with the lines of the table it would contradict."""

    why: str
    against: tuple[LocalEntry, ...] = ()
    alone: bool = False
    """The one dispatch a person named may leave all the same, once he has said that he saw the name."""


def identity_of(entry: Entry | None) -> Identity | None:
    """The identifier to prefer: of the structure for its own box, else of the person."""
    if entry is None:
        return None
    if entry.box_type == "ORG" or not entry.identifier:
        kind = {9: IdType.FINESS, 14: IdType.SIRET}.get(len(compact(entry.structure_id)))
        return (kind, compact(entry.structure_id)) if kind else None
    return (entry.id_type, entry.identifier) if entry.id_type else None


def drafts(
    wanted: Wanted,
    choice: Choice,
    known: tuple[LocalEntry, ...],
    *,
    source: str,
    today: date,
    equivalents: tuple[Identity, ...] = (),
    instead: bool = False,
) -> tuple[Rule, ...] | NoRule:
    """Rules that may lead to the choice, best first: by identifier alone, then with the address.

    ``known``: the table's lines for this code, valid or not; ``equivalents``: other numbers of the very person the file
    names; ``instead``: the operator wants a line that says otherwise replaced.
    """
    if not wanted.id.strip():
        return NoRule(why=NO_CODE)
    own, identity = own_identity(wanted), identity_of(choice.entry)
    if wanted.id_type is not IdType.LOCAL and own and identity and identity not in {own, *equivalents}:
        return NoRule(
            why=f"Rien à retenir : le compte rendu donne le {own[0]} {own[1]}, et la boîte choisie est celle du "
            f"{identity[0]} {identity[1]}. Un numéro national ne se traduit pas en un autre : corriger la fiche dans "
            "le logiciel du laboratoire."
        )
    if identity is None and wanted.id_type is not IdType.LOCAL:
        identity = own
    before = _to_change(known, identity, choice.address, source, today, instead)
    if isinstance(before, NoRule):
        return before
    label = choice.entry.label if choice.entry is not None else wanted.label
    start = today if known and before is None else None
    blank = LocalEntry(code=wanted.id.strip(), source=source, label=label or wanted.label, valid_from=start)
    completed = before is not None and _completes(before, identity, choice.address)
    base = _base(before, blank, completed)
    kind, identifier = identity or (base.id_type, base.identifier)
    named = replace(base, id_type=kind, identifier=identifier)
    full = replace(named, address=choice.address, label=base.label if completed else wanted.label or base.label)
    return tuple(
        Rule(before=before, after=one) for one in ((replace(named, address=""), full) if identity else (full,))
    )


def _base(before: LocalEntry | None, blank: LocalEntry, completed: bool) -> LocalEntry:
    """The line to write on: of one that is replaced, nothing of the other person stays."""
    if before is None or completed:
        return replace(before or blank, delivery="mail")
    return replace(before, delivery="mail", id_type=None, identifier="", address="", label=blank.label)


def _to_change(
    known: tuple[LocalEntry, ...], identity: Identity | None, address: str, source: str, today: date, instead: bool
) -> LocalEntry | NoRule | None:
    """The line to complete, none, or why the table forbids it."""
    live = [line for line in known if line.valid_to is None or line.valid_to >= today]
    if not live:
        return None
    completes = [line for line in live if _completes(line, identity, address) and _in_force(line, today)]
    if len(live) == 1 and (completes or (instead and _in_force(live[0], today))) and live[0].source in {"", source}:
        return live[0]
    numbers = ", ".join(str(line.line) for line in live)
    where = f"ligne{'s' if len(live) > 1 else ''} {numbers}"
    return NoRule(
        why=f"La table des destinataires dit déjà autre chose de ce code ({where}) : "
        "rien n'est retenu. La changer par « dispatcher directory local set », ou recommencer avec --replace.",
        against=tuple(live),
    )


def _in_force(line: LocalEntry, today: date) -> bool:
    return line.valid_from is None or line.valid_from <= today


def _completes(line: LocalEntry, identity: Identity | None, address: str) -> bool:
    """What the line says already agrees with the choice."""
    same_person = not line.identifier or (line.id_type, line.identifier) == identity or identity is None
    return line.delivery == "mail" and same_person and as_compared(line.address) in {"", as_compared(address)}


def same_name(one: Wanted, other: Wanted) -> bool:
    """Two files may name one person under this code, as strictly as before a mail leaves."""
    return agree(_name(one), _name(other))


def _name(wanted: Wanted) -> Name:
    return Name(wanted.family, wanted.given) if wanted.family else Name(wanted.label)
