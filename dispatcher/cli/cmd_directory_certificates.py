"""``dispatcher directory certificates``: the certificates of an address, where, which is used, why not the others."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from dispatcher.cli.context import settings
from dispatcher.cli.output import FAILURES, complain, moment, print_json, say, table
from dispatcher.clock import SystemClock
from dispatcher.directory.certificates.found import FOLDER
from dispatcher.directory.certificates.recipients import Examination, Judged, Source
from dispatcher.ports import CertificateAnswer
from dispatcher.routing.sources import label
from dispatcher.wiring import recipient_certificates

OUTRANKED = "utilisable, mais un autre passe avant (source placée avant, ou plus récent)"


def register(group: typer.Typer) -> None:
    """Add the command of this file to ``dispatcher directory``."""
    group.command("certificates")(certificates)


def certificates(
    address: Annotated[str, typer.Argument(help="Adresse de messagerie du destinataire.")],
    json: Annotated[bool, typer.Option("--json", help="Sortie JSON.")] = False,
) -> None:
    """Montre les certificats d'une adresse : où ils sont, lequel sert, pourquoi pas les autres. Code 1 si aucun."""
    clock = SystemClock()
    seen = recipient_certificates(settings(), clock).examine(address, clock.now())
    answer = seen.answer()
    if json:
        print_json(_as_json(seen, answer))
    else:
        _tell(seen, answer)
    if answer.chosen is None:
        raise typer.Exit(FAILURES)


def _outcome(answer: CertificateAnswer) -> str:
    if answer.chosen is not None:
        return "usable"
    if answer.unknown:
        return "unknown"
    return "unusable" if answer.unusable else "none"


def _as_json(seen: Examination, answer: CertificateAnswer) -> dict[str, Any]:
    return {
        "address": seen.address,
        "answer": _outcome(answer),
        "chosen": answer.chosen.fingerprint if answer.chosen else None,
        "unknown": list(answer.unknown),
        "remarks": list(answer.remarks),
        "sources": [_source_json(source, seen.chosen) for source in seen.sources],
    }


def _source_json(source: Source, chosen: Judged | None) -> dict[str, Any]:
    return {
        "name": source.name,
        "asked_at": source.asked_at,
        "silent": source.silent,
        "certificates": [_certificate_json(one, one is chosen) for one in source.judged],
        "unreadable": [{"place": one.place, "reason": one.reason} for one in source.unusable],
    }


def _certificate_json(one: Judged, chosen: bool) -> dict[str, Any]:
    found = one.found
    return {
        "place": found.place,
        "fingerprint": found.fingerprint,
        "addresses": list(found.addresses),
        "issuer": found.issuer,
        "valid_from": found.begins,
        "valid_to": found.expires,
        "standing": str(one.verdict.standing),
        "reason": one.verdict.reason,
        "remark": one.verdict.remark,
        "chosen": chosen,
    }


def _tell(seen: Examination, answer: CertificateAnswer) -> None:
    rows = []
    for source in seen.sources:
        title = "dossier des certificats" if source.name == FOLDER else label(source.name)
        for one in source.judged:
            why = one.verdict.reason or (OUTRANKED if one is not seen.chosen else "choisi")
            remark = f" ; {one.verdict.remark}" if one.verdict.remark else ""
            row = (title, one.found.place, one.found.fingerprint[:16], one.found.issuer)
            rows.append((*row, moment(one.found.expires)[:10], why + remark))
        rows += [(title, one.place, "–", "–", "–", one.reason) for one in source.unusable]
    columns = ("Source", "Place", "Empreinte", "Émis par", "Jusqu'au", "Ce qu'il vaut")
    table("", columns, rows, empty="Aucun certificat trouvé.")
    for source in seen.sources:
        if source.silent:
            complain(f"{source.silent[:1].upper()}{source.silent[1:]}.")
    if answer.chosen is not None:
        say(f"Les envois à {seen.address} sont chiffrés pour le certificat {answer.chosen.fingerprint} (SHA-256).")
    elif answer.unknown:
        complain(f"On ne peut pas dire si {seen.address} a un certificat utilisable : {' ; '.join(answer.unknown)}.")
    elif answer.unusable:
        complain(f"Aucun des certificats de {seen.address} ne peut servir : voir la dernière colonne.")
    else:
        say(f"{seen.address} n'a de certificat dans aucune source.")
