"""Is a file of HL7 v2 text whole, as far as its content can tell?

Used twice: by intake, which leaves a file alone while it may still grow, and by the reader, which refuses to send the
first half of a result.
"""

from __future__ import annotations

from dispatcher.formats.er7.messages import Cut, Message

_RESULTS = ("ORU", "ORF", "OUL", "MDM")
_STATUS = 11
"""OBX-11 is required: an OBX that stops before it was cut."""


def unfinished(cut: Cut) -> str:
    """What shows that the text stops too early, in French; the empty string when nothing does."""
    for problem in cut.problems:
        if problem.code == "envelope-trailer":
            return f"{problem.where} : enveloppe HL7 non fermée (BTS ou FTS attendu)"
    if not cut.messages:
        return "aucun message HL7 complet (MSH attendu)"
    last = cut.messages[-1]
    if _is_result(last) and not any(segment.name in ("OBR", "OBX", "TXA") for segment in last.segments):
        return f"ligne {last.segments[-1].line} : le dernier message n’a encore ni OBR ni OBX"
    return "" if cut.terminated else _cut_inside(cut, last)


def _cut_inside(cut: Cut, last: Message) -> str:
    """The last line has no line end: whole all the same when nothing can be missing from it."""
    segment = last.segments[-1]
    if cut.envelope and cut.envelope[-1].line > segment.line:
        return ""
    if cut.broken_at_end:
        return f"ligne {segment.line} : la dernière ligne est coupée"
    if segment.name == "OBX" and not segment.raw(_STATUS):
        return f"ligne {segment.line}, OBX : coupé avant l’état du résultat (OBX-11), sans fin de ligne"
    if segment.name in ("MSH", "PID", "ORC", "OBR", "PV1") and _is_result(last):
        return f"ligne {segment.line}, {segment.name} : dernière ligne du fichier, sans fin de ligne ni résultat"
    return ""


def _is_result(message: Message) -> bool:
    return message.kind in _RESULTS
