"""What exists is documented: every setting, every command, every link between documents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from dispatcher.alarms.alarm import CODES
from dispatcher.settings import Settings, parse
from dispatcher.settings.places import FILES, FOLDERS, ONLY_READ
from tests.tools.problem_codes import PAGE, page

ROOT = Path(__file__).resolve().parents[1]
WHERE_ALARMS_ARE = ("service/standing.py", "service/alarm_facts.py", "wiring/standing.py", "alarms/rules.py")


def models(annotation: Any) -> list[type[BaseModel]]:
    """The sections an annotation holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in models(part)]


def keys(model: type[BaseModel]) -> set[str]:
    """Every key of a section and of the sections below it; names of sections left out."""
    found: set[str] = set()
    for name, field in model.model_fields.items():
        below = models(field.annotation)
        if below:
            for section in below:
                found |= keys(section)
        else:
            found.add(name)
    return found


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    assert {key for key in keys(Settings) if f"`{key}`" not in text} == set()


def test_every_path_of_the_settings_has_its_place() -> None:
    """A new path must be named in ``settings/places.py``: the hardened service writes nowhere else."""

    def walk(model: type[BaseModel], place: str = "") -> set[str]:
        found: set[str] = set()
        for name, field in model.model_fields.items():
            below = models(field.annotation)
            for section in below:
                found |= walk(section, f"{place}{name}.")
            if not below and "pathlib" in str(field.annotation):
                found.add(f"{place}{name}")
        return found

    known, found = FOLDERS | FILES | ONLY_READ, walk(Settings)
    assert {one for one in found if one not in known and one.rpartition(".")[2] not in known} == set()
    assert {one for one in known if "." in one and one not in found} == set()


def told_defaults() -> Iterator[tuple[str, str, str]]:
    """(key with its section, default as the page tells it, default of the model): values, not words about them."""
    sections: list[str] = []
    for line in (ROOT / "docs/settings.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            sections = re.findall(r"\[([^\]]+)\]", line)
        row = re.match(r"\| (`[^|]+?) \| ([^|]+?) \|", line)
        names = re.findall(r"`([a-z_0-9]+)`", row[1]) if row else []
        told = re.findall(r"`([^`]*)`", row[2]) if row else []
        if row is None or len(told) != len(names) or re.sub(r"`[^`]*`|[, ]", "", row[2]):
            continue
        for section in sections:
            model = model_of(section)
            found = [(name, one) for name, one in zip(names, told, strict=True) if name in model.model_fields]
            for name, one in found:
                kept = model.model_fields[name].get_default(call_default_factory=True)
                if isinstance(kept, (str, bool, int, float)) and one not in model.model_fields:  # « as host »
                    yield f"{section}.{name}", one.strip('"'), as_toml(kept)


def as_toml(value: str | bool | float) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def model_of(section: str) -> type[BaseModel]:
    """Names a laboratory chooses are passed over."""
    model: type[BaseModel] = Settings
    for part in section.split("."):
        if part in model.model_fields and (below := models(model.model_fields[part].annotation)):
            model = below[0]
    return model


def test_the_defaults_that_are_told_are_those_of_the_program() -> None:
    found = list(told_defaults())
    assert len(found) > 100
    assert [(name, told, kept) for name, told, kept in found if told != kept] == []


def test_the_sample_configuration_is_accepted() -> None:
    text = (ROOT / "samples/config/dispatcher.toml").read_text(encoding="utf-8")
    settings = parse(text, Path("/etc/dispatcher"))
    assert settings.sources["sil"].folder == Path("/etc/dispatcher/entree")
    assert settings.keys.master == Path("/etc/dispatcher/keys/master.key")


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md")), ids=lambda p: p.name
)
def test_links_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_every_problem_is_listed() -> None:
    """A failure here: ``python -m tests.tools.problem_codes`` writes the page anew."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_alarm_is_documented() -> None:
    """Monitors rely on the codes: each one that can be told stands in the list, and the page says what it means."""
    text = (ROOT / "docs/alarmes.md").read_text(encoding="utf-8")
    assert [code for code, means in CODES.items() if f"| `{code}` | {means.page} |" not in text] == []
    sources = "".join((ROOT / "dispatcher" / path).read_text(encoding="utf-8") for path in WHERE_ALARMS_ARE)
    assert [code for code in CODES if f'"{code}"' not in sources] == []
    assert set(re.findall(r'code="([a-z-]+)"', sources)) <= set(CODES)
