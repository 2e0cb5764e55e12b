"""What the laboratory's system writes while the service is killed: reports, corrections, cancellations, doubles.

Each file is one version of one report and bears a serial number of its own, in a comment, so that the mails say which
version they carry. What was written here is the truth the operator's side is compared with.
"""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

BEGIN = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)
LATELY = 60
"""Corrections and cancellations are about one of so many reports of before."""
PEOPLE = {
    "paul.durand@sandbox.mssante.test": "99700000013^DURAND^Paul",
    "ines.moreau@sandbox.mssante.test": "99700000179^MOREAU^Inès",
    "francois.garcon@sandbox.mssante.test": "99700000062^GARÇON^François",
    "marie.dalmeida@cabinets.mssante.test": "99700000070^D'ALMEIDA^Marie-Hélène",
    "amina.benali@cabinets.mssante.test": "99700000096^BENALI^Amina",
    "yannick.legoff@sandbox.mssante.test": "99700000120^LE GOFF^Yannick",
    "aya.nguessan@cabinets.mssante.test": "99700000146^N'GUESSAN^Aya",
    "nonlu.silence@sandbox.mssante.test": "99700000237^SILENCE^Nora",
}
"""Boxes of the sandbox that take mail with a CDA, and how the laboratory names their owners."""
AUTHORITY = "^^^DR^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^D^^^RPPS"


@dataclass(frozen=True)
class Version:
    """One file, as it was written."""

    serial: int
    order: str
    status: str
    """F, P, C or X, as in OBR-25."""
    recipients: tuple[str, ...]
    """Addresses; the prescriber first."""
    urgent: bool
    content: bytes = field(repr=False)
    double_of: int = 0
    """The serial of which these are the very bytes."""

    @property
    def name(self) -> str:
        return f"K{self.serial:06}.hl7"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def message(serial: int, order: str, status: str, recipients: tuple[str, ...], urgent: bool) -> bytes:
    """One ORU^R01, reported a second after the one before it."""
    at = (BEGIN + timedelta(seconds=serial)).strftime("%Y%m%d%H%M%S")
    prescriber, *copies = (f"{PEOPLE[address]}{AUTHORITY}" for address in recipients)
    obr = [""] * 29
    obr[0], obr[1], obr[3], obr[4] = "OBR", "1", f"{order}^LABO", "CRP^Protéine C réactive^L"
    obr[5], obr[7], obr[16], obr[22] = "S" if urgent else "", "20261031080000", prescriber, at
    obr[24], obr[25], obr[28] = "CH", status, "~".join(copies)
    lines = (
        f"MSH|^~\\&|SIL|LABO|D|D|{at}||ORU^R01^ORU_R01|{serial}|P|2.5|||||FRA|UNICODE UTF-8",
        f"PID|1||{order}^^^LABO^PI||ÉPREUVE^Numéro{order}^^^^^L||19800102|F",
        "|".join(obr).rstrip("|"),
        f"OBX|1|NM|CRP^CRP^L^30522-7^CRP^LN||{serial}|mg/L|< 5||||{status}",
        f"NTE|1||serie {serial}.",
    )
    return ("\r".join(lines) + "\r").encode()


class Feeder:
    """Writes files on a thread of its own until told to stop; never so many that the service drowns.

    ``backlog`` says how many are not at their end. ``fault`` is why the thread died, if it did.
    """

    def __init__(self, folder: Path, seed: int, backlog: Callable[[], int], most: int = 40) -> None:
        self._folder, self._chance, self._backlog, self._most = folder, random.Random(seed), backlog, most
        self.written: list[Version] = []
        """Every version, from before its file can be seen."""
        self.landed = 0
        """How many of them stand in the folder, or stood there."""
        self.fault: BaseException | None = None
        self._open: list[Version] = []
        """The newest version of each of the last reports that were not cancelled."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feeder", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def write(self) -> Version:
        """The next file, in one go as far as a reader of the folder can tell."""
        version = self._next(len(self.written) + 1)
        part = self._folder / f".{version.name}.part"
        part.write_bytes(version.content)
        self.written.append(version)
        part.rename(self._folder / version.name)
        self.landed += 1
        return version

    def _run(self) -> None:
        try:
            while not self._stop.wait(self._chance.uniform(0.01, 0.15)):
                if self._backlog() < self._most:
                    for _ in range(self._chance.choice((1, 1, 1, 2, 4))):
                        self.write()
        except BaseException as error:
            self.fault = error

    def _next(self, serial: int) -> Version:
        chance = self._chance
        what = chance.choices(("new", "corrected", "cancelled", "double"), (68, 22, 7, 3))[0] if self._open else "new"
        urgent = chance.random() < 0.1
        if what == "double":
            old = chance.choice(self._open)
            return Version(serial, old.order, old.status, old.recipients, old.urgent, old.content, old.serial)
        if what == "new":
            recipients = tuple(chance.sample(sorted(PEOPLE), chance.choice((1, 1, 1, 2, 3))))
            return self._version(serial, f"K{serial:06}", chance.choice("FFFFP"), recipients, urgent)
        old = self._open.pop(chance.randrange(len(self._open)))
        more = [address for address in sorted(PEOPLE) if address not in old.recipients]
        added = (chance.choice(more),) if what == "corrected" and chance.random() < 0.2 else ()
        return self._version(serial, old.order, "X" if what == "cancelled" else "C", old.recipients + added, urgent)

    def _version(self, serial: int, order: str, status: str, recipients: tuple[str, ...], urgent: bool) -> Version:
        content = message(serial, order, status, recipients, urgent)
        version = Version(serial, order, status, recipients, urgent, content)
        if status != "X":
            self._open = [*self._open[-LATELY:], version]
        return version
