"""National identifiers: are they well formed, and do their keys hold?

Pure text in, yes or no out; nothing here says that a number has been given to anybody. Rules:

- INS matricule = NIR: 13 characters and a 2-digit key, 97 - (number mod 97), Corsica 2A as 19 and 2B as 18
  (référentiel INS; INSEE, décret n° 82-103). OIDs: the four roots the CI-SIS header schematron accepts.
- RPPS: 11 digits, last one Luhn; ADELI: 9 characters (registers kept until 2024); FINESS: 9 characters, Luhn when all
  digits, 2A and 2B in front for Corsica; SIRET: 14 digits, Luhn (La Poste, SIREN 356000000, by sum of digits).
- LOINC: mod 10 check digit (LOINC users' guide, appendix "Calculating mod 10 check digits").
"""

from __future__ import annotations

import re
from enum import StrEnum

from dispatcher.report.model import IdType


class InsOid(StrEnum):
    """Roots under which an INS matricule may stand."""

    NIR = "1.2.250.1.213.1.4.8"
    NIA = "1.2.250.1.213.1.4.9"
    TEST = "1.2.250.1.213.1.4.10"
    DEMONSTRATION = "1.2.250.1.213.1.4.11"


INS_OIDS = frozenset(InsOid)
TEST_INS_OIDS = frozenset({InsOid.TEST, InsOid.DEMONSTRATION})
"""Never from a production LIS."""

_NIR = re.compile(r"[1-478][0-9]{4}(?:[0-9]{2}|2[AB])[0-9]{6}")
_FILLING = re.compile(r"[\s.\-]")
_LOINC = re.compile(r"([0-9]{1,6})-([0-9])")
_OID = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]*))+")


def compact(text: str) -> str:
    """Without blanks, dots and dashes, upper case: how an identifier is compared."""
    return text.upper() if text.isalnum() else _FILLING.sub("", text).upper()


def luhn_ok(digits: str) -> bool:
    """The Luhn key holds (ISO/IEC 7812-1 annex B). ``digits`` are ASCII digits, key last."""
    if not (digits.isascii() and digits.isdigit()):
        return False
    total = 0
    for place, char in enumerate(reversed(digits)):
        number = int(char) * (2 if place % 2 else 1)
        total += number - 9 if number > 9 else number
    return total % 10 == 0


def nir_key(number: str) -> str | None:
    """The two digits that belong to 13 characters of a NIR; ``None`` when they are not 13 characters of a NIR."""
    bare = compact(number)
    if not _NIR.fullmatch(bare):
        return None
    return f"{97 - int(bare.replace('2A', '19', 1).replace('2B', '18', 1) if not bare.isdigit() else bare) % 97:02d}"


def nir_ok(matricule: str) -> bool:
    """15 characters whose key holds."""
    bare = compact(matricule)
    return len(bare) == 15 and nir_key(bare[:13]) == bare[13:]


def ins_oid_ok(oid: str) -> bool:
    """One of the four roots of the INS."""
    return oid in INS_OIDS


def rpps_ok(identifier: str) -> bool:
    """11 digits with a good key. A bad key is a reason to look, not to refuse: test registers hold such numbers."""
    return len(identifier) == 11 and luhn_ok(identifier)


def rpps_shape_ok(identifier: str) -> bool:
    """11 ASCII digits."""
    return bool(re.fullmatch(r"[0-9]{11}", identifier))


def adeli_ok(identifier: str) -> bool:
    """9 characters: department (2A, 2B for Corsica), then 7 digits."""
    return bool(re.fullmatch(r"(?:[0-9]{2}|2[AB])[0-9]{7}", identifier.upper()))


def finess_ok(identifier: str) -> bool:
    """9 characters, department first. The key is tested when all are digits; Corsican numbers carry none we know of."""
    bare = identifier.upper()
    if re.fullmatch(r"2[AB][0-9]{7}", bare):
        return True
    return len(bare) == 9 and luhn_ok(bare)


def finess_shape_ok(identifier: str) -> bool:
    """9 characters of the right kind, key not tested."""
    return bool(re.fullmatch(r"(?:[0-9]{2}|2[AB])[0-9]{7}", identifier.upper()))


def siret_ok(identifier: str) -> bool:
    """14 digits with a good key."""
    if not re.fullmatch(r"[0-9]{14}", identifier):
        return False
    if identifier.startswith("356000000"):
        return luhn_ok(identifier) or sum(map(int, identifier)) % 5 == 0
    return luhn_ok(identifier)


def identifier_ok(kind: IdType, identifier: str) -> bool:
    """Shape and key of a national identifier; a local code is good when it is not empty."""
    rules = {IdType.RPPS: rpps_ok, IdType.ADELI: adeli_ok, IdType.FINESS: finess_ok, IdType.SIRET: siret_ok}
    rule = rules.get(kind)
    return rule(identifier) if rule else bool(identifier)


def kind_of(identifier: str) -> IdType:
    """What a bare identifier looks like when the file does not say: RPPS and SIRET by key, nine characters stay local.

    ADELI and FINESS have the same shape, so neither is guessed.
    """
    bare = compact(identifier)
    if rpps_ok(bare):
        return IdType.RPPS
    return IdType.SIRET if siret_ok(bare) else IdType.LOCAL


def loinc_ok(code: str) -> bool:
    """``NNNNN-D`` with a good mod 10 check digit. Says nothing about the code being in the table."""
    match = _LOINC.fullmatch(code)
    if not match:
        return False
    turned = match[1][::-1]
    doubled = str(int(turned[0::2]) * 2)
    return (10 - sum(map(int, doubled + turned[1::2])) % 10) % 10 == int(match[2])


def oid_ok(text: str) -> bool:
    """An object identifier in dotted form (ISO/IEC 8824-1), at most 128 characters."""
    return len(text) <= 128 and bool(_OID.fullmatch(text))
