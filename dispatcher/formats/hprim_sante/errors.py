"""The answer to an HPRIM Santé file: a message of context ERR, ``H {ERR} L`` (shared notes "HPRIM" §2.8).

ERR: rank, file name, time of reception, severity (``T`` all refused, ``P`` a part, ``I`` information; without T or P
the message is accepted), line, segment, field, value, type, text. The value is never quoted: it may be the patient's.
Values in, ISO 8859-1 bytes with CRLF out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dispatcher.formats.charset import DEFAULT_ENCODING, codec_for, loosely_fit
from dispatcher.formats.er7.segments import Segment
from dispatcher.formats.hprim_sante.assembly import SEPARATORS, composed, cut_lines, segment, words
from dispatcher.formats.hprim_sante.cutting import cut
from dispatcher.formats.hprim_sante.identity_fields import moment_field
from dispatcher.formats.text import decode

ACCEPTED, REFUSED = "I", "T"
_VERSION = "H2.1"
_NAME_LENGTH = 12
_TEXT_LENGTH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What an answer needs of the message it answers: its ``H``."""

    file_name: str
    """H.2."""
    sender: tuple[str, str]
    """H.4: code and name."""
    receiver: tuple[str, str]
    """H.9."""
    processing: str
    version: tuple[str, str]
    """H.12: version and kind of link."""


def headers(data: bytes, encoding: str | None = None) -> tuple[Answered, ...]:
    """One a message of the file; never raises for content."""
    return tuple(_answered(message.header) for message in cut(decode(data, override=encoding).text).messages)


def _answered(h: Segment) -> Answered:
    sender, receiver = h.composite(4), h.composite(9)
    return Answered(
        file_name=h.text(2),
        sender=(sender.first(1), sender.whole(2)),
        receiver=(receiver.first(1), receiver.whole(2)),
        processing=h.component(11) or "P",
        version=(h.component(12) or _VERSION, h.component(12, 2)),
    )


def error_report(
    answered: Answered, *, name: str, at: datetime, received_at: datetime, severity: str = ACCEPTED, text: str = ""
) -> bytes:
    """One message about one message: sender and receiver swapped. ``name``: H.2 of the answer, 12 characters."""
    codec = codec_for(DEFAULT_ENCODING)
    mark = SEPARATORS
    fields = {
        1: f"{mark.component}{mark.repetition}{mark.escape}{mark.subcomponent}",
        2: words(name[:_NAME_LENGTH]),
        4: composed(*map(words, answered.receiver)),
        6: "ERR",
        9: composed(*map(words, answered.sender)),
        11: words(answered.processing),
        12: composed(*map(words, answered.version)),
        13: moment_field(at),
    }
    error = {
        1: "1",
        2: words(answered.file_name),
        3: moment_field(received_at),
        4: severity,
        10: words(text[:_TEXT_LENGTH]),
    }
    segments = [segment("H", fields), segment("ERR", error), segment("L", {1: "1", 3: "0", 4: "3"})]
    lines = [line for one in segments for line in cut_lines(loosely_fit(one, codec))]
    return "".join(f"{line}\r\n" for line in lines).encode(codec, "replace")
