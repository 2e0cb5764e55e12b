"""The second opinion of hl7apy on a file of HL7 v2 messages, for ``read --strict`` (decision D6).

It never changes what was read: it only tells where the message departs from the standard's structures and types, and
where hl7apy would have lost segments. Its own texts quote values, so they are rewritten with names of segments and
fields only. About 80 ms a message: large files are sampled from the start.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from dataclasses import dataclass
from typing import Any

from hl7apy import SUPPORTED_LIBRARIES
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.core import Segment as ApySegment
from hl7apy.parser import parse_message, parse_segment

from dispatcher.formats.er7.messages import Message, cut
from dispatcher.formats.er7.segments import Segment
from dispatcher.formats.hl7.comparison import Comparison, as_text, characters, compare
from dispatcher.formats.hl7.reader import read_text
from dispatcher.report.model import Problem, Severity

AT_MOST = 50
"""Messages judged per file."""
_ELEMENT = r"[A-Z][A-Z0-9]{1,2}[A-Z0-9_]*"
_SAYINGS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(rf"Missing required child ({_ELEMENT})\.({_ELEMENT})"), "élément obligatoire absent : {1} dans {0}"),
    (re.compile(rf"Child limit exceeded ({_ELEMENT})\.({_ELEMENT})"), "élément répété plus que permis : {1} dans {0}"),
    (
        re.compile(rf".*not in table (HL7[0-9]+) in element ({_ELEMENT})\.({_ELEMENT})", re.S),
        "{2} : hors de la table {0}",
    ),
    (re.compile(rf"Exceeded max length \(([0-9]+)\) of ({_ELEMENT})\.({_ELEMENT})"), "{2} : plus de {0} caractères"),
    (re.compile(rf"Datatype None is not correct for ({_ELEMENT})\.({_ELEMENT})"), "{1} : composants en trop"),
    (re.compile(rf"Datatype (\S+) is not correct for ({_ELEMENT})\.({_ELEMENT})"), "{2} : type {0} inattendu"),
    (re.compile(rf"Invalid children detected for <\w+ ({_ELEMENT})\b"), "{0} : éléments non prévus"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What hl7apy thinks of a file, and what both see of each message judged."""

    problems: tuple[Problem, ...] = ()
    """Severity info or warning only."""
    messages: tuple[Comparison, ...] = ()


def second_opinion(data: bytes, *, encoding: str | None = None) -> Opinion:
    """What hl7apy thinks of a file. Never raises; no problem when it agrees.

    ``encoding`` is the operator's override, as for reading.
    """
    messages = cut(read_text(data, encoding).text).messages
    problems: list[Problem] = []
    seen: list[Comparison] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for message in messages[:AT_MOST]:
            comparison, told = _judge(message)
            seen.append(comparison)
            problems.extend(told)
    if len(messages) > AT_MOST:
        problems.append(
            _note("opinion-sampled", "", f"Avis de hl7apy limité aux {AT_MOST} premiers messages sur {len(messages)}.")
        )
    return Opinion(problems=tuple(problems), messages=tuple(seen))


def _judge(message: Message) -> tuple[Comparison, list[Problem]]:
    version = message.header.component(12)
    if version not in SUPPORTED_LIBRARIES:
        told = f"hl7apy ne connaît pas la version « {version[:10] or 'vide'} » (MSH-12) : pas de second avis."
        ours = Counter(segment.name for segment in message.segments)
        alone = Comparison(where=message.header.where(), kind=message.kind, version=version, ours=ours)
        return alone, [_note("opinion-version", message.header.where(12), told)]
    known, foreign = _known(message, version)
    problems = [problem for segment in known if (problem := _segment_fault(segment, version))]
    if foreign:
        told = f"Segments hors du standard {version}, inconnus de hl7apy : {listed(foreign)}."
        problems.append(_note("opinion-foreign-segments", message.header.where(), told))
    comparison = compare(message, known, version)
    return comparison, [*problems, *_structure(message, known), *_differences(comparison, foreign)]


def listed(names: Counter[str]) -> str:
    """``OBX (3), PRT (1)``."""
    return ", ".join(f"{name} ({count})" for name, count in sorted(names.items()))


def _differences(seen: Comparison, foreign: Counter[str]) -> list[Problem]:
    """Where the two readings part. Foreign segments were told already: what counts is that we kept them."""
    problems = []
    lost = seen.lost - foreign
    if lost and seen.theirs is not None:
        told = f"Segments que nous lisons et que hl7apy laisse tomber : {listed(lost)}."
        problems.append(_note("opinion-lost-segments", seen.where, told, Severity.WARNING))
    if seen.differing:
        first = "" if len(seen.differing) == 1 else f" ({len(seen.differing)} champs)"
        told = f"hl7apy relit ce champ autrement qu’il n’est écrit{first} ; nous gardons le texte du fichier."
        problems.append(_note("opinion-value", seen.differing[0], told))
    if not seen.groups_agree:
        told = "hl7apy ne compte pas les mêmes demandes (OBR) et résultats (OBX) que nous dans ses groupes."
        problems.append(_note("opinion-groups", seen.where, told))
    return problems


def _note(code: str, where: str, message: str, severity: Severity = Severity.INFO) -> Problem:
    return Problem(code=code, severity=severity, where=where, message=message)


def _known(message: Message, version: str) -> tuple[list[Segment], Counter[str]]:
    """Segments of this version of the standard, and how many others by name."""
    known: list[Segment] = []
    foreign: Counter[str] = Counter()
    verdicts: dict[str, bool] = {}
    for segment in message.segments:
        name = segment.name
        if name not in verdicts:
            verdicts[name] = not name.startswith("Z") and _exists(name, version)
        if verdicts[name]:
            known.append(segment)
        else:
            foreign[name] += 1
    return known, foreign


def _exists(name: str, version: str) -> bool:
    try:
        ApySegment(name, version=version)
    except Exception:  # hl7apy raises what it likes; here any of it means no
        return False
    return True


def _segment_fault(segment: Segment, version: str) -> Problem | None:
    try:
        parsed = parse_segment(as_text(segment), version, characters(segment), VALIDATION_LEVEL.TOLERANT)
        parsed.validate()
    except Exception as error:  # see above: its family of errors is open
        return _note("opinion-segment", segment.where(), f"Avis de hl7apy : {_saying(error)}.")
    return None


def _saying(error: Exception) -> str:
    """Its sentence in French, without any value."""
    text = str(error)
    for pattern, french in _SAYINGS:
        if found := pattern.match(text):
            return re.sub(r"\b([A-Z][A-Z0-9]{2})_([0-9]+)", r"\1-\2", french.format(*found.groups()))
    return f"structure refusée ({type(error).__name__})"


def _structure(message: Message, known: list[Segment]) -> list[Problem]:
    """Whether hl7apy can put the known segments into the structure of the message without losing any."""
    where = message.header.where()
    try:
        parsed = parse_message("\r".join(map(as_text, known)), VALIDATION_LEVEL.TOLERANT, find_groups=True)
        kept = sum(_count(child) for child in parsed.children)
    except Exception as error:  # see above
        told = f"hl7apy ne sait pas grouper ce message ({type(error).__name__})."
        return [_note("opinion-structure", where, told)]
    if kept != len(known):
        told = f"hl7apy ne place que {kept} segments sur {len(known)} dans la structure du message : ordre inhabituel."
        return [_note("opinion-segment-count", where, told, Severity.WARNING)]
    try:
        parsed.validate()
    except Exception as error:  # see above
        return [_note("opinion-structure", where, f"Avis de hl7apy sur la structure : {_saying(error)}.")]
    return []


def _count(element: Any) -> int:
    """Segments under a group, or one for a segment."""
    if element.classname == "Segment":
        return 1
    return sum(_count(child) for child in element.children) if element.classname == "Group" else 0
