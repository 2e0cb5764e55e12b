"""What a decision did, told to the person or the program that asked for it."""

from __future__ import annotations

from typing import Any, NoReturn

import typer

from dispatcher.cli.output import DONE, FAILURES, complain, print_json, say
from dispatcher.french import counted, either
from dispatcher.service.changed import Changed

SHOWN = 50
"""Numbers listed one by one."""


def told(changed: Changed, verb: str, json: bool, after: str = "") -> NoReturn:
    """Tell it, with what may come ``after``, and end: code 1 when something was refused.

    ``verb``: what was done to one, and to several: « retiré|retirés ».
    """
    if json:
        ends: dict[str, Any] = {"done": list(changed.done), "refused": [list(item) for item in changed.refused]}
        print_json(ends | ({"batches": list(changed.batches)} if changed.batches else {}))
    else:
        if changed.done:
            more = ", …" if len(changed.done) > SHOWN else ""
            alone, _, several = verb.partition("|")
            noun = "envoi" if all(item.startswith("D") for item in changed.done) else "élément"
            number = f"{counted(len(changed.done), noun)} {either(len(changed.done), alone, several or alone)}"
            say(f"{number} : {', '.join(changed.done[:SHOWN])}{more}")
            batches = f"{either(len(changed.batches), 'Lot', 'Lots')} {', '.join(changed.batches)}. "
            if told_after := f"{batches if changed.batches else ''}{after}".rstrip():
                say(told_after)
        for item, why in changed.refused[:SHOWN]:
            complain(f"{item} : {why}")
        if len(changed.refused) > SHOWN:
            complain(f"… {len(changed.refused)} refus en tout ; --json les donne tous.")
    raise typer.Exit(FAILURES if changed.refused else DONE)
