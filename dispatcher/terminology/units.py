"""Unit texts of French laboratories and the official list of UCUM strings.

Text in, text out. The rules stand in ``mappings/README.md``: the unit map of an analysis wins over the general table;
the Greek mu is the micro sign (``u`` is accepted), blanks around ``/`` count for nothing, **case is kept**, for ``mU``
and ``MU`` differ. Only the litre may be written ``l`` or ``L``: both are the litre in UCUM.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_LITRE = re.compile(r"(?<![A-Za-zÀ-ÿ])([munpfdcµk]?)l(?![A-Za-zÀ-ÿ])")
_LITRE_IN_FULL = re.compile(r"(?<=/)litres?$", re.IGNORECASE)
_RAISED_RUN = re.compile(r"(?<=10)[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_POWER = re.compile(
    r"^[*x×]? ?(?:10 ?(?:\^|\*\*?|e\+?|exp|\\S\\|\() ?\(?|10 |1e\+?)0?(\d\d?)\)?(?= ?(?:/|par ))", re.IGNORECASE
)
"""Ten to the power of …, as laboratories write it: ``10^9``, ``x10*9``, ``10(9)``, ``10E+09``, ``1e9``."""
_SHORT = 2
"""Capitals that UCUM gives another meaning than laboratories."""
_AROUND = re.compile(r"^[(\[](.*[^U\])])[)\]]$")
"""Brackets around the whole, but not those of ``[IU]``."""
_ANNOTATION = re.compile(r"\{.[a-z]*.\}")


@lru_cache(maxsize=4096)
def unit_key(text: str) -> str:
    """How unit texts are compared: one micro sign, no blanks around ``/``, single blanks, case kept."""
    flat = unicodedata.normalize("NFC", text).replace("\u03bc", "\u00b5")
    flat = re.sub(r"[\s\u00a0\u202f]+", " ", flat).strip()
    flat = re.sub(r" ?/ ?", "/", flat)
    return re.sub(r"(?<![A-Za-zÀ-ÿ])u(?=[A-Za-z]{1,4}(?![a-z]))", "µ", flat)


@lru_cache(maxsize=4096)
def loose_keys(text: str) -> tuple[str, ...]:
    """Keys to try in order: as written; the litre in capital; raised digits on the line; powers of ten in one way;
    no full stops of abbreviations and no blank at all."""
    key = unit_key(text)
    litre = _LITRE.sub(r"\1L", key)
    lowered = litre.translate(_RAISED)
    bare = _AROUND.sub(r"\1", litre)
    power = _POWER.sub(r"10*\1", _RAISED_RUN.sub(lambda run: "*" + run[0], bare).translate(_RAISED))
    plain = _LITRE_IN_FULL.sub("L", power).replace("mm^3", "mm3").replace("m^2", "m2")
    shut = plain.replace(".", "").replace(" ", "")
    return tuple(dict.fromkeys((key, litre, lowered, lowered.replace(" ", ""), power, plain, shut)))


def ucum_spellings(text: str) -> tuple[str, ...]:
    """What UCUM would write where a laboratory wrote almost that: ``fmol/l``, ``kg/m²``, ``nmol/µL``.

    Letters alone are taken as they stand or not at all, and no single capital: in UCUM ``S`` is siemens, ``H`` henry
    and ``AU`` the distance of the sun, where a laboratory means seconds, hours and arbitrary units.
    """
    bare = text.strip()
    if bare.isalpha():
        return () if bare.isupper() and len(bare) <= _SHORT else (bare,)
    return (bare, *(key.replace("\u00b5", "u") for key in loose_keys(bare) if not key.isalpha()))


class UnitTable:
    """Unit text to UCUM; a text may be known to have none (empty string)."""

    def __init__(self, pairs: Mapping[str, str] = MappingProxyType({})) -> None:
        self._exact = {unit_key(text): ucum for text, ucum in pairs.items()}
        self._loose: dict[str, str | None] = {}
        for text, ucum in pairs.items():
            for key in loose_keys(text):
                self._loose[key] = ucum if self._loose.get(key, ucum) == ucum else None

    def __contains__(self, text: str) -> bool:
        return self.find(text) is not None

    def __len__(self) -> int:
        return len(self._exact)

    def find(self, text: str) -> str | None:
        """The UCUM string, the empty string when there is none by rule, ``None`` when the text is not in the table."""
        keys = loose_keys(text)
        if keys[0] in self._exact:
            return self._exact[keys[0]]
        return next((found for key in keys if (found := self._loose.get(key)) is not None), None)


def legal_ucum(unit: str, official: frozenset[str]) -> bool:
    """The official rule: lower-case ``{…}`` cut out, the rest is nothing or one of the listed strings."""
    bare = _ANNOTATION.sub("", unit)
    return bare in official if bare else bool(unit)


OF_PROPERTY: dict[str, re.Pattern[str]] = {
    name: re.compile(pattern)
    for name, pattern in {
        "MCnc": r"g/[dcmunpf]?L$|g/c?m3$",
        "SCnc": r"(?:mol|eq)/[dcmunpf]?L$|mol/m3$",
        "NCnc": r"^10\*|^/|CFU",
        "CCnc": r"U\]?/|kat/",
        "ACnc": r"U\]?/|U_A/|kat/|CFU|^/",
        "MRat": r"g/(?:\(.+\)|d|h|min|s|wk)$",
        "SRat": r"(?:mol|eq)/(?:\(.+\)|d|h|min|s|wk)$",
        "MRto": r"g/[kmunp]?g$|^%$",
        "EntVol": r"^fL$|^um3$",
        "EntMass": r"^pg$",
        "PPres": r"mm\[Hg\]|kPa",
    }.items()
}
"""What the unit of a LOINC property must look like (LOINC users' guide, "property"): a mass code never takes mol/L."""


def fits(ucum: str | None, quantity: str) -> bool:
    """The unit may stand with a code of this property; ``True`` when there is nothing to compare."""
    pattern = OF_PROPERTY.get(quantity)
    return not ucum or pattern is None or bool(pattern.search(ucum))
