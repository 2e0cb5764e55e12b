"""The ESANTE-API-KEY: read from its file when a run starts, kept in no message and no log."""

from __future__ import annotations

from pathlib import Path

from dispatcher.errors import DirectoryError, in_french

LONGEST = 512
PORTAL = "https://portal.api.esante.gouv.fr"


def read_key(path: Path) -> str:
    """The key in the file at ``path``: one line of visible ASCII. Raises :class:`DirectoryError` naming the file."""
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST + 3)
    except OSError as error:
        raise DirectoryError(
            f"Clé d'API introuvable : {path} ({in_french(error)}).",
            hint=f"Y mettre la clé ESANTE-API-KEY obtenue sur {PORTAL}, seule sur une ligne (docs/annuaires.md).",
            code="directory-key",
        ) from error
    key = content.removeprefix(b"\xef\xbb\xbf").strip()
    if not key or len(key) > LONGEST or any(not 33 <= sign <= 126 for sign in key):
        what = "vide" if not key else "pas une clé sur une seule ligne"
        raise DirectoryError(
            f"Clé d'API inutilisable : {path} ({what}).",
            hint=f"Ce fichier ne contient que la clé ESANTE-API-KEY de {PORTAL}, sur une ligne.",
            code="directory-key",
        )
    return key.decode("ascii")
