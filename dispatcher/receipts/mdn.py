"""Read notices: the fields of RFC 8098 §3.2, with the business errors of the ANS guide.

ANS, « Volet Transmission d'un document CDA-R2 par courriel MSSanté », structure of the MDN: an integration error is
``Disposition: automatic-action/MDN-sent-automatically; processed/Error: 902^label``. A Sieve or mailbox-quota refusal
also comes as an MDN, ``deleted`` (RFC 5429 §2.1.2).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dispatcher.receipts import addresses

_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]{2,60})[ \t]*:[ \t]*(.*)")
_NAMES = frozenset(
    {
        "reporting-ua",
        "mdn-gateway",
        "original-recipient",
        "final-recipient",
        "original-message-id",
        "disposition",
        "failure",
        "error",
        "warning",
    }
)
_TYPE = re.compile(r"\b(displayed|processed|deleted|dispatched|denied|failed)\b", re.I)
_MODIFIER = re.compile(r"/\s*(error|failure|failed|ko|erreur)\b[\s:]*(.*)", re.I | re.S)
_REFUSED = re.compile(
    r"automatically rejected|was rejected|refused by|a été (?:automatiquement )?(?:refusé|rejeté)", re.I
)
_CODE = re.compile(r"(?<![\d.\-/:])(90[0-6])(?![\d.\-/:]?\d)")

CODE_LABELS = {
    "900": "le document remplace une version qui n'est pas la bonne",
    "901": "l'auteur n'a pas le droit de modifier ce document",
    "902": "patient inconnu chez le destinataire",
    "903": "aucun INS dans le document",
    "904": "l'INS du document n'est pas celui du patient",
    "905": "identité INS incomplète",
    "906": "erreur d'intégration sans autre précision",
}
"""Business errors (ANS, table ERR-5 of the guides above), as an operator should read them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disposition:
    """What an MDN says."""

    recipient: str | None
    original_recipient: str | None
    message_id: str | None
    action: str | None
    error: bool
    code: str | None
    diagnostic: str | None
    class_: str | None


def looks_like_mdn(text: str) -> bool:
    """Whether a text holds a ``Disposition:`` field that names a known type, at the start of a line."""
    match = re.search(r"(?im)^disposition[ \t]*:(.*(?:\n[ \t].*)*)", text)
    return bool(match) and bool(_TYPE.search(match[1] if match else ""))


def ans_code(text: str) -> str | None:
    """First business error code, 900 to 906, standing alone in a text."""
    match = _CODE.search(text)
    return match[1] if match else None


def read_disposition(text: str, human: str = "") -> Disposition | None:
    """Read the fields of one MDN; ``human`` is its readable part. None when there is no disposition."""
    fields = _fields(text)
    disposition = fields.get("disposition", "")
    match = _TYPE.search(disposition.rpartition(";")[2]) or _TYPE.search(disposition)
    if match is None:
        return None
    kind = match[1].lower()
    modifier = _MODIFIER.search(disposition)
    told = next((fields[name] for name in ("error", "failure") if fields.get(name)), "")
    refused = kind == "deleted" and bool(_REFUSED.search(human))
    error = modifier is not None or bool(told) or kind == "failed" or refused
    detail = (modifier[2].strip() if modifier else "") or told or (fields.get("warning", ""))
    return Disposition(
        recipient=addresses.clean(fields.get("final-recipient", "")) or None,
        original_recipient=addresses.original(fields.get("original-recipient", "")) or None,
        message_id=addresses.message_id(fields.get("original-message-id", "")),
        action=None if kind == "denied" else kind,
        error=error,
        code=ans_code(detail) if error else None,
        diagnostic=detail or (human.strip() if refused else "") or None,
        class_="permanent" if error else ("success" if kind in {"displayed", "processed"} else None),
    )


def _fields(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    last = ""
    for line in text.splitlines():
        match = _FIELD.fullmatch(line.rstrip()) if line[:1] not in (" ", "\t") else None
        if match and match[1].lower() in _NAMES:
            last = match[1].lower()
            if last in found:
                last = ""
            else:
                found[last] = match[2].strip()
        elif match or not line.strip() or line.startswith("--"):
            last = ""
        elif last:
            found[last] = f"{found[last]} {line.strip()}"
    return found
