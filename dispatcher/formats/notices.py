"""What a reader must know before any result: correction, cancellation, partial report, trial document.

Report and context in, French sentences out: the same words in both HPRIM formats.
"""

from __future__ import annotations

from dispatcher.formats.base import WriteContext
from dispatcher.report.model import Report, Status


def notices(report: Report, context: WriteContext) -> list[str]:
    """One sentence a notice, the gravest last; empty for an ordinary first version."""
    said: list[str] = []
    if context.laboratory.neutral:
        said.append("DOCUMENT D'ESSAI : laboratoire non configuré, à ne pas classer au dossier d'un patient.")
    version = f" (version {context.ids.version})" if context.ids.version > 1 else ""
    replaces = context.ids.version > 1 or context.ids.replaces is not None
    if report.status is Status.CANCELLED:
        said.append(f"COMPTE RENDU ANNULÉ{version} : ne pas tenir compte du compte rendu déjà transmis.")
    elif report.status is Status.CORRECTED:
        said.append(f"COMPTE RENDU CORRIGÉ{version} : annule et remplace le compte rendu déjà transmis.")
    elif report.status is Status.PARTIAL:
        said.append(f"COMPTE RENDU PARTIEL{version} : d'autres résultats suivront.")
        if replaces:
            said.append("Il annule et remplace la version précédente.")
    elif replaces:
        said.append(f"COMPTE RENDU COMPLET{version} : annule et remplace la version précédente.")
    return said
