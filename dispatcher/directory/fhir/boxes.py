"""Secure mailboxes of a record: ``telecom`` entries of the type MSSANTE; ordinary mail addresses are never kept.

Source: Annuaire Santé implementation guide, « AS Mailbox MSS » and « AS Mailbox Metadata » (sub-extensions type,
description, responsible, service, phone, digitization, listeRouge); FR Core « contact-point-email-type » (TRE_R256).
Some official examples leave the e-mail type out: the metadata alone make a secure mailbox too.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass

from dispatcher.directory.fhir.values import (
    Resource,
    extension_code,
    extension_flag,
    last_word,
    objects,
    rank,
    text,
)
from dispatcher.routing.addresses import canonical, unlinked
from dispatcher.routing.candidates import BOX_TYPES

EMAIL_TYPE = frozenset({"frcorecontactpointemailtype", "frcoreemailtype", "fremailtype"})
METADATA = frozenset({"asextmailboxmssmetadata", "asmailboxmssmetadata", "mailboxmss"})
_DIGITAL = frozenset({"digitization", "digitisation", "digitalization", "digital", "paperless"})
_DIGITAL_FR = frozenset({"dematerialisation", "dematerialization", "dematerialise"})
_RED = frozenset({"listerouge", "redlist"})
_NO_MAIL = frozenset({"phone", "fax", "pager", "sms"})
LEFT = "boîte MSSanté écrite d'une manière inconnue : laissée"
"""Counted, so that a new way of writing mailboxes is seen, not silent."""
_SILENT = frozenset({"description", "responsible", "responsable", "phone", "telephone", "type"})


@dataclass(frozen=True, slots=True)
class Box:
    """One secure mailbox."""

    address: str
    box_type: str
    paperless: bool | None = None
    red_list: bool = False
    rank: int | None = None
    service: str = ""


def boxes(record: Resource, default: str, odd: Counter[str]) -> tuple[Box, ...]:
    """Mailboxes of ``record``; ``default``: type of one that does not say its own. ``odd`` counts what was not
    understood, by French sentence.
    """
    found: dict[str, Box] = {}
    for telecom in objects(record.get("telecom", [])):
        box = _box(telecom, default, odd)
        if box is not None:
            held = found.setdefault(box.address, box)
            if held is not box:
                found[box.address] = _stricter(held, box)
    return tuple(found.values())


def _stricter(one: Box, other: Box) -> Box:
    """The same address told twice: a refusal or the red list on either holds."""
    refused = None if one.paperless is None and other.paperless is None else True
    if one.paperless is False or other.paperless is False:
        refused = False
    return Box(one.address, one.box_type, refused, one.red_list or other.red_list, one.rank, one.service)


def _box(telecom: Resource, default: str, odd: Counter[str]) -> Box | None:
    system = text(telecom.get("system"))
    if system in _NO_MAIL or telecom.get("use") == "old":
        return None
    mail_type, metadata = "", None
    for extension in objects(telecom.get("extension", [])):
        name = last_word(extension.get("url"))
        if name in EMAIL_TYPE:
            mail_type = extension_code(extension)
        elif name in METADATA:
            metadata = extension
    if system not in {"email", ""} or (mail_type != "MSSANTE" and (mail_type or metadata is None)):
        if metadata is not None or _speaks_of_mssante(telecom):
            odd[LEFT] += 1
        return None
    address = canonical(unlinked(text(telecom.get("value"))))
    if address is None:
        odd["adresse de messagerie mal formée"] += 1
        return None
    box = Box(address, default, rank=rank(telecom.get("rank")))
    return _described(box, metadata, odd) if metadata is not None else box


def _speaks_of_mssante(telecom: Resource) -> bool:
    """A secure mailbox in a shape nobody foresaw: address, code or extension names the system."""
    try:
        return "mssante" in json.dumps(telecom).casefold()
    except RecursionError:
        return False


def _described(box: Box, metadata: Resource, odd: Counter[str]) -> Box | None:
    """What the metadata say; None for a mailbox of a type nobody knows."""
    box_type, paperless, red, service = box.box_type, box.paperless, False, ""
    for part in objects(metadata.get("extension", [])):
        name = last_word(part.get("url"))
        if name == "type":
            box_type = extension_code(part)
            if box_type not in BOX_TYPES:
                odd["type de boîte inconnu (attendu PER, ORG, APP ou CAB) : boîte laissée"] += 1
                return None
        elif name in _DIGITAL or name in _DIGITAL_FR:
            paperless = extension_flag(part)
            if paperless is None:
                odd["dématérialisation illisible, tenue pour refusée"] += 1
                paperless = False
        elif name in _RED or name == "publication":
            said = extension_flag(part)
            if said is None:
                odd["liste rouge illisible, tenue pour demandée"] += 1
            red = red or said is (name != "publication") or said is None
        elif name == "service":
            service = text(part.get("valueString"))
        elif name not in _SILENT:
            odd[f"indication inconnue d'une boîte : « {name[:40] or '?'} »"] += 1
    return Box(box.address, box_type, paperless, red, box.rank, service)
