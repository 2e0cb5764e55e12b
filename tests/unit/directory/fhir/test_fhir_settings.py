"""What the configuration takes, and that the examples of docs/annuaires.md are taken as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dispatcher.errors import ConfigError
from dispatcher.resources import sample
from dispatcher.settings import Settings, parse

PAGE = Path(__file__).resolve().parents[4] / "docs" / "annuaires.md"
SHIPPED = sample("config", "dispatcher.toml").read_text(encoding="utf-8")
BARE = re.sub(r"\n\[directory\]\n.*?(?=\n\[)", "\n", SHIPPED, flags=re.DOTALL)


def read(text: str) -> Settings:
    return parse(BARE + "\n" + text, Path("/etc"))


def test_the_examples_of_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    part = text[text.index("## API FHIR") : text.index("## Annuaire LDAP")]
    found = read("\n".join(re.findall(r"```toml\n(.*?)```", part, re.DOTALL))).directory
    assert found.fhir is not None
    assert found.fhir.key_file == Path("/etc/keys/esante.key")
    assert found.fhir.url == "https://gateway.api.esante.gouv.fr/fhir/v2"
    assert (found.fhir.calls_per_second, found.fhir.at, found.fhir.every_hours) == (17, "03:30", 24)
    assert set(found.downloads) == {"mssante", "people"}
    assert found.downloads["mssante"].ca_file == Path("/etc/trust/igc-sante.pem")


@pytest.mark.parametrize(
    "line",
    [
        'url = "http://gateway.exemple.test/fhir"',
        'url = "https://gateway.exemple.test/fhir?x=1"',
        'url = "https://moi:secret@gateway.exemple.test/fhir"',
        'url = "gateway.exemple.test"',
        'url = "https://[::1/fhir"',
        "calls_per_second = 18",
        "calls_per_second = 0",
        "full_every_days = 30",
        'resources = ["Patient"]',
        "resources = []",
        'at = "25:00"',
        'at = "3h30"',
        'proxy = "mandataire:3128"',
        "clef = 1",
    ],
)
def test_what_is_wrong_is_told_with_its_line(line: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(f'[directory.fhir]\nkey_file = "k"\n{line}\n')
    assert any(line.partition(" ")[0] in fault for fault in error.value.faults), error.value.faults
    assert "secret" not in str(error.value.faults)


@pytest.mark.parametrize("url", ["https://a.test/fhir/v2/", "http://127.0.0.1:8080/fhir", "http://localhost/fhir"])
def test_https_or_this_machine(url: str) -> None:
    found = read(f'[directory.fhir]\nkey_file = "k"\nurl = "{url}"\n').directory.fhir
    assert found is not None
    assert found.url == url.rstrip("/")


def test_a_download_stands_under_the_source_it_fills() -> None:
    with pytest.raises(ConfigError):
        read('[directory.downloads.autre]\nurl = "https://a.test/x"\n')
