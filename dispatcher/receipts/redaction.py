"""A received notice without what it may repeat of the report: for evidence handed to somebody else.

A delivery notice may return the mail it is about, a read notice usually quotes its subject; where the mail was not
enveloped both name the patient. What is kept is what a notice is for: who says it, when, and the fields of its report.
"""

from __future__ import annotations

import re
from email import policy
from email.message import EmailMessage, Message
from email.parser import BytesParser

KEPT = (
    *("Return-Path", "Received", "Date", "From", "To", "Message-ID", "In-Reply-To", "References"),
    *("Auto-Submitted", "Content-Type"),
)
"""Header fields that say who and when; never the subject."""
REPORTS = frozenset(
    f"message/{wide}{kind}" for wide in ("", "global-") for kind in ("delivery-status", "disposition-notification")
)
_ABOUT = re.compile(r"XDM/1\.0|examens biologiques|DDM\+", re.IGNORECASE)
"""What every subject of ours begins with (docs/adr/0007)."""
_WORDS_OF = frozenset({"text/plain", "text/html", "multipart/alternative"})
_NOT_WORDS = re.compile(r"\S+@\S+|https?:\S+|<[^>]*>|XDM/1\.0\S*")
_WORD = re.compile(r"[^\W\d_]+")
_OF_READ_NOTICES = frozenset(
    _WORD.findall(
        """
        a absent accusé affiché ait au aucune auteur autorisé autre avez ayant boîte c ce ceci cela cet ci compris
        confirme contenu courriel courrier d dans date de dernier destinataire différent document du effacé en envoyé
        erreur erronée est et été être examens biologiques garantie garantit h heure identifiant il incomplet inconnu
        indique ins intégré l le lu lecture logiciel message messagerie mss n ne ni non note notification objet on
        ordinateur ou ouvert par pas patient pour pu qu que quota reçu remis résultats retourné retour réception s
        sans sent seulement sujet supprimé sur système traité un une utilisateur version vous votre y à acknowledges
        at automatically been by computer deleted displayed disposition exceeded for full guarantee has is it mailbox
        mail no not of only opened processed read receipt received recipient rejected results return subject that the
        this to user was with you your lundi mardi mercredi jeudi vendredi samedi dimanche janvier février mars avril
        mai juin juillet août septembre octobre novembre décembre mon tue wed thu fri sat sun jan feb mar apr may jun
        jul aug sep oct nov dec utc gmt cest
        """
    )
)
"""Words that mail programs confirm a reading with; a notice that says anything else is given as an extract."""
_NOTHING_MORE = re.compile(r"[\s\"'»«”)\]>.…]*")


def quiet(content: bytes, subject: str) -> bool:
    """Whether the notice says nothing but what stood outside the envelope of our mail, whose subject that was.

    Wherever it quotes a subject of ours, nothing follows the outer one: a reader that opened the mail may quote the
    inner one, with the patient's name behind.
    """
    if not subject or _ABOUT.search(subject) is None:
        return False
    for text in _texts(content):
        for line in text.splitlines():
            rest = line.replace(subject, "\0")
            for piece in rest.split("\0")[1:]:
                if not _NOTHING_MORE.fullmatch(piece):
                    return False
            if _ABOUT.search(rest.replace("\0", "")):
                return False
    return True


def only_a_report(content: bytes) -> bool:
    """Whether it is nothing but a report (RFC 6522), in the words of software: nobody typed anything into it."""
    message = BytesParser(policy=policy.default).parsebytes(content)
    parts = list(message.iter_parts()) if isinstance(message, EmailMessage) and message.is_multipart() else []
    if message.get_content_type() != "multipart/report" or not 2 <= len(parts) <= 3:
        return False
    if parts[1].get_content_type() not in REPORTS or parts[0].get_content_type() not in _WORDS_OF:
        return False
    if parts[1].get_content_type().endswith("delivery-status"):
        return message.get("Auto-Submitted") is not None or str(message.get("Return-Path", "")).strip() == "<>"
    try:
        written = [str(one.get_content()) for one in parts[0].walk() if one.get_content_maintype() == "text"]
    except (LookupError, ValueError, AttributeError):
        return False
    words = _WORD.findall(_NOT_WORDS.sub(" ", " ".join(written)).lower())
    return all(word in _OF_READ_NOTICES for word in words)


def subject_of(content: bytes) -> str:
    """Decoded subject of a mail."""
    try:
        return str(BytesParser(policy=policy.default).parsebytes(content, headersonly=True).get("Subject", ""))
    except (ValueError, IndexError, AttributeError, LookupError):
        return ""


def extract(content: bytes) -> str:
    """Who says it and when, and the fields of its report, in their own words."""
    message = BytesParser(policy=policy.compat32).parsebytes(content)
    lines = [f"{name}: {_flat(value)}" for name in KEPT for value in message.get_all(name, [])]
    for part in message.walk():
        if part.get_content_type() in REPORTS:
            lines += ["", f"[{part.get_content_type()}]", *_fields(part)]
    return "\n".join(lines) + "\n"


def _fields(part: Message) -> list[str]:
    blocks = part.get_payload()
    if not isinstance(blocks, list):
        return []
    found: list[str] = []
    for block in blocks:
        if isinstance(block, Message):
            found += [f"{name}: {_flat(value)}" for name, value in block.items()]
            found += [""]
    return found


def _flat(value: object) -> str:
    return " ".join(str(value).split())


def _texts(content: bytes) -> list[str]:
    """Everything a person can read in it: decoded header fields and text parts, returned headers too."""
    message = BytesParser(policy=policy.default).parsebytes(content)
    found: list[str] = []
    for part in message.walk():
        try:
            found += [_flat(value) for value in part.values()]
            if part.get_content_maintype() == "text" and isinstance(part, EmailMessage):
                found.append(str(part.get_content()))
        except (LookupError, ValueError, AttributeError, IndexError):
            found.append("XDM/1.0 illisible")  # what cannot be read is not known to be quiet
    return found
