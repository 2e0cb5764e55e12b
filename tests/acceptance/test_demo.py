"""``dispatcher demo`` as a user runs it: the table's promises, every mail opened by openssl, every CDA judged."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dispatcher.formats.cda.check import check as check_cda
from dispatcher.formats.pdf.selfcheck import check as check_pdf
from dispatcher.formats.xdm.check import check as check_xdm
from dispatcher.report.model import Severity
from tests.acceptance.opening import Opened, open_sealed
from tests.needs import needs_judge

ROOT = Path(__file__).resolve().parents[2]


def dispatcher(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DISPATCHER")}
    return subprocess.run(
        [sys.executable, "-m", "dispatcher", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
    )


@dataclass
class Demo:
    folder: Path
    said: dict[str, Any]
    opened: dict[str, Opened]
    """Dispatch to what its mail holds."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    scratch = tmp_path_factory.mktemp("demo")
    folder = scratch / "kept"
    result = dispatcher("demo", "--json", "--keep", str(folder), cwd=scratch)
    assert result.returncode == 0, result.stderr[-3000:]
    said = json.loads(result.stdout)
    pki = folder / "bac-a-sable/pki"
    opened = {
        mail["dispatch"]: open_sealed(
            Path(mail["eml"]),
            certificate=pki / "certificates" / f"{mail['recipient']}.pem",
            key=pki / "recipient-keys" / f"{mail['recipient']}.key",
            ca=pki / "ca.pem",
            scratch=scratch,
        )
        for mail in said["mails"]
    }
    return Demo(folder, said, opened)


@pytest.fixture(scope="module")
def rows(demo: Demo) -> list[dict[str, Any]]:
    """What ``dispatcher list`` says."""
    result = dispatcher("list", "--json", "--limit", "1000", cwd=demo.folder)
    assert result.returncode == 0, result.stderr
    return list(json.loads(result.stdout))


def test_the_counts_are_those_of_the_promise(demo: Demo) -> None:
    said = demo.said
    assert said["files"] >= 14
    assert said["dispatches"].get("read", 0) + said["dispatches"].get("delivered", 0) >= 10
    assert said["dispatches"].get("delivered", 0) >= 1, "one recipient never reads"
    assert said["dispatches"].get("failed", 0) == 1, "one bounce"
    assert said["quarantined"] == 1
    assert (said["dispatches"]["paper"], said["unread"], said["letters"]) == (1, 1, 1)
    assert Path(said["print_run"]).read_bytes().startswith(b"%PDF-")
    assert said["held"] == 2
    assert said["duplicates"] == 2
    assert said["seconds"] < 90
    assert len(said["mails"]) >= 10


def test_homonym_and_refused_domain_are_held_with_a_reason(rows: list[dict[str, Any]]) -> None:
    held = {row["hold_code"]: row for row in rows if row["state"] == "held"}
    assert set(held) == {"ambiguous-recipient", "untrusted-domain"}
    assert "2 personnes" in held["ambiguous-recipient"]["reason"]
    assert "messagerie.exemple.test" in held["untrusted-domain"]["reason"]


def test_the_correction_replaces_its_first_version(demo: Demo, rows: list[dict[str, Any]]) -> None:
    chains = Counter(row["chain"] for row in rows)
    (chain,) = [chain for chain, count in chains.items() if count == 2 and versions(rows, chain) == [1, 2]]
    first, second = sorted((row for row in rows if row["chain"] == chain), key=lambda row: row["version"])
    subject = str(demo.opened[second["id"]].message["Subject"])
    assert subject.startswith("XDM/1.0/DDM+[Annule et remplace]")
    assert demo.opened[second["id"]].message["In-Reply-To"] == first["message_id"]
    (old,), (new,) = demo.opened[first["id"]].cdas, demo.opened[second["id"]].cdas
    old_id = re.search(rb"<id root=\"([^\"]+)\"", old)
    assert old_id is not None
    assert b'typeCode="RPLC"' in new
    assert old_id[1] in new


def versions(rows: list[dict[str, Any]], chain: str) -> list[int]:
    return sorted(row["version"] for row in rows if row["chain"] == chain)


def test_every_mail_gives_back_its_parts(demo: Demo) -> None:
    formats = Counter()
    for mail in demo.said["mails"]:
        parts = demo.opened[mail["dispatch"]].parts
        formats[mail["format"]] += 1
        pdfs = [content for name, content in parts.items() if name.endswith(".pdf")]
        assert all(pdf.startswith(b"%PDF-") for pdf in pdfs)
        if mail["format"] == "cda":
            assert len(pdfs) == 1
            assert not [p for p in check_xdm(parts["IHE_XDM.zip"]) if p.severity is Severity.ERROR]
            assert len(demo.opened[mail["dispatch"]].cdas) == 1
        else:
            text = next(content for name, content in parts.items() if name.endswith(".hpr"))
            assert text.count(b"****FIN****") == 1
    assert formats["cda"] >= 10
    assert formats["hprim-medecins"] >= 1


def test_our_own_pdfs_pass_their_self_check(demo: Demo) -> None:
    pdfs = [c for opened in demo.opened.values() for name, c in opened.parts.items() if name.endswith(".pdf")]
    ours = [pdf for pdf in pdfs if b"pdfaid" in pdf]
    assert len(ours) >= 10
    assert [check_pdf(pdf, "a-1a").faults for pdf in ours] == [()] * len(ours)


def test_every_cda_passes_our_checks_and_the_official_rules(demo: Demo, tmp_path: Path) -> None:
    documents = [cda for opened in demo.opened.values() for cda in opened.cdas]
    assert len(documents) >= 10
    files = []
    for number, document in enumerate(documents):
        assert not [p for p in check_cda(document) if p.severity is Severity.ERROR]
        files.append(tmp_path / f"{number}.xml")
        files[-1].write_bytes(document)
    judge = needs_judge()
    judged = subprocess.run([sys.executable, str(judge), *map(str, files)], capture_output=True, text=True, timeout=110)
    assert judged.returncode == 0, judged.stdout[-4000:]
    assert judged.stdout.count("errors=0") == len(files)


def test_explain_says_why_in_french(demo: Demo) -> None:
    (dispatch,) = [m["dispatch"] for m in demo.said["mails"] if m["recipient"].startswith("ehpad.les-tilleuls")]
    result = dispatcher("explain", dispatch, cwd=demo.folder)
    assert result.returncode == 0
    text = result.stdout
    for expected in (
        "Destinataire :",
        "FINESS 990004012",
        "Adresse :",
        "format",
        "Certificat :",
        "Heure :",
        "Lu ou intégré",
    ):
        assert expected in text
    assert "KERSAUSON" not in text, "never a patient's name"


def test_nothing_names_a_patient_outside_the_payloads(demo: Demo, rows: list[dict[str, Any]]) -> None:
    """Index tables, listings and status hold no identity (decision D4, D14)."""
    texts = [json.dumps(rows, ensure_ascii=False)]
    texts += [dispatcher(command, "--json", cwd=demo.folder).stdout for command in ("status",)]
    texts += [dispatcher("batches", "list", "--json", cwd=demo.folder).stdout]
    for name in ("LEBRETON", "KERSAUSON", "KERVELLA", "ŒILLET", "Aïssatou"):
        assert not [text for text in texts if name in text]


def test_the_journal_is_intact(demo: Demo) -> None:
    result = dispatcher("journal", "verify", "--json", cwd=demo.folder)
    assert json.loads(result.stdout)["intact"] is True


def test_a_purge_of_what_is_young_removes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    assert dispatcher("demo", "--json", "--keep", str(folder), cwd=tmp_path).returncode == 0
    told = dispatcher("purge", "--dry-run", cwd=folder)
    assert told.returncode == 0 and "Rien à purger" in told.stdout
    done = json.loads(dispatcher("purge", "--compact", "--json", cwd=folder).stdout)
    assert done["complete"] and done["log_emptied"] and {one["count"] for one in done["kinds"].values()} == {0}
