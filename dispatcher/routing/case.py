"""One recipient on its way through the rules: what earlier rules found, and how a rule answers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from dispatcher.report.folding import fold
from dispatcher.report.model import IdType
from dispatcher.routing.candidates import Entry, LocalEntry
from dispatcher.routing.facts import ChannelPolicy, Facts, Identity, Policy
from dispatcher.routing.route import Envelope, Hold, RecipientRole, Refused, Wanted

_ARTICLES = {"le": "l'", "Le": "L'", "du": "de l'", "Du": "De l'", "au": "à l'", "Au": "À l'"}
TABLE = "la table des destinataires"
"""The laboratory's own table, as sentences call it."""
CANDIDATES = 20
"""How many candidates a hold carries at most."""


@dataclass(slots=True, kw_only=True)
class Case:
    """The recipient, the facts and the policy, and what the rules have found so far."""

    wanted: Wanted
    facts: Facts
    policy: Policy
    line: LocalEntry | None = None
    """The laboratory's line that applies."""
    identity: Identity | None = None
    """National identifier of the person or structure the mail is for."""
    boxes: tuple[Entry, ...] = ()
    """Directory boxes still possible."""
    address: str = ""
    by_person: bool = False
    """The address was given by an operator or by the laboratory's table: not compared with the directory's names."""
    label: str = ""
    channel: ChannelPolicy | None = None
    format: str = ""
    envelope: Envelope | None = None
    certificate: str = ""
    refused: list[Refused] = field(default_factory=list)
    """Boxes left on the way."""

    def leave(self, boxes: Iterable[Entry], why: str) -> None:
        """These boxes are not taken any further."""
        self.refused += [Refused(entry=box, why=why) for box in ordered(boxes)]

    @property
    def patient(self) -> bool:
        """The recipient is the patient of the report."""
        return self.wanted.role is RecipientRole.PATIENT

    @property
    def behind(self) -> tuple[Entry, ...]:
        """Directory entries of the box or boxes that are still possible."""
        return self.facts.by_address.get(self.address, ()) if self.address else self.boxes

    @property
    def name(self) -> str:
        """How the file calls the recipient, in quotes; never empty."""
        if self.patient:
            return "le patient"
        wanted = self.wanted
        names = " ".join(part for part in (wanted.family, wanted.given) if part)
        text = wanted.label or names or self.label or wanted.id
        return f"« {text} »" if text else "le destinataire"

    @property
    def code(self) -> str:
        """How the file identifies the recipient: ``code « D001 »`` or ``RPPS 99700000013``."""
        wanted = self.wanted
        return f"code « {wanted.id} »" if wanted.id_type is IdType.LOCAL else f"{wanted.id_type} {wanted.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a rule says. ``hold`` and ``paper`` end the way."""

    outcome: str
    """``chosen``, ``passed``, ``stopped``, ``not-applicable``."""
    text: str
    hold: Hold | None = None
    paper: bool = False


def chosen(text: str) -> Finding:
    """The rule settled something."""
    return Finding(outcome="chosen", text=elided(text))


def passed(text: str) -> Finding:
    """The rule looked and had no objection."""
    return Finding(outcome="passed", text=elided(text))


def not_applicable(text: str) -> Finding:
    """Nothing for this rule to look at."""
    return Finding(outcome="not-applicable", text=elided(text))


def stopped(code: str, reason: str, candidates: Iterable[Entry] = ()) -> Finding:
    """A person must decide. ``reason`` says what was found and what to do next."""
    reason = elided(reason)
    hold = Hold(code=code, reason=reason, candidates=_each_once(candidates)[:CANDIDATES])
    return Finding(outcome="stopped", text=reason, hold=hold)


def _each_once(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Each person once: without a box only where no source gives one, however many sources and activities tell of him.

    Another name under the same number is left: that is what the hold may be about.
    """
    found = ordered(entries)
    boxed = {_person(entry) for entry in found if entry.address}
    alone = {_person(entry): entry for entry in reversed(found) if not entry.address}
    return tuple(
        entry
        for entry in found
        if entry.address or not entry.identifier or (_person(entry) not in boxed and alone[_person(entry)] is entry)
    )


def _person(entry: Entry) -> tuple[object, ...]:
    return entry.id_type, entry.identifier, fold(entry.family), fold(entry.given)


def on_paper(text: str) -> Finding:
    """No mail for this recipient."""
    return Finding(outcome="stopped", text=elided(text), paper=True)


def ordered(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Entries in an order that does not depend on how they were found, each once."""
    return tuple(
        sorted(dict.fromkeys(entries), key=lambda e: (e.label, e.address, e.identifier, e.structure_id, repr(e)))
    )


def spoken(identity: tuple[IdType, str]) -> str:
    """``RPPS 99700000013``."""
    return f"{identity[0]} {identity[1]}"


def elided(text: str) -> str:
    """« le RPPS », but « l'ADELI »: the article of a number as it is said aloud."""
    for article, before in _ARTICLES.items():
        text = re.sub(rf"\b{article} (?=ADELI\b)", before, text)
    return text
