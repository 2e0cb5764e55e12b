"""Whom an answer is for: the headers of a source file, in the language it is written in. Pure; never raises."""

from __future__ import annotations

from dataclasses import dataclass

from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext
from dispatcher.formats.hl7.answers import Origin, origin_of
from dispatcher.formats.hl7.reader import Hl7Reader
from dispatcher.formats.hl7.reader import headers as hl7_headers
from dispatcher.formats.hprim_sante.errors import Answered
from dispatcher.formats.hprim_sante.errors import headers as hprim_headers
from dispatcher.formats.hprim_sante.reader import HprimSanteReader


@dataclass(frozen=True, slots=True, kw_only=True)
class Headers:
    """What of a file an answer names. Empty for a file of neither language."""

    messages: tuple[Origin, ...] = ()
    """HL7: one a message, those of unknown types too."""
    reports: tuple[Origin, ...] = ()
    """HL7: one a report, in the order of reading: that of the message it came in."""
    hprim: tuple[Answered, ...] = ()
    """HPRIM Santé: one a message."""

    def control_id(self, position: int | None = None) -> str:
        """What the LIS calls the message: MSH-10 or H.2; of one report, or of the file when it is one message."""
        if position is not None and position < len(self.reports):
            return self.reports[position].control_id
        if len(self.messages) == 1:
            return self.messages[0].control_id
        return self.hprim[0].file_name if len(self.hprim) == 1 else ""


def headers_of(data: bytes, context: ReadContext) -> Headers:
    """The headers of a file, by the reader that is surest of it."""
    reader = registry.sniff(data[: registry.HEAD_BYTES], context.index)
    if isinstance(reader, Hl7Reader):
        found = hl7_headers(data, registry.spoken(reader, context))
        return Headers(
            messages=tuple(map(origin_of, found.messages)),
            reports=tuple(map(origin_of, found.reports)),
        )
    if isinstance(reader, HprimSanteReader):
        return Headers(hprim=hprim_headers(data, registry.spoken(reader, context).encoding))
    return Headers()
