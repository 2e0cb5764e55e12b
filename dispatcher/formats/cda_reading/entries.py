"""The coded entry of a section: samples, batteries, isolates with their antibiogram, single results, comments.

CR-BIO: ``act`` (1.2.250.1.213.1.1.3.21) holds procedures (.77), organizers BATTERY (.78) and CLUSTER (.79),
observations (.80) and comments (.32). Simpler documents put organizers or observations right under ``entry``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dispatcher.formats.cda_reading import datatypes
from dispatcher.formats.cda_reading import observations as results
from dispatcher.formats.cda_reading.content import Content, Group, Line
from dispatcher.formats.cda_reading.narrative import Narrative
from dispatcher.formats.cda_reading.nodes import (
    PREFIX,
    Element,
    attribute,
    child,
    children,
    code_of,
    inside,
    local,
    one_line,
)
from dispatcher.formats.cda_reading.observations import Around
from dispatcher.formats.cda_reading.people import STRUCTURES
from dispatcher.formats.cda_reading.specimens import give_samples, named_samples, read_sample
from dispatcher.formats.er7.notes import Notes
from dispatcher.report.model import Code, Laboratory, Observation, Practitioner, Severity, ValueType

ISOLATE = "Germe identifié"
"""What the finding of an organism is called: a CDA names the germ alone."""
_STATES = {"active": "P", "aborted": "X", "completed": "F"}


class EntryReader:
    """Reads the entries of one section."""

    def __init__(self, narrative: Narrative, notes: Notes, laboratory: Laboratory, shown: dict[str, Element]) -> None:
        self._narrative = narrative
        self._notes = notes
        self._laboratory = laboratory
        self._shown = shown
        self._isolates = 0

    def read(self, section: Element) -> Content:
        """Everything coded in ``section`` itself (not in its sub-sections)."""
        content = Content()
        around = Around(self._narrative, self._notes)
        for entry in children(section, "entry"):
            for element in inside(entry):
                if local(element) == "act" and not results.is_comment(element):
                    self._act(element, content, around)
                else:
                    self._any(element, content, around, "F")
        give_samples(content, self._notes)
        return content

    def _act(self, act: Element, content: Content, around: Around) -> None:
        state = code_of(act, "statusCode")
        content.states.append(state)
        around = self._closer(act, around)
        for link in children(act, "entryRelationship"):
            for element in inside(link):
                self._any(element, content, around, _STATES.get(state, ""))

    def _closer(self, element: Element, around: Around) -> Around:
        """The sub-contractor and the biologist an act or a battery names; the laboratory itself is none."""
        performer = results.performer(element, around.performer)
        if performer is not None and self._is_ours(performer):
            performer = None
        return replace(around, performer=performer, validated_by=results.validator(element) or around.validated_by)

    def _is_ours(self, performer: Practitioner) -> bool:
        ours = self._laboratory
        numbers = {ours.finess, ours.id} - {""}
        if performer.organisation_id or performer.id_type in STRUCTURES:
            return bool(numbers & {performer.organisation_id, performer.id})
        return bool(ours.name) and performer.organisation.casefold() == ours.name.casefold()

    def _any(self, element: Element, content: Content, around: Around, state: str) -> None:
        name = local(element)
        if name == "organizer":
            self._organizer(element, content, around)
        elif name == "observation":
            self._result(element, _loose(content, state), around)
        elif name == "observationMedia":
            _loose(content, state).lines.append(self._picture(element))
        elif name == "procedure":
            content.samples.append(read_sample(element, self._narrative))
        elif name == "act" and results.is_comment(element):
            self._comment(element, content)
        elif name == "act":
            self._act(element, content, around)

    def _comment(self, act: Element, content: Content) -> None:
        key = self._narrative.key(child(act, "text"))
        said = results.comment(act, self._narrative)
        if said:
            content.comments.append((self._narrative.order.get(key, -1), said))

    def _line(self, element: Element, around: Around, group: Group) -> Line:
        key = self._narrative.key(child(element, "code"))
        above = group.lines[-1] if group.lines else None
        own = results.performer(element, None)
        if own is not None and self._is_ours(own):
            around = replace(around, performer=None)
        second = bool(key) and above is not None and above.key == key
        found = results.observation(element, around, second=second)
        if own is not None and self._is_ours(own):
            found = replace(found, performer=None)
        return Line(found, key=key)

    def _result(
        self, element: Element, group: Group, around: Around, organism: Line | None = None, *, count: bool = False
    ) -> None:
        """One result, then those that stand inside it. ``count``: right under the germ, not in its antibiogram."""
        line = self._line(element, around, group)
        if count and organism is not None and _same_finding(organism.observation, line.observation):
            organism.observation = _named_by(organism.observation, line.observation)
            return
        line.organism = organism
        if count:
            line.observation = replace(line.observation, sub_id=str(self._isolates))
        self._add(group, line)
        for link in children(element, "entryRelationship"):
            if attribute(link, "typeCode") == "REFR":
                continue
            for inner in inside(link):
                if local(inner) == "observation":
                    self._result(inner, group, around, organism)
                elif local(inner) == "observationMedia":
                    group.lines.append(self._picture(inner))

    @staticmethod
    def _add(group: Group, line: Line) -> None:
        """Two results over one row of the narrative are one test in two units."""
        above = group.lines[-1] if group.lines else None
        if above is not None and line.key and above.key == line.key and above.organism is line.organism:
            alt = results.second_value(above.observation, line.observation)
            if alt is not None:
                above.observation = replace(above.observation, alt=alt)
                return
        group.lines.append(line)

    def _picture(self, element: Element) -> Line:
        found, damage = results.picture(element, self._narrative, self._shown)
        if damage:
            self._notes.tally(
                "document-damaged",
                Severity.WARNING,
                "observationMedia",
                f"Image jointe inutilisable ({damage}) : la redemander au laboratoire.",
            )
        return Line(found)

    # -------------------------------------------------------------------------------------------- organizers

    def _organizer(self, organizer: Element, content: Content, around: Around) -> None:
        around = self._closer(organizer, around)
        if _is_isolate(organizer):
            self._isolate(organizer, content, around)
            return
        group = self._battery(organizer)
        content.groups.append(group)
        self._members(organizer, group, content, around, None)

    def _battery(self, organizer: Element) -> Group:
        coded = child(organizer, "code")
        code, _ = results.names(coded, self._narrative)
        return Group(
            title=code.text,
            code=code if code.code else Code(),
            key=self._narrative.key(coded),
            status=_STATES.get(code_of(organizer, "statusCode"), ""),
            specimen_ids=named_samples(organizer),
        )

    def _members(
        self, organizer: Element, group: Group, content: Content, around: Around, organism: Line | None
    ) -> None:
        for part in _parts(organizer):
            name = local(part)
            if name == "observation":
                self._result(part, group, around, organism)
            elif name == "observationMedia":
                group.lines.append(self._picture(part))
            elif name == "procedure":
                group.specimen = read_sample(part, self._narrative)[1]
            elif name == "act" and results.is_comment(part):
                self._narrative.key(child(part, "text"))
                group.comments += filter(None, [results.comment(part, self._narrative)])
            elif name in ("organizer", "act"):
                self._any(part, content, around, group.status)

    def _isolate(self, cluster: Element, content: Content, around: Around) -> None:
        """The germ, what was counted of it, then its antibiogram: a battery each, as in an HL7 v2 file."""
        self._isolates += 1
        organism = Line(self._organism(cluster, around))
        group = Group(
            status=_STATES.get(code_of(cluster, "statusCode"), ""),
            specimen_ids=named_samples(cluster),
            isolate=True,
            lines=[organism],
        )
        germ = child(cluster, "specimen", "specimenRole", "specimenPlayingEntity", "code")
        organism.key = group.key = self._narrative.key(germ)
        content.groups.append(group)
        for part in _parts(cluster):
            if local(part) != "organizer":
                continue
            antibiogram = self._battery(part)
            antibiogram.isolate = True
            content.groups.append(antibiogram)
            self._members(part, antibiogram, content, self._closer(part, around), organism)
        self._counts(cluster, group, organism, around)

    def _counts(self, cluster: Element, group: Group, organism: Line, around: Around) -> None:
        for part in _parts(cluster):
            name = local(part)
            if name == "observation":
                self._result(part, group, around, organism, count=True)
            elif name == "observationMedia":
                group.lines.append(self._picture(part))
            elif name == "act" and results.is_comment(part):
                self._narrative.key(child(part, "text"))
                said = results.comment(part, self._narrative)
                own = organism.observation
                organism.observation = replace(own, comments=(*own.comments, *filter(None, [said])))

    def _organism(self, cluster: Element, around: Around) -> Observation:
        entity = child(cluster, "specimen", "specimenRole", "specimenPlayingEntity")
        coded = child(entity, "code")
        code = datatypes.code(coded)
        if code is None:
            code = next((found for each in children(coded, "translation") if (found := datatypes.code(each))), None)
        said = self._narrative.said(coded) or " ".join(
            one_line("".join(map(str, each.itertext()))) for each in children(entity, "name")
        )
        state = code_of(cluster, "statusCode")
        named = code.text or code.code if code else ""
        words = (named or said) if state == "aborted" else (said or named)
        return Observation(
            code=Code(text=ISOLATE),
            type=ValueType.CODED if code else ValueType.TEXT,
            value=words,
            raw=words,
            value_code=code,
            status="X" if state == "aborted" else "F",
            sub_id=str(self._isolates),
            observed_at=datatypes.when_in(child(cluster, "effectiveTime")),
            performer=around.performer,
            validated_by=around.validated_by,
        )


def _same_finding(organism: Observation, told: Observation) -> bool:
    """The germ said once more as a result of its own, for what a specimen has no place for: its name, its flag."""
    return told.type is not ValueType.NUMERIC and bool(told.value) and told.value == organism.value


def _named_by(organism: Observation, told: Observation) -> Observation:
    return replace(
        organism,
        code=told.code,
        alternate=told.alternate,
        loinc=told.loinc,
        flags=told.flags,
        comments=(*organism.comments, *told.comments),
    )


def _is_isolate(organizer: Element) -> bool:
    return (
        attribute(organizer, "classCode") == "CLUSTER"
        and child(organizer, "specimen", "specimenRole", "specimenPlayingEntity") is not None
    )


def _parts(organizer: Element) -> Iterator[Element]:
    for name in ("component", "entryRelationship"):
        for link in organizer.findall(PREFIX + name):
            yield from inside(link)


def _loose(content: Content, state: str) -> Group:
    """The untitled battery of results that stand right under the act: one for those that follow each other."""
    last = content.groups[-1] if content.groups else None
    if last is None or last.title or last.code != Code() or last.key or last.isolate:
        last = Group(status=state)
        content.groups.append(last)
    return last
