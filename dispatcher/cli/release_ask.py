"""How a release is to be done, and what a person is asked before it: more when the file names somebody else."""

from __future__ import annotations

from dataclasses import dataclass

from dispatcher.cli import asking
from dispatcher.service.another import is_word
from dispatcher.service.release import DESPITE_NAME

NO_TERMINAL = "Personne n'est au terminal pour répondre : rien n'est libéré. Relire ce qui est montré, puis --yes."
NOT_TYPED = "Ce n'est pas ce qui était à taper : rien n'est libéré."
NO = "Rien n'a été libéré."


@dataclass(frozen=True, slots=True)
class How:
    """The options of one call."""

    keep: bool = False
    instead: bool = False
    despite: bool = False
    despite_name: bool = False
    yes: bool = False
    json: bool = False
    reason: str = ""


def refused(how: How, question: str, warning: str, word: str) -> str:
    """Why nothing may leave (French), or empty: the person has seen it and says yes.

    ``--yes`` answers the plain question only; a name that does not agree takes ``--despite-name``, or the name typed.
    """
    here = asking.interactive() and not how.json
    if warning and not how.despite_name:
        if not here:
            return f"{warning} Rien n'est libéré. {DESPITE_NAME}"
        typed = asking.ask(f"Pour l'envoyer à quelqu'un d'autre que le fichier ne nomme, taper « {word} » :")
        return "" if is_word(typed, word) else NOT_TYPED
    if how.yes:
        return ""
    if not here:
        return NO_TERMINAL
    return "" if asking.yes(question) else NO
