"""Who may import whom (docs/overview.md, "Floors"). The test reads the imports; it never runs the program."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "dispatcher"

GROUND = {"report", "errors", "clock", "resources", "settings", "ports", "store_ports"}
LANGUAGES = {"formats", "terminology"}
RULES = {"receipts", "outbox", "sealing", "routing"}
WINDOWS = {"intake", "directory", "keyring", "transport", "store", "sandbox", "conformance"}

MAY_IMPORT: dict[str, set[str]] = {
    "report": {"errors"},
    "errors": set(),
    "clock": set(),
    "resources": set(),
    "settings": {"errors"},
    "ports": {"store_ports"},
    "store_ports": set(),
    **dict.fromkeys(LANGUAGES, GROUND | LANGUAGES),
    **dict.fromkeys(RULES, GROUND | LANGUAGES | RULES),
    **dict.fromkeys(WINDOWS, GROUND | LANGUAGES | RULES),
    "service": GROUND | LANGUAGES | RULES,
    "wiring": GROUND | LANGUAGES | RULES | WINDOWS | {"service"},
    **{room: GROUND | LANGUAGES | RULES | WINDOWS | {"service", "wiring", "daemon"} for room in ("daemon", "cli")},
    "__init__": set(),
    "__main__": {"cli"},
}
"""For each room, the rooms it may import besides itself. ``TYPE_CHECKING`` imports do not count."""

AT_HOME: dict[str, set[str]] = {
    "sqlalchemy": {"store"},
    "alembic": {"store"},
    "psycopg": {"store"},
    "apscheduler": {"daemon"},
    "watchdog": {"intake"},
    "hl7apy": {"formats"},
    "typst": {"formats"},
    "aiosmtpd": {"sandbox"},
    "signxml": {"directory", "sandbox"},
    "saxonche": {"conformance"},
    "typer": {"cli"},
    "rich": {"cli"},
    "pydantic": {"settings"},
    "cryptography": {"sealing", "keyring", "directory", "sandbox"},
    "smtplib": {"transport"},
    "imaplib": {"transport"},
    "socket": {"transport", "sandbox", "daemon", "cli"},
    "subprocess": {"daemon", "cli"},
    "sqlite3": {"directory", "store"},
}
"""Libraries that live in certain rooms only."""

NO_WINDOW = {
    "socket",
    "sqlite3",
    "smtplib",
    "imaplib",
    "subprocess",
    "requests",
    "urllib.request",
    "pathlib",
    "os",
    "shutil",
}
"""What pure rooms never import: no disk, no network, no process."""


def room_of(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imports_of(path: Path) -> list[tuple[int, str]]:
    """(line, module) of every import that happens at run time."""
    found: list[tuple[int, str]] = []

    def walk(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
                continue
            if isinstance(child, ast.Import):
                found.extend((child.lineno, alias.name) for alias in child.names)
            elif isinstance(child, ast.ImportFrom) and child.module:
                found.append((child.lineno, child.module))
            walk(child)

    walk(ast.parse(path.read_text(encoding="utf-8")))
    return found


FILES = sorted(p for p in PACKAGE.rglob("*.py") if "migrations" not in p.parts)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_room_imports_only_what_stands_below_it(path: Path) -> None:
    room = room_of(path)
    faults = []
    for line, module in imports_of(path):
        top, *rest = module.split(".")
        if top == "dispatcher" and rest and rest[0] != room and rest[0] not in MAY_IMPORT[room]:
            faults.append(f"{path.name}:{line} imports {module}: « {room} » may not use « {rest[0]} »")
        if top in AT_HOME and room not in AT_HOME[top]:
            faults.append(f"{path.name}:{line} imports {module}: only in {sorted(AT_HOME[top])}")
        if room in LANGUAGES | RULES | {"report"} and (top in NO_WINDOW or module in NO_WINDOW):
            faults.append(f"{path.name}:{line} imports {module}: a pure room opens no window")
    assert not faults, "\n".join(faults)


def test_every_room_is_on_the_plan() -> None:
    rooms = {room_of(path) for path in FILES}
    assert rooms - set(MAY_IMPORT) == set()


def test_modules_and_functions_stay_short() -> None:
    """Split before 400 lines; a function fits on a screen (docs/style in CONTRIBUTING.md)."""
    faults = []
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        if text.count("\n") > 400:
            faults.append(f"{path.relative_to(PACKAGE)}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno + 1 > 40:
                faults.append(f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name} is too long")
    assert not faults, "\n".join(faults)
