"""A table that lost most of its lines at once: a save that stopped half-way, or a filtered sheet saved over the whole.

A code that is gone with its last day may route again by another way, so such a table is never taken as it is.
"""

from __future__ import annotations

from collections.abc import Collection

from dispatcher.directory.local.columns import Fault
from dispatcher.directory.local.zeros import lost_since
from dispatcher.french import counted
from dispatcher.routing.candidates import LocalEntry

FEW = 3
"""So many lines may always change their codes; a table that has none left is told whatever it had."""


def shrunk_since(before: Collection[LocalEntry], after: Collection[LocalEntry], name: str) -> tuple[Fault, ...]:
    """A fault when more than half of the lines of ``before`` are gone: fewer lines, or codes that are there no more."""
    codes = {(entry.source, entry.code) for entry in after}
    gone = max(sum((entry.source, entry.code) not in codes for entry in before), len(before) - len(after))
    if 2 * gone <= len(before) or (gone < FEW and after):
        return ()
    text = (
        f"{counted(gone, 'ligne')} de moins sur {len(before)} ; enregistrement interrompu, ou lignes filtrées par le "
        "tableur ? « local accept » montre lesquelles avant de demander"
    )
    return (Fault(name=name, line=1, column="", text=text),)


def doubts(before: Collection[LocalEntry], after: Collection[LocalEntry], name: str) -> tuple[Fault, ...]:
    """What keeps a table saved outside the program from being taken until a person accepts it: zeros or lines lost."""
    return (*lost_since(before, after, name), *shrunk_since(before, after, name))
