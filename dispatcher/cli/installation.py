"""Lays out a new installation that works at once, towards the sandbox operator. Used by ``init`` and ``demo``."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dispatcher import resources, wiring
from dispatcher.clock import SystemClock
from dispatcher.directory.bulk.importing import import_file
from dispatcher.directory.trust.allowed_domains import Trust
from dispatcher.directory.trust.kept import import_list
from dispatcher.errors import ConfigError
from dispatcher.keyring.master import MasterKey
from dispatcher.keyring.secret_files import write_new
from dispatcher.sandbox.operator import SandboxOperator
from dispatcher.settings import load

FOLDERS = ("entree", "state", "keys", "tables", "trust", "certificates")
SANDBOX = "bac-a-sable"
CODES_HEADER = "source;code;libelle;unite;specimen;loinc;confirme_par;confirme_le;commentaire\n"


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "dispatcher.toml"

    @property
    def sandbox(self) -> Path:
        return self.folder / SANDBOX


def lay_out(folder: Path, operator: SandboxOperator, *, config: str, now: datetime) -> Layout:
    """Folders, configuration, keys and tables; directory and list of allowed domains of ``operator`` imported.

    ``operator`` stands in ``folder/bac-a-sable``. Raises :class:`ConfigError` when an installation is already there.
    """
    layout = Layout(folder)
    if layout.config.exists():
        raise ConfigError(
            f"{layout.config} existe déjà.", hint="Choisir un autre dossier : une installation n'est jamais écrasée."
        )
    for name in FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True)
    layout.config.write_text(config, encoding="utf-8")
    MasterKey.create(folder / "keys" / "master.key")
    operator.prepare()
    _keys(layout, operator)
    _tables(layout)
    shutil.copyfile(operator.pki.ca_file, folder / "trust" / "roots.pem")
    _reference(layout, operator, now)
    return layout


def _keys(layout: Layout, operator: SandboxOperator) -> None:
    """Our signing key for every channel, and the recipients' certificates."""
    settings = load(layout.config)
    content = operator.pki.signer_cert.read_bytes() + operator.pki.signer_key.read_bytes()
    for channel in settings.channels:
        write_new(layout.folder / "keys" / channel / "essai.pem", content)
    for certificate in operator.pki.certificates.glob("*.pem"):
        shutil.copyfile(certificate, layout.folder / "certificates" / certificate.name)


def _tables(layout: Layout) -> None:
    local = resources.sample("directory", "destinataires.csv").read_bytes()
    (layout.folder / "tables" / "destinataires.csv").write_bytes(local)
    (layout.folder / "tables" / "codes.csv").write_text(CODES_HEADER, encoding="utf-8")


def _reference(layout: Layout, operator: SandboxOperator, now: datetime) -> None:
    settings = load(layout.config)
    import_file(operator.extraction_file, settings.directory.folder, now=now)
    office = wiring.build(settings)
    try:
        trust = Trust.of(settings.trust.roots, settings.trust.signer_cn, settings.trust.crl)
        content = operator.allowed_domains_file.read_bytes()
        with office.store.transaction() as uow:
            verdict = import_list(content, trust, uow.reference, now=now)
        if not verdict.accepted:
            raise ConfigError("La liste blanche du bac à sable est refusée.", faults=verdict.reasons)
    finally:
        office.close()


def sample_config(*, port: int) -> str:
    """The commented configuration, with the sandbox's port."""
    text = resources.sample("config", "dispatcher.toml").read_text(encoding="utf-8")
    return text.replace("port = 2525", f"port = {port}")


def now() -> datetime:
    """The machine's time."""
    return SystemClock().now()
