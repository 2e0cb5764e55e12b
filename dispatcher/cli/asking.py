"""Questions to the person at the terminal, in French: every yes or no of the command line is asked here."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer

from dispatcher.cli.output import FAILURES, complain

GIVEN_UP = "Abandonné."


def interactive() -> bool:
    """A person sits there and can answer."""
    return sys.stdin.isatty()


def yes(question: str) -> bool:
    """« o » or « oui » is yes, anything else no. Without anybody to answer the command is given up (code 1)."""
    return ask(f"{question} [o/N]").casefold() in {"o", "oui", "y", "yes"}


def or_stop(question: str) -> None:
    """Asked before anything is written: without a yes the command is given up (code 1)."""
    if not yes(question):
        give_up()


def ask(question: str) -> str:
    """What the person types, bare. At the end of the input, or at Ctrl-C, the command is given up (code 1)."""
    try:
        answer: str = typer.prompt(question, default="", show_default=False, prompt_suffix=" ")
    except typer.Abort:
        typer.echo()
        give_up()
    return answer.strip()


def give_up() -> NoReturn:
    """Say that nothing was done, and end."""
    complain(GIVEN_UP)
    raise typer.Exit(FAILURES)
