"""Who may import whom (docs/overview.md, "Floors"). The test reads the imports; it never runs the program."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "dispatcher"

GROUND = {
    *("report", "errors", "clock", "french", "resources", "faults", "settings", "dialects"),
    *("ports", "store_ports"),
}
LANGUAGES = {"formats", "terminology"}
RULES = {"receipts", "outbox", "sealing", "routing", "feedback", "alarms"}
WINDOWS = {"intake", "directory", "keyring", "transport", "store", "sandbox", "conformance"}

MAY_IMPORT: dict[str, set[str]] = {
    "report": {"errors"},
    "errors": set(),
    "clock": set(),
    "french": set(),
    "resources": set(),
    "faults": set(),
    "settings": {"errors", "faults", "french"},
    "dialects": {"errors", "faults", "french", "resources"},
    "ports": {"store_ports"},
    "store_ports": set(),
    **dict.fromkeys(LANGUAGES, GROUND | LANGUAGES),
    **dict.fromkeys(RULES, GROUND | LANGUAGES | RULES),
    "whole_file": set(),
    **dict.fromkeys(WINDOWS, GROUND | LANGUAGES | RULES | {"whole_file"}),
    "service": GROUND | LANGUAGES | RULES,
    "wiring": GROUND | LANGUAGES | RULES | WINDOWS | {"service"},
    **{
        room: GROUND | LANGUAGES | RULES | WINDOWS | {"service", "wiring", "daemon", "console", "whole_file"}
        for room in ("daemon", "cli")
    },
    "console": GROUND | LANGUAGES | RULES | WINDOWS - {"store"} | {"service", "wiring"},
    "__init__": set(),
    "__main__": {"cli"},
}
"""For each room, the rooms it may import besides itself. ``TYPE_CHECKING`` imports do not count."""

AT_HOME: dict[str, set[str]] = {
    "sqlalchemy": {"store"},
    "alembic": {"store"},
    "psycopg": {"store"},
    "apscheduler": {"daemon"},
    "prometheus_client": {"daemon"},
    "structlog": {"daemon"},
    "croniter": {"settings"},
    "holidays": {"wiring"},
    "watchdog": {"intake"},
    "hl7apy": {"formats"},
    "openpyxl": {"formats"},
    "typst": {"formats"},
    "pikepdf": {"formats"},
    "aiosmtpd": {"sandbox"},
    "signxml": {"directory", "sandbox"},
    "ldap3": {"directory"},
    "saxonche": {"conformance"},
    "typer": {"cli"},
    "rich": {"cli"},
    "pydantic": {"settings", "faults", "dialects"},
    "cryptography": {"sealing", "keyring", "directory", "sandbox"},
    "argon2": {"keyring"},
    "pyotp": {"keyring"},
    "rfc3161_client": {"sealing"},
    "flufl": {"receipts"},
    "smtplib": {"transport"},
    "imaplib": {"transport"},
    "poplib": {"transport"},
    "socket": {"transport", "sandbox", "daemon", "cli", "directory", "console"},
    "subprocess": {"daemon", "cli", "transport"},
    "sqlite3": {"directory", "store"},
    **{
        library: {"console"}
        for library in ("starlette", "uvicorn", "jinja2", "markupsafe", "babel", "segno", "authlib", "joserfc")
    },
}
"""Libraries that live in certain rooms only."""

PURE = LANGUAGES | RULES | {"report", "service"}
"""Rooms that open no window: what they need from outside is handed in (bytes, the time, a port)."""

NO_WINDOW = {
    *("socket", "ssl", "smtplib", "imaplib", "poplib", "mailbox", "requests", "urllib.request", "http"),
    *("sqlite3", "pathlib", "os", "shutil", "tempfile", "glob", "importlib.metadata"),
    *("subprocess", "multiprocessing", "threading", "concurrent", "asyncio", "signal", "ctypes"),
    *("time", "random", "secrets"),
}
"""What pure rooms never import: no disk, no network, no process, no clock, no chance."""

NO_CALL = {
    *("open", "Path", "input", "print", "eval", "exec", "__import__", "breakpoint"),
    *("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "uuid.uuid1", "uuid.uuid4"),
}
"""What pure rooms never call, by its last name or its last two."""

NO_METHOD = {"read_bytes", "write_bytes", "write_text", "read_text", "unlink", "mkdir", "iterdir", "rglob", "urandom"}
"""Methods of paths, whatever the path is called."""

EXCEPTIONS: dict[str, dict[str, str]] = {
    "formats/cda/last_parsed.py": {"threading": "the last document is kept per thread, for the same reason"},
    "formats/pdf/engine.py": {"threading": "one compiler a thread: the library's own is not safe in several"},
    "formats/registry.py": {"importlib.metadata": "formats that other installed packages offer"},
    "service/keeper.py": {"threading": "leases are prolonged beside the work"},
    "service/send.py": {"threading": "one thread a line; it waits and wakes through events"},
    "service/register.py": {"uuid.uuid4": "identifiers of new documents"},
}
"""Justified, each with its reason; a reason that no longer applies is a fault too."""


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
    assert not faults, "\n".join(faults)


def windows(path: Path) -> Iterator[tuple[int, str]]:
    """(line, name) of every import and call by which this module would reach outside."""
    for line, module in imports_of(path):
        yield from ((line, name) for name in (module, module.partition(".")[0]) if name in NO_WINDOW)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id in NO_CALL:
            yield node.lineno, node.func.id
        if isinstance(node.func, ast.Attribute):
            dotted = ".".join(ast.unparse(node.func).split(".")[-2:])
            if dotted in NO_CALL or node.func.attr in NO_METHOD:
                yield node.lineno, dotted


@pytest.mark.parametrize("path", [p for p in FILES if room_of(p) in PURE], ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_pure_room_opens_no_window(path: Path) -> None:
    justified = EXCEPTIONS.get(path.relative_to(PACKAGE).as_posix(), {})
    found = list(windows(path))
    faults = [f"{path.name}:{line} {name}: a pure room is handed what it needs" for line, name in found]
    assert [fault for fault, (_, name) in zip(faults, found, strict=True) if name not in justified] == []
    assert set(justified) <= {name for _, name in found}, "an exception that is no longer needed"


def test_every_exception_is_a_file() -> None:
    assert [name for name in EXCEPTIONS if not (PACKAGE / name).is_file()] == []


@pytest.mark.parametrize(
    "line",
    [
        "import time",
        "from os.path import exists",
        "import urllib.request",
        "def late():\n    from threading import Lock",
        "x = open('f')",
        "x = Path('f')",
        "x = datetime.now(UTC)",
        "x = datetime.datetime.now()",
        "x = date.today()",
        "x = where.read_bytes()",
        "x = uuid.uuid4()",
    ],
)
def test_the_check_sees_windows(line: str, tmp_path: Path) -> None:
    path = tmp_path / "room.py"
    path.write_text(line + "\n", encoding="utf-8")
    assert list(windows(path))


@pytest.mark.parametrize("line", ["x = clock.now()", "from datetime import time", "x = uuid.uuid5(a, b)", "x.open()"])
def test_the_check_lets_pass_what_is_handed_in(line: str, tmp_path: Path) -> None:
    path = tmp_path / "room.py"
    path.write_text(line + "\n", encoding="utf-8")
    assert not list(windows(path))


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
