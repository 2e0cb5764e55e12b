"""Failure mails that follow no standard: who is told about, and why, from words and layout.

Own words and the returned copy are parted first, so that an address or a name inside the patient's mail is never taken
for a recipient. What cannot be tied to an address still gives one answer when the copy names a single addressee.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import pairwise

from dispatcher.receipts import addresses, known_shapes, wording
from dispatcher.receipts.dsn import class_of, find_status
from dispatcher.receipts.mailview import MailView

_A = (
    r"(?P<a>(?:\"[^\"\s@]{1,64}\"|[\w!#$%&'*+/=?^`{|}~.-]{1,64})"
    r"@[A-Za-z0-9\u00a1-\uffff.-]{1,255}[A-Za-z0-9\u00a1-\uffff])"
)
_AT_START = re.compile(
    rf"""^[\s>*|\u2022\u00b7-]*(?:-->\s?)?(?:
      (?:\#\d+\s+)?[<\["'(]*(?:smtp:)?{_A}[>\]"')]*\s*(?:\([^)]*\)\s*)?
      (?::(?:\s|$)|\.\.\.|\s*$|\s+(?:on|le|-)\s|,\s|\s+<)
    )""",
    re.X | re.I,
)
_LABELLED = re.compile(
    rf"""(?:failed\ recipient|rcpt\ to|undeliverable\ address|intended\ recipient|error-for|recipients?(?:\(s\))?
      |destinataires?(?:\(s\))?|adresse(?:\ e-?mail|\ [ée]lectronique)?|unknown\ (?:user|recipient)|user\ unknown
      |local\ mailbox
      |delivery\ failed\ \d+\ attempts?
      |invalid\ final\ delivery\ userid|quota\ (?:violation|exceeded)\ for|mailbox\ is\ full|message\ for|bo[îi]te\ de
      |dda:smtp=?|utilisateur\ inconnu)\s*[:=]?\s*[<\["'(]*(?:smtp:)?{_A}""",
    re.X | re.I,
)
_INLINE = re.compile(
    rf"""(?:deliver\w*|remis\w*|remettre|d[ée]livr\w*|distribu\w*|achemin\w*|parvenu\w*|transmis\w*|address(?:ed|e)?
      |adress[ée]e?|sent|envoy[ée]
      |reach(?:ed)?|recipients?|message|mail|courriel|account|compte|destinataires?|gateway|rcpt|over\ quota)\b
      [^\n.@]{{0,60}}?(?:\bto\b|[àa]\b|\bfor\b|:|,|\(|\brecipient\b)\s*[<\["'(]*(?:smtp:)?{_A}""",
    re.X | re.I,
)
_ALIAS = re.compile(
    rf"\(?(?:expanded from|generated from|originally addressed to|g[ée]n[ée]r[ée]e? (?:à partir de|depuis))"
    rf"\s*:?\s*[<\"']*{_A}",
    re.I,
)
_ELSE = re.compile(
    r"(?i)(?:\b(?:from|contact\w*|postmaster|writ\w+ to|by|via|voir|see|support|assistance|de la part de|[ée]cri\w+ à)"
    r"\s*:?\s*[<\"'(]*|said: .*)$"
)
"""What stands before an address that is not the recipient's."""
_LISTED = re.compile(rf"(?m)^[ \t]*<{_A}>:[ \t]*$")
_BARE_NAME = re.compile(r"delivery status(?: notification)?|notification d'.tat de remise")
MAX_RECIPIENTS = 200
_REPLY = re.compile(r"(?:^|[\s<:'\"(])([45][0-7]\d)(?:[ \-]#?[245]\.\d|[ \-]+[A-Za-z<\"'{\[(]|:|\])")
_STATUS_IN_WORDS = re.compile(r"(?:[45]\d\d[ \-]#?|#|\(|^\s*|[: ])([45]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")


@dataclass(frozen=True, slots=True)
class Told:
    """An address the text tells about, and where."""

    address: str
    place: int = -1
    """Line number; -1 when it stands elsewhere."""
    alias: str = ""
    """Address it was expanded from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One recipient that failed or waits."""

    recipient: str | None
    original_recipient: str | None = None
    action: str | None
    """None: it says that something became of the mail, and not what."""
    status: str | None
    class_: str | None
    diagnostic: str | None


def is_failure(view: MailView) -> bool:
    """Whether a mail without usable report fields tells of a failed or delayed delivery."""
    if view.root.get("x-failed-recipients") or view.report_type == "delivery-status":
        return True
    words = wording.plain(view.own_text)
    subject = wording.plain(view.subject)
    told = bool(wording.FAILURE.search(words) or wording.DELAY.search(words))
    if view.from_daemon:
        return told or bool(wording.FAILURE_SUBJECT.search(subject)) or bool(_LISTED.search(view.own_text))
    if wording.AUTO_SUBJECT.search(subject):
        return False
    if wording.STRONG.search(words):
        return bool(wording.FAILURE_SUBJECT.search(subject)) or bool(addresses.find_addresses(view.own_text))
    return told and bool(wording.FAILURE_SUBJECT.search(subject)) and not view.in_reply_to


def _tells(view: MailView) -> bool:
    """Its own words, its subject or its layout are those of a failure or a delay; the bare name of a report is not."""
    words = wording.plain(view.own_text)
    subject = _BARE_NAME.sub("", wording.plain(view.subject))
    return bool(
        view.root.get("x-failed-recipients")
        or wording.FAILURE.search(words)
        or wording.DELAY.search(words)
        or wording.FAILURE_SUBJECT.search(subject)
        or _LISTED.search(view.own_text)
    )


def read_failures(view: MailView) -> tuple[Failure, ...]:
    """One answer per recipient told about; at least one for a mail :func:`is_failure` accepts."""
    text = view.own_text
    words = wording.plain(f"{view.subject}. {text}")
    delayed = bool(wording.DELAY.search(words)) and not wording.DEFINITIVE.search(words)
    action = ("delayed" if delayed else "failed") if _tells(view) else None
    lines = text.splitlines()
    found = _recipients(view, lines) or _of_old_servers(view) or [Told(view.sole_addressee or "")]
    places = {told.place for told in found}
    answers = []
    for told in found:
        diagnostic = _explanation(lines, told.place, places)
        status = _status(diagnostic) or (_status(text) if len(found) == 1 else None)
        answers.append(
            Failure(
                recipient=told.address or None,
                original_recipient=told.alias or None,
                action=action,
                status=status,
                class_=class_of(action, status),
                diagnostic=diagnostic or None,
            )
        )
    return tuple(answers)


def _of_old_servers(view: MailView) -> list[Told]:
    return [] if view.sole_addressee else [Told(address) for address in known_shapes.recipients(view.root.raw)]


def names_somebody(view: MailView) -> bool:
    """Whether the mail's own words name a recipient."""
    return bool(_recipients(view, view.own_text.splitlines()))


def explain(view: MailView, address: str | None) -> str:
    """What the readable part of a notice says about one recipient; empty when it says nothing."""
    lines = view.own_text.splitlines()
    found = _recipients(view, lines)
    place = next((told.place for told in found if addresses.same_address(told.address, address)), -1)
    if place >= 0 and re.match(r"(?i)(?:final|original)-recipient", lines[place]):
        return ""
    return _explanation(lines, place, {told.place for told in found})


def _recipients(view: MailView, lines: list[str]) -> list[Told]:
    """Everyone told about, each once: from the header made for it, from the layout, from sentences, from anywhere."""
    headed = addresses.find_addresses(view.root.get("x-failed-recipients"))
    known = _by_layout(view, lines) or _in_sentences(view, lines)
    if headed:
        return [next((told for told in known if told.address == address), Told(address)) for address in headed]
    return known or _anywhere(view, lines)


def _by_layout(view: MailView, lines: list[str]) -> list[Told]:
    found: list[Told] = []
    for place, line in enumerate(lines):
        if alias := _ALIAS.search(line):
            _add_alias(found, addresses.clean(alias["a"]), place)
        elif match := (_AT_START.match(line) or _LABELLED.search(line)):
            found.append(Told(addresses.clean(match["a"]), place))
    return _once(view, found)


def _in_sentences(view: MailView, lines: list[str]) -> list[Told]:
    joined = [f"{line} {following.strip()}" for line, following in pairwise([*lines, ""])]
    found = [
        Told(addresses.clean(match["a"]), place)
        for place, line in enumerate(joined)
        if lines[place].strip()
        for match in _INLINE.finditer(line)
        if not _ELSE.search(line[: match.start("a")])
    ]
    return _once(view, found)


def _anywhere(view: MailView, lines: list[str]) -> list[Told]:
    """An address that stands alone in its kind: several unexplained ones are guesses, and nobody is guessed here."""
    found = [
        Told(address, place)
        for place, line in enumerate(lines)
        for address in addresses.find_addresses(line)
        if not _ELSE.search(line[: line.lower().find(address)])
    ]
    kept = _once(view, found)
    if len(kept) > 1:
        kept = [told for told in kept if told.address in view.returned_addressees]
    return kept if len(kept) == 1 else []


def _add_alias(found: list[Told], alias: str, place: int) -> None:
    """``(expanded from …)`` under a recipient's line names the address we wrote to."""
    if found and not found[-1].alias and place - found[-1].place <= 2:
        found[-1] = replace(found[-1], alias=alias)
    else:
        found.append(Told(alias, place))


def _once(view: MailView, found: list[Told]) -> list[Told]:
    kept: dict[str, Told] = {}
    for told in found:
        if told.address and not view.is_ours(told.address):
            before = kept.get(told.address)
            if before is None or (told.alias and not before.alias):
                kept[told.address] = told
    return list(kept.values())[:MAX_RECIPIENTS]


def _explanation(lines: list[str], place: int, places: set[int]) -> str:
    """The words after a recipient's line, up to the next recipient; else the line with a reply code or a cause."""
    if place >= 0 and (text := _below(lines, place, places) or _elsewhere(lines, place)):
        return text
    for pattern in (_REPLY, _STATUS_IN_WORDS):
        for line in lines:
            if pattern.search(line):
                return line.strip()
    told = [
        line.strip()
        for line in lines
        if wording.FAILURE.search(wording.plain(line)) and not re.match(r"\s*[-=_*|#]{3,}", line)
    ]
    return next((line for line in told if wording.cause_of(None, line)), told[0] if told else "")


def _below(lines: list[str], place: int, places: set[int]) -> str:
    """The recipient's own line without the address and the lines under it, as soon as they tell a reason."""
    gathered = [re.sub(rf"^[\s>*<\[\"'(-]*{_A}[>\]\"')]*\s*[:.,]*", "", lines[place], count=1).strip()]
    indented = _indent(lines, place + 1) > _indent(lines, place)  # Exim, Postfix and others set the reason that way
    for number in range(place + 1, min(place + 13, len(lines) + 1)):
        line = lines[number].strip() if number < len(lines) else ""
        text = " ".join(part for part in gathered if part)
        ends = not line or number in places or re.match(r"[-=_*|]{4,}", line)
        if ends and text and (indented or _REPLY.search(text) or wording.cause_of(_status(text), text)):
            return text
        if number in places or re.match(r"[-=_*|]{4,}", line):
            break
        gathered.append(line)
    return ""


def _elsewhere(lines: list[str], place: int) -> str:
    """Another line that names the recipient of line ``place`` and says a reason (sendmail's transcript)."""
    here = addresses.find_addresses(lines[place])
    naming = [line.strip() for line in lines if here and here[0] in addresses.find_addresses(line)]
    said = [line for line in naming if re.search(r"(?:\.\.\.|:)\s+\S", line)]
    return next((line for line in said if _REPLY.search(line) or wording.cause_of(_status(line), line)), "")


def _indent(lines: list[str], number: int) -> int:
    """Blanks before the text of a line; -1 for a line without text."""
    line = lines[number].expandtabs() if number < len(lines) else ""
    return len(line) - len(line.lstrip()) if line.strip() else -1


def _status(text: str) -> str | None:
    for line in text.splitlines():
        if match := _STATUS_IN_WORDS.search(line):
            return find_status(match[1])
    return None
