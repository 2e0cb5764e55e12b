"""The structured body: chapters and sub-chapters to batteries, comments, documents; nothing dropped in silence.

CR-BIO sections (CI-SIS): chapter .70, sub-chapter .71, comment .73, second-line report .60, copy as PDF .243; the
others are kept as text. In documents without these templates, a section whose entries hold results is a chapter too.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field, replace

from dispatcher.formats.cda_reading import media
from dispatcher.formats.cda_reading.content import Content, Group, Line
from dispatcher.formats.cda_reading.entries import EntryReader
from dispatcher.formats.cda_reading.narrative import Narrative, text_of
from dispatcher.formats.cda_reading.nodes import PREFIX, Element, attribute, child, children, code_of, plain, templates
from dispatcher.formats.cda_reading.observations import shown_media
from dispatcher.formats.er7.notes import Notes
from dispatcher.report.folding import fold
from dispatcher.report.model import Attachment, Battery, Laboratory, Observation, Severity

CHAPTERS = frozenset(
    {"1.3.6.1.4.1.19376.1.3.3.2.1", "1.3.6.1.4.1.19376.1.3.3.2.2", "1.2.250.1.213.1.1.2.70", "1.2.250.1.213.1.1.2.71"}
)
COMMENTS = frozenset({"1.2.250.1.213.1.1.2.73", "1.3.6.1.4.1.19376.1.4.1.2.16"})
COPY = "1.2.250.1.213.1.1.2.243"
DOCUMENTS = frozenset({COPY, "1.2.250.1.213.1.1.2.60"})
_COMMENT_CODE = "55112-7"
_COPY_CODE = "55108-5"
_PLAIN_TITLES = frozenset({"", "commentaire", "commentaires"})
_FALLBACK_CHAPTER = "26436-6"
_VALIDATED = "resultats valides par"
_SUBCONTRACTED = "examens sous-traites"
_JOINED = "Document joint au compte rendu"
"""What our own writer puts in a row whose document stands in another section."""

INFORMATION = "Information sur ce compte rendu"
"""Title of the section our own writer puts in front: the state of the report in words, and that it is urgent."""
PRINTED = "Texte du laboratoire"
"""Title of the section our own writer keeps the laboratory's printed text in."""
URGENT = "Demande urgente."
_SAID_ELSEWHERE = ("Annule et remplace ", "Compte rendu partiel", "COMPTE RENDU ANNULÉ")
"""Notices of our own writer that the header says too."""


@dataclass(slots=True)
class Body:
    """What a structured body holds."""

    batteries: tuple[Battery, ...] = ()
    comments: list[str] = field(default_factory=list)
    documents: list[Attachment] = field(default_factory=list)
    text: str = ""
    urgent: bool = False
    aborted: bool = False
    """Every act was aborted."""


@dataclass(slots=True)
class _Chapter:
    title: str
    subtitle: str
    content: Content


class BodyReader:
    """Reads one ``structuredBody`` of a laboratory report."""

    def __init__(self, root: Element, notes: Notes, laboratory: Laboratory) -> None:
        self._narrative = Narrative.of(root)
        self._notes = notes
        self._entries = EntryReader(self._narrative, notes, laboratory, shown_media(root))
        self._body = Body()
        self._chapters: list[_Chapter] = []
        self._copies: list[Attachment] = []
        self._root = root

    def read(self) -> Body:
        """The body in plain values; what could not be placed is told in the notes."""
        for section in children(self._root, "component", "structuredBody", "component", "section"):
            self._section(section, ())
        self._finish()
        return self._body

    def _section(self, section: Element, above: tuple[str, ...]) -> None:
        roots, code = templates(section), code_of(section, "code")
        inner = children(section, "component", "section")
        if roots & DOCUMENTS or code == _COPY_CODE:
            self._documents(section)
        elif roots & COMMENTS or code == _COMMENT_CODE:
            self._comment(section)
        elif roots & CHAPTERS or above or self._holds_results(section, roots):
            self._chapter(section, above)
        elif child(section, "text") is not None:
            self._as_text(section)
        else:
            above = ()
        titles = _titles(section, above)
        for each in inner:
            self._section(each, titles if roots & CHAPTERS or above else ())

    @staticmethod
    def _holds_results(section: Element, roots: frozenset[str]) -> bool:
        """A section of a simpler laboratory report: batteries, acts or results as entries, of no clinical template."""
        clinical = any(root.startswith(("1.3.6.1.4.1.19376.1.5.3.1.", "1.2.250.1.213.1.1.2.")) for root in roots)
        if clinical:
            return False
        return any(
            element.find(PREFIX + "value") is not None
            for element in section.findall(PREFIX + "entry//" + PREFIX + "observation")
        )

    # -------------------------------------------------------------------------------------------- chapters

    def _chapter(self, section: Element, above: tuple[str, ...]) -> None:
        text = child(section, "text")
        if not children(section, "entry"):
            if text is not None and plain(text):
                self._as_text(section)
            return
        content = self._entries.read(section)
        titles = _titles(section, above)
        self._chapters.append(_Chapter(titles[0], titles[1] if len(titles) > 1 else "", content))
        if text is not None:
            self._left_over(text, content)
        self._place_comments(content)

    def _left_over(self, text: Element, content: Content) -> None:
        """What the narrative says and no entry does: who validated, or a comment."""
        known = _names(content)
        for found in self._narrative.uncoded(text):
            bare, folded = found.said, fold(found.said)
            if found.heading and (group := self._isolate_below(found.rank, content)) is not None:
                group.title = bare
            elif folded.startswith(_VALIDATED):
                _validated(content, bare[len(_VALIDATED) :].partition(" - ")[0])
            elif not (bare.endswith((":", _JOINED)) or _repeats(folded, known)):
                content.comments.append((found.rank, bare))

    def _isolate_below(self, rank: int, content: Content) -> Group | None:
        """The untitled germ that comes next in the narrative: a culture is titled in the text only."""
        following = [g for g in content.groups if g.key and self._narrative.order[g.key] > rank]
        first = min(following, key=lambda g: self._narrative.order[g.key], default=None)
        return first if first is not None and first.isolate and not first.title else None

    def _place_comments(self, content: Content) -> None:
        """A comment of the act goes where the narrative prints it: after which germ or battery; else to the report."""
        places: list[tuple[int, Group, Line | None]] = []
        for group in content.groups:
            if group.key:
                places.append((self._narrative.order[group.key], group, None))
            for line in group.lines:
                if line.key:
                    places.append((self._narrative.order[line.key], group, line))
        places.sort(key=lambda each: each[0])
        ranks = [each[0] for each in places]
        for rank, said in content.comments:
            before = bisect_left(ranks, rank)
            if before:
                self._keep(said, places[before - 1][1], places[before - 1][2])
            elif len(content.groups) == 1:
                self._keep(said, content.groups[0], None)
            else:
                self._body.comments.append(said)

    def _keep(self, said: str, group: Group, line: Line | None) -> None:
        if not group.isolate:
            group.comments.append(said)
        elif line is not None and line.organism is None:
            own = line.observation
            line.observation = replace(own, comments=(*own.comments, said))
        else:
            self._body.comments.append(said)

    # -------------------------------------------------------------------------------------------- other sections

    def _comment(self, section: Element) -> None:
        title, text = plain(child(section, "title")), child(section, "text")
        paragraphs = [text_of(each) for each in children(text, "paragraph")]
        said = [each for each in paragraphs or [text_of(text)] if each]
        if title == INFORMATION:
            self._body.urgent |= URGENT in said
            said = [each for each in said if each != URGENT and not each.startswith(_SAID_ELSEWHERE)]
        elif title == PRINTED:
            self._body.text = "\n".join(said).replace("\u00a0", " ")
            return
        elif title.casefold() not in _PLAIN_TITLES:
            said = [f"{title} : {each}" for each in said]
        self._body.comments += said

    def _as_text(self, section: Element) -> None:
        said = text_of(child(section, "text"))
        if not said:
            return
        title = plain(child(section, "title")) or attribute(child(section, "code"), "displayName")
        self._body.comments.append(f"{title} : {said}" if title else said)
        self._notes.tally(
            "section-as-text",
            Severity.INFO,
            "structuredBody/section",
            "Section sans résultat codé : gardée comme commentaire du compte rendu. Vérifier que rien n'y manque.",
        )

    def _documents(self, section: Element) -> None:
        for element in section.iter(PREFIX + "observationMedia"):
            document = media.attachment(child(element, "value"))
            if why := media.why_damaged(document):
                self._notes.tally(
                    "document-damaged",
                    Severity.WARNING,
                    "observationMedia",
                    f"Document joint inutilisable ({why}) : le redemander au laboratoire.",
                )
            if document is not None:
                (self._copies if COPY in templates(section) else self._body.documents).append(document)

    # -------------------------------------------------------------------------------------------- the end

    def _finish(self) -> None:
        lines = [line for chapter in self._chapters for group in chapter.content.groups for line in group.lines]
        rank = {id(line): place for place, line in enumerate(lines)}
        batteries = []
        for chapter in self._chapters:
            for group in chapter.content.groups:
                done: tuple[Observation, ...] = tuple(
                    replace(line.observation, parent=rank[id(line.organism)]) if line.organism else line.observation
                    for line in group.lines
                )
                batteries.append(group.battery(chapter.title, chapter.subtitle, done))
        self._body.batteries = tuple(batteries)
        self._body.documents[:0] = self._copies
        states = [state for chapter in self._chapters for state in chapter.content.states]
        done_results = any(line.observation.status == "F" for line in lines)
        self._body.aborted = bool(states) and all(state == "aborted" for state in states) and not done_results
        if self._narrative.dangling:
            self._notes.info(
                "dangling-reference",
                "originalText/reference",
                f"{self._narrative.dangling} référence(s) vers un texte absent du document : le libellé du code est "
                "utilisé. Faire corriger le logiciel qui produit le document.",
            )


def _names(content: Content) -> set[str]:
    """What the entries say already, folded: titles, names of tests, germs; who carried the tests out."""
    lines = [(group, line.observation) for group in content.groups for line in group.lines]
    known = {fold(group.title) for group in content.groups} | {fold(told.code.text) for _, told in lines}
    known |= {fold(told.value) for group, told in lines if group.isolate}
    return known | ({_SUBCONTRACTED} if any(told.performer for _, told in lines) else set())


def _repeats(folded: str, known: set[str]) -> bool:
    """A title or a germ told again in a paragraph of its own, alone or behind a colon."""
    if folded.startswith(_SUBCONTRACTED):
        return _SUBCONTRACTED in known
    tails = [folded[place.end() :] for place in re.finditer(": ", folded[:200])]
    return any(tail in known for tail in (folded, *tails) if tail)


def _validated(content: Content, said: str) -> None:
    """``par le Dr DURAND Anne - 04/01/2024, 11h20``: the name, where no result names its own."""
    name = re.sub(r"^(?:le|la)\s+", "", said.strip(" :."))
    for group in content.groups:
        for line in group.lines:
            if not line.observation.validated_by:
                line.observation = replace(line.observation, validated_by=name)


def _titles(section: Element, above: tuple[str, ...]) -> tuple[str, ...]:
    """Chapter and sub-chapter. A chapter titled otherwise than its code (ECBU under Microbiologie) gives both."""
    code, title = child(section, "code"), plain(child(section, "title"))
    display = attribute(code, "displayName")
    if above:
        same = not title or fold(title) == fold(above[0])
        return above if same else (above[0], title)
    if not title or not display or attribute(code, "code") == _FALLBACK_CHAPTER or fold(title) == fold(display):
        return (title or display,)
    return (display, title)
