"""What ``check`` says of the answers to the LIS: return folders, MLLP servers, what waits."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from datetime import timedelta

from dispatcher.errors import ConfigError, IntakeError
from dispatcher.french import counted
from dispatcher.service.check import Finding, bad, good, warning
from dispatcher.settings import AnswersSettings, MllpSettings, Settings
from dispatcher.wiring import Office

LONG = timedelta(hours=1)
"""Answers that wait for longer are worth a word."""


def folders(wanted: Settings) -> Iterator[Finding]:
    """The return folder of every source that is answered."""
    inboxes = {source.folder.resolve(): name for name, source in wanted.sources.items()}
    for name, source in wanted.sources.items():
        if source.answers is None or source.answers.folder is None:
            continue
        folder, subject = source.answers.folder, f"source {name}, dossier de retour"
        inbox = inboxes.get(folder.resolve())
        if not folder.is_dir():
            hint = "Créer le dossier, ou corriger « folder » dans [sources.NOM.answers]."
            yield bad(subject, IntakeError(f"dossier introuvable : {folder}.", hint=hint))
        elif not os.access(folder, os.W_OK | os.X_OK):
            hint = "Donner au compte de service le droit d'y écrire."
            yield bad(subject, IntakeError(f"dossier interdit : {folder}.", hint=hint))
        elif inbox is not None:
            yield bad(subject, _is_an_inbox(inbox))
        else:
            yield good(subject, f"{folder} accessible")


def _is_an_inbox(source: str) -> ConfigError:
    return ConfigError(
        f"c'est aussi le dossier de la source « {source} » : nos réponses y seraient prises pour des résultats.",
        hint="Donner aux réponses un dossier à part.",
    )


def lines(parts: Office, *, connect: bool) -> Iterator[Finding]:
    """MLLP servers, when ``connect``; and answers that wait for long."""
    for name, source in parts.settings.sources.items():
        if connect and source.answers is not None and source.answers.mllp is not None:
            yield _reached(f"source {name}, serveur MLLP", source.answers.mllp)
    with parts.store.reading() as uow:
        waiting = uow.answers.waiting()
    answered = {name: source.answers for name, source in parts.settings.sources.items()}
    for name, (count, oldest) in sorted(waiting.items()):
        age = parts.clock.now() - oldest
        if age > LONG:
            yield _waits(name, count, age, answered.get(name))


def _waits(name: str, count: int, age: timedelta, settings: AnswersSettings | None) -> Finding:
    hours = counted(max(1, int(age.total_seconds() // 3600)), "heure")
    text = f"{counted(count, 'réponse')} à donner, la plus ancienne depuis {hours}"
    if settings is None:
        hint = "Cette source n'a plus de section [sources.NOM.answers] : la remettre, ou laisser ces réponses."
    else:
        hint = "« dispatcher answers list --state due » dit pourquoi ; le service est-il en marche ?"
    return warning(f"source {name}, réponses", text, hint)


def _reached(subject: str, wanted: MllpSettings) -> Finding:
    place = f"{wanted.host}:{wanted.port}"
    try:
        socket.create_connection((wanted.host, wanted.port), wanted.timeout_seconds).close()
    except OSError:
        hint = "Le SIL est-il en marche ? Vérifier « host » et « port » ; les réponses l'attendent, rien n'est perdu."
        return warning(subject, f"{place} ne répond pas", hint)
    return good(subject, f"{place} répond")
