"""Small languages of a dialect: masks (``D*``, ``#########``) and the template of a person in a comment."""

from __future__ import annotations

import re
from functools import lru_cache

_PARTS = {"#": "[0-9]", "?": ".", "*": ".*"}
_HOLE = re.compile(r"\{(\w*)\}")
HOLES = ("id", "name", "family", "given", "ignore")


@lru_cache(maxsize=512)
def _mask(mask: str) -> re.Pattern[str]:
    flat = re.sub(r"\*+", "*", mask)
    return re.compile("".join(_PARTS.get(char) or re.escape(char) for char in flat), re.IGNORECASE | re.DOTALL)


def fits(text: str, mask: str) -> bool:
    """``#`` is one digit, ``?`` one character, ``*`` any run; all the rest is itself, capital or not."""
    return len(text) <= 200 and _mask(mask).fullmatch(text) is not None


def fits_any(text: str, masks: tuple[str, ...]) -> bool:
    """The text is not empty and one of the masks fits."""
    return bool(text) and any(fits(text, mask) for mask in masks)


def check_mask(mask: str) -> str:
    """The mask itself. Raises :class:`ValueError` for one that fits everything, or is not worth the name."""
    if not mask.strip("*"):
        raise ValueError(f"« {mask} » conviendrait à tout : préciser, par exemple « D* » ou « ######### »")
    if mask.count("*") > 3:
        raise ValueError("au plus trois « * » dans un masque")
    return mask


def check_template(template: str) -> str:
    """The template itself. Raises :class:`ValueError` when it cannot be read back."""
    holes = _HOLE.findall(template)
    unknown = [hole for hole in holes if hole not in HOLES]
    if unknown or _HOLE.sub("", template).count("{") or _HOLE.sub("", template).count("}"):
        raise ValueError("modèle illisible ; repères permis : {id}, {name}, {family}, {given}, {ignore}")
    if not {"id", "name", "family"} & set(holes) or len(set(holes)) != len(holes):
        raise ValueError("un modèle contient {id}, {name} ou {family}, chacun une fois")
    if re.search(r"\}\{", template):
        raise ValueError("deux repères qui se touchent : mettre ce qui les sépare")
    return template


@lru_cache(maxsize=64)
def _template(template: str) -> re.Pattern[str]:
    pattern, at = "", 0
    for hole in _HOLE.finditer(template):
        pattern += _literal(template[at : hole.start()])
        pattern += rf"(?P<{hole[1]}>\S+?)" if hole[1] == "id" else rf"(?P<{hole[1]}>\S.*?)"
        at = hole.end()
    return re.compile(r"\s*" + pattern + _literal(template[at:]) + r"\s*")


def _literal(text: str) -> str:
    return r"\s+".join(re.escape(part) for part in re.split(r"\s+", text))


def person_of(text: str, template: str) -> dict[str, str] | None:
    """``"D002 DR LEROY"`` by ``"{id} {name}"`` to ``{"id": "D002", "name": "DR LEROY"}``; None when it does not fit."""
    found = _template(template).fullmatch(text) if len(text) <= 200 else None
    return found.groupdict() if found else None
