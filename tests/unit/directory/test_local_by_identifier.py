"""A file that names the recipient by RPPS finds the laboratory's line for that RPPS."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dispatcher.directory.local.table import LocalTable
from dispatcher.report.model import IdType
from tests.unit.routing.routing_desk import OTHER_RPPS, decided, per, wanted

HEADER = "code;source;type_identifiant;identifiant;adresse;libelle;format;canal;mode;du;au\n"


def table(folder: Path, *lines: str) -> LocalTable:
    path = folder / "destinataires.csv"
    path.write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    return LocalTable(path)


def test_the_line_of_an_identifier_counts_when_the_file_gives_it(tmp_path: Path) -> None:
    known = table(tmp_path, "D2;;RPPS;99700000021;;Dr PETIT;hprim-medecins;;;;")
    assert [line.format for line in known.lines("sil", "99700000021")] == ["hprim-medecins"]
    assert [line.format for line in known.lines("sil", "D2")] == ["hprim-medecins"]


def test_lines_that_contradict_each_other_make_the_mail_wait(tmp_path: Path) -> None:
    """One line wants a mail, the other paper: never « n'est pas dans la table »."""
    known = table(tmp_path, "D2;;RPPS;99700000021;;Dr PETIT;cda;;;;", "D9;;RPPS;99700000021;;Dr PETIT;;;papier;;")
    lines = known.lines("sil", "99700000021")
    assert [line.code for line in lines] == ["D2", "D9"]
    who = wanted(id=OTHER_RPPS, id_type=IdType.RPPS, family="PETIT", given="Sophie")
    found = [replace(line, code=OTHER_RPPS) for line in lines]
    hold = decided(who, per("p@dest.mssante.test", OTHER_RPPS, "PETIT", "Sophie"), lines=found).hold
    assert hold is not None
    assert hold.code == "ambiguous-recipient" and "lignes 2, 3" in hold.reason


def test_a_line_of_another_source_does_not_count(tmp_path: Path) -> None:
    known = table(tmp_path, "D2;autre;RPPS;99700000021;;Dr PETIT;hprim-medecins;;;;")
    assert known.lines("sil", "99700000021") == ()
