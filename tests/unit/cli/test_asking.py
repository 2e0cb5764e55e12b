"""Questions are asked in French, and « o » is a yes, wherever the command line asks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import dispatcher.cli
from dispatcher.cli import asking

app = typer.Typer()


@app.command()
def write() -> None:
    asking.or_stop("Écrire ?")
    typer.echo("écrit")


@pytest.mark.parametrize(
    ("answer", "code"), [("o\n", 0), ("OUI\n", 0), ("n\n", 1), ("\n", 1), ("", 1), ("peut-être\n", 1)]
)
def test_yes_or_given_up(answer: str, code: int) -> None:
    result = CliRunner().invoke(app, [], input=answer)
    assert result.exit_code == code
    assert "Écrire ? [o/N]" in result.output
    assert ("écrit" in result.output) is (code == 0)
    assert ("Abandonné." in result.output) is (code == 1)
    assert not re.search(r"y/N|Abort|Error", result.output)


def test_no_command_asks_by_itself() -> None:
    """One helper: a question of the library's own would be in English."""
    folder = Path(dispatcher.cli.__file__).parent
    asked = re.compile(r"(typer|click)\.confirm|\binput\(")
    found = {path.name for path in folder.glob("*.py") if asked.search(path.read_text("utf-8"))}
    assert not found
