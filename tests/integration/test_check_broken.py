"""Broken set-ups, each named by ``dispatcher check`` with its line in dispatcher.toml and its cure.

One thing is broken at a time, in a copy of what ``init`` made.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import sqlite3
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dispatcher.cli import check_around, cmd_check
from dispatcher.cli.main import app
from dispatcher.clock import SystemClock
from dispatcher.keyring.master import MasterKey
from dispatcher.sandbox.operator import SandboxOperator
from dispatcher.store import schema
from tests.integration.test_smtp_classification import OFFER, scripted
from tests.rights import file_rights_count

Patch = pytest.MonkeyPatch


@dataclass
class Labo:
    """An installation to break."""

    folder: Path
    patch: Patch
    closing: ExitStack

    @property
    def config(self) -> Path:
        return self.folder / "dispatcher.toml"

    def change(self, old: str, new: str) -> None:
        text = self.config.read_text(encoding="utf-8")
        assert old in text, old
        self.config.write_text(text.replace(old, new, 1), encoding="utf-8")

    def more(self, text: str) -> None:
        """A table at the end of the file."""
        with self.config.open("a", encoding="utf-8") as file:
            file.write(f"\n{text}\n")

    def database(self, statement: str) -> None:
        with closing(sqlite3.connect(self.folder / "state/dispatcher.sqlite3")) as database:
            database.execute(statement)
            database.commit()

    def take_a_file(self) -> None:
        """A file in the database, as after a first day."""
        shutil.copy(SAMPLE, self.folder / "entree/resultat.hl7")
        result = CliRunner().invoke(app, ["--config", str(self.config), "run", "--once"])
        assert (self.folder / "state/dispatcher.sqlite3").is_file(), result.output

    def line(self, number: int) -> str:
        return self.config.read_text(encoding="utf-8").splitlines()[number - 1]


SAMPLE = next((Path(__file__).resolve().parents[2] / "samples").rglob("*.hl7"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("check") / "labo"
    assert CliRunner().invoke(app, ["init", str(folder)]).exit_code == 0
    return folder


@pytest.fixture
def labo(made: Path, tmp_path: Path, monkeypatch: Patch) -> Iterator[Labo]:
    folder = tmp_path / "labo"
    shutil.copytree(made, folder)
    with ExitStack() as closing:
        yield Labo(folder, monkeypatch, closing)


def checked(labo: Labo, *options: str) -> tuple[int, list[dict[str, Any]]]:
    result = CliRunner().invoke(app, ["--config", str(labo.config), "check", "--json", *options])
    assert result.stdout.startswith("["), result.output
    return result.exit_code, json.loads(result.stdout)


def test_what_init_made_has_no_fault(labo: Labo) -> None:
    code, findings = checked(labo, "--offline")
    assert (code, [one for one in findings if one["severity"] == "error"]) == (0, [])


# ------------------------------------------------------------------------------------------------ what is broken


def no_folder(labo: Labo) -> None:
    shutil.rmtree(labo.folder / "entree")


def locked_folder(labo: Labo) -> None:
    (labo.folder / "entree").chmod(0o500)
    labo.closing.enter_context(file_rights_count())


def on_a_share(labo: Labo) -> None:
    labo.patch.setattr(cmd_check, "_file_system", lambda _: "cifs")


def two_sources(labo: Labo) -> None:
    labo.more('[sources.second]\nfolder = "entree"')


def no_archive(labo: Labo) -> None:
    labo.change('after = "remove"', 'archive = "/proc/archives"\nafter = "archive"')


def return_is_inbox(labo: Labo) -> None:
    labo.more('[sources.sil.answers]\nfolder = "entree"\nformats = ["csv"]')


def no_return_folder(labo: Labo) -> None:
    labo.more('[sources.sil.answers]\nfolder = "retour"\nformats = ["csv"]')


def no_mllp(labo: Labo) -> None:
    labo.more('[sources.sil.answers]\nformats = ["hl7"]\nstatements = false')
    labo.more(f'[sources.sil.answers.mllp]\nhost = "127.0.0.1"\nport = {free()}')


def no_anchor_folder(labo: Labo) -> None:
    labo.more('[journal]\nanchor_folder = "/proc/ancres"')


def no_client_key(labo: Labo) -> None:
    (labo.folder / "bac-a-sable/pki/client.key").unlink()


def other_client_key(labo: Labo) -> None:
    openssl(labo, "genrsa", "-out", "bac-a-sable/pki/client.key", "2048")


def locked_client_key(labo: Labo) -> None:
    openssl(labo, "genrsa", "-aes256", "-passout", "pass:secret", "-out", "bac-a-sable/pki/client.key", "2048")


def expired_certificate(labo: Labo) -> None:
    later(labo, 3650)


def open_master(labo: Labo) -> None:
    (labo.folder / "keys/master.key").chmod(0o644)


def no_master(labo: Labo) -> None:
    (labo.folder / "keys/master.key").unlink()


def other_master(labo: Labo) -> None:
    labo.take_a_file()
    (labo.folder / "keys/master.key").unlink()
    MasterKey.create(labo.folder / "keys/master.key")


def no_roots(labo: Labo) -> None:
    (labo.folder / "trust/roots.pem").unlink()


def other_roots(labo: Labo) -> None:
    other_authority(labo)
    shutil.copy(labo.folder / "r.pem", labo.folder / "trust/roots.pem")


def old_list(labo: Labo) -> None:
    labo.change("[trust]", "[trust]\nmax_age_days = 30")
    later(labo, 40)


def no_list(labo: Labo) -> None:
    labo.database("DELETE FROM reference")


def no_directory(labo: Labo) -> None:
    labo.more('[directory.fhir]\nurl = "https://annuaire.example.org/fhir"\nkey_file = "keys/absente"')


def wrong_clock(labo: Labo) -> None:
    labo.patch.setattr(check_around, "RELEASED", check_around.RELEASED.replace(year=2999))


def clock_behind(labo: Labo) -> None:
    labo.take_a_file()
    labo.database("UPDATE files SET received_at = '2999-01-01T00:00:00.000000+00:00'")


def full_disk(labo: Labo) -> None:
    labo.patch.setattr(check_around, "FULL", 10**18)


def newer_database(labo: Labo) -> None:
    labo.database("UPDATE alembic_version SET version_num = '9999'")


def older_database(labo: Labo) -> None:
    labo.database(f"UPDATE alembic_version SET version_num = '{schema.REVISIONS[0]}'")


def no_database(labo: Labo) -> None:
    labo.more(f'[store]\nurl = "postgresql+psycopg://dispatcher@127.0.0.1:{free()}/dispatcher"')


def damaged_database(labo: Labo) -> None:
    (labo.folder / "state/dispatcher.sqlite3").write_bytes(b"rien de tel" * 1000)


def unknown_setting(labo: Labo) -> None:
    labo.change('server_name = "localhost"', 'server_nam = "localhost"')


def wrong_type(labo: Labo) -> None:
    labo.change("port = ", 'port = "smtp" # ')


def wrong_cron(labo: Labo) -> None:
    labo.change("every_minutes = 0.1", 'cron = "*/5 25 * * *"')


def no_pace(labo: Labo) -> None:
    labo.change("per_minute = 600", "per_minute = 0")


def no_toml(labo: Labo) -> None:
    labo.change('server_name = "localhost"', 'server_name = "localhost')


def postal_table(labo: Labo) -> None:
    (labo.folder / "tables/adresses.csv").write_text("type;numero;nom\n", encoding="utf-8")


def short_proof(labo: Labo) -> None:
    labo.more("[retention]\nproof_days = 400")


def taken_port(labo: Labo) -> None:
    taken = labo.closing.enter_context(closing(socket.socket()))
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    labo.more(f"[metrics]\nport = {taken.getsockname()[1]}")


def never_saved(labo: Labo) -> None:
    labo.take_a_file()


def with_sandbox(labo: Labo) -> None:
    operator = labo.closing.enter_context(SandboxOperator(labo.folder / "bac-a-sable", port=0))
    text = labo.config.read_text(encoding="utf-8")
    old = next(line for line in text.splitlines() if line.startswith("port ="))
    labo.change(old, f"port = {operator.port}")


def wrong_name(labo: Labo) -> None:
    with_sandbox(labo)
    labo.change('server_name = "localhost"', 'server_name = "autre.example.org"')


def wrong_authority(labo: Labo) -> None:
    with_sandbox(labo)
    other_authority(labo)
    labo.change('ca_file = "bac-a-sable/pki/ca.pem"', 'ca_file = "r.pem"')


def nobody_listens(labo: Labo) -> None:
    text = labo.config.read_text(encoding="utf-8")
    old = next(line for line in text.splitlines() if line.startswith("port ="))
    labo.change(old, f"port = {free()}")


def plain_server(labo: Labo, answers: dict[str, str]) -> None:
    port, _ = labo.closing.enter_context(scripted(answers))
    text = labo.config.read_text(encoding="utf-8")
    old = next(line for line in text.splitlines() if line.startswith("port ="))
    labo.change(old, f"port = {port}")


def no_starttls(labo: Labo) -> None:
    plain_server(labo, {})


def refused_login(labo: Labo) -> None:
    plain_server(labo, {"AUTH": "535 5.7.8 refused", "EHLO": OFFER.strip()})
    labo.change('tls = "starttls"', 'tls = "none"\nuser = "labo"\npassword_file = "passe"')
    (labo.folder / "passe").write_text("faux\n", encoding="utf-8")


def no_mailbox(labo: Labo) -> None:
    imap(labo, free())


def refused_mailbox(labo: Labo) -> None:
    imap(labo, labo.closing.enter_context(refusing_imap(labo.folder / "bac-a-sable/pki")))


# ------------------------------------------------------------------------------------------------ how


def free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def openssl(labo: Labo, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=labo.folder, check=True, capture_output=True, timeout=60)


def other_authority(labo: Labo) -> None:
    made = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "x.key", "-subj", "/CN=x", "-out", "r.pem")
    openssl(labo, *made)


def later(labo: Labo, days: int) -> None:
    """The machine's clock stands so many days ahead."""
    real = SystemClock.now
    labo.patch.setattr(SystemClock, "now", lambda self: real(self) + timedelta(days=days))


def imap(labo: Labo, port: int) -> None:
    secure = 'tls = "tls"\nserver_name = "localhost"\nca_file = "bac-a-sable/pki/ca.pem"\nuser = "labo"'
    labo.change('kind = "maildir"', f'kind = "imap"\nhost = "127.0.0.1"\nport = {port}\n{secure}')
    labo.change('path = "bac-a-sable/mailbox"', 'password_file = "passe"')
    (labo.folder / "passe").write_text("faux\n", encoding="utf-8")


@contextmanager
def refusing_imap(pki: Path) -> Iterator[int]:
    """Says NO to every login."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "server.pem", pki / "server.key")
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        try:
            bare, _ = server.accept()
            line = context.wrap_socket(bare, server_side=True)
        except OSError:
            return
        with line, line.makefile("rwb") as talk:
            talk.write(b"* OK IMAP4rev1\r\n")
            talk.flush()
            for said in talk:
                tag, command = said.split()[:2]
                if command.upper() == b"CAPABILITY":
                    talk.write(b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n" + tag + b" OK done\r\n")
                elif command.upper() == b"LOGOUT":
                    talk.write(b"* BYE\r\n" + tag + b" OK done\r\n")
                elif command.upper() == b"AUTHENTICATE":
                    talk.write(b"+ \r\n")
                    talk.flush()
                    talk.readline()
                    talk.write(tag + b" NO [AUTHENTICATIONFAILED] no\r\n")
                else:
                    talk.write(tag + b" NO [AUTHENTICATIONFAILED] no\r\n")
                talk.flush()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield int(server.getsockname()[1])
    finally:
        server.close()
        thread.join(5)


ERROR, WARNING = "error", "warning"
CASES: list[tuple[Callable[[Labo], None], str, str, str, str]] = [
    (no_folder, ERROR, "dossier introuvable", 'folder = "entree"', "Créer le dossier"),
    (locked_folder, ERROR, "dossier interdit", "[sources.sil]", "compte de service"),
    (on_a_share, WARNING, "partage réseau", "[sources.sil]", "polling"),
    (
        two_sources,
        ERROR,
        "même dossier et mêmes noms que la source « sil »",
        'folder = "entree"',
        "chacune son dossier",
    ),
    (no_archive, ERROR, "archive où rien ne peut", 'archive = "/proc', "Le créer"),
    (return_is_inbox, ERROR, "aussi le dossier de la source", "[sources.sil.answers]", "dossier à part"),
    (no_return_folder, ERROR, "dossier introuvable", 'folder = "retour"', "Créer le dossier"),
    (no_mllp, WARNING, "ne répond pas", "host =", "Le SIL est-il en marche"),
    (no_anchor_folder, ERROR, "dossier des ancres où rien ne peut", "anchor_folder =", "Le créer"),
    (no_client_key, ERROR, "client.key", "client_key =", "Corriger « client_key »"),
    (other_client_key, ERROR, "ne va pas avec le certificat", "client_cert =", "Corriger « client_cert »"),
    (locked_client_key, ERROR, "phrase de passe", "client_cert =", "Corriger « client_cert »"),
    (expired_certificate, ERROR, "expir", "client_cert =", ""),
    (open_master, ERROR, "chmod 600", "", "divulguée"),
    (no_master, ERROR, "master.key", "", "Remettre la clé"),
    (other_master, ERROR, "ce n'est pas la clé de cette base", "", "sauvegarde"),
    (no_roots, ERROR, "roots.pem", "roots =", ""),
    (other_roots, ERROR, "", "[trust]", ""),
    (old_list, ERROR, "liste vieille de", "[trust]", "trust sync"),
    (no_list, ERROR, "aucune liste acceptée", "[trust]", "trust import"),
    (no_directory, ERROR, "keys/absente", "[directory.fhir]", ""),
    (wrong_clock, ERROR, "l'heure de la machine est fausse", "", "NTP"),
    (clock_behind, ERROR, "en retard de", "", "NTP"),
    (full_disk, ERROR, "le disque est plein", "", "Faire de la place"),
    (newer_database, ERROR, "version", "", ""),
    (older_database, ERROR, "version", "", "dispatcher upgrade"),
    (no_database, ERROR, "base de données ne répond pas", "url =", "réseau"),
    (damaged_database, ERROR, "abîmé", "", "restaurer"),
    (unknown_setting, ERROR, "server_nam : clé inconnue ; la plus proche ici : « server_name »", "server_nam =", ""),
    (wrong_type, ERROR, "port : nombre entier attendu", "port =", ""),
    (wrong_cron, ERROR, "cron", "cron =", ""),
    (no_pace, ERROR, "per_minute", "per_minute = 0", ""),
    (no_toml, ERROR, "guillemet fermant", 'server_name = "localhost', ""),
    (postal_table, ERROR, "colonnes manquantes", "", "Attendu"),
    (short_proof, WARNING, "n'est gardée que 400 jours", "proof_days = 400", "3650"),
    (taken_port, ERROR, "déjà pris", "port =", "Choisir un autre « port »"),
    (never_saved, WARNING, "aucune n'a jamais été faite", "", "dispatcher backup"),
    (wrong_name, ERROR, "il n'est pas au nom « autre.example.org »", 'server_name = "autre', "server_name"),
    (wrong_authority, ERROR, "pas signé par une autorité", 'ca_file = "r.pem"', "ca_file"),
    (nobody_listens, ERROR, "injoignable", "host =", "le pare-feu"),
    (no_starttls, ERROR, "ne propose pas STARTTLS", "host =", "« tls »"),
    (refused_login, ERROR, "a répondu 535", 'user = "labo"', "password_file"),
    (no_mailbox, ERROR, "127.0.0.1", "host =", ""),
    (refused_mailbox, ERROR, "identification refusée", 'user = "labo"', "mot de passe"),
]
"""How it is broken, how bad that is, what is said, what stands in the line that is named, and the cure."""

ON_THE_NETWORK = {
    *(no_mllp, no_client_key, other_client_key, locked_client_key, wrong_name, wrong_authority, nobody_listens),
    *(no_starttls, refused_login, no_mailbox, refused_mailbox),
}
SETTINGS = {unknown_setting, wrong_type, wrong_cron, no_pace, no_toml}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0].__name__)
def test_a_broken_set_up_is_named_with_its_line_and_its_cure(
    labo: Labo, case: tuple[Callable[[Labo], None], str, str, str, str]
) -> None:
    breaks, severity, said, line, cure = case
    breaks(labo)
    code, findings = checked(labo, *(() if breaks in ON_THE_NETWORK else ("--offline",)))
    found = [one for one in findings if one["severity"] == severity and said in one["text"] and cure in one["hint"]]
    assert found, [(one["subject"], one["text"]) for one in findings if one["severity"] != "info"]
    assert not line or any(line in labo.line(one["line"] or _said(one)) for one in found), found
    faults = [one for one in findings if one["severity"] == ERROR]
    assert code == (2 if breaks in SETTINGS else 1 if faults else 0)
    assert faults or severity == WARNING


def _said(one: dict[str, Any]) -> int:
    """Faults of settings carry their line in their sentence."""
    told = re.search(r"ligne (\d+)", one["text"])
    return int(told[1]) if told else 1
