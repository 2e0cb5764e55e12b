"""Every metric has a help text, stands in docs/metriques.md, and the dashboard names no other; pages name commands."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from dispatcher.cli.main import COMMANDS
from dispatcher.daemon.figures import catalogue

DOCS = Path(__file__).resolve().parents[1] / "docs"
OF_HISTOGRAMS = re.compile(r"_(bucket|count|sum)$")


def test_every_metric_has_a_help_text() -> None:
    assert [name for name, (text, _) in catalogue().items() if len(text) < 10 or not text.endswith(".")] == []


def test_every_metric_is_documented_with_its_labels() -> None:
    page = (DOCS / "metriques.md").read_text(encoding="utf-8")
    rows = {
        f"| `{name}` | {', '.join(f'`{label}`' for label in labels) or '–'} |"
        for name, (_, labels) in catalogue().items()
    }
    assert {row for row in rows if row not in page} == set()
    named = set(re.findall(r"^\| `(dispatcher_[a-z_]+)` \|", page, re.MULTILINE))
    assert named == set(catalogue())


def test_the_dashboard_names_real_metrics_and_labels() -> None:
    board = json.loads((DOCS / "grafana/dispatcher.json").read_text(encoding="utf-8"))
    known = catalogue()
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert len(expressions) > 20
    for expression in expressions:
        names = {OF_HISTOGRAMS.sub("", name) for name in re.findall(r"dispatcher_[a-z_]+", expression)}
        assert names and names <= set(known), expression
        labels = {label for name in names for label in known[name][1]} | {"le"}
        used = re.findall(r"by \(([^)]*)\)", expression) + re.findall(r"\{([a-z]+)=", expression)
        assert {one.strip() for text in used for one in text.split(",")} <= labels, expression
        if any(name.endswith("_total") for name in names):
            assert re.search(r"(rate|increase)\(", expression), f"a counter is read as a rate: {expression}"


def test_every_panel_says_what_it_shows() -> None:
    board = json.loads((DOCS / "grafana/dispatcher.json").read_text(encoding="utf-8"))
    assert all(panel["title"] and panel["targets"] for panel in board["panels"])
    places = [tuple(panel["gridPos"].values()) for panel in board["panels"]]
    assert len(set(places)) == len(places)


@pytest.mark.parametrize("page", ["installation.md", "service.md", "metriques.md"])
def test_the_pages_name_commands_that_exist(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    code = re.findall(r"```(?:sh|bat)\n(.*?)```", text, re.DOTALL) + re.findall(r"`([^`\n]+)`", text)
    called = {
        word
        for part in code
        for line in part.replace("dispatcher --config /etc/dispatcher/dispatcher.toml", "dispatcher").splitlines()
        for word in re.findall(r"(?:^|[\s\\/]|labo |\()(?:dispatcher|labo) ([a-z][a-z-]+)\b", line.partition("#")[0])
    }
    assert called - {"dispatcher"} <= set(COMMANDS), "a command that is not there"
    assert called or page == "metriques.md"
