"""A CDA as plain values for a page: the words and the tables, nothing the document could run."""

from __future__ import annotations

import re

import pytest

from dispatcher.formats.cda_reading.narrative import text_of
from dispatcher.formats.cda_reading.nodes import PREFIX
from dispatcher.formats.cda_reading.parsing import parse
from dispatcher.formats.cda_reading.shown import Cell, shown
from dispatcher.resources import sample

CDA = """<ClinicalDocument xmlns="urn:hl7-org:v3"><title>Compte rendu</title>
<recordTarget><patientRole><patient><name><given>Zoé</given><family>ESSAI</family></name></patient></patientRole></recordTarget>
<component><structuredBody><component><section><title>Hématologie</title><text>Avant<br/>après
<table onclick="x()"><caption>NFS</caption><thead><tr><th colspan="2">Analyse</th></tr></thead>
<tbody><tr><td rowspan="999999">Hb &lt;b&gt;</td><td>13,2</td></tr><tr><td/></tr></tbody></table>
<list><item>un</item><item>deux <list><item>trois</item></list></item></list>
<linkHtml href="javascript:x()">lien</linkHtml><renderMultiMedia referencedObject="i"/></text>
<component><section><title>Dessous</title><text><paragraph>fin</paragraph></text></section></component>
</section></component></structuredBody></component></ClinicalDocument>"""


def test_words_and_tables_and_nothing_else() -> None:
    found = shown(CDA.encode())
    assert found is not None
    assert (found.title, found.patient) == ("Compte rendu", "Zoé ESSAI")
    assert [(block.kind, block.text) for block in found.blocks] == [
        ("heading", "Hématologie"),
        ("text", "Avant\naprès"),
        ("table", "NFS"),
        ("item", "un"),
        ("text", "deux"),
        ("item", "trois"),
        ("text", "lien"),
        ("heading", "Dessous"),
        ("text", "fin"),
    ]
    assert found.blocks[2].rows == (
        (Cell("Analyse", True, 2, 1),),
        (Cell("Hb <b>", False, 1, 1), Cell("13,2", False, 1, 1)),
    )


def test_what_cannot_be_read_is_none() -> None:
    entity = b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
    assert [shown(data) for data in (b"", b"<a/>", entity + CDA.replace("Avant", "&e;").encode())] == [None] * 3


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


@pytest.mark.parametrize("name", sorted(one.name for one in sample("cda").iterdir() if one.name.endswith(".xml")))
def test_no_word_of_the_narrative_is_lost(name: str) -> None:
    data = sample("cda", name).read_bytes()
    found, roots = shown(data), parse(data).roots
    assert (found is None) == (not roots)
    if found is not None:
        cells = [cell.text for block in found.blocks for row in block.rows for cell in row]
        narrative = [text_of(one.find(PREFIX + "text")) for one in roots[0].iter(PREFIX + "section")]
        assert words(" ".join(narrative)) <= words(" ".join([*cells, *(block.text for block in found.blocks)]))
