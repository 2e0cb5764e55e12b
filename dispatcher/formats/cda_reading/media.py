"""Documents inside a CDA: the PDF copy, second-line reports, pictures, the body of a level-1 document."""

from __future__ import annotations

from dispatcher.formats.cda_reading.nodes import Element, attribute, child
from dispatcher.formats.er7.documents import damage, from_base64, media_type
from dispatcher.report.model import Attachment


def in_base64(value: Element) -> bool:
    """Said so, or a binary type that does not say how it is written (plain text would hold no PDF)."""
    written, kind = attribute(value, "representation"), attribute(value, "mediaType").lower()
    return written == "B64" or (not written and kind.startswith(("application/", "image/")))


def attachment(value: Element | None) -> Attachment | None:
    """The bytes of an ED in base64, typed by what they are; None when there are none or they cannot be read."""
    if value is None or not in_base64(value):
        return None
    content = from_base64("".join(map(str, value.itertext())))
    if not content:
        return None
    kind = media_type(content)
    if kind == "application/octet-stream":
        kind = attribute(value, "mediaType") or kind
    return Attachment(media_type=kind, content=content)


def why_damaged(document: Attachment | None) -> str:
    """French; empty when the document can be opened."""
    if document is None:
        return "contenu base64 absent ou illisible"
    return damage(document.content, document.media_type)


def referenced(value: Element | None) -> str:
    """Name of a file beside the document that a ``reference`` points at; empty when it is another kind of address."""
    name = attribute(child(value, "reference"), "value")
    return "" if not name or name.startswith("#") or ":" in name or "/" in name or "\\" in name else name
