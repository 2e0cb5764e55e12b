"""What a report must hold before an HPRIM file of it may be written.

Family name, first name, birth date and medical content are conditions of the APICRYPT charter, and a guard of ours on
every channel: a message that nobody can file must not leave.
"""

from __future__ import annotations

from dispatcher.errors import RenderError
from dispatcher.report.model import Report, Status


def require_identity(report: Report, name: str, *, calendar_date: bool) -> None:
    """Raises :class:`RenderError` when the patient cannot be filed under the format called ``name``.

    A name needs a letter. ``calendar_date``: a lunar or incomplete birth date is not enough.
    """
    patient = report.patient
    born = patient.birth_date is not None or (not calendar_date and any(c.isdigit() for c in patient.birth_date_raw))
    missing = [
        what
        for what, there in (
            ("le nom", _spoken(patient.family)),
            ("le prénom", _spoken(patient.used_given or patient.first_given)),
            ("la date de naissance", born),
        )
        if not there
    ]
    if missing:
        raise RenderError(
            f"{name} : {' et '.join(missing)} du patient manque(nt).",
            hint="Compléter l’identité dans le logiciel du laboratoire et réémettre le compte rendu.",
            code="incomplete-identity",
        )


def _spoken(name: str) -> bool:
    return any(char.isalpha() for char in name)


def require_content(report: Report, name: str) -> None:
    """Raises :class:`RenderError` when there is nothing medical to write. A cancellation is content."""
    results = any(o.value or o.comments or o.document or o.status in ("X", "D") for o in report.observations)
    comments = [*report.comments, *(comment for battery in report.batteries for comment in battery.comments)]
    words = any(text.strip() for text in (report.text, *comments))
    if report.status is Status.CANCELLED or results or words or report.documents:
        return
    raise RenderError(
        f"{name} : le compte rendu ne contient aucun résultat, texte ni document.",
        hint="Un message sans contenu médical ne doit pas partir ; vérifier l’export du laboratoire.",
        code="no-medical-content",
    )
