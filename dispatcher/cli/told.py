"""What a decision did, told to the person or the program that asked for it."""

from __future__ import annotations

from typing import Any, NoReturn

import typer

from dispatcher.cli.output import DONE, FAILURES, complain, print_json, say
from dispatcher.service.changed import Changed

SHOWN = 50
"""Numbers listed one by one."""


def told(changed: Changed, verb: str, json: bool, after: str = "") -> NoReturn:
    """Tell it, with what may come ``after``, and end: code 1 when something was refused."""
    if json:
        ends: dict[str, Any] = {"done": list(changed.done), "refused": [list(item) for item in changed.refused]}
        print_json(ends | ({"batches": list(changed.batches)} if changed.batches else {}))
    else:
        if changed.done:
            more = ", …" if len(changed.done) > SHOWN else ""
            say(f"{len(changed.done)} {verb} : {', '.join(changed.done[:SHOWN])}{more}")
        if changed.batches:
            say(f"Lot {', '.join(changed.batches)}. {after}".rstrip())
        for item, why in changed.refused[:SHOWN]:
            complain(f"{item} : {why}")
        if len(changed.refused) > SHOWN:
            complain(f"… {len(changed.refused)} refus en tout ; --json les donne tous.")
    raise typer.Exit(FAILURES if changed.refused else DONE)
