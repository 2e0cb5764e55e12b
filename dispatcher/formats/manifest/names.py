"""What the name of a file says: its recipient, and whose it is. Patterns are the site's own (``[bulk] file_names``).

``{rpps}_{reste}.pdf``, ``{finess}-{nom_naissance}_{prenom}_{date_naissance:%Y%m%d}.pdf``, ``{code} {*}``: a number, a
code or a list names the recipient, fields of an index of PDFs the patient; ``{reste}`` is anything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dispatcher.errors import ConfigError
from dispatcher.formats.manifest.columns import FACTS, judged
from dispatcher.formats.manifest.reader import Fact, Target
from dispatcher.formats.pdf_index.words import field_of, key

_PLACE = re.compile(r"\{([^{}:]+)(?::([^{}]+))?\}")
_ANYTHING = frozenset({"reste", "anything", "rest", "*", "suite"})
_NINE = r"(?:[0-9]{2}|2[AB])[0-9]{7}"
_NUMBERS = {"rpps": "[0-9]{11}", "adeli": _NINE, "finess": _NINE, "siret": "[0-9]{14}"}
_WORDS = {"code": "code", "liste": "list", "list": "list"}
_PARTS = {"%Y": "[0-9]{4}", "%m": "[0-9]{2}", "%d": "[0-9]{2}", "%y": "[0-9]{2}"}
BY_NAME = "nom du fichier"
"""Where a fact that a file name says stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One pattern, understood."""

    text: str
    expression: re.Pattern[str]
    fields: tuple[tuple[str, str, str], ...]
    """Group, field or kind of recipient (``to:rpps``), form of a date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a file name says."""

    target: Target | None = None
    facts: tuple[Fact, ...] = ()


def patterns_of(texts: Sequence[str]) -> tuple[Pattern, ...]:
    """Raises :class:`ConfigError` with every fault."""
    faults: list[str] = []
    found = tuple(_pattern(text, faults) for text in texts)
    if faults:
        raise ConfigError(
            "Section [bulk] : modèle de nom de fichier refusé.",
            faults=tuple(faults),
            hint="Voir docs/envoi.md : {rpps}, {finess}, {code}, {liste}, {nom_naissance}, {reste}…",
        )
    return found


def _pattern(text: str, faults: list[str]) -> Pattern:
    parts, fields, at = list[str](), list[tuple[str, str, str]](), 0
    for number, place in enumerate(_PLACE.finditer(text)):
        parts.append(re.escape(text[at : place.start()]))
        at = place.end()
        name, form = place[1].strip(), place[2] or ""
        follows = text[at : at + 1]
        bare, group = name.lower(), f"g{number}"
        if bare in _ANYTHING:
            parts.append(".*")
            continue
        body = f"[^{re.escape(follows)}]+" if follows and follows != "{" else ".+"
        if bare in _NUMBERS:
            field, body = f"to:{bare}", _NUMBERS[bare]
        elif bare in _WORDS:
            field = f"to:{_WORDS[bare]}"
        else:
            field = field_of(name)[0]
            if field not in FACTS:
                faults.append(f"bulk.file_names, « {text} » : champ inconnu « {name} »")
        if form:
            body = "".join(_PARTS.get(piece, re.escape(piece)) for piece in re.split(r"(%.)", form))
        if any(one[1] == field for one in fields):
            faults.append(f"bulk.file_names, « {text} » : champ répété « {name} »")
        fields.append((group, field, form))
        parts.append(f"(?P<{group}>{body})")
    parts.append(re.escape(text[at:]))
    if not fields:
        faults.append(f"bulk.file_names, « {text} » : aucun champ, par exemple {{rpps}}")
    if sum(field.startswith("to:") for _, field, _ in fields) > 1:
        faults.append(f"bulk.file_names, « {text} » : plusieurs destinataires")
    return Pattern(text=text, expression=re.compile("".join(parts), re.IGNORECASE), fields=tuple(fields))


def said_by(name: str, patterns: Sequence[Pattern]) -> tuple[Said | None, str]:
    """What ``name`` says, None when it follows no pattern; and in French why that cannot be taken."""
    found = [said for one in patterns if (said := _said(name, one)) is not None]
    targets = {(said.target.kind, said.target.text) for said in found if said.target is not None}
    facts = {(fact.field, key(fact.text)) for said in found for fact in said.facts}
    if len(targets) > 1 or len({field for field, _ in facts}) < len(facts):
        return None, "le nom du fichier suit plusieurs modèles, qui n'y lisent pas la même chose ; le renommer"
    if not found:
        return None, ""
    target = next((said.target for said in found if said.target is not None), None)
    wrong = judged(target.kind, target.text)[2] if target is not None else ""
    return Said(target=target, facts=max((said.facts for said in found), key=len)), wrong


def _said(name: str, pattern: Pattern) -> Said | None:
    match = pattern.expression.fullmatch(name)
    if match is None:
        return None
    target, facts = None, list[Fact]()
    for group, field, form in pattern.fields:
        text = match[group].strip()
        if field.startswith("to:"):
            kind, bare, _, _ = judged(field.removeprefix("to:"), text)
            target = Target(kind=kind, text=bare)
        elif text:
            facts.append(Fact(field=field, text=_day(text, form) if form else text, column=BY_NAME))
    return Said(target=target, facts=tuple(facts))


def _day(text: str, form: str) -> str:
    """A day in words the reader of indexes understands; what is none stays as it is, and is told there."""
    try:
        return datetime.strptime(text, form).date().isoformat() if "%y" not in form else text  # noqa: DTZ007 - a day
    except ValueError:
        return text
