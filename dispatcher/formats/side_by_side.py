"""Our reading of HL7 v2 messages beside hl7apy's (``read --strict``), for programs (JSON) and for a person (French).

Names and numbers of segments and groups, places of fields; never a value. hl7apy itself is not loaded here.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dispatcher.formats.hl7.comparison import Comparison
    from dispatcher.formats.hl7.opinion import Opinion


def opinion_json(opinion: Opinion) -> dict[str, Any]:
    """``{"strict": {"messages": […]}}``: one entry per message judged, ``hl7apy`` null where it gives no reading."""
    return {"strict": {"messages": [_message(one) for one in opinion.messages]}}


def _message(one: Comparison) -> dict[str, Any]:
    patients, orders, results = one.counted
    theirs = one.theirs
    return {
        "where": one.where,
        "type": one.kind,
        "version": one.version,
        "ours": {
            "segments": one.ours.total(),
            "names": _sorted(one.ours),
            "groups": {"patients": patients, "orders": orders, "results": results},
        },
        "hl7apy": None
        if theirs is None
        else {"segments": theirs.total(), "names": _sorted(theirs), "groups": _sorted(one.groups)},
        "lost": _sorted(one.lost),
        "differing": list(one.differing),
        "agrees": one.agrees,
    }


def _sorted(names: Counter[str]) -> dict[str, int]:
    return dict(sorted(names.items()))


def opinion_text(opinion: Opinion) -> str:
    """One or two lines a message."""
    lines = ["", "  Lecture comparée avec hl7apy"]
    for one in opinion.messages:
        head = f"    [{one.where}] {one.kind or 'sans type'} {one.version} : {one.ours.total()} segments lus"
        if one.theirs is None:
            lines.append(f"{head} ; hl7apy ne donne pas de lecture")
            continue
        lines.append(f"{head}, {one.theirs.total()} par hl7apy{' — lectures identiques' if one.agrees else ''}")
        if one.lost:
            lost = ", ".join(f"{name} ({count})" for name, count in sorted(one.lost.items()))
            lines.append(f"      perdus par hl7apy : {lost}")
        if one.differing:
            lines.append(f"      relus autrement : {', '.join(one.differing[:10])}")
    return "\n".join(lines) + "\n"
