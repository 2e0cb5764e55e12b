"""Use case: whom an operator means by the few letters he types after ``--to``.

A number is a candidate as ``explain`` lists them, then an address, then a national identifier. Never a name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dispatcher.outbox.dispatch import Dispatch
from dispatcher.report.identifiers import kind_of
from dispatcher.report.model import IdType
from dispatcher.routing.addresses import as_compared
from dispatcher.routing.candidates import Entry
from dispatcher.routing.case import elided
from dispatcher.routing.identities import STRUCTURES, bare_identifier
from dispatcher.routing.trace import from_json
from dispatcher.service.desk import Desk


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The box chosen."""

    address: str
    """Lower case; empty with ``refusal``."""
    entry: Entry | None = None
    """The one person or structure the directories know behind it; None when they know none, or several."""
    number: int = 0
    """Of the candidate, when one was chosen by its number."""
    refusal: str = ""
    """French: why it is nobody, and what to type instead."""


def choose(desk: Desk, dispatch: Dispatch, text: str) -> Choice:
    """The box meant by ``text``. Raises :class:`dispatcher.errors.DirectoryError`."""
    text = text.strip()
    if "@" in text:
        address = as_compared(text)
        return Choice(address=address, entry=_one_behind(desk.directory.by_address(address)))
    if re.fullmatch(r"[0-9]{1,3}", text):
        return _candidate(dispatch, int(text))
    return _identified(desk, text)


def candidates(dispatch: Dispatch) -> tuple[Entry, ...]:
    """Those of the hold as it was kept, in the order ``explain`` lists them."""
    try:
        hold = from_json(dispatch.decision).hold
    except (KeyError, TypeError, ValueError, AttributeError):
        return ()
    return hold.candidates if hold is not None else ()


def _candidate(dispatch: Dispatch, number: int) -> Choice:
    found = candidates(dispatch)
    if not found:
        return _nobody("Cet envoi n'a pas de candidat à choisir par son numéro : donner une adresse ou un identifiant.")
    if not 1 <= number <= len(found):
        return _nobody(f"Pas de candidat {number} : il y en a {len(found)} (« dispatcher explain {dispatch.id} »).")
    entry = found[number - 1]
    if not entry.address:
        return _nobody(
            f"Le candidat {number}, {entry.label}, n'a pas de boîte à l'annuaire : donner une adresse, ou remettre le "
            "résultat autrement."
        )
    return Choice(address=as_compared(entry.address), entry=entry, number=number)


def _identified(desk: Desk, text: str) -> Choice:
    guessed = kind_of(text)
    bare = bare_identifier(guessed, text)
    kinds = (guessed,) if guessed is not IdType.LOCAL else (IdType.ADELI, IdType.FINESS) if len(bare) == 9 else ()
    if not kinds:
        return _nobody(
            f"« {text} » n'est ni un numéro de candidat, ni une adresse, ni un RPPS, ADELI, FINESS ou SIRET juste."
        )
    found = {kind: _boxes(desk, kind, bare) for kind in kinds}
    boxes = [box for kind in kinds for box in found[kind]]
    addresses = sorted({box.address for box in boxes})
    spoken = f"{' ou '.join(kinds)} {bare}"
    if not addresses:
        return _nobody(f"L'annuaire ne donne aucune boîte pour le {spoken} : donner une adresse.")
    if len(addresses) > 1:
        return _nobody(f"Le {spoken} mène à {len(addresses)} boîtes : donner l'adresse. {', '.join(addresses)}")
    return Choice(address=as_compared(addresses[0]), entry=_one_behind(tuple(boxes)))


def _boxes(desk: Desk, kind: IdType, identifier: str) -> tuple[Entry, ...]:
    boxes = desk.directory.by_identifier(kind, identifier)
    return tuple(box for box in boxes if box.box_type == "ORG") if kind in STRUCTURES else boxes


def _one_behind(entries: tuple[Entry, ...]) -> Entry | None:
    people = {(entry.id_type, entry.identifier, entry.identifier or entry.structure_id): entry for entry in entries}
    return next(iter(people.values())) if len(people) == 1 else None


def _nobody(why: str) -> Choice:
    return Choice(address="", refusal=elided(why))
