"""What ``status`` and ``ladder list`` say of mail that nobody reads, and of letters to print."""

from __future__ import annotations

from collections.abc import Sequence

from dispatcher.cli.output import complain, moment, say
from dispatcher.french import counted, either
from dispatcher.outbox.dispatch import Dispatch, Lane
from dispatcher.ports import DigestRow

SHOWN = 5
"""Named one by one; of more only the number is told."""


def tell_calling(calling: Sequence[Dispatch]) -> None:
    """One alarm a dispatch, urgent ones first."""
    for one in calling[:SHOWN]:
        what = "résultat urgent" if one.lane is Lane.URGENT else "envoi"
        complain(f"ALARME, {what} jamais lu : {one.id}, {one.label}, envoyé {moment(one.sent_at)}.")
    if len(calling) > SHOWN:
        complain(f"  Et {counted(len(calling) - SHOWN, 'autre')} : « dispatcher ladder list ».")
    if calling:
        complain('  → Appeler le destinataire, puis « dispatcher ladder acknowledge ENVOI --reason "…" ».')


def tell_unread(count: int, digest: DigestRow | None) -> None:
    """The reminder: one line, whatever the number."""
    if not count:
        return
    verb = either(count, "envoi parti et jamais lu", "envois partis et jamais lus")
    since = f" Dernier rappel {digest.id}, {moment(digest.made_at)} : {digest.count}." if digest is not None else ""
    say(f"{count} {verb}.{since} « dispatcher ladder list » dit qui appeler.")


def tell_paper(count: int) -> None:
    """Letters that wait for somebody."""
    if count:
        say(f"{counted(count, 'envoi')} sur papier à imprimer : « dispatcher paper list ».")
