"""The coded section: ``TEX`` and ``RES`` lines to batteries of observations.

Numbered lines in, :class:`CodedPart` out; a line that cannot be used becomes a problem and stays in the text, nothing
raises. Fields and what is met in them: :data:`grammar.RES_FIELDS`; behaviour of receivers: notes "HPRIM" §1.4.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from dispatcher.formats.hprim_medecins import grammar
from dispatcher.formats.hprim_medecins.problems import error, info, warning
from dispatcher.report.model import AltValue, Battery, Code, Observation, Problem, ValueType
from dispatcher.report.values import parse_number, parse_range

NumberedLine = tuple[int, str]
"""Line number in the file (1-based) and its text."""


@dataclass(frozen=True, slots=True)
class CodedPart:
    """What a coded section says."""

    batteries: tuple[Battery, ...] = ()
    text_lines: tuple[str, ...] = ()
    """Content of the TEX lines, in order."""
    leftovers: tuple[str, ...] = ()
    """Lines that were neither TEX nor a usable RES, as in the file."""
    problems: tuple[Problem, ...] = ()


@dataclass
class _State:
    """What is gathered while the section is read."""

    chapter: str = ""
    title: str = ""
    pending: list[str] = field(default_factory=list)
    """TEX lines since the last RES: the next RES is printed by the last of them."""
    groups: list[tuple[str, str, list[Observation]]] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def group(self) -> list[Observation]:
        """The observations of the current chapter and title."""
        key = (self.chapter, self.title)
        if not self.groups or self.groups[-1][:2] != key:
            self.groups.append((*key, []))
        return self.groups[-1][2]


def read_coded(lines: Iterable[NumberedLine]) -> CodedPart:
    """The coded section between ``****LAB****`` and ``****FIN****``."""
    state = _State()
    for number, line in lines:
        kind = line.partition("|")[0].strip().upper()
        if kind == "TEX":
            _take_text(state, line.strip()[3:].lstrip().removeprefix("|"))
        elif kind == "RES":
            _take_result(state, number, line)
        elif line.strip():
            state.leftovers.append(line.strip())
            state.problems.append(
                info(
                    "unknown-coded-line",
                    f"ligne {number}",
                    "Ligne ni TEX ni RES dans la partie codée : son texte est gardé en commentaire, non interprété.",
                )
            )
    return CodedPart(
        batteries=tuple(
            Battery(title=title or chapter, chapter=chapter, observations=tuple(found))
            for chapter, title, found in state.groups
            if found
        ),
        text_lines=tuple(state.text),
        leftovers=tuple(state.leftovers),
        problems=tuple(state.problems),
    )


def _take_text(state: _State, text: str) -> None:
    state.text.append(text.rstrip())
    state.pending.append(text.rstrip())


def _take_result(state: _State, number: int, line: str) -> None:
    fields = line.strip("\r\n").split("|")
    where = f"ligne {number}"
    if len(fields) < grammar.RES_MINIMUM:
        state.leftovers.append(line.strip())
        state.problems.append(
            warning(
                "short-result-line",
                where,
                f"Ligne RES de {len(fields)} champ(s), au moins {grammar.RES_MINIMUM} attendus : gardée en "
                "commentaire. Comparer avec le texte du compte rendu.",
            )
        )
        state.pending.clear()
        return
    fields = [*fields, *[""] * (grammar.RES_FIELD_COUNT - len(fields))]
    if _shifted(fields):
        state.leftovers.append(line.strip())
        state.problems.append(
            error(
                "shifted-result-line",
                where,
                "Ligne RES décalée (barre verticale dans le libellé ?) : RES-4 n'est ni N, ni A, ni C, et les "
                "champs suivants ne vont pas. Gardée en commentaire ; corriger le libellé dans le SIL, réexporter.",
            )
        )
        state.pending.clear()
        return
    _take_headings(state, fields)
    observation = _observation(fields, state.pending, where, state.problems)
    state.pending.clear()
    group = state.group()
    if group and _is_second_unit(group[-1], fields[1], observation):
        group[-1] = replace(group[-1], alt=_as_alt(observation))
        state.problems.append(
            info("second-unit-line", where, "Ligne RES « soit » : lue comme seconde unité du résultat précédent.")
        )
        return
    group.append(observation)


def _shifted(fields: list[str]) -> bool:
    """RES-4 is no type (or is empty) and RES-9 or RES-10 holds what cannot stand there: the fields slid sideways.

    So they did when a type stands in RES-5 before a value in RES-6; « A » alone may be a blood group.
    """
    kind = fields[3].strip().upper()
    if kind in grammar.RESULT_TYPES:
        return False
    if kind and fields[4].strip().upper() in grammar.RESULT_TYPES and fields[5].strip():
        return True
    flag, status = fields[8].strip().upper(), fields[9].strip().upper()
    known = not flag or flag in grammar.ABNORMAL_FLAGS or set(flag) == {"*"}
    return not known or status not in _STATUSES


def _is_second_unit(above: Observation, label: str, one: Observation) -> bool:
    """« soit », in the same state: some laboratories give the second unit on a line of its own."""
    if above.alt is not None or one.status not in ("", above.status):
        return False
    return label.strip(" -:.").lower() == "soit"


def _as_alt(observation: Observation) -> AltValue:
    return AltValue(
        comparator=observation.comparator,
        value=observation.value,
        unit=observation.unit,
        low=observation.low,
        high=observation.high,
    )


# --- headings ---------------------------------------------------------------------------------------------------------

_STATUSES = frozenset({"", *grammar.RESULT_STATUSES})
_SPACED = re.compile(r"(?:\S ){2,}\S")


def _heading(line: str) -> tuple[str, bool] | None:
    """(title, is a chapter) when a TEX line is a heading: ``H E M A T O L O G I E``, or capitals without a number."""
    bare = line.strip()
    pieces = re.split(r"\s{2,}", bare)
    if sum(bool(_SPACED.fullmatch(piece)) for piece in pieces) and all(
        _SPACED.fullmatch(piece) or len(piece) == 1 for piece in pieces
    ):
        return " ".join(piece.replace(" ", "") for piece in pieces), True
    if not 4 <= len(bare) <= 50 or bare != bare.upper() or any(c.isdigit() for c in bare):
        return None
    letters = sum(c.isalpha() for c in bare)
    if letters < 4 or letters < 0.7 * len(bare.replace(" ", "")) or bare.endswith((",", ";", ".")):
        return None
    return bare.rstrip(" :"), len(line) - len(line.lstrip()) >= 8


def _take_headings(state: _State, fields: list[str]) -> None:
    """Chapter and title among the TEX lines before a RES, leaving out the line that prints the result itself."""
    label = fields[1].strip().upper()
    for line in state.pending:
        found = _heading(line)
        if found is None or (label and line.strip().upper().startswith(label)):
            continue
        title, is_chapter = found
        if is_chapter:
            state.chapter, state.title = title, ""
        else:
            state.title = title


# --- one result -------------------------------------------------------------------------------------------------------


def _observation(fields: list[str], printed: list[str], where: str, problems: list[Problem]) -> Observation:
    kind = fields[3].strip().upper()
    value, comparator, type_ = _value(fields, kind, where, problems)
    if not value and not fields[1].strip():
        # A line with only a code names the text printed above it: that text is its result.
        value = textwrap.dedent("\n".join(line for line in printed if line.strip() and _heading(line) is None))
    low, high, range_text = _norms(fields[6], fields[7], fields[5], where, problems)
    return Observation(
        code=Code(code=fields[2].strip(), text=_label(fields[1]), system="L"),
        type=type_,
        value=value,
        raw=fields[4],
        comparator=comparator,
        unit=fields[5].strip(),
        low=low,
        high=high,
        range_text=range_text,
        flags=_flags(fields[8] or ("*" if type_ is ValueType.NUMERIC and "*" in fields[4] else ""), where, problems),
        status=fields[9].strip().upper(),
        alt=_alt(fields, where, problems),
    )


def _label(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().removeprefix("- ").strip()


def _value(fields: list[str], kind: str, where: str, problems: list[Problem]) -> tuple[str, str, ValueType]:
    """Value, comparator and type of fields 4 and 5. A comparator inside an ``A`` value stays text."""
    text = fields[4].strip()
    if kind in ("A", "C"):
        return text, "", ValueType.CODED if kind == "C" else ValueType.TEXT
    if not text:
        return "", "", ValueType.NUMERIC if kind == "N" else ValueType.TEXT
    number = parse_number(text.strip("* ")) if text.strip("* ") else None
    if number is None:
        if kind == "N":
            problems.append(
                warning("not-a-number", where, "RES-4 annonce un nombre (N), RES-5 n’en est pas un : lu comme texte.")
            )
        return text, "", ValueType.TEXT
    if kind not in grammar.RESULT_TYPES:
        problems.append(info("unknown-result-type", where, "RES-4 inconnu (N, A ou C attendu) : lu comme nombre."))
    elif text != number.value:
        problems.append(
            info("number-form", where, "RES-5 : nombre écrit sans point décimal ou avec des blancs ; compris.")
        )
    return number.value, number.comparator, ValueType.NUMERIC


def _norms(low: str, high: str, unit: str, where: str, problems: list[Problem]) -> tuple[str, str, str]:
    """Lower bound, upper bound, and the text as in the file when it is more than two numbers."""
    low, high = low.strip(), high.strip()
    if not low and not high:
        return "", "", ""
    bottom, top = parse_number(low), parse_number(high)
    plain_low = bottom is not None and not bottom.comparator
    plain_high = top is not None and not top.comparator
    if bottom and top and plain_low and plain_high and {bottom.value, top.value} == {"0"}:
        return "", "", ""  # Two zeros mean that there are no norms (Episodus).
    if (plain_low or not low) and (plain_high or not high):
        return (bottom.value if bottom else ""), (top.value if top else ""), ""
    as_read = f"{low} - {high}" if low and high else low or high
    found = parse_range(as_read, unit.strip())
    if found is not None:
        return found.low, found.high, as_read
    problems.append(
        info(
            "norms-in-words",
            where,
            "RES-7/RES-8 : bornes qui ne sont pas des nombres ; gardées en clair.",
        )
    )
    return "", "", as_read


def _flags(text: str, where: str, problems: list[Problem]) -> tuple[str, ...]:
    flag = text.strip().upper()
    if not flag:
        return ()
    if flag in grammar.ABNORMAL_FLAGS:
        return (flag,)
    if set(flag) == {"*"}:
        return ("AA" if len(flag) > 1 else "A",)
    problems.append(info("unknown-flag", where, "RES-9 : indicateur d’anormalité inconnu (L, H, LL, HH ou N attendu)."))
    return (flag,) if len(flag) <= 3 and (flag.isalnum() or set(flag) <= {"+"} or set(flag) <= {"-"}) else ()


def _alt(fields: list[str], where: str, problems: list[Problem]) -> AltValue | None:
    """Second value (fields 11-14); None when no value stands there."""
    text = fields[10].strip()
    if not text:
        return None
    number = parse_number(text.strip("* ")) if text.strip("* ") else None
    comparator, value = ("", text) if number is None else (number.comparator, number.value)
    low, high, _ = _norms(fields[12], fields[13], fields[11], where, problems)
    return AltValue(comparator=comparator, value=value, unit=fields[11].strip(), low=low, high=high)
