"""What the sender named, on the disk, to an order: manifest and folder, or files and recipients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from dispatcher.cli.output import complain
from dispatcher.errors import ConfigError, in_french
from dispatcher.formats.manifest.grid import Fault
from dispatcher.formats.manifest.names import Pattern, patterns_of, said_by
from dispatcher.formats.manifest.reader import read_manifest
from dispatcher.formats.registry import is_index
from dispatcher.intake import by_hand
from dispatcher.intake.manifest_folder import locate, unlisted_faults
from dispatcher.ports import Taken
from dispatcher.routing.route import Wanted
from dispatcher.routing.saved_lists import SavedLists
from dispatcher.service import bulk_order
from dispatcher.service.bulk_order import Item, Order
from dispatcher.wiring import Office, list_book

TWICE_TOLD = "le patient est dans {where} et dans un index à côté du PDF (« {name} ») ; ne le dire qu'à un endroit"
TWO_NAMED = "le nom du PDF « {name} » nomme un destinataire, mais c'est l'index qui part : donner --to, ou ôter l'index"


@dataclass(slots=True)
class Asked:
    """What is to be sent, and all that stands against it so far."""

    order: Order
    faults: list[str] = field(default_factory=list)
    """French; with one of them nothing leaves."""
    remarks: list[str] = field(default_factory=list)
    left_out: tuple[str, ...] = ()
    """What was named and is not sent; the rest leaves all the same."""


def opened(item: Item) -> Taken:
    """A document of an order where it lies. Raises IntakeError."""
    return by_hand.take(Path(item.path), item.beside, bulk_order.index_beside(item))


def lists_of(office: Office) -> SavedLists:
    """The saved lists."""
    return list_book(office.settings, office.clock).look()


def of_manifest(office: Office, manifest: Path, folder: Path, *, all_listed: bool) -> Asked:
    """By a manifest. Raises ConfigError when it cannot be read at all."""
    try:
        content = manifest.read_bytes()
        told = read_manifest(content)
        located = locate(told.lines, folder, manifest)
    except OSError as error:
        raise ConfigError(
            f"{error.filename or manifest} : illisible ({in_french(error)}).", hint="Vérifier le chemin et les droits."
        ) from error
    faults = [*told.faults, *located.faults]
    paths = {number: str(path) for number, path in located.paths.items()}
    items, wrong = bulk_order.from_manifest(told.lines, paths, lists_of(office), _patterns(office))
    faults += wrong
    items = tuple(_with_beside(item, manifest, faults) for item in items)
    if all_listed:
        used = {Path(path).resolve() for item in items for _, path in item.beside}
        faults += unlisted_faults(located.unlisted, used)
    faults.sort(key=lambda one: (one.line == 0, one.line))
    return Asked(
        order=Order(title=manifest.name, place=str(manifest.resolve()), items=items),
        faults=[str(fault) for fault in dict.fromkeys(faults)],
        remarks=[str(remark) for remark in told.remarks],
    )


def _with_beside(item: Item, manifest: Path, faults: list[Fault]) -> Item:
    path = Path(item.path)
    try:
        content = path.read_bytes()
        found = by_hand.beside(path, content, manifest)
        indexes = [name for name, one in found.items() if is_index(one.read_bytes())] if item.facts else []
    except OSError as error:
        faults.append(Fault(line=item.lines[0], text=f"« {item.name} » : illisible ({in_french(error)})"))
        return item
    if indexes:
        faults.append(Fault(line=item.lines[0], text=TWICE_TOLD.format(where="le bordereau", name=indexes[0])))
    return replace(item, beside=tuple((name, str(one)) for name, one in found.items()))


def of_paths(office: Office, paths: Sequence[Path], chosen: Sequence[Wanted]) -> Asked:
    """By files and folders, to ``chosen``, else to whom their names or they themselves say."""
    gathered = by_hand.gather(paths)
    lists, patterns = lists_of(office), _patterns(office)
    items, faults = list[Item](), list[str]()
    for taken in gathered.taken:
        path = taken.found.path
        beside = tuple((name, str(one)) for name, one in gathered.beside.get(path, {}).items())
        item, wrong = bulk_order.with_chosen(
            Item(position=len(items), path=path, name=taken.found.name, beside=beside), chosen, lists, patterns
        )
        documents = [Path(one).name for _, one in beside]
        wrong = wrong or _told_twice(item, taken, documents, patterns, to_chosen=bool(chosen))
        if wrong:
            faults.append(f"« {item.name} » : {wrong}.")
        items.append(item)
    title = ", ".join(path.name or str(path.resolve().name) for path in paths)[:100]
    return Asked(order=Order(title=title, items=tuple(items)), faults=faults, left_out=gathered.left_out)


def _told_twice(
    item: Item, taken: Taken, documents: Sequence[str], patterns: Sequence[Pattern], *, to_chosen: bool
) -> str:
    """Why a file name and an index beside it cannot both be right, in French; empty when only one of them speaks."""
    indexes = [name for name, one in taken.siblings.items() if is_index(one)]
    if is_index(taken.content):
        indexes = [item.name]
        for name in documents:
            said, _ = said_by(name, patterns)
            if said is not None and said.facts:
                return TWICE_TOLD.format(where=f"le nom de « {name} »", name=item.name)
            if said is not None and said.target is not None and not to_chosen:
                return TWO_NAMED.format(name=name)
    return TWICE_TOLD.format(where="le nom du fichier", name=indexes[0]) if indexes and item.facts else ""


def _patterns(office: Office) -> tuple[Pattern, ...]:
    return patterns_of(office.settings.bulk.file_names)


def tell_faults(asked: Asked, faults: Sequence[str]) -> None:
    """Everything that stands against it, at once."""
    for remark in asked.remarks:
        complain(f"Remarque : {asked.order.title}, {remark}")
    complain(f"Rien n'est envoyé. {asked.order.title} : {len(faults)} faute{'s' if len(faults) > 1 else ''}.")
    for fault in faults:
        complain(f"  – {fault}")
