"""A file that names the recipient by RPPS finds the laboratory's line for that RPPS."""

from __future__ import annotations

from pathlib import Path

from dispatcher.directory.local.table import LocalTable

HEADER = "code;source;type_identifiant;identifiant;adresse;libelle;format;canal;mode;du;au\n"


def table(folder: Path, *lines: str) -> LocalTable:
    path = folder / "destinataires.csv"
    path.write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    return LocalTable(path)


def test_the_line_of_an_identifier_counts_when_the_file_gives_it(tmp_path: Path) -> None:
    known = table(tmp_path, "D2;;RPPS;99700000021;;Dr PETIT;hprim-medecins;;;;")
    assert [line.format for line in known.lines("sil", "99700000021")] == ["hprim-medecins"]
    assert [line.format for line in known.lines("sil", "D2")] == ["hprim-medecins"]


def test_lines_that_disagree_decide_nothing(tmp_path: Path) -> None:
    known = table(
        tmp_path, "D2;;RPPS;99700000021;;Dr PETIT;hprim-medecins;;;;", "D9;;RPPS;99700000021;;Dr PETIT;cda;;;;"
    )
    assert known.lines("sil", "99700000021") == ()


def test_a_line_of_another_source_does_not_count(tmp_path: Path) -> None:
    known = table(tmp_path, "D2;autre;RPPS;99700000021;;Dr PETIT;hprim-medecins;;;;")
    assert known.lines("sil", "99700000021") == ()
