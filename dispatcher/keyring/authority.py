"""Writes the files of a throw-away authority (sandbox, rehearsal) and of a first signing key (``dispatcher init``)."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from dispatcher.keyring.secret_files import write_new
from dispatcher.sealing.authority import Authority, Credential, self_signed_signer

__all__ = ["Authority", "Credential", "write_authority", "write_credential", "write_trial_signer"]


def write_credential(folder: Path, name: str, credential: Credential) -> tuple[Path, Path]:
    """``NAME.pem`` (certificate and intermediates) and ``NAME.key`` (mode 0600); gives both paths.

    Raises :class:`dispatcher.errors.KeyringError` when one of them exists: a key is never written over.
    """
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    write_new(key, credential.key_pem())
    write_new(certificate, credential.chain_pem(), secret=False)
    return certificate, key


def write_authority(folder: Path, authority: Authority) -> Path:
    """``ca.pem`` (root and intermediate) with their keys beside it, so that a kept sandbox can issue again."""
    path = folder / "ca.pem"
    write_new(path, authority.trust_pem(), secret=False)
    write_new(folder / "root.key", authority.root.key_pem())
    write_new(folder / "intermediate.key", authority.intermediate.key_pem())
    return path


def write_trial_signer(folder: Path, channel: str, address: str, at: datetime) -> Path:
    """A self-signed signing key of 90 days for one channel, in ``folder/channel/essai.pem``; gives its path.

    Good for a rehearsal: receivers see a signature they do not trust. Its subject says « ESSAI ».
    """
    credential = self_signed_signer(address, at)
    path = folder / channel / "essai.pem"
    write_new(path, credential.key_pem() + credential.chain_pem())
    return path
