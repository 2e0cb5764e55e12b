"""The versions of HPRIM Santé that are written."""

from __future__ import annotations

from enum import StrEnum

from dispatcher.report.model import Patient


class Version(StrEnum):
    """Shared notes "HPRIM" §2.9: 2.1 is the common base, 2.5 carries the INS and the traits that go with it."""

    V2_1 = "2.1"
    V2_5 = "2.5"


def version_for(patient: Patient, asked: Version | None) -> Version:
    """What was asked for, else 2.5 for a qualified INS and 2.1 for everybody else."""
    if asked is not None:
        return asked
    return Version.V2_5 if patient.ins is not None and patient.ins.qualified else Version.V2_1
