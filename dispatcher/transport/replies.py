"""SMTP replies to our four errors. Pure: code, text and stage in; the error to raise out.

Rules (decision D9, RFC 5321 §4.2, RFC 3463; what Postfix says was seen with a real one):

- ``4xx`` is :class:`TryLater`, ``5xx`` about this recipient or content is :class:`Refused`;
- what a server says about *us* (login, certificate, client address, our own sender address) is :class:`OurFault`,
  at whatever stage it says it: Postfix tells a client it does not know only at RCPT;
- no message ever repeats an address: a patient's mailbox is named by the patient's national number.
"""

from __future__ import annotations

import re

from dispatcher.errors import OurFault, OutcomeUnknown, Refused, TransportError, TryLater

STAGES = {
    "connect": "à la connexion",
    "tls": "à l'ouverture du TLS",
    "login": "à l'identification",
    "mail": "à l'annonce de l'expéditeur",
    "rcpt": "à l'annonce du destinataire",
    "data": "pendant la transmission du message",
    "final-dot": "après la transmission complète",
}
CLOSING = 421
"""« Service not available, closing transmission channel »: whoever gets it hangs up (RFC 5321 §3.8)."""

_AUTH = frozenset({530, 534, 535, 538})
"""Authentication required, too weak, refused, encryption needed (RFC 4954 §6; RFC 3207)."""
_SIZE = re.compile(r"^(?:552|523)\b|\b5\.(?:3\.4|2\.3)\b")
_ABOUT_CLIENT = re.compile(
    r"client (?:host|certificate|cert)\b.*(?:reject|den|refus|not trust|requir|untrust)|access denied\b.*\bclient"
    r"|(?:authentication|login|starttls|certificate) (?:is )?(?:required|needed)|not authenticated"
    r"|must (?:log ?in|issue)",
    re.I,
)
_CERTIFICATE = re.compile(
    r"client certificate\b.*(?:not trusted|untrusted|reject|refus|invalid|expired)|no client certificate"
    r"|client certificate (?:is )?(?:required|missing)",
    re.I,
)
"""Postfix says this with 421 when the handshake is over: temporary by its code, ours by its meaning."""
_ABOUT_SENDER = re.compile(
    r"sender (?:address )?(?:rejected|not allowed|denied|refused)|not (?:owned|permitted|allowed) .*(?:sender|send as)"
    r"|(?:sender|mail from) .*not (?:owned|allowed|permitted)",
    re.I,
)
_RELAY = re.compile(r"relay(?:ing)?\b.*(?:denied|not (?:permitted|allowed))|unable to relay", re.I)
_STATUS = re.compile(r"^\W*([245]\.\d{1,3}\.\d{1,3})\b")
_ADDRESS = re.compile(r"<[^<>]*>|[^\s<>,;:]+@[^\s<>,;:]+")
TEXT_MAX = 200


def status_of(text: str) -> str:
    """Enhanced status code at the head of a reply text (RFC 2034), or empty."""
    match = _STATUS.match(text)
    return match[1] if match else ""


def without_addresses(text: str) -> str:
    """A reply text fit for the store and for people: one line, no address, cut."""
    return " ".join(_ADDRESS.sub("<…>", text).split())[:TEXT_MAX]


def error_for(stage: str, code: int, text: str, *, known_here: bool = False) -> TransportError:
    """The error a negative reply stands for.

    ``known_here``: this server has already accepted a recipient from us in this session. « Relay denied » is then
    about the recipient; before, it says that the server does not know us.
    """
    kind = _kind(stage, code, text, known_here)
    said = without_addresses(text)
    return kind(
        f"L'opérateur a répondu {code} {STAGES.get(stage, stage)}" + (f" : {said}" if said else "") + ".",
        reply=code if 200 <= code <= 599 else None,
        status=status_of(text),
        stage=stage,
        hint=_hint(kind, code),
    )


def _kind(stage: str, code: int, text: str, known_here: bool) -> type[TransportError]:
    if _CERTIFICATE.search(text):
        return OurFault
    if code in _AUTH or _ABOUT_CLIENT.search(text):
        return TryLater if 400 <= code <= 499 else OurFault
    if 400 <= code <= 499:
        return TryLater
    if 500 <= code <= 599:
        return _kind_of_refusal(stage, code, text, known_here)
    return OutcomeUnknown if stage == "final-dot" else TryLater


def _kind_of_refusal(stage: str, code: int, text: str, known_here: bool) -> type[TransportError]:
    if stage in {"connect", "tls", "login"}:
        return OurFault
    if _SIZE.search(f"{code} {text}"):
        return Refused
    if stage == "mail" or _ABOUT_SENDER.search(text):
        return OurFault
    if stage == "rcpt" and _RELAY.search(text) and not known_here:
        return OurFault
    return Refused


def _hint(kind: type[TransportError], code: int) -> str:
    if kind is OurFault and code in _AUTH:
        return "Vérifier « user », « password_file » et le certificat client du canal."
    if kind is OurFault:
        return (
            "L'opérateur ne reconnaît pas ce canal : vérifier certificat client, identifiant et adresse d'expédition."
        )
    return ""


def lost(stage: str, reason: str = "") -> TransportError:
    """The line was lost at ``stage``: unknown after the final dot, else nothing has left."""
    detail = f" ({reason})" if reason else ""
    if stage == "final-dot":
        return OutcomeUnknown(
            f"Connexion perdue après la transmission complète{detail} : on ne sait pas si l'opérateur a accepté le "
            "message.",
            stage=stage,
            hint="Attendre un avis de remise ou de lecture, ou interroger l'opérateur. Ne pas renvoyer à l'aveugle.",
        )
    return TryLater(f"Connexion perdue {STAGES.get(stage, stage)}{detail}.", stage=stage)
