"""``dispatcher support-bundle`` on an installation full of odd words: none of them is in the file."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from dispatcher.cli.main import app
from dispatcher.cli.support_parts import clean
from dispatcher.settings import Settings, load
from dispatcher.settings.masking import masked, secrets
from tests.integration.laboratory import Installation
from tests.integration.test_log_leaks import BIRTH, FAMILY, GIVEN, RESULT, report
from tests.integration.test_stop_and_restart import Operator, laboratory

SECRETS = {
    "password": "mot-de-passe-Xylophone",
    "laboratory": "Laboratoire Ornithorynque",
    "biologist": "QUETZALCOATL",
    "host": "smtp.kangourou-operateur.fr",
    "person": "Astreinte Wombat 0600000000",
    "domain": "tatou-prive.mssante.fr",
}


@pytest.fixture
def labo(tmp_path: Path) -> Iterator[Installation]:
    """One report sent, one held for a stranger, one unreadable; a log that says more than ours does."""
    operator = Operator("never", tmp_path, tls=False)
    with laboratory(tmp_path, operator, count=0) as found:
        for name, content in {
            "one": report("A1"),
            "two": report("A2").replace("R1^TEST^Ana", f"INCONNU^{FAMILY}^{GIVEN}"),
            f"{FAMILY}": report("A3")[:-40],
        }.items():
            (found.inbox / f"{name}.hl7").write_text(content, encoding="utf-8", newline="")
        found.run()
        text = found.config.read_text(encoding="utf-8")
        text = text.replace("Laboratoire d'essai", SECRETS["laboratory"]).replace(
            '"ESSAI"', f'"{SECRETS["biologist"]}"'
        )
        text += f"""
[ladder]
person = "{SECRETS["person"]}"
[log]
file = "journal/dispatcher.log"
[routing.domains."{SECRETS["domain"]}"]
format = "pdf"
"""
        found.config.write_text(text, encoding="utf-8")
        (found.folder / "journal").mkdir()
        key = (found.folder / "labo.key").read_text(encoding="utf-8")
        master = (found.folder / "keys/master.key").read_text(encoding="utf-8")
        (found.folder / "journal/dispatcher.log").write_text(
            "2026-11-22 INFO dispatcher.service.outcome: dispatch D0TK80N9YV is sent\n"
            f"lecteur@{SECRETS['domain']} on {SECRETS['host']} 10.20.30.40 {found.folder}/entree {SECRETS['person']}\n"
            f"postgresql+psycopg://labo:{SECRETS['password']}@db.lan/labo\n{key}\n{master}\n",
            encoding="utf-8",
        )
        yield found


def call(labo: Installation, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["--config", str(labo.config), "support-bundle", *arguments])


def test_nobody_and_no_secret_is_in_it(labo: Installation) -> None:
    out = labo.folder / "aide.zip"
    result = call(labo, "--out", str(out))
    assert result.exit_code == 0, result.output
    with zipfile.ZipFile(out) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    text = "\n".join(parts.values())
    key = (labo.folder / "labo.key").read_text(encoding="utf-8").splitlines()[1]
    master = (labo.folder / "keys/master.key").read_text(encoding="utf-8").split()[-1]
    addresses = ("lecteur@dest.test", "resultats@labo.test", "dest.test", "10.20.30.40", str(labo.folder))
    words = [FAMILY, GIVEN, BIRTH, RESULT, "19/02/1937", *SECRETS.values(), key, master, *addresses]
    assert [word for word in words if re.search(re.escape(word), text, re.IGNORECASE)] == []
    assert "dispatch D0TK80N9YV is sent" in parts["journal.log"], "and what helps is"
    state = json.loads(parts["etat.json"])
    assert state["all"]["sent"] == 1 and state["all"]["held"] == 1 and state["files"]["quarantined"] == 1
    assert state["revision"] == state["revision_needed"]
    assert "(code " in parts["check.txt"]
    assert json.loads(parts["versions.json"])["libraries"]["sqlalchemy"][0] == "2"
    told = json.loads(parts["configuration.json"])
    assert told["channels"]["pro"]["pace"]["per_minute"] == 6000
    assert told["laboratory"]["name"] == f"(masqué, {len(SECRETS['laboratory'])} caractères)"
    said = result.output + parts["LISEZMOI.txt"]
    assert all(name in said for name in parts)
    assert "relire avant" in said


def test_nothing_is_overwritten(labo: Installation) -> None:
    out = labo.folder / "aide.zip"
    out.write_bytes(b"mine")
    result = call(labo, "--out", str(out))
    assert result.exception is not None and "existe déjà" in str(result.exception)
    assert out.read_bytes() == b"mine"


def test_a_configuration_that_is_wrong_still_gives_a_bundle(labo: Installation) -> None:
    with labo.config.open("a", encoding="utf-8") as config:
        config.write(f'\n[nonsense]\nword = "{SECRETS["password"]}"\n')
    out = labo.folder / "aide.zip"
    assert call(labo, "--out", str(out)).exit_code == 0
    with zipfile.ZipFile(out) as archive:
        assert {"LISEZMOI.txt", "versions.json", "configuration.json"} <= set(archive.namelist())
        text = "".join(archive.read(name).decode() for name in archive.namelist())
    assert SECRETS["password"] not in text and "1 faute" in text


def test_every_free_text_of_the_settings_is_masked(labo: Installation) -> None:
    """Also of a section that is added tomorrow: only choices and what is known to be harmless stays."""
    settings = load(labo.config)
    shown = json.dumps(masked(settings), ensure_ascii=False)
    assert [word for word in secrets(settings) if word in shown and len(word) > 4] == []
    assert isinstance(settings, Settings) and SECRETS["domain"] in secrets(settings)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("mail to Ana.Ré+x@cabinet.fr now", "mail to (masqué) now"),
        ("at 192.168.1.20:25", "at (masqué):25"),
        ("host db.cabinet.fr down", "host (masqué) down"),
        ("file /srv/labo/entree/x.hl7 gone", "file (masqué) gone"),
        ("  /home/ana/v/dispatcher/service/line.py:12 run", "  (masqué)/dispatcher/service/line.py:12 run"),
        ("dispatcher.service.line:12 D0TK80N9YV", "dispatcher.service.line:12 D0TK80N9YV"),
        ("key aGVsbG8gaGVsbG8gaGVsbG8gaGVsbG8gaGVsbG8gaGU= end", "key (masqué) end"),
    ],
    ids=["mail", "ip", "host", "path", "program", "ours", "key"],
)
def test_what_is_masked_in_a_line(text: str, left: str) -> None:
    assert clean(text, ()) == left
