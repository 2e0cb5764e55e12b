"""TLS towards our own operator: version 1.2 or more, its own trust file, our certificate, its name checked.

Rules: MSSanté reference « Clients de messagerie », TLS at least 1.2 and mutual authentication of application mailboxes.
Whatever is wrong here is ours to repair and pauses the channel (decision D9).
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from dispatcher.errors import OurFault, TransportError, TryLater


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsOptions:
    """Files and name. Without ``ca_file`` the machine's own trust list is used."""

    ca_file: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    server_name: str = ""
    """Name the server's certificate must bear."""


def context(options: TlsOptions) -> ssl.SSLContext:
    """Build it. Raises :class:`OurFault` naming the file that is missing, unreadable or does not fit."""
    built = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    built.minimum_version = ssl.TLSVersion.TLSv1_2
    if options.ca_file is None:
        built.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        _load(options.ca_file, "ca_file", lambda path: built.load_verify_locations(cafile=path))
    if options.client_cert is not None:
        key = options.client_key
        if key is not None and not key.is_file():
            raise _file_fault(key, "client_key", "fichier introuvable")
        _load(
            options.client_cert, "client_cert", lambda path: built.load_cert_chain(path, key, password=_no_passphrase)
        )
    return built


def _no_passphrase() -> str:
    """Never ask a terminal for a passphrase: nobody sits there."""
    raise ValueError("the private key is protected by a passphrase")


def _load(path: Path, key: str, load: object) -> None:
    if not path.is_file():
        raise _file_fault(path, key, "fichier introuvable")
    try:
        load(path)  # type: ignore[operator]
    except ssl.SSLError as error:
        reason = "la clé privée ne va pas avec le certificat" if "MISMATCH" in str(error).upper() else "PEM illisible"
        raise _file_fault(path, key, reason) from error
    except ValueError as error:
        raise _file_fault(path, key, "clé privée protégée par une phrase de passe") from error
    except OSError as error:
        raise _file_fault(path, key, f"lecture impossible ({type(error).__name__})") from error


def _file_fault(path: Path, key: str, reason: str) -> OurFault:
    return OurFault(
        f"TLS : {reason} pour « {key} » ({path.name}).", stage="tls", hint=f"Corriger « {key} » dans le canal."
    )


def handshake_error(error: OSError, server_name: str) -> TransportError:
    """What a failed handshake means. A dropped line is the network's; everything the TLS layer says is ours."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return OurFault(
            f"TLS : le certificat du serveur est refusé ({_verification(error, server_name)}).",
            stage="tls",
            hint=_verification_hint(error),
        )
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)) or not isinstance(error, ssl.SSLError):
        return TryLater(f"TLS : connexion perdue pendant la négociation ({type(error).__name__}).", stage="tls")
    reason = (error.reason or "erreur TLS").replace("_", " ").lower()
    return OurFault(
        f"TLS : négociation refusée ({reason}).",
        stage="tls",
        hint="Vérifier le certificat client du canal et la version de TLS du serveur (1.2 au moins).",
    )


def _verification_hint(error: ssl.SSLCertVerificationError) -> str:
    text = error.verify_message.lower()
    if "mismatch" in text or "not valid for" in text:
        return "Vérifier « server_name » ou « host » ; sinon appeler l'opérateur."
    if "expired" in text or "not yet valid" in text:
        return "Vérifier l'horloge de cette machine ; si elle est juste, appeler l'opérateur."
    return "Vérifier « ca_file » ; sinon appeler l'opérateur."


def _verification(error: ssl.SSLCertVerificationError, server_name: str) -> str:
    text = error.verify_message.lower()
    if "expired" in text:
        return "il a expiré"
    if "not yet valid" in text:
        return "il n'est pas encore valable"
    if "mismatch" in text or "not valid for" in text:
        return f"il n'est pas au nom « {server_name} »"
    if "self" in text or "unable to get" in text or "issuer" in text:
        return "il n'est pas signé par une autorité de « ca_file »"
    return text


def refused_after_handshake() -> OurFault:
    """TLS 1.3 tells a client that its certificate is refused only by dropping the line at the first read."""
    return OurFault(
        "TLS : le serveur a coupé juste après la négociation, ce qu'il fait quand il refuse notre certificat client.",
        stage="tls",
        hint="Vérifier que « client_cert » est celui déclaré chez l'opérateur et qu'il n'a pas expiré.",
    )
