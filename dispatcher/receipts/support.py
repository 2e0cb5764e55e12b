"""Which receipts a recipient can be expected to give, from what came back and what did not (learned, never set).

Silence tells nothing where nobody ever answers; it tells a lot where answers always came. So three things are kept
apart: never anything, no longer anything, and not known yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dispatcher.ports import SupportRow

SILENT_MAILS = 5
"""Mails in a row without a delivery notice: then a domain that never sent one sends none."""
UNREAD_MAILS = 10
"""Delivered mails in a row without an answer of the reader: the same for an address."""
UNREAD_OF_DOMAIN = 30
"""The same for a whole domain, where many people read."""


class Gives(StrEnum):
    """Whether receipts of one kind come from there."""

    YES = "yes"
    RELAYED = "relayed"
    """Only up to the next server, which sends none of its own."""
    NEVER = "never"
    NO_MORE = "no-more"
    """They came, and for some mails in a row they do not: that is no habit but a trouble."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Of one recipient."""

    delivery: Gives
    reading: Gives

    @property
    def silence_is_normal(self) -> bool:
        """No delivery notice is to be expected: that none came tells nothing."""
        return self.delivery is Gives.NEVER


def expected(domain: SupportRow | None, address: SupportRow | None) -> Expected:
    """Delivery is a matter of the domain's servers, reading of the person, then of the domain's software."""
    own = _reading(address, UNREAD_MAILS)
    return Expected(delivery=gives_delivery(domain), reading=own if own is not Gives.UNKNOWN else _of_all(domain))


def gives_delivery(domain: SupportRow | None) -> Gives:
    """« relayed » says that the next server sends no notices (RFC 3464 §2.3.3), until one of its own comes."""
    if domain is None:
        return Gives.UNKNOWN
    last = max((at for at in (domain.delivered_at, domain.relayed_at) if at is not None), default=None)
    if last is None:
        return Gives.NEVER if domain.silent >= SILENT_MAILS else Gives.UNKNOWN
    if domain.silent >= SILENT_MAILS:
        return Gives.NO_MORE
    return Gives.YES if last == domain.delivered_at else Gives.RELAYED


def _reading(row: SupportRow | None, most: int) -> Gives:
    if row is None or (row.read_at is None and row.unread < most):
        return Gives.UNKNOWN
    if row.read_at is None:
        return Gives.NEVER
    return Gives.NO_MORE if row.unread >= most else Gives.YES


def _of_all(domain: SupportRow | None) -> Gives:
    """That others of the domain read says nothing of this person; that nobody ever did says something."""
    return Gives.NEVER if _reading(domain, UNREAD_OF_DOMAIN) is Gives.NEVER else Gives.UNKNOWN


DELIVERY = {
    Gives.YES: "donne des avis de remise",
    Gives.RELAYED: "avis de remise jusqu'au serveur suivant seulement",
    Gives.NEVER: "ne donne pas d'avis de remise",
    Gives.NO_MORE: "ne donne plus d'avis de remise",
    Gives.UNKNOWN: "avis de remise : pas encore connu",
}
READING = {
    Gives.YES: "donne des accusés de lecture",
    Gives.NEVER: "ne donne jamais d'accusé de lecture",
    Gives.NO_MORE: "ne donne plus d'accusé de lecture",
    Gives.UNKNOWN: "accusés de lecture : pas encore connu",
}
"""In French, as people read them."""
