"""What a sender orders: documents, each with whom it goes to and what is said of its patient. Pure values.

Recipients of a document, the surest first: the manifest's line, ``--to`` or a saved list, the file name, the document.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from dispatcher.formats.manifest.grid import Fault
from dispatcher.formats.manifest.names import Pattern, Said, said_by
from dispatcher.formats.manifest.reader import Line, Target
from dispatcher.formats.pdf_index.dates import read_moment
from dispatcher.formats.pdf_index.records import stem
from dispatcher.formats.pdf_index.words import key
from dispatcher.ports import Cipher
from dispatcher.report.model import IdType
from dispatcher.report.moments import day_of
from dispatcher.routing.route import RecipientRole, Wanted
from dispatcher.routing.saved_lists import SavedLists

_TYPES = {**{str(kind).lower(): kind for kind in IdType}, "code": IdType.LOCAL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One document."""

    position: int
    path: str
    name: str
    sha256: str = ""
    wanted: tuple[Wanted, ...] = ()
    """Empty: the document names them."""
    facts: tuple[tuple[str, str], ...] = ()
    """What the sender says of it, in fields of an index of PDFs. Forgotten once the document is taken in."""
    facts_key: str = ""
    """Keyed hash of the facts, which stays."""
    beside: tuple[tuple[str, str], ...] = ()
    """Index or documents that go with it: the name it uses, the path."""
    lines: tuple[int, ...] = ()
    """Of the manifest."""
    asked: int = 0
    """Reports times recipients."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """All of one bulk send."""

    title: str
    """As people find it again: the manifest's or the folder's name."""
    place: str = ""
    """Path of the manifest; empty without one."""
    items: tuple[Item, ...] = ()

    @property
    def count(self) -> int:
        """Lines asked for."""
        return sum(item.asked for item in self.items)

    def digest(self, cipher: Cipher) -> str:
        """The same for the same documents, recipients and patients, wherever they lie."""
        return cipher.hash(json.dumps(["bulk-1", sorted(map(_told, self.items))], ensure_ascii=True))

    def numbered(self) -> Order:
        """With places that follow from what the digest says, whatever the order of the lines: what was taken in for
        one stays this one's when the same lines come in another order.
        """
        ranked = sorted(range(len(self.items)), key=lambda at: _told(self.items[at]))
        places = {at: position for position, at in enumerate(ranked)}
        items = tuple(replace(item, position=places[at]) for at, item in enumerate(self.items))
        return replace(self, items=items)

    def to_json(self) -> bytes:
        """For the encrypted payload."""
        return json.dumps(asdict(self), ensure_ascii=False).encode()

    @classmethod
    def from_json(cls, content: bytes) -> Order:
        """What :meth:`to_json` wrote."""
        data = json.loads(content)
        return cls(title=data["title"], place=data["place"], items=tuple(_item(one) for one in data["items"]))


def _told(item: Item) -> list[Any]:
    wanted = sorted(f"{one.key} {one.address}" for one in item.wanted)
    return [item.name, item.sha256, wanted, sorted(item.facts)]


def _item(data: dict[str, Any]) -> Item:
    wanted = tuple(
        Wanted(**{**one, "role": RecipientRole(one["role"]), "id_type": IdType(one["id_type"])})
        for one in data["wanted"]
    )
    pairs = {name: tuple((one[0], one[1]) for one in data[name]) for name in ("facts", "beside")}
    return Item(**{**data, "wanted": wanted, "lines": tuple(data["lines"]), **pairs})


def wanted_of(target: Target) -> Wanted:
    """A recipient as the manifest or a saved list names it."""
    if target.kind == "address":
        return Wanted(role=RecipientRole.ADDED, label=target.label or target.text, address=target.text)
    return Wanted(
        role=RecipientRole.ADDED,
        id=target.text,
        id_type=_TYPES[target.kind],
        label=target.label or target.text,
        address=target.address,
    )


def index_beside(item: Item) -> dict[str, bytes]:
    """The facts as the index that would stand beside the document, had the sender written one."""
    if not item.facts:
        return {}
    content = json.dumps({"file": item.name, **dict(item.facts)}, ensure_ascii=False)
    return {f"{stem(item.name)}.json": content.encode()}


def sealed(item: Item, cipher: Cipher) -> Item:
    """With the hash of its facts."""
    return replace(item, facts_key=cipher.hash(json.dumps(sorted(item.facts))) if item.facts else "")


# --------------------------------------------------------------------------------------------- from a manifest


def from_manifest(
    lines: Sequence[Line], paths: Mapping[int, str], lists: SavedLists, patterns: Sequence[Pattern]
) -> tuple[tuple[Item, ...], tuple[Fault, ...]]:
    """One item for each file; everything that cannot be taken as it stands is a fault."""
    faults: list[Fault] = []
    grouped: dict[str, list[Line]] = {}
    for line in lines:
        if line.number in paths:
            grouped.setdefault(paths[line.number], []).append(line)
    items = list[Item]()
    for path, mine in grouped.items():
        name = path.replace("\\", "/").rpartition("/")[2]
        said, wrong = said_by(name, patterns)
        if wrong:
            faults.append(Fault(line=mine[0].number, column=mine[0].column, text=wrong))
        wanted = _wanted(mine, lists, said, faults)
        facts = _facts(mine, said, faults)
        numbers = tuple(line.number for line in mine)
        items.append(Item(position=len(items), path=path, name=name, wanted=wanted, facts=facts, lines=numbers))
    return tuple(items), tuple(faults)


def _wanted(mine: Sequence[Line], lists: SavedLists, said: Said | None, faults: list[Fault]) -> tuple[Wanted, ...]:
    named: dict[str, tuple[Wanted, int]] = {}
    for line in mine:
        targets: tuple[Target, ...] = (line.target,) if line.target is not None else ()
        if line.target is not None and line.target.kind == "list":
            found, why = lists.find(line.target.text)
            targets = found.members if found is not None else ()
            if found is None:
                faults.append(Fault(line=line.number, text=why))
        for target in targets:
            wanted = wanted_of(target)
            before = named.get(wanted.key)
            if before is not None:
                text = f"même fichier et même destinataire qu'à la ligne {before[1]} ; n'en garder qu'une"
                faults.append(Fault(line=line.number, column=line.column, text=text))
            else:
                named[wanted.key] = (wanted, line.number)
    if not named and len(mine) > 1:
        text = f"fichier déjà nommé à la ligne {mine[0].number}, sans destinataire ; n'en garder qu'une"
        faults += [Fault(line=line.number, column=line.column, text=text) for line in mine[1:]]
    by_name, why = _by_name(said, lists)
    if why:
        faults.append(Fault(line=mine[0].number, column=mine[0].column, text=why))
    if not named:
        return by_name
    keys = {one.key for one in by_name}
    if keys and not (keys <= named.keys() or named.keys() <= keys):
        text = "le nom du fichier nomme un autre destinataire que le bordereau ; vérifier à qui va ce document"
        faults.append(Fault(line=mine[0].number, column=mine[0].column, text=text))
    return tuple(wanted for wanted, _ in named.values())


def _by_name(said: Said | None, lists: SavedLists) -> tuple[tuple[Wanted, ...], str]:
    """Whom a file name names; and in French why that is nobody."""
    if said is None or said.target is None:
        return (), ""
    if said.target.kind != "list":
        return (wanted_of(said.target),), ""
    found, why = lists.find(said.target.text)
    return (tuple(wanted_of(one) for one in found.members) if found is not None else ()), why


def _facts(mine: Sequence[Line], said: Said | None, faults: list[Fault]) -> tuple[tuple[str, str], ...]:
    told: dict[str, tuple[str, int]] = {}
    for line in mine:
        for fact in line.facts:
            before = told.setdefault(fact.field, (fact.text, line.number))
            if key(before[0]) != key(fact.text):
                text = f"autre valeur qu'à la ligne {before[1]} pour le même fichier"
                faults.append(Fault(line=line.number, column=fact.column, text=text))
    facts = {field: text for field, (text, _) in told.items()}
    for fact in said.facts if said is not None else ():
        if _spelt(fact.field, facts.setdefault(fact.field, fact.text)) != _spelt(fact.field, fact.text):
            text = "le nom du fichier dit autre chose que le bordereau ; vérifier à quel patient est ce document"
            faults.append(Fault(line=mine[0].number, column=mine[0].column, text=text))
    return tuple(facts.items())


def _spelt(field: str, text: str) -> str:
    when = read_moment(text) if field.endswith(("_date", "_at")) else None
    return str(day_of(when)) if when is not None else key(text)


def with_chosen(
    item: Item, chosen: Sequence[Wanted], lists: SavedLists, patterns: Sequence[Pattern]
) -> tuple[Item, str]:
    """A document without a manifest: ``chosen`` by the sender, else by its name. And in French why not."""
    said, wrong = said_by(item.name, patterns)
    if wrong or said is None:
        return replace(item, wanted=tuple(chosen)), wrong
    wanted, why = (tuple(chosen), "") if chosen else _by_name(said, lists)
    if why:
        return item, why
    facts = tuple((fact.field, fact.text) for fact in said.facts)
    return replace(item, wanted=wanted, facts=facts), ""
