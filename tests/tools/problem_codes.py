"""Every problem code the program can give, read from its source: what a fuzz run may meet, and nothing else."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

CODE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)+")
WORD = re.compile(r"[a-z]{4,}")
ROOMS = ("formats", "report", "terminology", "intake", "conformance", "cli")
PACKAGE = Path(__file__).resolve().parents[2] / "dispatcher"


@cache
def declared() -> frozenset[str]:
    """All literals of the shape ``missing-birth-date`` in the rooms that find problems; words only as ``code``."""
    found: set[str] = set()
    for room in ROOMS:
        for file in (PACKAGE / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                found.update(_of(node))
    return frozenset(found)


def _of(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
        return [node.value]
    if isinstance(node, ast.Call):
        named = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
        literals = [one.value for one in (*node.args[:1], *named) if isinstance(one, ast.Constant)]
        return [text for text in literals if isinstance(text, str) and WORD.fullmatch(text)]
    return []
