"""A whole installation in a folder, towards servers of the test: configuration, keys, tables, allowed domains."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dispatcher import wiring
from dispatcher.daemon import steps
from dispatcher.directory.trust.allowed_domains import Trust
from dispatcher.directory.trust.kept import import_list
from dispatcher.keyring.master import MasterKey
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.ports import DispatchFilter
from dispatcher.settings import load
from dispatcher.wiring import Office
from tests.pki import Pki
from tests.unit.directory import list_builder

CONFIG = """
[laboratory]
name = "Laboratoire d'essai"
finess = "990000010"
oid = "1.2.250.1.999.1"
address = ["1 rue de l'Essai"]
postcode = "29000"
town = "Quimper"
phone = "+33200000000"

[laboratory.biologist]
rpps = "10000000009"
family = "ESSAI"
given = "Camille"

[sources.sil]
folder = "entree"
stable_seconds = 0
patience_seconds = 0.2
watch = "off"

[checks]
allow_test_ins = true

[service]
scan_seconds = 0.2
collect_seconds = 1
lease_seconds = {lease}

{channel}
"""

LOCAL_HEADER = "code;source;type_identifiant;identifiant;adresse;libelle;format;canal;mode;du;au\n"


@dataclass
class Installation:
    """An installation on disk, and its parts once opened."""

    folder: Path
    config: Path
    office: Office = field(init=False)

    def open(self) -> Office:
        self.office = wiring.build(load(self.config))
        return self.office

    @property
    def inbox(self) -> Path:
        return self.folder / "entree"

    def run(self, patience: int = 12) -> None:
        """Scan, prepare, batch and send until nothing moves."""
        spools = self.office.spools()
        for _ in range(patience):
            taken = steps.scan(self.office, spools)
            prepared = steps.prepare_some(self.office, "test", lambda: False)
            batches = steps.batch_all(self.office, now_whatever="once")
            sent = steps.send_all(self.office, "test", lambda: False)
            if not (taken.taken or taken.duplicates or taken.waiting or prepared or batches or sent.total):
                return
            self.office.clock.sleep(0.05)

    def dispatches(self, **wanted: Any) -> tuple[Dispatch, ...]:
        with self.office.store.reading() as uow:
            return uow.dispatches.list(DispatchFilter(**wanted))


def install(folder: Path, pki: Pki, *, channel: str, local: str, lease: float = 120) -> Installation:
    """Lay an installation out in ``folder``: the test domains are allowed, alice signs, bob has a certificate."""
    for name in ("entree", "tables", "trust", "certificates", "keys/mss"):
        (folder / name).mkdir(parents=True)
    MasterKey.create(folder / "keys/master.key")
    config = folder / "dispatcher.toml"
    config.write_text(CONFIG.format(channel=channel, lease=lease), encoding="utf-8")
    (folder / "tables/destinataires.csv").write_text(LOCAL_HEADER + local, encoding="utf-8")
    (folder / "trust/roots.pem").write_bytes(pki.authority.trust_pem())
    (folder / "ca.pem").write_bytes(pki.authority.trust_pem())
    for name, credential in (("labo", pki.labo), ("keys/mss/alice", pki.alice)):
        (folder / f"{name}.pem").write_bytes(credential.chain_pem())
        key = folder / f"{name}.key"
        key.write_bytes(credential.key_pem())
        key.chmod(0o600)
    (folder / "certificates/bob.pem").write_bytes(pki.bob.certificate_pem())
    installation = Installation(folder, config)
    office = installation.open()
    settings = office.settings.trust
    now = datetime.now(UTC)
    content = list_builder.good(("dest.test", "labo.test"), generated=now - timedelta(hours=1), signer=pki.alb)
    with office.store.transaction() as uow:
        verdict = import_list(content, Trust.of(settings.roots, settings.signer_cn), uow.reference, now=now)
    assert verdict.accepted, verdict.reasons
    return installation
