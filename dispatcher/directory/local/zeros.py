"""Codes that lost their leading zeros: what a spreadsheet does when it opens ``0012`` as a number and saves ``12``.

``12`` may be another recipient's code in the same LIS, so such a table is never taken as it is: told, never guessed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from dispatcher.directory.local.columns import Fault
from dispatcher.routing.candidates import LocalEntry


def lost_since(before: Iterable[LocalEntry], after: Collection[LocalEntry], name: str) -> tuple[Fault, ...]:
    """A fault for each line of ``after`` whose code is one of ``before`` without its zeros, which is there no more."""
    old = {(entry.source, entry.code) for entry in before}
    new = {(entry.source, entry.code) for entry in after}
    gone = {(source, code.lstrip("0")): code for source, code in old - new if code.isdigit() and code.startswith("0")}
    found = []
    for entry in after:
        zeros = gone.get((entry.source, entry.code))
        if zeros and (entry.source, entry.code) not in old:
            text = (
                f"code « {entry.code} » au lieu de « {zeros} » : zéros de tête perdus par le tableur ? Mettre la "
                "colonne au format texte et ressaisir"
            )
            found.append(Fault(name=name, line=entry.line, column="code", text=text))
    return tuple(found)


def odd_lengths(entries: Iterable[LocalEntry], name: str) -> tuple[Fault, ...]:
    """A remark for each short number among codes that are all as long and begin with a zero."""
    numbers = [entry for entry in entries if entry.code.isdigit()]
    lengths = {len(entry.code) for entry in numbers if entry.code.startswith("0")}
    if len(lengths) != 1:
        return ()
    (length,) = lengths
    text = f"code de {{}} chiffres quand d'autres en ont {length} ; zéros de tête perdus par le tableur ?"
    return tuple(
        Fault(name=name, line=entry.line, column="code", text=text.format(len(entry.code)))
        for entry in numbers
        if len(entry.code) < length
    )
