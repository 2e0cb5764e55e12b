"""What the entries of a section hold, while their report is being put together."""

from __future__ import annotations

from dataclasses import dataclass, field

from dispatcher.report.model import Battery, Code, Observation, Specimen


@dataclass(slots=True, eq=False)
class Line:
    """One result while its report is being put together."""

    observation: Observation
    organism: Line | None = None
    key: str = ""
    """ID of its words in the narrative."""


@dataclass(slots=True, eq=False)
class Group:
    """One battery while its report is being put together."""

    title: str = ""
    code: Code = field(default_factory=Code)
    key: str = ""
    status: str = ""
    specimen: Specimen | None = None
    specimen_ids: frozenset[str] = frozenset()
    isolate: bool = False
    """Holds an organism or its antibiogram."""
    lines: list[Line] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)

    def battery(self, chapter: str, subchapter: str, observations: tuple[Observation, ...]) -> Battery:
        """The finished battery."""
        return Battery(
            title=self.title,
            code=self.code,
            chapter=chapter,
            subchapter=subchapter,
            specimen=self.specimen,
            status=self.status,
            comments=tuple(self.comments),
            observations=observations,
        )


@dataclass(slots=True)
class Content:
    """What the entries of one section hold, in file order."""

    groups: list[Group] = field(default_factory=list)
    comments: list[tuple[int, str]] = field(default_factory=list)
    """Rank of its place in the narrative (-1: none) and words."""
    samples: list[tuple[frozenset[str], Specimen]] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    """``statusCode`` of each act."""
