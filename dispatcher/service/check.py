"""Use case: is this installation fit to run? Every fault at once, each with what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from dispatcher.errors import DispatcherError
from dispatcher.french import counted
from dispatcher.outbox.states import FILE_STATES, STATES
from dispatcher.ports import Rules, Store
from dispatcher.report.model import Severity
from dispatcher.service.channel import Channel
from dispatcher.service.desk import Desk
from dispatcher.service.recount import recount


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at. ``severity`` INFO: all is well."""

    subject: str
    severity: Severity
    text: str
    hint: str = ""
    key: str = ""
    """Of the configuration, with its tables: ``sources.sil.folder``."""
    line: int | None = None
    """Of the configuration file."""


def good(subject: str, text: str) -> Finding:
    """All is well."""
    return Finding(subject=subject, severity=Severity.INFO, text=text)


def bad(subject: str, error: DispatcherError) -> Finding:
    """A fault that keeps the program from working."""
    return Finding(subject=subject, severity=Severity.ERROR, text=error.message, hint=error.hint)


def warning(subject: str, text: str, hint: str = "") -> Finding:
    """Works, but a person should see to it."""
    return Finding(subject=subject, severity=Severity.WARNING, text=text, hint=hint)


def check_channels(desk: Desk, *, connect: bool) -> Iterator[Finding]:
    """Signing key, and a real connection to the operator, per channel."""
    for name, channel in desk.channels.items():
        if channel.settings.sign and channel.settings.family != "apicrypt":
            yield _signature(desk, name, channel.settings.family)
        if connect:
            found = _try(f"canal {name}, connexion", partial(_connect, channel))
            yield found if found.severity is Severity.INFO or found.hint else replace(found, hint=UNREACHED)
        if channel.settings.family == "mssante" and not channel.settings.nil:
            text = "X-MSS-NIL absent : référence du produit sur convergence.esante.gouv.fr."
            yield warning(f"canal {name}", text, "Renseigner « nil » avant la mise en service.")


def _signature(desk: Desk, name: str, family: str) -> Finding:
    """Needed by an S/MIME channel; an MSSanté one needs it for recipients who have a certificate only."""
    found = _try(f"canal {name}, signature", partial(_signer, desk, name))
    if found.severity is Severity.ERROR and family == "mssante":
        return replace(found, severity=Severity.WARNING)
    return found


def _signer(desk: Desk, name: str) -> str:
    signer = desk.keyring.signer(name, desk.clock.now())
    days = (signer.certificate.not_valid_after_utc - desk.clock.now()).days
    return f"clé valable encore {days} jours"


def _connect(channel: Channel) -> str:
    session = channel.transport.open()
    session.close()
    return "connexion à l'opérateur réussie"


def check_reference(desk: Desk, list_warn_days: int = 10) -> Iterator[Finding]:
    """Freshness of the list of allowed domains; ``list_warn_days``: its age worth a word."""
    domains = desk.domains()
    if domains.generated is None:
        text = "aucune liste acceptée : rien ne partira"
        yield Finding(
            subject="liste blanche", severity=Severity.ERROR, text=text, hint="« dispatcher trust import FICHIER »"
        )
        return
    old = desk.clock.now() - domains.generated
    limit = desk.policy.list_max_age_days
    if old > timedelta(days=limit):
        text = f"liste vieille de {old.days} jours, {limit} au plus sont permis : plus rien ne part"
        yield Finding(subject="liste blanche", severity=Severity.ERROR, text=text, hint=_RENEW)
    elif old > timedelta(days=list_warn_days):
        text = f"liste vieille de {old.days} jours : au-delà de {limit}, plus rien ne partira"
        yield warning("liste blanche", text, _RENEW)
    else:
        yield good("liste blanche", f"liste de moins de {counted(old.days + 1, 'jour')}")


def check_tallies(store: Store) -> Iterator[Finding]:
    """The numbers ``status`` shows are those of the rows; wrong ones are mended, and told."""
    try:
        wrong = recount(store)
    except DispatcherError as error:
        yield bad("comptes", error)
        return
    if not wrong:
        yield good("comptes", "les nombres par état sont ceux de la base")
        return
    told = ", ".join(
        f"{one.channel or one.kind} « {_STATES.get(one.state, one.state)} » : {one.kept} au lieu de {one.counted}"
        for one in wrong
    )
    yield warning(
        "comptes", f"nombres par état faux, rétablis : {told}", "Le dire au support ; le journal en garde trace."
    )


_STATES = {str(state): name for state, name in (*FILE_STATES.items(), *STATES.items())}
UNREACHED = "Vérifier « host » et « port », le pare-feu et le réseau ; sinon appeler l'opérateur."
_RENEW = "« dispatcher trust sync », ou « dispatcher trust import FICHIER » avec la liste du jour."
FOR_THE_USER = "installées pour l'utilisateur, pas pour cette configuration"


def check_conformance(desk: Desk, *, elsewhere: str = "") -> Iterator[Finding]:
    """What documents are judged by before they leave, per channel. ``elsewhere``: folder of a kit that the person has
    installed for herself, which the service of this configuration does not use.
    """
    modes = {name: channel.settings.conformance for name, channel in desk.channels.items()}
    for name, mode in modes.items():
        if mode != "enforce":
            done = "partent avec une remarque" if mode == "warn" else "ne sont pas contrôlés"
            text = f"conformance = « {mode} » : les documents non conformes {done}"
            yield warning(f"canal {name}", text, "« enforce » les retient.")
    if desk.official is None:
        state = f"{FOR_THE_USER} ({elsewhere})" if elsewhere else "non installées"
        text = f"règles officielles de l'ANS {state} : les CDA ne passent que les contrôles du programme"
        yield warning("conformité", text, f"« dispatcher conformance install {elsewhere or 'DOSSIER'} » les installe.")
        return
    yield _try("conformité", partial(_rules, desk.official, [name for name, mode in modes.items() if mode != "off"]))


def _rules(official: Rules, channels: list[str]) -> str:
    versions = ", ".join(official.versions())
    used = f"appliquées aux canaux {', '.join(channels)}" if channels else "installées, aucun canal ne les applique"
    return f"règles officielles de l'ANS {used} (CR-BIO {versions})"


def _try(subject: str, look: Callable[[], str]) -> Finding:
    try:
        return good(subject, look())
    except DispatcherError as error:
        return bad(subject, error)
