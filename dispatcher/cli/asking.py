"""Questions to the person at the terminal."""

from __future__ import annotations

import sys

import typer


def interactive() -> bool:
    """A person sits there and can answer."""
    return sys.stdin.isatty()


def yes(question: str) -> bool:
    """« o » or « oui » is yes, anything else no. Without anybody to answer the command is given up (code 1)."""
    answer: str = typer.prompt(f"{question} [o/N]", default="", show_default=False, prompt_suffix=" ")
    return answer.strip().casefold() in {"o", "oui", "y", "yes"}
