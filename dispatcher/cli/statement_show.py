"""A statement as people read it: what went in, and what became of it, in sums that can be checked by eye."""

from __future__ import annotations

from dispatcher.french import either
from dispatcher.outbox.statement import Statement

WORDS: dict[str, tuple[str, str]] = {
    "read": ("lu", "lus"),
    "delivered": ("remis", "remis"),
    "sent": ("envoyé", "envoyés"),
    "pending": ("en cours", "en cours"),
    "failed": ("en échec", "en échec"),
    "paper": ("sur papier", "sur papier"),
    "withdrawn": ("retiré", "retirés"),
    "closed": ("clos", "clos"),
}
"""The eight words in French, one and several."""

COLUMNS = ("Entrés", "Lus", "Remis", "Envoyés", "En cours", "Échecs", "Papier", "Retirés", "Clos")
LOST = "Le relevé ne tombe pas juste : {incoming} entrés, {total} retrouvés. Ne rien effacer, appeler le support."


def cells(statement: Statement) -> tuple[str, ...]:
    """One line of a table with :data:`COLUMNS`."""
    return tuple(str(count) for count in statement.as_json().values())


def sentence(statement: Statement) -> str:
    """« 12 entrés = 8 lus + 3 remis + 1 en cours »; says when the sums do not reconcile."""
    parts = [f"{count} {either(count, *WORDS[word])}" for word, count in statement.words().items() if count]
    total = f"{statement.incoming} {either(statement.incoming, 'entré', 'entrés')}"
    if not statement.reconciles:
        lost = LOST.format(incoming=statement.incoming, total=statement.total)
        return f"{total} ≠ {' + '.join(parts) or '0'}. {lost}"
    return f"{total} = {' + '.join(parts)}" if parts else total
