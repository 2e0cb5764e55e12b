"""What a list of allowed domains says: its date, its domains, and the operators' certificates behind each.

Shape of the file: mssante.md §2. A domain stands once per operator certificate, so rows are keyed on domain and
certificate name; who may be written to is asked of the domain alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lxml import etree

from dispatcher.directory.trust.operator_names import operator_key
from dispatcher.routing.domain_names import domain_key

NAMESPACE = "https://listeblanche.mssante.fr/schema"
YEARS = range(2000, 2200)
"""A date outside is no date of a list; it also keeps time zones inside what a calendar can count."""

_ROOT = f"{{{NAMESPACE}}}ListeBlancheMSSante"
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a list says. Trust it only when it was read from signed XML."""

    generated: datetime | None
    """Aware UTC."""
    operators: Mapping[str, frozenset[str]] = field(default_factory=dict, repr=False)
    """By domain (IDNA, lower case): its operators' certificate names in comparable form."""
    rows: int = 0
    """``Domaine`` elements."""
    unusable: int = 0
    """Of these, how many name no mail domain: they let nobody in."""

    @property
    def names(self) -> frozenset[str]:
        """Distinct domains."""
        return frozenset(self.operators)


def read_content(root: etree._Element) -> tuple[Content, tuple[str, ...]]:
    """What the list says, and what of it cannot be used (French)."""
    reasons: list[str] = []
    if root.tag != _ROOT:
        name = etree.QName(root).localname
        what = "sans son espace de noms" if name == "ListeBlancheMSSante" else f"« {name} »"
        reason = f"Élément racine {what} : attendu ListeBlancheMSSante dans {NAMESPACE}."
        return Content(generated=None), (reason,)
    lists = root.findall(f"{{{NAMESPACE}}}ListeDomaines")
    if len(lists) != 1:
        reasons.append(f"{len(lists)} élément(s) ListeDomaines, un seul attendu.")
    rows = [row for group in lists for row in group.findall(f"{{{NAMESPACE}}}Domaine")]
    operators: dict[str, set[str]] = {}
    unusable = 0
    for row in rows:
        key = domain_key(_child(row, "Nom") or "")
        if key is None:
            unusable += 1
        else:
            operators.setdefault(key, set()).add(operator_key(_child(row, "DNCertificatOperateur") or ""))
    if lists and not operators:
        reasons.append("La liste ne contient aucun domaine.")
    generated = _moment(_child(root, "DateDeGeneration") or "")
    if generated is None:
        reasons.append("DateDeGeneration absente ou illisible.")
    found = {name: frozenset(keys) for name, keys in operators.items()}
    return Content(generated=generated, operators=found, rows=len(rows), unusable=unusable), tuple(reasons)


def _child(parent: etree._Element, name: str) -> str | None:
    """Text of the only child of that name; ``None`` when there is none, several, or more in it than text.

    Comments are not part of a text (they are not signed either); a processing instruction or an element inside one
    would let two readers see two names.
    """
    found = parent.findall(f"{{{NAMESPACE}}}{name}")
    if len(found) != 1:
        return None
    parts = [found[0].text or ""]
    for inside in found[0]:
        if not isinstance(inside, etree._Comment):
            return None
        parts.append(inside.tail or "")
    return "".join(parts)


def _moment(text: str) -> datetime | None:
    """``xs:dateTime``; without a zone it is UTC, as the list says all its dates are."""
    text = text.strip()
    if not _DATE_TIME.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.year not in YEARS:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
