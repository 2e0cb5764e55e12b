"""Use case: what a release to a chosen box would do: whom the file names, where it would go. Nothing is done."""

from __future__ import annotations

from dataclasses import dataclass

from dispatcher.outbox.dispatch import Dispatch
from dispatcher.routing.trace import from_json
from dispatcher.service.another import behind, disagreement, labels, named, word_to_type
from dispatcher.service.choose import Choice, choose
from dispatcher.service.desk import Desk
from dispatcher.service.make import on_paper
from dispatcher.service.release import decide_again, opened, report_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One dispatch and the box chosen for it. Nothing has happened yet."""

    id: str
    choice: Choice
    named: str = ""
    """As the file calls the recipient."""
    label: str = ""
    """Whose box it is."""
    address: str = ""
    held: str = ""
    """Why it waits."""
    warning: str = ""
    """French: the file names somebody else; a person must say that he has seen it."""
    word: str = ""
    """What he types to say so."""
    refusal: str = ""
    """French: why it cannot leave this way; the other fields may then be empty."""


def propose(desk: Desk, dispatch_id: str, to: str, *, despite: bool = False) -> Proposal:
    """What ``to`` (a candidate's number, an address, an identifier) would do. Raises DirectoryError, StoreError."""
    found = opened(desk, dispatch_id, despite=despite)
    nobody = Choice(address="")
    if isinstance(found, str):
        return Proposal(id=dispatch_id, choice=nobody, refusal=found)
    choice = choose(desk, found.dispatch, to)
    if choice.refusal:
        return Proposal(id=dispatch_id, choice=choice, refusal=choice.refusal)
    wanted = from_json(found.dispatch.decision).wanted
    report = report_of(desk, found.version, found.file)
    if isinstance(report, str):
        return Proposal(id=dispatch_id, choice=choice, refusal=report)
    decision = decide_again(desk, report, found.file.source, wanted, choice.address, despite=despite)
    if decision.route is None:
        why = decision.hold.reason if decision.hold is not None else on_paper(decision)
        return Proposal(id=dispatch_id, choice=choice, refusal=why)
    return _shown(desk, found.dispatch, choice)


def _shown(desk: Desk, dispatch: Dispatch, choice: Choice) -> Proposal:
    known = behind(desk.directory, dispatch, choice.address)
    return Proposal(
        id=dispatch.id,
        choice=choice,
        named=named(from_json(dispatch.decision).wanted).strip("«» "),
        label=labels(known),
        address=choice.address,
        held=dispatch.reason,
        warning=disagreement(desk.directory, dispatch, choice.address),
        word=word_to_type(known, choice.address),
    )
