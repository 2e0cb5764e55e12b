"""What a mail that came back says about one recipient: the value all readers of this room give.

The first ten fields are the contract of design §10; the others serve matching and people, and are not printed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

DIAGNOSTIC_MAX = 500
"""Characters kept of a diagnostic (design §10)."""


class Kind(StrEnum):
    """What sort of mail it is."""

    DSN = "dsn"
    """Delivery status notification (RFC 3464)."""
    MDN = "mdn"
    """Message disposition notification (RFC 8098)."""
    ERROR_MAIL = "error-mail"
    """The « KO Intégration » mails of the ANS guide, and failure mails that follow no standard."""
    AUTO_REPLY = "auto-reply"
    """Out of office and other answers no person wrote."""
    OTHER = "other"
    """Read, but says nothing this room knows."""


class Cause(StrEnum):
    """Why it failed, from status, diagnostic and wording; for people only."""

    UNKNOWN_USER = "unknown-user"
    UNKNOWN_DOMAIN = "unknown-domain"
    FULL = "full"
    INACTIVE = "inactive"
    TOO_LARGE = "too-large"
    POLICY = "policy"
    UNREACHABLE = "unreachable"
    NOT_INTEGRATED = "not-integrated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One notice about one recipient. Addresses are lower case, without angle brackets."""

    kind: Kind
    action: str | None = None
    """``failed``, ``delayed``, ``delivered``, ``relayed``, ``expanded``; for an MDN ``displayed``, ``processed``,
    ``deleted``, ``dispatched``."""
    status: str | None = None
    """RFC 3463, as the notice writes it."""
    class_: str | None = None
    """``permanent``, ``temporary`` or ``success``: from the action first, then from the status."""
    recipient: str | None = None
    original_recipient: str | None = None
    message_id: str | None = None
    """Of the mail it speaks of, with angle brackets."""
    envid: str | None = None
    code: str | None = None
    """Business error of the ANS guide, ``900`` to ``906``."""
    diagnostic: str | None = None

    sender: str | None = None
    """Who wrote the notice (``From``, read strictly); None when that is not certain."""
    forwarders: tuple[str, ...] = ()
    """Who forwarded it to us as an attachment, the last one at the end; empty text: not certain."""
    related: tuple[str, ...] = ()
    """Message-IDs it answers (``In-Reply-To``, ``References``), nearest first."""
    cause: Cause | None = None
    error: bool = False
    """An MDN that reports an error or a refusal."""


def shorten(text: str | None) -> str | None:
    """Blanks folded, cut at :data:`DIAGNOSTIC_MAX` characters; None when nothing is left."""
    folded = " ".join((text or "").split())
    return folded[:DIAGNOSTIC_MAX].rstrip() or None
