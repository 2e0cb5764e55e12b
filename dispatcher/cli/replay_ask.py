"""What a person says before a replay: why, and, for a large set, how many."""

from __future__ import annotations

import typer

from dispatcher.cli import asking
from dispatcher.cli.output import FAILURES, WRONG_CALL, complain
from dispatcher.french import counted

NO_REASON = 'Un motif est demandé : --reason "…".'
OTHER_COUNT = "La liste compte {now} et non {said} : rien n'est fait. La regarder de nouveau."
COUNT_ASKED = "C'est beaucoup ({now}) : sans personne au terminal, ajouter --count {number} à --yes."

OTHER_LIST = "La liste n'est plus celle de ce jeton : rien n'est fait. La regarder de nouveau (--json sans --yes)."


def same_list_or_stop(token: str, said: str) -> None:
    """``said`` (``--token``) must be the token of the list as it is now; without one anything goes."""
    if said and said != token:
        complain(OTHER_LIST)
        raise typer.Exit(FAILURES)


def reason_given(reason: str, *, json: bool = False) -> str:
    """The reason, asked for at a terminal when it is missing; without one the command ends (code 2)."""
    given = reason.strip()
    if not given and asking.interactive() and not json:
        given = asking.ask("Motif (gardé au journal) :")
    if not given:
        complain(NO_REASON)
        raise typer.Exit(WRONG_CALL)
    return given


def agree_or_stop(count: int, question: str, *, above: int, yes: bool, said: int | None, json: bool) -> None:
    """Without a yes to exactly this many the command ends, and nothing was done.

    ``said`` (``--count``) must be the number shown. Above ``above`` the number itself is asked for: ``--yes`` in a
    script that once met ten must not send ten thousand.
    """
    now = counted(count, "élément")
    if said is not None and said != count:
        complain(OTHER_COUNT.format(now=now, said=said))
        raise typer.Exit(FAILURES)
    if count > above and said is None:
        if yes or json or not asking.interactive():
            complain(COUNT_ASKED.format(now=now, number=count))
            raise typer.Exit(WRONG_CALL)
        if asking.ask(f"{question} Pour le faire, taper leur nombre ({count}) :") != str(count):
            complain("Ce n'est pas leur nombre.")
            asking.give_up()
    elif not yes:
        asking.or_stop(question)
