"""An installation to measure: one source, one MSSanté channel, two recipients of every file.

Every file is a report of 25 observations for two people: one gets CDA in XDM, the other HPRIM Médecins, each mail
signed and encrypted (S/MIME) with RSA-3072. ``supplied``: the laboratory's PDF stands in the file; otherwise ours is
rendered. SQLite with ``synchronous=FULL``, every check on, mutual TLS to the sink.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dispatcher.cli.installation import lay_out, now
from dispatcher.sandbox import pki as sandbox_pki
from dispatcher.sandbox.operator import SandboxOperator
from dispatcher.sandbox.pki import LABORATORY, SandboxPki
from dispatcher.sealing.authority import Credential, KeyKind
from tests.crash.kit import CONFIG

ROOT = Path(__file__).resolve().parents[2]
CDA, HPRIM = "paul.durand@sandbox.mssante.test", "marie.dalmeida@cabinets.mssante.test"
"""Who prescribed the sample, and who gets a copy."""
MAILS = 2
"""Per file."""


@dataclass
class Sink:
    """The far end, as :mod:`tests.benchmarks.sink` runs it."""

    process: subprocess.Popen[str]
    port: int = field(init=False)

    def __post_init__(self) -> None:
        self.port = self._number()

    def taken(self) -> int:
        """Mails accepted so far."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self._number()

    def _number(self) -> int:
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())


@contextmanager
def sink(pki: Path) -> Iterator[Sink]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.sink", str(pki)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    with process:
        try:
            yield Sink(process)
        finally:
            process.kill()


def prepare_keys(folder: Path) -> None:
    """The sandbox's authority, our signer and the two recipients, all three with RSA-3072."""
    sandbox_pki.prepare(folder, now())
    authority = sandbox_pki.kept_authority(folder)
    keys = SandboxPki(folder)
    keys.certificates.mkdir(exist_ok=True)
    signer = authority.signer(LABORATORY, KeyKind.RSA_3072)
    _write(signer, keys.signer_cert, keys.signer_key)
    for address in (CDA, HPRIM):
        _write(authority.recipient(address, KeyKind.RSA_3072), keys.recipient_cert(address))


def _write(credential: Credential, certificate: Path, key: Path | None = None) -> None:
    certificate.write_bytes(credential.chain_pem())
    if key is not None:
        key.write_bytes(credential.key_pem())


@dataclass(frozen=True)
class Laboratory:
    """A laid out installation and the files its LIS writes."""

    folder: Path
    message: bytes

    @property
    def config(self) -> Path:
        return self.folder / "dispatcher.toml"

    def drop(self, numbers: range) -> None:
        """The LIS writes reports of these numbers, each about somebody else."""
        for number in numbers:
            text = self.message
            for known, new in (
                (b"260402-0117", b"H%07d" % number),
                (b"ARGO-26040200117", b"ARGO-%08d" % number),
                (b"P005531", b"P%07d" % number),
                (b"D-90211", b"D-%07d" % number),
                (b"2604020117", b"V%07d" % number),
            ):
                text = text.replace(known, new)
            (self.folder / "entree" / f"{number}.hl7").write_bytes(text)


def laboratory(
    folder: Path, keys: Path, port: int, *, supplied: bool, workers: int = 1, url: str = "sqlite:///state/d.sqlite3"
) -> Laboratory:
    """Lay one out in ``folder``, with the keys of :func:`prepare_keys` made before, sending to ``port``."""
    shutil.copytree(keys, folder / "bac-a-sable" / "pki")
    config = CONFIG.format(url=url, port=port, workers=workers)
    config = config.replace("per_minute = 600\nburst = 20", "per_minute = 1000000\nburst = 500000")
    config = config.replace("stable_seconds = 0.1", "stable_seconds = 0").replace("lease_seconds = 2", "")
    config = re.sub(r"\[channels.mssante.mailbox\].*?(?=\[trust\])", "", config, flags=re.DOTALL)
    lay_out(folder, SandboxOperator(folder / "bac-a-sable", store=False, certificates=()), config=config, now=now())
    table = folder / "tables" / "destinataires.csv"
    lines = table.read_text(encoding="utf-8-sig").replace(
        "Dr D'ALMEIDA Marie-Hélène;;", "Dr D'ALMEIDA Marie-Hélène;hprim-medecins;"
    )
    table.write_text(lines, encoding="utf-8-sig")
    return Laboratory(folder, _message(supplied=supplied))


def _message(*, supplied: bool) -> bytes:
    """The sample of 25 observations, with the document of another sample as its 26th line."""
    samples = ROOT / "samples" / "hl7"
    segments = [one for one in (samples / "bilan_25_resultats.hl7").read_bytes().split(b"\r") if one]
    if supplied:
        other = (samples / "pdf_joint.hl7").read_bytes().split(b"\r")
        document = next(one for one in other if one.startswith(b"OBX|4|ED"))
        segments.append(document.replace(b"OBX|4|", b"OBX|26|", 1))
    return b"\r".join(segments) + b"\r"
