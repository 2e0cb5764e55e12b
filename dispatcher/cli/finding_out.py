"""What ``init`` finds out by itself: machine, time zone, room, and the certificates that lie in the folder already."""

from __future__ import annotations

import re
import shutil
import socket
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from dispatcher.keyring.lying_there import Certificate, lying_there


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundOut:
    """Everything."""

    host: str
    zone: str
    free_gigabytes: int
    certificates: tuple[Certificate, ...]

    @property
    def finess(self) -> str:
        """The one FINESS of all certificates, or empty."""
        return _only({one.finess for one in self.certificates if one.finess})

    @property
    def address(self) -> str:
        """The one mail address of all certificates, or empty."""
        return _only({one.address for one in self.certificates if one.address})

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def _only(found: set[str]) -> str:
    return found.pop() if len(found) == 1 else ""


def look(folder: Path, now: datetime) -> FoundOut:
    """Before anything is written there; the folder need not exist."""
    there = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
    return FoundOut(
        host=socket.gethostname(),
        zone=f"UTC{now.astimezone():%z}",
        free_gigabytes=shutil.disk_usage(there).free // 1_000_000_000,
        certificates=tuple(lying_there(folder)),
    )


def filled_in(config: str, found: FoundOut) -> str:
    """The sample configuration with what was found: the FINESS at once, the address beside the sandbox's."""
    if found.finess:
        config = re.sub(r'^finess = "[^"]*"', f'finess = "{found.finess}"', config, count=1, flags=re.MULTILINE)
    if found.address:
        real = f'# sender = "{found.address}"          # adresse de votre certificat, pour la mise en service'
        config = re.sub(r"^sender = .*$", lambda line: f"{line[0]}\n{real}", config, count=1, flags=re.MULTILINE)
    return config
