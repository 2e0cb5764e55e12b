"""Every text of the console, read from its source; ``python -m tests.tools.console_texts`` adds what has no English.

A missing text is added, empty, to the ``.po`` of the page that says it: ``pages/lots.py`` and ``templates/lots.html``
go to ``lots.po``, what no page of that name says goes to ``console.po``. The tests then ask for the English.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from dispatcher.outbox.states import FILE_STATES, STATES

CONSOLE = Path(__file__).resolve().parents[2] / "dispatcher" / "console"
FOLDER = CONSOLE / "locale" / "en" / "LC_MESSAGES"
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2), "n_": (1, 2)}
JINJA = {"trimmed": "true", "extensions": "jinja2.ext.i18n", "silent": "false"}


@dataclass(frozen=True, slots=True)
class Said:
    """A text and where it stands."""

    text: str | tuple[str, ...]
    where: str
    page: str


def said() -> list[Said]:
    """In file order."""
    found: list[Said] = []
    for path in sorted([*CONSOLE.rglob("*.py"), *CONSOLE.glob("templates/*.html")]):
        method = babel_extract if path.suffix == ".html" else "python"
        page = path.stem if path.parent.name in {"pages", "templates"} else "console"
        with path.open("rb") as file:
            for line, text, _, _ in extract(method, file, KEYWORDS, options=JINJA if path.suffix == ".html" else {}):
                whole = tuple(text) if isinstance(text, (list, tuple)) else text
                found.append(Said(whole, f"{path.relative_to(CONSOLE)}:{line}", page))
    found += [Said(text, "outbox/states.py", "console") for text in (*STATES.values(), *FILE_STATES.values())]
    return found


def catalogues() -> dict[str, Catalog]:
    """By name of the file, without its ending."""
    return {path.stem: read_po(BytesIO(path.read_bytes()), locale="en") for path in sorted(FOLDER.glob("*.po"))}


def missing() -> list[Said]:
    """Without English, each once."""
    known = {_key(message.id) for one in catalogues().values() for message in one if message.id and all(_told(message))}
    once = {_key(one.text): one for one in reversed(said())}
    return [one for key, one in reversed(once.items()) if key not in known]


def unused() -> list[str]:
    """English of texts nobody says."""
    wanted = {_key(one.text) for one in said()}
    listed = [(name, message) for name, one in catalogues().items() for message in one if message.id]
    return [f"{name}.po: {_key(message.id)}" for name, message in listed if _key(message.id) not in wanted]


def _key(text: object) -> str:
    return str(text[0] if isinstance(text, (list, tuple)) else text)


def _told(message: object) -> tuple[str, ...]:
    string = message.string  # type: ignore[attr-defined]
    return tuple(string) if isinstance(string, (list, tuple)) else (string,)


def main() -> None:
    """Add what is missing, take out what nobody says any more."""
    known = catalogues()
    wanted = {_key(one.text) for one in said()}
    for catalogue in known.values():
        for gone in [message.id for message in catalogue if message.id and _key(message.id) not in wanted]:
            del catalogue[gone]
    pages = {path.stem for path in (CONSOLE / "pages").glob("*.py")}
    for one in missing():
        name = one.page if one.page in pages else "console"
        catalogue = known.setdefault(name, Catalog(locale="en", header_comment="", fuzzy=False))
        if one.text not in catalogue:
            catalogue.add(one.text, locations=[(one.where.rpartition(":")[0] or one.where, 1)])
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, catalogue in known.items():
        with (FOLDER / f"{name}.po").open("wb") as file:
            write_po(file, catalogue, width=120, no_location=True, omit_header=True)


if __name__ == "__main__":
    main()
