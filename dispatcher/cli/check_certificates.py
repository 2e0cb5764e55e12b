"""What ``check`` says of recipients' certificates, revocation lists and LDAP servers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from dispatcher.cli.output import moment
from dispatcher.clock import Clock
from dispatcher.directory.certificates.chain import Anchors, signed_by_one_of
from dispatcher.directory.certificates.found import FOLDER
from dispatcher.directory.certificates.judging import Standing
from dispatcher.directory.certificates.revocation_lists import Listed, RevocationLists
from dispatcher.directory.certificates.revocation_sync import read_anchors
from dispatcher.errors import DirectoryError
from dispatcher.french import counted
from dispatcher.report.model import Severity
from dispatcher.service.check import Finding, bad, good, warning
from dispatcher.settings import Settings
from dispatcher.wiring import recipient_certificates

EXPIRING_DAYS = 60
LIST_ENDS_SOON = timedelta(days=2)


def findings(settings: Settings, clock: Clock, *, connect: bool) -> Iterator[Finding]:
    """``connect``: LDAP servers are spoken to."""
    now = clock.now()
    try:
        yield from _certificates(settings, clock, now)
    except DirectoryError as error:
        yield bad("certificats des destinataires", error)
    yield from _lists(settings, now)
    for name in settings.directory.ldap if connect else ():
        yield _server(settings, name)


def _certificates(settings: Settings, clock: Clock, now: datetime) -> Iterator[Finding]:
    survey = recipient_certificates(settings, clock).survey(now, expiring_days=EXPIRING_DAYS)
    for one in survey.expiring:
        if one.source != FOLDER:  # those of the folder are told with the keys
            days, who = (one.expires - now).days, ", ".join(one.addresses)
            hint = "Demander au destinataire s'il publie le suivant."
            yield warning(f"certificat {who}", f"{one.where} : expire dans {days} jours", hint)
    told = {Standing.REVOKED, Standing.NOT_ESTABLISHED, Standing.OTHER_ISSUER}
    for fault in survey.unusable:
        if fault.standing in told:
            text = f"{fault.where} : {fault.reason}"
            yield warning(f"certificat {fault.address}", text, "Voir « dispatcher directory certificates ADRESSE ».")
    if survey.usable:
        yield good("certificats des destinataires", f"{counted(len(survey.usable), 'utilisable connu')}")


def _lists(settings: Settings, now: datetime) -> Iterator[Finding]:
    wanted = settings.directory.revocation
    if wanted.policy == "off":
        return
    try:
        pinned = read_anchors(settings.directory.issuers)
    except DirectoryError:  # told with the certificates
        pinned = None
    for one in RevocationLists(wanted, settings.directory.certificate_state).listed():
        text, fault = _state(one, now, pinned)
        subject = f"révocation, {one.place}"
        if not fault:
            yield good(subject, text)
            continue
        severity = Severity.ERROR if wanted.policy == "require" else Severity.WARNING
        hint = "« dispatcher directory sync revocation », ou remplacer le fichier."
        yield Finding(subject=subject, severity=severity, text=text, hint=hint)


def _state(one: Listed, now: datetime, pinned: Anchors | None) -> tuple[str, bool]:
    """What is said of a list, and whether it is a fault."""
    if one.problem:
        return one.problem, True
    if pinned is not None and not all(signed_by_one_of(crl, pinned) for crl in one.lists):
        return "n'est signée par aucune autorité épinglée qui en ait le droit (« directory.issuers »)", True
    if one.until is None:
        return "la liste ne dit pas jusqu'à quand elle vaut : elle ne peut blanchir aucun certificat", True
    if one.until < now:
        return f"n'est plus à jour depuis le {moment(one.until)}", True
    if one.until - now < LIST_ENDS_SOON:
        return f"à jour jusqu'au {moment(one.until)} seulement", False
    return f"à jour jusqu'au {moment(one.until)}", False


def _server(settings: Settings, name: str) -> Finding:
    from dispatcher.directory.ldap.link import LdapLink  # its library is slow to load

    try:
        with LdapLink.open(name, settings.directory.ldap[name]):
            return good(f"annuaire ldap-{name}", "connexion réussie")
    except DirectoryError as error:
        return bad(f"annuaire ldap-{name}", error)
