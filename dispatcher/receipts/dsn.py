"""Delivery status notifications: the field blocks of RFC 3464 §2, wherever they stand in the mail.

The action is believed before the class of the status: a relay that gives up after days writes ``failed`` with a
``4.x.x`` status (RFC 3464 §2.3.3, §2.3.4; seen with Postfix).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from dispatcher.receipts import addresses

_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]{2,60})[ \t]*:[ \t]*(.*)")
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
_PER_MESSAGE = frozenset(
    {
        "reporting-mta",
        "original-envelope-id",
        "dsn-gateway",
        "received-from-mta",
        "arrival-date",
        "x-original-message-id",
        "original-message-id",
        "x-postfix-queue-id",
        "x-postfix-sender",
    }
)
_STARTERS = frozenset({"final-recipient", "original-recipient", "action", "status"})
_KNOWN = _STARTERS | {"diagnostic-code", "remote-mta", "last-attempt-date", "final-log-id", "will-retry-until"}
_ACTIONS = (
    (re.compile(r"fail|bounce|err(?:or|eur)|[ée]chec", re.I), "failed"),
    (re.compile(r"delay|retard|diff[eé]r", re.I), "delayed"),
    (re.compile(r"relay", re.I), "relayed"),
    (re.compile(r"expand", re.I), "expanded"),
    (re.compile(r"deliver|success", re.I), "delivered"),
)
CLASS_OF_ACTION = {
    "failed": "permanent",
    "delayed": "temporary",
    "delivered": "success",
    "relayed": "success",
    "expanded": "success",
}
_CLASS_OF_DIGIT = {"2": "success", "4": "temporary", "5": "permanent"}


@dataclass(slots=True)
class Block:
    """Fields about one recipient, names in lower case."""

    fields: dict[str, str] = field(default_factory=dict)

    @property
    def recipient(self) -> str | None:
        """``Final-Recipient``; the original one where that is no mail address (X.400, an account of the server)."""
        final, original = addresses.clean(self.fields.get("final-recipient", "")), self.original_recipient
        return original if original and "@" in original and not addresses.ADDRESS.fullmatch(final) else final or None

    @property
    def original_recipient(self) -> str | None:
        return addresses.original(self.fields.get("original-recipient", "")) or None

    @property
    def action(self) -> str | None:
        text = self.fields.get("action", "")
        return next((name for pattern, name in _ACTIONS if pattern.search(text)), None)

    @property
    def status(self) -> str | None:
        return find_status(self.fields.get("status", "")) or find_status(self.fields.get("diagnostic-code", ""))

    @property
    def usable(self) -> bool:
        """It names somebody and says what happened."""
        return bool(self.recipient or self.original_recipient) and bool(self.action or self.status)


@dataclass(slots=True)
class StatusReport:
    """All blocks of one notice."""

    message: dict[str, str] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)

    @property
    def envid(self) -> str | None:
        return self.message.get("original-envelope-id", "").strip().strip("<>") or None

    @property
    def message_id(self) -> str | None:
        for name in ("original-message-id", "x-original-message-id"):
            if found := addresses.message_id(self.message.get(name, "")):
                return found
        return None


def find_status(text: str) -> str | None:
    """First enhanced status code (RFC 3463) in a text."""
    match = _STATUS.search(text)
    return match[1] if match else None


def class_of(action: str | None, status: str | None) -> str | None:
    """``permanent``, ``temporary``, ``success`` or None: from the action, else from the status."""
    if action in CLASS_OF_ACTION:
        return CLASS_OF_ACTION[action]
    return _CLASS_OF_DIGIT.get((status or "")[:1])


def looks_like_report(text: str) -> bool:
    """Whether a text holds field blocks: a recipient field and an action or status, each at the start of a line."""
    return bool(re.search(r"(?im)^(?:final|original)-recipient[ \t]*:", text)) and bool(
        re.search(r"(?im)^(?:action|status)[ \t]*:", text)
    )


def read_fields(text: str) -> StatusReport:
    """Read the field blocks of a text. Lines that are no fields continue the field before them (some relays do not
    indent); blank lines part the blocks only where what follows starts a new one."""
    report = StatusReport()
    block = Block()
    into: dict[str, str] | None = None
    last = ""
    after_blank = False
    for line in text.splitlines():
        match = _FIELD.fullmatch(line.rstrip()) if line[:1] not in (" ", "\t") else None
        if not line.strip():
            after_blank, into = True, None
        elif match is None:
            if into is not None and not line.startswith("--"):
                into[last] = f"{into[last]} {line.strip()}"
        else:
            last = match[1].lower()
            if last in _PER_MESSAGE:
                into = report.message
            else:
                if _begins_new(block, last, after_blank):
                    report.blocks.append(block)
                    block = Block()
                into = block.fields if last in _KNOWN or last.startswith("x-") else {}
            after_blank = False
            into.setdefault(last, "")
            into[last] = into[last] or match[2].strip()
    report.blocks.append(block)
    report.blocks = [known for known in report.blocks if known.usable]
    return report


def _begins_new(block: Block, name: str, after_blank: bool) -> bool:
    fields = block.fields
    if name not in _STARTERS:
        return False
    if name in fields:
        return True
    names_somebody = "final-recipient" in fields or "original-recipient" in fields
    told = "action" in fields or "status" in fields
    return after_blank and names_somebody and told and name in {"final-recipient", "original-recipient"}
