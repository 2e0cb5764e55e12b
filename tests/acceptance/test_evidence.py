"""Evidence of demo dispatches, checked as its README says: with ``openssl`` and ``sha256sum``, command by command."""

from __future__ import annotations

import io
import json
import random
import re
import shutil
import sqlite3
import subprocess
import zipfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dispatcher.receipts.archive import pack, unpack
from dispatcher.receipts.evidence_check import check
from tests.acceptance.test_demo import dispatcher


@dataclass
class Kept:
    """A demo that was kept, and the evidence of some of its dispatches."""

    folder: Path
    rows: list[dict[str, Any]]

    def one(self, state: str, format_: str = "cda") -> str:
        return next(str(row["id"]) for row in self.rows if row["state"] == state and row["format"] == format_)

    def prove(self, dispatch: str, out: Path, *options: str) -> bytes:
        result = dispatcher("evidence", dispatch, "--out", str(out), *options, cwd=self.folder)
        assert result.returncode == 0, result.stderr
        return out.read_bytes()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    folder = tmp_path_factory.mktemp("evidence") / "kept"
    result = dispatcher("demo", "--json", "--keep", str(folder), cwd=folder.parent)
    assert result.returncode == 0, result.stderr[-3000:]
    listed = dispatcher("list", "--json", "--limit", "1000", cwd=folder)
    return Kept(folder, json.loads(listed.stdout))


@pytest.fixture(scope="module")
def content(kept: Kept, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Of a mail that was read, nothing asked for."""
    return kept.prove(kept.one("read"), tmp_path_factory.mktemp("zip") / "preuve.zip")


def unpacked(content: bytes, where: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(where)
    (folder,) = [path for path in where.iterdir() if path.is_dir()]
    return folder


def blocks(guide: str) -> list[str]:
    """The commands: lines with four blanks in front, those together that stand together."""
    found = re.findall(r"(?:^    .*\n)+", guide, re.MULTILINE)
    return [re.sub(r"^    ", "", block, flags=re.MULTILINE) for block in found]


def follow(folder: Path) -> tuple[list[int], str]:
    """Type every command of the guide into a shell, which must stay open; (exit codes, all that was said)."""
    codes, said = [], ""
    for block in blocks((folder / "LISEZMOI.txt").read_text(encoding="utf-8")):
        typed = f"{block}\necho still here: $?\n"
        result = subprocess.run(["sh", "-c", typed], cwd=folder, capture_output=True, text=True, timeout=60)
        told, here, code = result.stdout.rpartition("still here: ")
        assert here, f"the terminal of the reader closed after:\n{block}"
        codes.append(int(code))
        said += told + result.stderr
    return codes, said


@pytest.mark.parametrize("options", [(), ("--with-mail",), ("--with-content", "--reason", "demande du tribunal")])
@pytest.mark.parametrize("state", ["read", "failed"])
def test_the_guide_leads_through(kept: Kept, tmp_path: Path, state: str, options: tuple[str, ...]) -> None:
    folder = unpacked(kept.prove(kept.one(state), tmp_path / "preuve.zip", *options), tmp_path / "open")
    shutil.copy(kept.folder / "bac-a-sable/pki/ca.pem", folder.parent / "racine.pem")
    codes, said = follow(folder)
    assert codes == [0] * len(codes) and len(codes) >= 10, said
    lines = len(list(folder.glob("journal/ligne-*.json")))
    assert said.count(": juste") == said.count(": signée") == lines >= 9
    assert said.count("CMS Verification successful") == 1 + len(list(folder.glob("journal/ancre-*.txt")))
    assert "certificats/laboratoire.pem: OK" in said
    assert said.count("au journal") >= 8 + (1 if options else 0)
    assert ("courrier scellé : au journal" in said) == bool(options)
    assert ("contenu/source-" in said) == ("--with-content" in options)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("envoi.json", b'"etat"', b'"Etat"'),
        ("journal/ligne-*.json", b"dispatch.", b"dispatch,"),
        ("journal/ligne-*.chemin", b"droite", b"gauche"),
        ("journal/ancre-*.txt", b"racine des", b"Racine des"),
        ("accuses/*-smtp.txt", b" 250 ", b" 550 "),
        ("certificats/destinataire.pem", b"\nMII", b"\nMIJ"),
        ("resume.pdf", b"%PDF", b"%pdf"),
    ],
)
def test_the_guide_finds_what_was_changed_even_with_its_sum_made_anew(
    content: bytes, tmp_path: Path, file: str, old: bytes, new: bytes
) -> None:
    folder = unpacked(content, tmp_path)
    path = next(one for one in sorted(folder.glob(file)) if old in one.read_bytes())
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    codes, said = follow(folder)
    assert codes[0] == 1 and str(path.relative_to(folder)) in said
    names = [line.partition("  ")[2] for line in (folder / "SHA256SUMS").read_text().splitlines()]
    sums = subprocess.run(["sha256sum", *names], cwd=folder, capture_output=True, timeout=30).stdout
    (folder / "SHA256SUMS").write_bytes(sums)
    codes, said = follow(folder)
    assert codes[0] == 0 and codes[1] != 0 and "CMS Verification failure" in said


def test_the_guide_finds_another_recipients_certificate(kept: Kept, content: bytes, tmp_path: Path) -> None:
    folder = unpacked(content, tmp_path)
    own = folder / "certificats/destinataire.pem"
    other = next(
        path for path in sorted(kept.folder.rglob("*.pem")) if _certificate(path) not in (b"", own.read_bytes())
    )
    own.write_bytes(_certificate(other))
    codes, said = follow(folder)
    assert "certificat du destinataire : PAS AU JOURNAL" in said and codes.count(0) < len(codes) - 1


def _certificate(path: Path) -> bytes:
    found = re.search(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", path.read_bytes(), re.DOTALL)
    return found[0] if found else b""


def test_without_being_asked_nobody_is_named(kept: Kept, tmp_path: Path) -> None:
    """No patient's name in any file, notices and dialogue included; with the content there is one."""
    files = [str(path) for path in sorted((kept.folder / "fichiers").glob("*/*"))]
    said = json.loads(dispatcher("read", "--json", *files, cwd=kept.folder).stdout)
    patients = [report["patient"] for file in said["files"] for report in file["reports"]]
    names = {f"{one['birth_name']}.{{1,3}}{one['first_given']}" for one in patients if one["first_given"]}
    anybody = re.compile("|".join(sorted(names)), re.IGNORECASE)
    assert len(names) > 5
    asked = kept.prove(kept.one("read"), tmp_path / "asked.zip", "--with-content", "--reason", "essai")
    assert any(anybody.search(text) for text in texts(asked).values()), "the pattern finds them where they are"
    for state in ("read", "delivered", "failed"):
        found = texts(kept.prove(kept.one(state), tmp_path / f"{state}.zip"))
        assert [name for name, text in found.items() if anybody.search(text)] == []


def texts(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode("latin-1") for name in archive.namelist()}


def test_content_needs_a_reason_and_is_told_in_the_journal(kept: Kept, tmp_path: Path) -> None:
    dispatch = kept.one("read")
    refused = dispatcher("evidence", dispatch, "--out", str(tmp_path / "x.zip"), "--with-content", cwd=kept.folder)
    assert refused.returncode != 0 and not (tmp_path / "x.zip").exists()
    kept.prove(dispatch, tmp_path / "y.zip", "--with-content", "--reason", "plainte 12")
    shown = json.loads(dispatcher("show", dispatch, "--json", cwd=kept.folder).stdout)
    asked = [line for line in shown["timeline"] if line["event"] == "dispatch.proof-with-content"]
    assert asked[-1]["detail"]["reason"] == "plainte 12" and asked[-1]["actor"].startswith("operator:")
    made = [line for line in shown["timeline"] if line["event"] == "dispatch.proof-made"]
    digest = subprocess.run(["sha256sum", "y.zip"], cwd=tmp_path, capture_output=True, text=True, timeout=30).stdout
    assert made[-1]["detail"]["sha256"] == digest[:64]


def test_wrong_calls(kept: Kept, tmp_path: Path) -> None:
    assert dispatcher("evidence", "D000000000", "--out", str(tmp_path / "a.zip"), cwd=kept.folder).returncode == 1
    assert dispatcher("evidence", kept.one("read"), cwd=kept.folder).returncode == 2
    (tmp_path / "b.zip").write_bytes(b"kept")
    assert dispatcher("evidence", kept.one("read"), "--out", str(tmp_path / "b.zip"), cwd=kept.folder).returncode == 2
    assert (tmp_path / "b.zip").read_bytes() == b"kept"
    assert dispatcher("evidence", "verify", cwd=tmp_path).returncode == 2


def test_evidence_is_verified_anywhere(kept: Kept, content: bytes, tmp_path: Path) -> None:
    """Without configuration; a changed byte is named."""
    (tmp_path / "preuve.zip").write_bytes(content)
    good = dispatcher("evidence", "verify", "preuve.zip", cwd=tmp_path)
    assert good.returncode == 0 and "Preuve intacte de l'envoi D" in good.stdout
    place = content.index(b"Ancre du journal")
    (tmp_path / "preuve.zip").write_bytes(content[:place] + b"E" + content[place + 1 :])
    bad = dispatcher("evidence", "verify", "--json", "preuve.zip", cwd=tmp_path)
    said = json.loads(bad.stdout)
    assert bad.returncode == 1 and not said["intact"] and "journal/ancre-" in said["faults"][0]


def test_every_flipped_byte_of_the_archive_is_found(content: bytes) -> None:
    """Over the whole ZIP, its own structure too: every eleventh byte, and all of the end where its table stands."""
    chance = random.Random(6)
    places = [*range(chance.randrange(11), len(content), 11), *range(len(content) - 3000, len(content))]
    missed = [place for place in places if not unpack(flipped(content, place, 1 << chance.randrange(8)))[1]]
    assert missed == [] and len(places) > 5000
    for place in chance.sample(range(len(content)), 60):
        assert check(flipped(content, place, 1)).faults, place


def flipped(content: bytes, place: int, bit: int) -> bytes:
    return content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :]


def test_a_flipped_byte_is_named_by_its_file_even_when_the_archive_is_made_anew(content: bytes) -> None:
    """Past the check sums of ZIP itself: the file, or the signature over it, is told."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    chance = random.Random(7)
    for name, held in files.items():
        short = name.partition("/")[2]
        for place in chance.sample(range(len(held)), min(len(held), 5)):
            faults = check(pack({**files, name: flipped(held, place, 1 << chance.randrange(8))})).faults
            if short == "SHA256SUMS.p7s" and not faults:
                continue  # a byte of the signature's wrapping that signs nothing, such as a certificate not used
            assert any(short in fault or short.startswith("SHA256SUMS") for fault in faults), (short, place, faults)


def test_files_taken_away_or_added_are_told(content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    folder = next(iter(files)).partition("/")[0]
    for name in files:
        less = {other: held for other, held in files.items() if other != name}
        assert check(pack(less)).faults, name
    added = check(pack({**files, f"{folder}/accuses/A9-mdn.eml": b"x"})).faults
    assert any("accuses/A9-mdn.eml" in fault for fault in added)
    assert check(b"").faults and check(b"PK\x05\x06" + bytes(18)).faults


def test_the_journal_of_the_demo_is_signed_and_a_rewritten_line_is_found(kept: Kept, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(kept.folder, folder)
    good = dispatcher("journal", "verify", "--json", cwd=folder)
    assert json.loads(good.stdout)["intact"] and json.loads(good.stdout)["anchors"] >= 1
    assert dispatcher("journal", "anchor", cwd=folder).returncode == 0
    assert dispatcher("journal", "export", str(tmp_path / "ancres"), cwd=folder).returncode == 0
    anchors = dispatcher("journal", "verify", "--anchors", str(tmp_path / "ancres"), cwd=folder)
    assert anchors.returncode == 0 and "copie" in anchors.stdout
    with closing(sqlite3.connect(folder / "state/dispatcher.sqlite3", isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER journal_no_delete")
        connection.execute("DELETE FROM journal WHERE number > 5")
        connection.execute("UPDATE journal_head SET number = 5, digest = (SELECT digest FROM journal WHERE number = 5)")
        cut = dispatcher("journal", "verify", cwd=folder)
        connection.execute("DELETE FROM anchors")
    assert cut.returncode == 1 and "Journal coupé : il s'arrête à la ligne 5" in " ".join(cut.stderr.split())
    copies = dispatcher("journal", "verify", "--anchors", str(tmp_path / "ancres"), cwd=folder)
    assert copies.returncode == 1 and "Journal coupé" in copies.stderr
