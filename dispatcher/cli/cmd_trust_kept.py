"""``dispatcher trust list|diff|restore``: the lists of allowed domains that were accepted and are kept."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer

from dispatcher.cli.context import office
from dispatcher.cli.output import complain, moment, print_json, say, table
from dispatcher.cli.person import actor
from dispatcher.directory.trust import kept
from dispatcher.directory.trust.allowed_domains import Trust, verify
from dispatcher.directory.trust.content import Content
from dispatcher.directory.trust.kept import Difference, Kept
from dispatcher.errors import TrustError
from dispatcher.french import counted
from dispatcher.ports import UnitOfWork
from dispatcher.service.domains import Concerned, concerned
from dispatcher.service.wording import actor as name_of
from dispatcher.wiring import Office

Json = Annotated[bool, typer.Option("--json", help="Sortie JSON.")]
SHOWN = 50
"""Domains of one kind shown to a person; ``--json`` has all."""


def register(group: typer.Typer) -> None:
    """Add the commands of this file to ``dispatcher trust``."""
    group.command("list")(list_kept)
    group.command("diff")(diff)
    group.command("restore")(restore)


def pinned(parts: Office) -> Trust:
    """What the configuration pins."""
    wanted = parts.settings.trust
    return Trust.of(wanted.roots, wanted.signer_cn, wanted.crl)


def list_kept(json: Json = False) -> None:
    """Les listes acceptées et gardées : quand, par qui, pourquoi ; la première est en service."""
    parts = office()
    with parts.store.reading() as uow:
        found = kept.history(uow)
    parts.close()
    if json:
        print_json([asdict(one) for one in found])
        return
    table(
        "",
        ("Liste du", "Version", "Prise le", "Par", "Situation"),
        [(moment(one.generated), one.version, moment(one.accepted_at), _by(one), _standing(one)) for one in found],
        empty="Aucune liste n'a encore été acceptée : « dispatcher trust import FICHIER ».",
    )


def _by(one: Kept) -> str:
    return "synchronisation" if one.by == kept.SYNC else name_of(one.by)


def _standing(one: Kept) -> str:
    back = f"remise en service : {one.reason}" if one.reason else ""
    return ", ".join(part for part in ("en service" if one.in_force else "", back) if part)


def diff(
    before: Annotated[str, typer.Argument(help="Version de départ ; sinon celle d'avant celle en service.")] = "",
    after: Annotated[str, typer.Argument(help="Version d'arrivée ; sinon celle en service.")] = "",
    json: Json = False,
) -> None:
    """Domaines ajoutés et retirés d'une liste gardée à une autre."""
    parts = office()
    trust, now = pinned(parts), parts.clock.now()
    with parts.store.reading() as uow:
        names = [row.version for row in uow.reference.versions(kept.KIND)]
        if len(names) < 2 and not (before and after):
            raise TrustError(
                "Une seule liste est gardée : rien à comparer." if names else "Aucune liste n'est gardée.",
                hint="« dispatcher trust list » montre les listes gardées.",
            )
        one, old = kept.find_version(uow.reference, before or names[1])
        other, new = kept.find_version(uow.reference, after or names[0])
        found = kept.difference(kept.content_of(old, trust, now), kept.content_of(new, trust, now))
        touched = concerned(uow, found.removed, now)
    parts.close()
    if json:
        print_json({"before": one, "after": other, **difference_json(found, touched)})
        return
    say(f"De {one} à {other} :")
    tell_difference(found, touched)
    for title, names_of in (
        ("Ajoutés", found.added),
        ("Retirés", found.removed),
        ("Opérateur changé", found.operators),
    ):
        if names_of:
            more = f" et {len(names_of) - SHOWN} autres (--json les donne tous)" if len(names_of) > SHOWN else ""
            say(f"{title} : {', '.join(names_of[:SHOWN])}{more}.")


def difference_json(found: Difference, touched: Collection[Concerned]) -> dict[str, object]:
    """For programs."""
    return {**asdict(found), "concerned": [asdict(one) for one in touched]}


def tell_difference(found: Difference, touched: Collection[Concerned]) -> None:
    """In a line what changed, then whom it concerns."""
    say(f"{found.in_words()}.")
    for one in touched:
        waiting = f", {one.waiting} en attente de départ" if one.waiting else ""
        complain(
            f"Le domaine retiré « {one.domain} » sert : {counted(one.mails, 'envoi')} ces 90 derniers jours vers "
            f"{counted(one.recipients, 'adresse')}, le dernier le {moment(one.last_at)}{waiting}."
        )
    if touched:
        complain("  → Plus rien n'y partira. « dispatcher directory drift » dit qui est concerné.")


def restore(
    version: Annotated[str, typer.Argument(help="Version gardée, ou une partie de son nom (date, empreinte).")],
    reason: Annotated[str, typer.Option("--reason", help="Motif (obligatoire), gardé au journal.")],
    json: Json = False,
) -> None:
    """Remet en service une liste gardée plus ancienne. La synchronisation ne reprendra qu'une liste plus récente."""
    parts = office()
    trust, now = pinned(parts), parts.clock.now()
    with parts.store.transaction() as uow:
        newest = uow.reference.newest(kept.KIND)
        verdict = kept.restore(version, trust, uow, now=now, actor=actor(), reason=reason)
        found, touched = changes(uow, newest[1] if newest else None, verdict.content, trust, now)
    parts.close()
    if json:
        print_json({"version": verdict.version, "reason": reason, **difference_json(found, touched)})
        return
    say(f"Liste du {moment(verdict.generated)} remise en service, {verdict.domains} domaines.")
    tell_difference(found, touched)


def changes(
    uow: UnitOfWork, before: bytes | None, after: Content | None, trust: Trust, now: datetime
) -> tuple[Difference, tuple[Concerned, ...]]:
    """From the list in force before (its bytes, or none) to ``after``, and whom it concerns."""
    if after is None:
        return Difference(added=(), removed=(), operators=()), ()
    held = verify(before, trust, now=now, still_valid=False).content if before is not None else None
    found = kept.difference(held or Content(generated=None), after)
    return found, concerned(uow, found.removed, now)
