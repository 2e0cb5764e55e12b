"""Lines and segments. A segment keeps its raw fields and its place in the file; finer cuts happen when asked for."""

from __future__ import annotations

from collections.abc import Iterator

from dispatcher.formats.er7.separators import Separators

_FRAMING = "\x0b\x1c\x1a\x00\ufeff"
"""MLLP start and end bytes, the end mark of DOS files, padding, a mark left by joining files."""
_EDGES = _FRAMING + " \t"


def lines(text: str, *, keep_blanks: bool = False) -> Iterator[tuple[int, str]]:
    """``(number, line)`` of every line that is not blank, from 1. CR, LF, CRLF and MLLP framing end a line.

    Blanks around a line are dropped unless ``keep_blanks``: where a line goes on in the next one they are text.
    """
    edges = _FRAMING if keep_blanks else _EDGES
    flat = text.replace("\r\n", "\n").replace("\r", "\n")
    framed = "\x1c" in flat or "\x0b" in flat
    if not framed and not keep_blanks:
        yield from [(number, bare) for number, line in enumerate(flat.split("\n"), 1) if (bare := line.strip(_EDGES))]
        return
    for number, line in enumerate(flat.split("\n"), start=1):
        if framed:
            for part in line.replace("\x0b", "\x1c").split("\x1c"):
                if part.strip(_EDGES):
                    yield number, part.strip(edges)
        elif line.strip(_EDGES):
            yield number, line.strip(edges)


def terminated(text: str) -> bool:
    """The last line is closed by a line end or by MLLP framing: the writer was not cut inside it."""
    return text.rstrip(" \t\x1a\x00")[-1:] in ("\r", "\n", "\x1c")


class Composite:
    """One repetition of a field. Components and subcomponents count from 1; absent ones are the empty string."""

    __slots__ = ("parts", "separators")

    def __init__(self, raw: str, separators: Separators) -> None:
        self.separators = separators
        self.parts = separators.components(raw)

    def raw(self, number: int) -> str:
        """Component ``number`` as it stands in the file."""
        return self.parts[number - 1] if 0 < number <= len(self.parts) else ""

    def whole(self, number: int) -> str:
        """Component ``number`` as text; a subcomponent separator in it is taken for text the sender did not escape."""
        return self.separators.clean(self.parts[number - 1]) if 0 < number <= len(self.parts) else ""

    def sub(self, number: int, place: int) -> str:
        """Subcomponent ``place`` of component ``number``."""
        if not 0 < number <= len(self.parts):
            return ""
        raw, separators = self.parts[number - 1], self.separators
        if separators.subcomponent and separators.subcomponent in raw:
            cut = raw.split(separators.subcomponent)
            return separators.clean(cut[place - 1]) if 0 < place <= len(cut) else ""
        return separators.clean(raw) if place == 1 else ""

    def first(self, number: int) -> str:
        """First subcomponent of component ``number``."""
        return self.sub(number, 1)

    def split(self, number: int) -> Composite:
        """Component ``number`` with its subcomponents as components."""
        inner = self.separators
        return Composite(
            self.raw(number),
            Separators(inner.field, inner.subcomponent, "", inner.escape, ""),
        )

    def __len__(self) -> int:
        return len(self.parts)


class Segment:
    """One segment: ``name``, ``line`` (where it starts in the file), raw ``fields`` with the name at 0.

    Fields count from 1 as the standards do. For ``MSH``, ``FHS`` and ``BHS`` field 1 is the field separator itself.
    """

    __slots__ = ("fields", "line", "name", "separators")

    def __init__(self, text: str, line: int, separators: Separators, *, declares_separator: bool = False) -> None:
        self.separators = separators
        self.line = line
        self.fields = text.split(separators.field)
        self.name = self.fields[0].strip()
        if declares_separator:
            self.fields.insert(1, separators.field)

    def raw(self, number: int) -> str:
        """Field ``number`` as it stands in the file; the empty string when absent."""
        fields = self.fields
        return fields[number].strip() if number < len(fields) else ""

    def written(self, number: int) -> str:
        """Field ``number`` as the laboratory wrote it, blanks and all, even when a dialect reads it otherwise."""
        return self.fields[number] if number < len(self.fields) else ""

    def text(self, number: int) -> str:
        """The whole field as text, unescaped, separators inside it left alone."""
        return self.separators.clean(self.fields[number]) if number < len(self.fields) else ""

    def composite(self, number: int) -> Composite:
        """First repetition of field ``number``."""
        return Composite(self.first(number), self.separators)

    def first(self, number: int) -> str:
        """First repetition of field ``number`` as it stands in the file."""
        raw, repetition = self.raw(number), self.separators.repetition
        return raw.split(repetition, 1)[0] if repetition and repetition in raw else raw

    def composites(self, number: int) -> list[Composite]:
        """Every repetition of field ``number`` that is not empty."""
        whole = self.raw(number)
        if not whole:
            return []
        separators = self.separators
        return [Composite(raw, separators) for raw in separators.repetitions(whole) if raw]

    def component(self, number: int, component: int = 1) -> str:
        """One component of the first repetition, first subcomponent, as text."""
        raw = self.raw(number)
        if not raw:
            return ""
        if raw.isalnum():  # nothing to cut and nothing to unescape: most fields
            return raw if component == 1 else ""
        separators = self.separators
        if separators.repetition and separators.repetition in raw:
            raw = raw.split(separators.repetition, 1)[0]
        if separators.component and separators.component in raw:
            parts = raw.split(separators.component, component)
            raw = parts[component - 1] if component <= len(parts) else ""
        elif component > 1:
            return ""
        if separators.subcomponent and separators.subcomponent in raw:
            raw = raw.split(separators.subcomponent, 1)[0]
        return separators.clean(raw)

    def redrawn(self) -> Segment:
        """A copy whose ``fields`` may be changed; :meth:`written` goes on telling what stands in the file."""
        return _Redrawn(self)

    def where(self, number: int | None = None) -> str:
        """How a person finds it: ``ligne 12, OBX-5``."""
        place = self.name if number is None else f"{self.name}-{number}"
        return f"ligne {self.line}, {place}"

    def __repr__(self) -> str:
        return f"Segment({self.name}, line {self.line}, {len(self.fields) - 1} fields)"


class _Redrawn(Segment):
    """A segment as a dialect reads it."""

    __slots__ = ("_origin",)

    def __init__(self, origin: Segment) -> None:
        self.separators = origin.separators
        self.line = origin.line
        self.name = origin.name
        self.fields = list(origin.fields)
        self._origin = origin

    def written(self, number: int) -> str:
        return self._origin.written(number)
