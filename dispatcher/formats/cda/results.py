"""Results as coded entries: observations, batteries, isolates with their antibiogram, pictures, comments.

CR-BIO 2024.01 templates 1.2.250.1.213.1.1.3.32, .78, .79, .80, .103 over IHE PaLM XD-LAB 1.3.6.1.4.1.19376.1.3.1.4 to
.6. The 2024.01 rules accept ``completed`` and ``aborted`` for a result, nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dispatcher.formats.cda import participants, values, wording
from dispatcher.formats.cda.draft import Draft
from dispatcher.formats.cda.elements import COMP, event, flat, loinc, points_at, templates
from dispatcher.formats.cda.pdf_copy import carry
from dispatcher.formats.cda.plan import IMAGES, Fate, Group, Isolate, Row
from dispatcher.formats.cda.times import stamp
from dispatcher.formats.markup import Element, leaf, sub
from dispatcher.report.model import Attachment, Observation, Status, ValueType, When

ANTIBIOGRAM = ("18769-0", "Antibiogramme")


def state(draft: Draft) -> str:
    """``statusCode`` of the act and of its batteries."""
    status = draft.report.status
    return "active" if status is Status.PARTIAL else "aborted" if status is Status.CANCELLED else "completed"


def group(draft: Draft, act: Element, of: Group) -> None:
    """A battery: an organizer when it has a title of its own, else its results directly under the act."""
    coded_rows = [row for row in of.rows if row.coded]
    if coded_rows and not of.heading:
        for row in coded_rows:
            _results(draft, act, "entryRelationship", row)
    elif of.rows or not of.isolates:
        # A battery without coded result yet still gives the act the COMP the rules ask for.
        organizer = _organizer(act, "entryRelationship", *_BATTERY)
        if of.heading:
            values.battery_code(draft, organizer, of.battery.code, of.title, of.heading)
        waiting = any(row.fate is Fate.WAITING for row in of.rows)
        leaf(organizer, "statusCode", {"code": "active" if waiting else state(draft)})
        for row in coded_rows:
            _results(draft, organizer, "component", row)
    for isolate in of.isolates:
        _isolate(draft, act, isolate)


_BATTERY = ("BATTERY", "1.3.6.1.4.1.19376.1.3.1.4", "1.2.250.1.213.1.1.3.78")
_CLUSTER = ("CLUSTER", "1.3.6.1.4.1.19376.1.3.1.5", "1.2.250.1.213.1.1.3.79")


def _link(parent: Element, name: str) -> Element:
    """``entryRelationship`` under an act or an observation, ``component`` under an organizer."""
    return sub(parent, name, COMP if name == "entryRelationship" else None)


def _organizer(parent: Element, link: str, kind: str, *roots: str) -> Element:
    return event(_link(parent, link), "organizer", kind, *roots)


def _isolate(draft: Draft, act: Element, isolate: Isolate) -> None:
    organism = isolate.organism
    cluster = _organizer(act, "entryRelationship", *_CLUSTER)
    leaf(cluster, "statusCode", {"code": "aborted" if organism.fate is not Fate.RESULT else state(draft)})
    cluster.inside.append(_effective_time(organism.at))
    specimen = sub(sub(cluster, "specimen", {"typeCode": "SPC"}), "specimenRole", {"classCode": "SPEC"})
    leaf(specimen, "id", {"root": draft.derived_id("isolate:" + organism.key)})
    germ = sub(specimen, "specimenPlayingEntity", {"classCode": "MIC"})
    values.organism_code(draft, germ, organism.observation, organism.key)
    _people(draft, cluster, organism)
    if organism.fate is Fate.RESULT and wording.interpretations(wording.flags(organism.observation)):
        # An alarm on the germ itself has no place in the specimen: it goes as a result of its own.
        alarm = replace(organism.observation, comments=(), method="", method_code=None, kit=None, previous=())
        bare = replace(organism, observation=alarm, performer=None, validator=None)
        _observation(draft, _link(cluster, "component"), bare)
    for row in isolate.counts:
        if row.coded:
            _results(draft, cluster, "component", row)
    lines = [row for row in isolate.lines if row.coded]
    if lines:
        battery = _organizer(cluster, "component", *_BATTERY)
        points_at(loinc(battery, "code", *ANTIBIOGRAM), organism.key + "a")
        leaf(battery, "statusCode", {"code": state(draft)})
        for row in lines:
            _results(draft, battery, "component", row)


def _effective_time(at: When | None) -> str:
    return f'<effectiveTime value="{stamp(at)}"/>' if at else '<effectiveTime nullFlavor="UNK"/>'


def _results(draft: Draft, parent: Element, link: str, row: Row) -> None:
    """One row: one observation, two when the test has a second value in another unit, or a picture."""
    result = row.observation
    if result.type is ValueType.DOCUMENT and row.fate is Fate.RESULT:
        if result.document is not None and result.document.media_type in IMAGES:
            _picture(draft, _link(parent, link), row, result.document)
        return
    _observation(draft, _link(parent, link), row)
    if row.fate is Fate.RESULT and (second := _in_another_unit(result)):
        _observation(draft, _link(parent, link), replace(row, observation=second), second=True)


def _in_another_unit(result: Observation) -> Observation | None:
    """The second value of a result as a result of its own; what was said once is not said again."""
    alt = result.alt
    if alt is None or not alt.value.strip():
        return None
    return replace(
        result,
        loinc=alt.loinc,
        comparator=alt.comparator,
        value=alt.value.strip(),
        value_code=None,
        unit=alt.unit,
        ucum=alt.ucum,
        low=alt.low,
        high=alt.high,
        range_text="",
        alt=None,
        comments=(),
        previous=(),
    )


def _picture(draft: Draft, holder: Element, row: Row, picture: Attachment) -> None:
    media = sub(holder, "observationMedia", {"classCode": "OBS", "moodCode": "EVN", "ID": row.key + "i"})
    templates(media, "2.16.840.1.113883.10.12.304", "1.2.250.1.213.1.1.3.103")
    carry(media, "value", picture.media_type, picture)
    _people(draft, media, row)


def _observation(draft: Draft, holder: Element, row: Row, *, second: bool = False) -> None:
    """``second``: another unit is another LOINC code, told by the file or the laboratory; without it, left uncoded."""
    result = row.observation
    element = event(holder, "observation", "OBS", "1.3.6.1.4.1.19376.1.3.1.6", "1.2.250.1.213.1.1.3.80")
    number = (result.loinc or "") if second else values.loinc_of(draft, result)
    done = row.fate is Fate.RESULT
    status = '<statusCode code="completed"/>' if done else '<statusCode code="aborted"/>'
    element.inside += [values.analysis_code(draft, row, number), status, _effective_time(row.at)]
    unit = ""
    if done:
        unit = values.unit_of(draft, result, row.key, number or None)
        flags = wording.flags(result, tested=row.tested and not second)
        said = row.key + ("w" if second else "v")
        element.inside += [values.value(draft, result, row.key, unit, said), values.interpretations(flags)]
        values.method(draft, element, result, row.key)
    _people(draft, element, row)
    _earlier(draft, element, row, number)
    comments(element, _comments_of(row))
    if done:
        element.inside.append(values.reference_range(result.low, result.high, unit, flat(result.range_text)))


def _people(draft: Draft, element: Element, row: Row) -> None:
    """Who carried the test out and who validated it, when the act does not say it already; the kit."""
    if row.performer:
        participants.performer(draft, element, row.performer, row.observation.observed_at)
    if row.validator:
        participants.validator(draft, element, row.validator, draft.released_at)
    if row.observation.kit:
        participants.kit(draft, element, row.observation.kit)


def _earlier(draft: Draft, element: Element, row: Row, number: str) -> None:
    """Earlier results of the same test: date and status obligatory (E_FR-Resultat-examens…sch)."""
    for rank, earlier in enumerate(row.observation.previous, 1):
        if not earlier.value.strip():
            continue
        before = event(sub(element, "entryRelationship", {"typeCode": "REFR"}), "observation", "OBS")
        before.inside += [
            values.analysis_code(draft, row, number),
            '<statusCode code="completed"/>',
            _effective_time(earlier.at),
            values.earlier_value(draft, earlier, row.key, f"{row.key}p{rank}", number),
        ]


def _comments_of(row: Row) -> list[tuple[str, str]]:
    return [(f"{row.key}c{n}", c) for n, c in enumerate(row.observation.comments, 1)]


_COMMENT = ("2.16.840.1.113883.10.20.1.40", "1.3.6.1.4.1.19376.1.5.3.1.4.2", "1.2.250.1.213.1.1.3.32")


def comments(parent: Element, keyed: Iterable[tuple[str, str]]) -> None:
    """One SUBJ act per comment, pointing at its place in the text (``keyed``: ID and comment)."""
    for key, comment in keyed:
        if not comment.strip():
            continue
        act = event(sub(parent, "entryRelationship", {"typeCode": "SUBJ"}), "act", "ACT", *_COMMENT)
        loinc(act, "code", "48767-8", "Commentaire")
        leaf(sub(act, "text"), "reference", {"value": "#" + key})
        leaf(act, "statusCode", {"code": "completed"})


def loose_comments(act: Element, of: Group) -> None:
    """Comments of a battery, of its germs and of its lines without coded result: they hang on the act."""
    comments(act, ((f"{of.key}c{n}", c) for n, c in enumerate(of.battery.comments, 1)))
    isolated = [r for i in of.isolates for r in (*i.counts, *i.lines)]
    for row in [i.organism for i in of.isolates] + [r for r in of.rows + isolated if not _coded(r)]:
        comments(act, _comments_of(row))


def _coded(row: Row) -> bool:
    return row.coded and not (row.fate is Fate.RESULT and row.observation.type is ValueType.DOCUMENT)
