"""What columns, tags and values are called: the shipped table ``mappings/index/``, and a laboratory's own names.

A name is compared folded: no accents, no case, letters and digits only; ``Date de naissance``, ``DATE_NAISSANCE`` and
``dateNaissance`` are told alike.
"""

from __future__ import annotations

import csv
import io
import re
from functools import cache

from dispatcher.report.folding import fold
from dispatcher.resources import mapping_text

CONTAINER = "-"
"""Field of a tag that only holds others."""
SEVERAL = frozenset({"copy_id", "recipient_address", "comment"})
"""Fields that may stand several times for one document, besides the people in copy."""
COPY = "copy_"
"""Start of the fields of a person in copy: one person by number or by tag."""


def key(name: str) -> str:
    """A column or tag name as it is compared."""
    return re.sub(r"[^a-z0-9]", "", fold(name))


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(mapping_text("index", name)), delimiter=";"))


@cache
def labels() -> dict[str, str]:
    """French label of each field."""
    return {row["champ"]: row["libelle"] for row in _rows("champs.csv") if row["champ"] != CONTAINER}


@cache
def _names() -> dict[str, str]:
    """Field of each folded name."""
    table: dict[str, str] = {}
    for row in _rows("champs.csv"):
        if row["champ"] != CONTAINER:
            table |= {key(name): row["champ"] for name in (row["champ"], *row["noms"].split("|"))}
    return table


@cache
def containers() -> frozenset[str]:
    """Folded tags under which a name means what it means at the top: ``patient``, ``document``."""
    return frozenset(
        key(name) for row in _rows("champs.csv") if row["champ"] == CONTAINER for name in row["noms"].split("|")
    )


@cache
def _values() -> dict[tuple[str, str], str]:
    return {
        (row["champ"], key(text)): row["valeur"] for row in _rows("valeurs.csv") for text in row["textes"].split("|")
    }


def value_of(field: str, text: str) -> str | None:
    """``("sex", "Féminin")`` to ``F``; None for a text the table does not know."""
    return _values().get((field, key(text)))


def field_of(name: str, own: dict[str, str] | None = None) -> tuple[str, str]:
    """Field and group of a column: ``Copie 2 RPPS`` is ``("copy_rpps", "2")``; two empty texts when unknown.

    ``own``: the laboratory's names, folded, which win over the shipped ones.
    """
    bare = key(name)
    if own and bare in own:
        return own[bare], ""
    if bare in _names():
        return _names()[bare], ""
    digits = re.sub(r"[^0-9]", "", bare)
    field = _names().get(re.sub(r"[0-9]", "", bare), "") if digits else ""
    return (field, digits) if field.startswith(COPY) else ("", "")


def nested(parents: tuple[str, ...], name: str, own: dict[str, str] | None = None) -> str:
    """Field of a tag under others; empty when unknown.

    ``nom`` under ``patient`` is the patient's; under ``medecin`` it is the doctor's; under a tag nobody knows it is
    nobody's.
    """
    path = [*parents, name]
    for start in range(len(path)):
        tail = path[start:]
        if any(key(parent) not in containers() for parent in path[:start]):
            continue
        for spelt in ("".join(tail), "".join(reversed(tail))):
            field, _ = field_of(spelt, own)
            if field:
                return field
    return ""
