"""What docs/annuaires.md says of LDAP directories and certificates is what the program takes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from dispatcher.directory.ldap.mapping import AttributeMap
from dispatcher.resources import sample
from dispatcher.settings import parse
from dispatcher.settings.ldap import Target

PAGE = Path(__file__).resolve().parents[3] / "docs" / "annuaires.md"


def section() -> str:
    text = PAGE.read_text(encoding="utf-8")
    return text[text.index("## Annuaire LDAP") : text.index("## Liste blanche")]


def test_the_examples_are_accepted_as_they_stand() -> None:
    blocks = re.findall(r"```toml\n(.*?)```", section(), re.DOTALL)
    assert len(blocks) == 2
    shipped = sample("config", "dispatcher.toml").read_text(encoding="utf-8")
    shipped = re.sub(r"\n\[directory\]\n.*?(?=\n\[)", "\n", shipped, flags=re.DOTALL)
    settings = parse(shipped + "\n".join(blocks), Path("/etc"))
    server = settings.directory.ldap["centre"]
    assert server.use == ["entries", "certificates"]
    assert set(AttributeMap(server).attributes) == {"mail", "employeeNumber", "departmentNumber", "sn", "givenName"}
    assert settings.directory.revocation.policy == "require"
    assert settings.directory.revocation.lists[0] == "/etc/trust/racine.crl"
    assert settings.directory.revocation.lists[2].startswith("ldap://")


def test_every_part_of_an_entry_is_explained() -> None:
    assert [name for name in get_args(Target) if f"`{name}`" not in section()] == []


def test_the_pattern_of_the_page_does_what_it_says() -> None:
    found = re.search(r"pattern =\s*'([^']+)'", section())
    assert found is not None
    match = re.search(found[1], "PS-8/99700000013")
    assert match is not None
    assert (match["type"], match["id"]) == ("8", "99700000013")
