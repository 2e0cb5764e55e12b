"""Every problem code the program can give, read from its source: what a fuzz run may meet, and nothing else.

``python -m tests.tools.problem_codes`` writes ``docs/problemes.md``, the page an operator looks a code up in.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dispatcher.report.checks import SEVERITIES

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


# ------------------------------------------------------------------------------------------------ the page

PAGE = PACKAGE.parent / "docs" / "problemes.md"
HEADINGS = {
    "formats": "Lecture d'un fichier, tous formats",
    "formats/er7": "HL7 v2 et HPRIM Santé",
    "formats/hl7": "HL7 v2",
    "formats/hprim_sante": "HPRIM Santé",
    "formats/hprim_medecins": "HPRIM Médecins",
    "formats/cda": "CDA",
    "formats/cda_reading": "CDA",
    "formats/xdm": "IHE_XDM.ZIP",
    "formats/pdf": "PDF et fichiers d'accompagnement",
    "formats/pdf_index": "Index de PDF",
    "report": "Contrôle du compte rendu (gravité réglable : [checks] severities)",
    "terminology": "Tables de correspondance",
    "intake": "Dossiers d'entrée",
    "conformance": "Règles officielles",
    "cli": "Commandes",
}
_WORDS = {"error": "erreur", "warning": "attention", "info": "note"}
_BY_NAME = {"error": "error", "warning": "warning", "warn": "warning", "info": "info", "note": "info"}


@dataclass(frozen=True, slots=True, order=True)
class Told:
    """One code as one call gives it."""

    heading: str
    code: str
    severity: str
    message: str


def catalogue() -> list[Told]:
    """Codes with severity and message, sorted; the same code of one room once."""
    found: dict[tuple[str, str], Told] = {}
    for room in ROOMS:
        for file in sorted((PACKAGE / room).rglob("*.py")):
            place = str(file.parent.relative_to(PACKAGE))
            heading = HEADINGS.get(place, HEADINGS[room])
            for one in _calls(ast.parse(file.read_text(encoding="utf-8")), heading):
                known = found.get((one.heading, one.code))
                if known is None or len(known.message) < len(one.message):
                    found[one.heading, one.code] = one
    return sorted(found.values())


def _calls(tree: ast.AST, heading: str) -> Iterator[Told]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        values = [*node.args, *(keyword.value for keyword in node.keywords)]
        code = next((text for text in map(_literal, values) if CODE.fullmatch(text) or text == "truncated"), "")
        message = max((text for text in map(_literal, values) if " " in text), key=len, default="")
        severity = _severity(node, values) or (SEVERITIES[code].value if code in SEVERITIES else "")
        if code and severity and len(message) > 20:
            yield Told(heading, code, severity, " ".join(message.split()))


def _literal(node: ast.AST) -> str:
    """The text of a literal, with … for what is filled in when it is said."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
    if isinstance(node, ast.BinOp):
        left, right = _literal(node.left), _literal(node.right)
        return (left or "…") + (right or "…") if left or right else ""
    return ""


def _severity(call: ast.Call, values: list[ast.expr]) -> str:
    for value in values:
        for part in ast.walk(value):
            if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == "Severity":
                return part.attr.lower()
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return _BY_NAME.get(name.strip("_"), "")


def page() -> str:
    """The text of ``docs/problemes.md``."""
    lines = [
        "# Ce que disent les contrôles",
        "",
        "Chaque remarque sur un fichier ou un compte rendu porte un code, une gravité, une place (ligne, segment,",
        "champ) et un message. **erreur** : mis de côté ou retenu jusqu'à ce qu'une personne décide ; **attention** :",
        "part, et se voit ; **note** : part. Les points de suspension sont remplis au moment de le dire.",
        "",
        "Page écrite par `python -m tests.tools.problem_codes`.",
    ]
    heading = ""
    for one in catalogue():
        if one.heading != heading:
            heading = one.heading
            lines += ["", f"## {heading}", "", "| code | gravité | message |", "|---|---|---|"]
        message = one.message.replace("|", "\\|").replace("<", "&lt;")
        lines.append(f"| `{one.code}` | {_WORDS[one.severity]} | {message} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
