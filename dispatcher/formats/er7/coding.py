"""Coded elements: identifier, text and coding system in triplets, with LOINC recognised under all its names.

HL7 v2.5 chapter 2.A §2.A.7 (CE) and §2.A.13 (CWE); HPRIM Santé OBX.3 has the same six components.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.er7.segments import Composite, Segment
from dispatcher.formats.er7.separators import Separators
from dispatcher.formats.er7.values import is_loinc, loinc
from dispatcher.report.model import Code, Severity


def coded(composite: Composite, start: int = 1) -> Code:
    """Identifier, text and coding system of the triplet that begins at component ``start``."""
    system = composite.whole(start + 2)
    return Code(
        code=composite.whole(start),
        text=composite.whole(start + 1),
        system="LN" if system and is_loinc(system) else system,
    )


@lru_cache(maxsize=4096)
def both_codings(raw: str, separators: Separators) -> tuple[Code, Code]:
    """First and second coding of a battery; a laboratory's catalogue is small: remembered."""
    composite = Composite(raw, separators)
    return coded(composite), coded(composite, 4)


def result_codes(obx: Segment, notes: Notes) -> tuple[Code, Code | None, str | None]:
    """OBX-3: code of the test as the file puts first, its second coding, and the LOINC code of either.

    A LOINC code whose check digit is wrong stays the file's code but is never taken for LOINC.
    """
    code, alternate, found = _codes(obx.raw(3), obx.separators)
    if found is not None and loinc(found) is None:
        notes.tally(
            "invalid-loinc",
            Severity.WARNING,
            obx.where(3),
            "Code annoncé comme LOINC mais de clé fausse : il ne sera pas transmis comme tel. Corriger le paramétrage.",
        )
        found = None
    return code, alternate, found


@lru_cache(maxsize=4096)
def _codes(raw: str, separators: Separators) -> tuple[Code, Code | None, str | None]:
    """A laboratory's catalogue is small and every line repeats it: remembered."""
    composite = Composite(raw, separators)
    first = coded(composite)
    second = coded(composite, 4) if len(composite) > 3 else Code()
    third = coded(composite, 10) if len(composite) > 9 else Code()
    given = [code for code in (first, second, third) if code.code]
    code = given[0] if given else first
    if not code.text:
        text = first.text or second.text or composite.whole(9) or third.text
        code = replace(code, text=text) if text else code
    found = next((one.code for one in given if one.system == "LN"), None)
    alternate = next((one for one in given if one is not given[0] and one.code != code.code), None)
    return code, alternate, found
