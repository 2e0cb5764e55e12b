"""What to say of an answer that is not the one hoped for (French, without the key, without a person's data)."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from dispatcher.directory.fhir.key import PORTAL
from dispatcher.directory.syncing.web import Answer
from dispatcher.errors import DirectoryError
from dispatcher.settings.syncing import FhirSettings

LATER = "Un nouvel essai aura lieu ; les données en service sont gardées."
MAX_QUOTED = 300
"""Characters of the server's own words."""


class Refusals:
    """Words for one server and key."""

    def __init__(self, settings: FhirSettings, key: str) -> None:
        self._settings, self._key = settings, key

    def told(self, answer: Answer) -> DirectoryError:
        """The error for an HTTP status that is not 200."""
        status = answer.status
        said = self._diagnostics(answer)
        if status in {401, 403}:
            return DirectoryError(
                f"L'API Annuaire Santé refuse la clé ({status}).{said}",
                hint=f"Clé lue dans {self._settings.key_file} : vérifier sur {PORTAL} qu'elle est la bonne, en cours "
                "de validité et abonnée à l'API FHIR Annuaire Santé, puis relancer « dispatcher directory sync fhir ».",
                code="directory-key",
            )
        if 300 <= status < 400:
            return DirectoryError(
                f"L'API Annuaire Santé renvoie à une autre adresse ({status}), refusé : la clé n'y est pas envoyée.",
                hint="Si l'API a déménagé, corriger « url » dans [directory.fhir].",
            )
        text, hint = _WORDS.get(status, ("a répondu par une erreur", LATER))
        if status < 400 or (status >= 500 and status not in _WORDS):
            hint = LATER
        return DirectoryError(f"L'API Annuaire Santé {text} ({status} {_phrase(status)}).{said}", hint=hint)

    def strange(self, what: str) -> DirectoryError:
        """An answer of status 200 that cannot be used."""
        return DirectoryError(
            f"Réponse inattendue de l'API Annuaire Santé : {what}.",
            hint="Vérifier « url » et « proxy » (page d'un portail ?) ; les données en service sont gardées.",
        )

    def loop(self, kind: str, pages: int) -> DirectoryError:
        """Paging that comes back to where it was."""
        return DirectoryError(
            f"La pagination de l'API Annuaire Santé tourne en rond ({kind}, page {pages}).", hint=LATER
        )

    def elsewhere(self, host: str) -> DirectoryError:
        """A next page on another server."""
        return DirectoryError(
            f"L'API Annuaire Santé donne une page suivante sur un autre serveur ({host}), refusé : la clé n'y est pas "
            "envoyée.",
            hint="Prévenir l'exploitant de l'API ; si elle a déménagé, corriger « url » dans [directory.fhir].",
        )

    def _diagnostics(self, answer: Answer) -> str:
        """The server's own words (OperationOutcome.issue), shortened, the key blackened."""
        words = []
        for issue in _issues(answer.body):
            details = issue.get("details")
            text = issue.get("diagnostics") or (details.get("text") if isinstance(details, dict) else None)
            if isinstance(text, str) and text.strip():
                words.append(" ".join(text.split()))
        shown = "".join(sign for sign in " ; ".join(words) if sign.isprintable())
        said = shown.replace(self._key, "…")  # after: an invisible sign within the key would hide it from this look
        return f" Le serveur dit : « {said[:MAX_QUOTED]} »." if said else ""


def _issues(body: bytes) -> list[dict[str, Any]]:
    try:
        found = json.loads(body[:100_000])
    except (ValueError, RecursionError):
        return []
    issues = found.get("issue") if isinstance(found, dict) else None
    return [issue for issue in issues if isinstance(issue, dict)] if isinstance(issues, list) else []


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


_WORDS = {
    400: ("ne comprend pas la recherche", "Vérifier « url » et « resources » dans [directory.fhir]."),
    404: ("ne connaît pas cette adresse", "Vérifier « url » dans [directory.fhir]."),
    410: ("n'a plus cette page", "La liste a expiré pendant la lecture ; relancer « dispatcher directory sync fhir »."),
    412: ("trouve la recherche trop large", "Vérifier « resources » dans [directory.fhir]."),
    429: (
        "trouve les appels trop nombreux",
        "Baisser « calls_per_second », surtout si plusieurs machines ont la même clé.",
    ),
    500: (
        "a eu une erreur interne",
        "Baisser « page_size » si cela se répète (réponse limitée à 30 secondes). " + LATER,
    ),
    503: ("n'est pas disponible", LATER),
}
