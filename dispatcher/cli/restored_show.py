"""How a restored database is told: what may have left already, and what the LIS must export again."""

from __future__ import annotations

from typing import Any

from dispatcher.cli.output import moment, say, table
from dispatcher.outbox.states import FILE_STATES, STATES
from dispatcher.service.restored import InDoubt

SHOWN = 20
"""Numbers of one state shown to a person; ``--json`` gives all."""


def show_restored(found: InDoubt) -> None:
    """The whole list, and what to do."""
    since, until = moment(found.backup_at), moment(found.restored_at)
    say(f"Base restaurée le {until} d'une sauvegarde du {since}. Rien ne part.")
    again = f"du {moment(found.export_from)} au {until}"
    say(f"Le SIL doit exporter de nouveau tout ce qu'il a produit {again} : la base n'en sait pas tout.")
    say("L'heure d'avant la sauvegarde en est : un fichier qui attendait dans son dossier a pu être pris après elle.")
    rows = [(f"Envois, {STATES[state]}", str(len(ids)), _some(ids)) for state, ids in found.dispatches.items() if ids]
    rows += [(f"Fichiers, {FILE_STATES[kind]}", str(len(ids)), _some(ids)) for kind, ids in found.files.items() if ids]
    table("A pu partir déjà", ("Quoi", "Nombre", "Numéros"), rows, empty="Rien de connu n'a pu partir deux fois.")
    say("Comparer avec le dossier des courriers envoyés du compte ; ce qui est parti : « dispatcher close D… ».")
    say("Lettres : celles qui sont déjà parties, « dispatcher paper posted » ; rien ne s'imprime avant la reprise.")
    say("Les accusés classés depuis la sauvegarde sont relus dans la boîte à la reprise, s'ils y sont encore.")
    say('Puis « dispatcher resume --everything --reason "…" ».')


def _some(ids: tuple[str, ...]) -> str:
    more = f" … ({len(ids) - SHOWN} de plus : --json)" if len(ids) > SHOWN else ""
    return " ".join(ids[:SHOWN]) + more


def restored_json(found: InDoubt | None) -> dict[str, Any] | None:
    """For programs; null when nothing waits for a person."""
    if found is None:
        return None
    return {
        "backup_at": found.backup_at,
        "export_from": found.export_from,
        "restored_at": found.restored_at,
        "count": found.count,
        "dispatches": {str(state): list(ids) for state, ids in found.dispatches.items()},
        "files": {str(kind): list(ids) for kind, ids in found.files.items()},
    }
