"""A glance at bytes that says which file to prepare first."""

from __future__ import annotations

import pytest

from dispatcher.formats.urgency import looks_urgent

MSH = b"MSH|^~\\&|SIL|LABO|||20260311||ORU^R01|1|P|2.5\r"


@pytest.mark.parametrize(
    ("segments", "urgent"),
    [
        (b"OBR|1|A|B|GLY^Glu^L|S\r", True),
        (b"OBR|1|A|B|GLY^Glu^L|R\rOBX|1|NM|K^K^L||7.1|mmol/L|3-5|HH\r", True),
        (b"OBX|1|NM|K^K^L||7.1|mmol/L|3-5|H~LL\r", True),
        (b"TQ1|1||||||||S^STAT\r", True),
        (b"OBR|1" + b"|" * 26 + b"^^^^^S\r", True),
        (b"OBR|1|A|B|GLY^Glu^L|R\rOBX|1|NM|K^K^L||4.1|mmol/L|3-5|H\r", False),
        (b"OBX|1|ST|S^S^L||HH\r", False),
        (b"NTE|1||OBR|1|A|B|C|S\r", False),
        (b"OBX|1|ED|PDF^P^L||" + b"A" * 100_000 + b"\rOBR|2|A|B|X|S\r", True),
        (b"", False),
    ],
)
def test_what_a_segment_says(segments: bytes, urgent: bool) -> None:
    assert looks_urgent(MSH + segments) is urgent
    assert looks_urgent((MSH + segments).replace(b"\r", b"\n")) is urgent
    for wide in ("utf-16", "utf-16-le", "utf-16-be"):
        assert looks_urgent((MSH + segments).decode("ascii").encode(wide)) is urgent


def test_other_formats_say_nothing() -> None:
    assert not looks_urgent(b"%PDF-1.4 OBR|1|A|B|C|S") and not looks_urgent(b"<ClinicalDocument/>")
