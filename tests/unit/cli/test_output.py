"""Tables for people: a long remark is cut to what fits, never folded over many lines."""

from __future__ import annotations

import pytest

from dispatcher.cli.output import table


def test_a_long_remark_takes_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("D1", "en attente", "mot " * 100), ("D2", "lu", "court")]
    table("", ("Envoi", "État", "Remarque"), rows, cut_last=True)
    lines = [line for line in capsys.readouterr().out.splitlines() if "mot" in line or "court" in line]
    assert len(lines) == 2
    assert "…" in lines[0]
    assert "court" in lines[1]
