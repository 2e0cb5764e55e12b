"""Files named by a sender: each leaves by itself or with the message that announces it; nothing is left out unsaid."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.intake import by_hand

LABO_B = Path(__file__).resolve().parents[3] / "samples/demo/labo-b"
ANNOUNCING = (LABO_B / "B03_avec_pdf.hpr").read_bytes()
PDF = (LABO_B / "B03.PDF").read_bytes()


def taken(*paths: Path) -> dict[str, list[str]]:
    return {one.found.name: sorted(one.siblings) for one in by_hand.gather(paths).taken}


@pytest.mark.parametrize("name", ["B03.PDF", "b03.pdf"])
def test_a_document_goes_with_the_message_that_announces_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "r.hpr").write_bytes(ANNOUNCING)
    (tmp_path / name).write_bytes(PDF)
    assert taken(tmp_path) == {"r.hpr": ["B03.PDF"]}
    assert taken(tmp_path / "r.hpr") == {"r.hpr": ["B03.PDF"]}, "the document was not named"


def test_a_message_announced_by_another_or_by_itself_still_leaves(tmp_path: Path) -> None:
    (tmp_path / "a.hpr").write_bytes(ANNOUNCING.replace(b"B03.PDF", b"b.hpr"))
    (tmp_path / "b.hpr").write_bytes(ANNOUNCING.replace(b"B03.PDF", b"b.hpr"))
    assert taken(tmp_path) == {"a.hpr": [], "b.hpr": []}


def test_a_file_named_twice_is_taken_once(tmp_path: Path) -> None:
    (tmp_path / "a.hpr").write_bytes(ANNOUNCING)
    assert len(by_hand.gather([tmp_path, tmp_path / "a.hpr"]).taken) == 1


def test_what_is_left_out_is_told(tmp_path: Path) -> None:
    (tmp_path / "dedans").mkdir()
    (tmp_path / ".cache").write_bytes(b"x")
    gathered = by_hand.gather([tmp_path, tmp_path / "absent.hl7"])
    assert gathered.taken == ()
    first, second = gathered.left_out
    assert "sous-dossier" in first
    assert "absent.hl7 : fichier illisible, introuvable" in second
