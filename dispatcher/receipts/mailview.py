"""One mail as the readers of this room look at it: its own words, who wrote it, and the mail it returns."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

from dispatcher.receipts import addresses, wording
from dispatcher.receipts.author import author
from dispatcher.receipts.mime import Part, parse

_OURS_HEADERS = ("to", "delivered-to", "x-original-to", "envelope-to", "cc")
_REPORT_TYPES = frozenset(
    {"multipart/report"}
    | {f"message/{wide}{kind}" for wide in ("", "global-") for kind in ("delivery-status", "disposition-notification")}
)
TEXT_MAX = 200_000
"""Characters of readable text looked at."""


@dataclass(frozen=True)
class MailView:
    """A parsed mail and what can be said of it; ``outer`` is the envelope part of a signed mail."""

    root: Part
    outer: tuple[Part, ...] = field(default=())

    def header(self, name: str) -> str:
        """First value of that header, the innermost mail first."""
        return next((value for part in (self.root, *self.outer) if (value := part.get(name))), "")

    @cached_property
    def subject(self) -> str:
        return self.header("subject")

    @cached_property
    def sender(self) -> str | None:
        """Address of ``From``, read leniently: to say who it seems to be, never to believe him."""
        value = self.header("from")
        found = re.search(r"<([^<>\s]+@[^<>\s]+)>", value)
        return addresses.clean(found[1]) if found else next(iter(addresses.find_addresses(value)), None)

    @cached_property
    def author(self) -> str | None:
        """The one address of the ``From`` of the mail that came, whatever it wraps; None when not certain."""
        return author((self.outer[-1] if self.outer else self.root).written("from"))

    @cached_property
    def in_reply_to(self) -> tuple[str, ...]:
        """``In-Reply-To``, then ``References`` from the last one back."""
        references = tuple(reversed(addresses.message_ids(self.header("references"))))
        return tuple(dict.fromkeys(addresses.message_ids(self.header("in-reply-to")) + references))

    @cached_property
    def report_type(self) -> str:
        """``report-type`` of a multipart/report (RFC 6522), lower case."""
        return next(
            (part.params.get("report-type", "").lower() for part in _tree(self.root) if "report-type" in part.params),
            "",
        )

    @cached_property
    def is_report(self) -> bool:
        """Built as a report (RFC 6522), or with a part of its types."""
        types = {part.media_type for part in _tree(self.root)}
        return bool(types & _REPORT_TYPES)

    @cached_property
    def from_daemon(self) -> bool:
        """A mail system speaks, not a person."""
        value = wording.plain(self.header("from"))
        local = (self.sender or value.strip('<> "')).partition("@")[0]
        if wording.DAEMON_LOCAL.search(local) or wording.DAEMON_NAME.search(value):
            return True
        return not self.sender and "<>" in (self.header("return-path").strip(), self.header("from").strip())

    @cached_property
    def leaves(self) -> tuple[Part, ...]:
        """Parts without parts, embedded mails as one each."""
        return tuple(self.root.leaves())

    @cached_property
    def embedded(self) -> tuple[Part, ...]:
        """Mails or headers the mail carries."""
        return tuple(inner for leaf in self.leaves if (inner := leaf.embedded()) is not None)

    @cached_property
    def _texts(self) -> tuple[str, str]:
        readable = [leaf for leaf in self.leaves if leaf.media_type.startswith("text/") and leaf.embedded() is None]
        plain = [leaf for leaf in readable if leaf.media_type != "text/html"]
        said = "\n".join(leaf.text() for leaf in plain).strip() or "\n".join(leaf.text() for leaf in readable)
        return wording.cut_original(said[:TEXT_MAX])

    @property
    def own_text(self) -> str:
        """What the notice itself says, without the copy of the mail it returns."""
        return self._texts[0]

    @cached_property
    def returned(self) -> tuple[Part, ...]:
        """The returned mail or its header, as a part or copied into the text."""
        tail = self._texts[1].lstrip("-=_*# \t\n")
        copied = parse(re.sub(r"(?m)^>[ ]?", "", tail).encode("utf-8", errors="replace")) if tail else None
        return (*self.embedded, *((copied,) if copied and copied.headers else ()))

    @cached_property
    def returned_message_id(self) -> str | None:
        """Message-ID of the mail it returns."""
        for part in self.returned:
            if found := addresses.message_id(part.get("message-id")):
                return found
        own = addresses.message_id(self.header("message-id"))
        tail = re.search(r"(?im)^[> \t]{0,20}message-id:\s{0,20}(<[^<>\s]+>)", self._texts[1] or self._texts[0])
        found = addresses.message_id(tail[1]) if tail else None
        return found if found != own else None

    @cached_property
    def returned_addressees(self) -> tuple[str, ...]:
        """Who the returned mail was addressed to."""
        return tuple(
            dict.fromkeys(
                address
                for part in self.returned
                for name in ("to", "cc", "original-recipient", "x-original-to")
                for value in part.all(name)
                for address in addresses.find_addresses(value)
            )
        )

    @property
    def sole_addressee(self) -> str | None:
        """The only addressee of the returned mail, or None."""
        return self.returned_addressees[0] if len(self.returned_addressees) == 1 else None

    @cached_property
    def _ours(self) -> frozenset[str]:
        given = (address for name in _OURS_HEADERS for address in addresses.find_addresses(self.header(name)))
        senders = (
            address
            for part in self.returned
            for name in ("from", "return-path", "sender", "reply-to")
            for address in addresses.find_addresses(part.get(name))
        )
        return frozenset((*given, *senders)) - frozenset(self.returned_addressees)

    def is_ours(self, address: str) -> bool:
        """Not a recipient told about: our own address, the author of the notice, or a mail system."""
        local = address.partition("@")[0]
        author = address == self.sender and self.from_daemon
        return author or address in self._ours or bool(wording.DAEMON_LOCAL.search(local))


def _tree(part: Part) -> list[Part]:
    found = [part]
    for inner in part.parts:
        found.extend(_tree(inner))
    return found
