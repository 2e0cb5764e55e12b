"""What went wrong with an LDAP server, in French, each by its own name."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from dispatcher.errors import DirectoryError
from dispatcher.settings.ldap import LdapSettings

BROKEN, UNKNOWN = "connexion rompue", "erreur du réseau"


class LdapFault(DirectoryError):
    """An LDAP server gave no usable answer. Codes: ``ldap-unreachable``, ``ldap-tls``, ``ldap-client-certificate``,
    ``ldap-login``, ``ldap-base``, ``ldap-limit``, ``ldap-elsewhere``, ``ldap-refused``.
    """

    code = "ldap-refused"


class Stage(StrEnum):
    """How far we were."""

    FILES = "files"
    CONNECT = "connect"
    LOGIN = "login"
    """The line is open, and under TLS when it must be; nothing was answered yet."""
    READ = "read"


def of(name: str, settings: LdapSettings, text: str, stage: Stage) -> LdapFault:
    """What an exception of the library or of the network means, by its ``text`` and where it happened."""
    head = f"Annuaire LDAP « {name} »"
    place = settings.url.partition("://")[2].rstrip("/")
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return LdapFault(
            f"{head} : le certificat du serveur {place} est refusé ({_why(text)}).",
            hint=f"Vérifier « directory.ldap.{name}.ca_file » et « url » ; sinon appeler l'exploitant de l'annuaire.",
            code="ldap-tls",
        )
    if stage is Stage.FILES:
        return LdapFault(
            f"{head} : fichier de certificats ou de clé introuvable ou illisible.",
            hint="Vérifier « ca_file », « client_cert » et « client_key » (PEM).",
            code="ldap-tls",
        )
    broken = (
        stage is Stage.LOGIN and _cause(text) == BROKEN and (settings.start_tls or settings.url.startswith("ldaps"))
    )
    if broken or "CERTIFICATE_REQUIRED" in text or "ALERT_BAD_CERTIFICATE" in text:
        return LdapFault(
            f"{head} : le serveur {place} a coupé après la négociation TLS, ce qu'il fait quand il demande un "
            "certificat client ou refuse le nôtre.",
            hint="Vérifier « client_cert » et « client_key » ; si le serveur n'en demande pas, il est en panne.",
            code="ldap-client-certificate",
        )
    if ("SSL" in text or "startTLS" in text) and _cause(text) == UNKNOWN:
        return LdapFault(
            f"{head} : la connexion TLS avec {place} n'a pas pu s'établir.",
            hint="Vérifier « url » (ldaps:// ou ldap:// avec StartTLS), le port et la version de TLS du serveur.",
            code="ldap-tls",
        )
    return LdapFault(
        f"{head} : serveur {place} injoignable ({_cause(text)}).",
        hint="Vérifier « url », le réseau et que le serveur tourne.",
        code="ldap-unreachable",
    )


def _why(text: str) -> str:
    if "expired" in text:
        return "il a expiré"
    if "not yet valid" in text:
        return "il n'est pas encore valable"
    if "mismatch" in text or "not valid for" in text:
        return "il n'est pas au nom de ce serveur"
    return "il n'est pas signé par une autorité de « ca_file »"


def _cause(text: str) -> str:
    low = text.lower()
    if "too large" in low:
        return "réponse démesurée, refusée"
    if "refused" in low:
        return "connexion refusée"
    if "timed out" in low or "timeout" in low:
        return "pas de réponse dans le délai"
    if "getaddrinfo" in low or "resolv" in low or "name or service" in low or "invalid server address" in low:
        return "nom de serveur inconnu"
    if any(sign in low for sign in ("terminated", "reset", "closed", "receiv", "eof", "pipe", "sending")):
        return BROKEN
    return UNKNOWN


def no_tls(name: str) -> LdapFault:
    """The server did not agree to StartTLS."""
    return LdapFault(
        f"Annuaire LDAP « {name} » : le serveur n'accepte pas StartTLS.",
        hint="Demander à l'exploitant son adresse « ldaps:// » : rien n'est lu sans TLS.",
        code="ldap-tls",
    )


def login(name: str, settings: LdapSettings, result: Mapping[str, Any]) -> LdapFault:
    """The login was refused."""
    who = f"le compte « {settings.bind_dn} »" if settings.bind_dn else "la connexion anonyme"
    why = " (identifiant ou mot de passe faux)" if result.get("result") == 49 else ""
    return LdapFault(
        f"Annuaire LDAP « {name} » : {who} est refusé{'' if settings.bind_dn else 'e'}{why}.",
        hint="Vérifier « bind_dn » et « password_file »."
        if settings.bind_dn
        else "Demander un compte de lecture à l'exploitant : « bind_dn », « password_file ».",
        code="ldap-login",
    )


def refused(name: str, settings: LdapSettings, result: Mapping[str, Any], count: int) -> LdapFault:
    """A search that did not end well, by its result code (RFC 4511 appendix A)."""
    head, code = f"Annuaire LDAP « {name} »", result.get("result")
    if code == 32:
        return LdapFault(
            f"{head} : la base « {settings.base} » n'y existe pas.", hint="Vérifier « base ».", code="ldap-base"
        )
    if code in {3, 4, 11}:
        limit = "sa limite de temps" if code == 3 else "sa limite de taille"
        return LdapFault(
            f"{head} : le serveur s'est arrêté à {limit} après {count} entrée(s) ; la suite manque, rien n'est gardé.",
            hint="Demander à l'exploitant un compte sans limite (« bind_dn »), ou resserrer « filter ».",
            code="ldap-limit",
        )
    if code in {8, 13, 48, 50}:
        return LdapFault(
            f"{head} : le serveur refuse cette lecture à notre compte.",
            hint="Demander à l'exploitant le droit de lire, ou vérifier « bind_dn ».",
            code="ldap-login",
        )
    if code == 10:
        return elsewhere(name)
    return LdapFault(
        f"{head} : recherche refusée (code {code}, {result.get('description', '')}).",
        hint="Vérifier « base », « filter » et « attributes » ; sinon appeler l'exploitant de l'annuaire.",
    )


def slow(name: str, settings: LdapSettings) -> LdapFault:
    """The server trickles."""
    place = settings.url.partition("://")[2].rstrip("/")
    return LdapFault(
        f"Annuaire LDAP « {name} » : serveur {place} trop lent, réponse abandonnée.",
        hint="Vérifier le réseau ; sinon « timeout_seconds » plus long, ou « page_size » plus petit.",
        code="ldap-unreachable",
    )


def endless(name: str, count: int) -> LdapFault:
    """Pages without end."""
    return LdapFault(
        f"Annuaire LDAP « {name} » : des pages sans fin ({count} entrée(s) déjà) ; rien n'est gardé.",
        hint="Appeler l'exploitant de l'annuaire ; s'il est vraiment si grand, resserrer « filter ».",
        code="ldap-limit",
    )


def elsewhere(name: str) -> LdapFault:
    """The server points to another one for a part of the answer."""
    return LdapFault(
        f"Annuaire LDAP « {name} » : une partie de la réponse est sur un autre serveur ; rien n'est gardé.",
        hint="Mettre dans « base » une branche que ce serveur tient en entier, ou lire l'autre serveur aussi.",
        code="ldap-elsewhere",
    )
