"""Names that show a wrong character set: a patient must not leave under a name nobody bears."""

from __future__ import annotations

import re

from dispatcher.report.model import Patient, Problem, Severity

_NEVER_IN_A_NAME = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffd‚„…†‡ˆ‰‹›ƒ•™]|(?<=[A-Za-z])[ŽŠŒ“”](?=[a-z])|(?<=[a-z])[ŽŠŒ“”]$"
)
"""What accents of old DOS and Macintosh files become in Windows-1252, and the mark of a character that could not be
read. A capital with a caron is Czech or Croatian, but not amid small letters (``HŽl\x8fne``, ``HŠlŠne``)."""


def damaged_names(patient: Patient, where: str) -> tuple[Problem, ...]:
    """An error when a name of the patient holds a character no name holds; nothing otherwise."""
    names = (patient.birth_name, patient.used_name, *patient.given_names, patient.used_given)
    if not any(_NEVER_IN_A_NAME.search(name) for name in names):
        return ()
    return (
        Problem(
            code="damaged-name",
            severity=Severity.ERROR,
            where=where,
            message="Le nom ou le prénom du patient contient des caractères illisibles : jeu de caractères mal lu. "
            'Régler « encoding » pour cette source ("cp850" pour un ancien DOS, "mac-roman" pour un ancien Macintosh).',
        ),
    )
