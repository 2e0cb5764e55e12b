"""The sandbox's throw-away keys and certificates, as clear PEM files under one folder; made once, then kept.

=========================  ==================================================================================
``ca.pem``                 root and intermediate: pin it as ``ca_file`` and as trust of the list
``root|intermediate.…``    the throw-away authority itself, to issue again
``server.pem|key``         TLS server, for ``localhost`` and ``127.0.0.1``
``client.pem|key``         our own client certificate (application mailbox of the laboratory)
``signer.pem|key``         signs the laboratory's mail
``alb.pem|key``            signs the list of allowed domains, common name :data:`LIST_SIGNER`
``stranger.pem|key``       a client certificate of another authority: must be refused
``certificates/*.pem``     recipients' S/MIME certificates (the folder the program reads)
``recipient-keys/*.key``   their private keys, to open what was sealed for them
=========================  ==================================================================================
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate

from dispatcher.sealing.authority import SIGNER, Authority, Credential, Names

LIST_SIGNER = "alb.sandbox.test"
LABORATORY = "resultats@labo.sandbox.test"
"""Address the laboratory of the sandbox sends from."""
LIFETIME = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class SandboxPki:
    """Where the files stand."""

    folder: Path

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def client_cert(self) -> Path:
        return self.folder / "client.pem"

    @property
    def client_key(self) -> Path:
        return self.folder / "client.key"

    @property
    def signer_cert(self) -> Path:
        return self.folder / "signer.pem"

    @property
    def signer_key(self) -> Path:
        return self.folder / "signer.key"

    @property
    def certificates(self) -> Path:
        """Folder of recipients' certificates."""
        return self.folder / "certificates"

    def recipient_key(self, address: str) -> Path:
        """Private key of one recipient."""
        return self.folder / "recipient-keys" / f"{address.lower()}.key"

    def recipient_cert(self, address: str) -> Path:
        """Certificate of one recipient."""
        return self.certificates / f"{address.lower()}.pem"

    def server_context(self, *, require_client: bool) -> ssl.SSLContext:
        """TLS ≥ 1.2 for the pretend operator."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.folder / "server.pem", self.folder / "server.key")
        if require_client:
            context.load_verify_locations(self.ca_file)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


def prepare(folder: Path, at: datetime, recipients: Iterable[str] = ()) -> SandboxPki:
    """Make what is missing (a complete folder is left as it is), with certificates for ``recipients``.

    ``at``: aware now; certificates are good from the day before for ten years.
    """
    found = SandboxPki(folder)
    wanted = [address for address in recipients if not found.recipient_cert(address).is_file()]
    if (folder / "complete").is_file() and not wanted:
        return found
    for name in ("", "certificates", "recipient-keys"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    if (folder / "complete").is_file():
        authority = kept_authority(folder)
    else:
        authority = Authority.create(at - timedelta(days=1), LIFETIME, name="SANDBOX")
        _write_own(folder, authority, at)
    with ThreadPoolExecutor(max_workers=2) as pool:
        for address, credential in zip(wanted, pool.map(authority.recipient, wanted), strict=True):
            _write(found.recipient_cert(address), credential.chain_pem())
            _write(found.recipient_key(address), credential.key_pem(), secret=True)
    (folder / "complete").touch()
    return found


def kept_authority(folder: Path) -> Authority:
    """The authority of a kept sandbox, so that it can issue again."""
    root, intermediate = _load(folder, "root"), _load(folder, "intermediate")
    return Authority(
        root=root,
        intermediate=intermediate,
        not_before=intermediate.certificate.not_valid_before_utc,
        not_after=intermediate.certificate.not_valid_after_utc,
    )


def _load(folder: Path, name: str) -> Credential:
    key = load_pem_private_key((folder / f"{name}.key").read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return Credential(key=key, certificate=load_pem_x509_certificate((folder / f"{name}.pem").read_bytes()))


def _write_own(folder: Path, authority: Authority, at: datetime) -> None:
    stranger = Authority.create(at - timedelta(days=1), LIFETIME, name="ETRANGERE")
    own: dict[str, Credential] = {
        "root": authority.root,
        "intermediate": authority.intermediate,
        "server": authority.server("localhost", "127.0.0.1"),
        "client": authority.client(LABORATORY.partition("@")[2]),
        "signer": authority.signer(LABORATORY),
        "alb": authority.issue(LIST_SIGNER, SIGNER, Names(addresses=("alb@sandbox.test",))),
        "stranger": stranger.client("stranger.test"),
    }
    _write(folder / "ca.pem", authority.trust_pem())
    for name, credential in own.items():
        _write(folder / f"{name}.pem", credential.chain_pem())
        _write(folder / f"{name}.key", credential.key_pem(), secret=True)


def _write(path: Path, content: bytes, *, secret: bool = False) -> None:
    draft = path.with_suffix(".tmp")
    draft.write_bytes(content)
    draft.chmod(0o600 if secret else 0o644)
    draft.replace(path)
