"""Saved lists of recipients (listes de destinataires): who gets the documents of one facility for one purpose.

A table of the laboratory, one line for each list and recipient (:data:`COLUMNS`). A list is asked for by its name, or
by the FINESS of its facility, with the purpose when there are several. Recipients stand by number, box or code,
never by name. Pure: bytes in, lists out, all faults told at once.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from dispatcher.formats.manifest.columns import EITHER, NUMBERS, RECIPIENTS, judged
from dispatcher.formats.manifest.columns import meaning as recipient_meaning
from dispatcher.formats.manifest.grid import Fault, Headings, read_grid, whole_rows, wrong_widths
from dispatcher.formats.manifest.reader import Target
from dispatcher.formats.pdf_index.words import key
from dispatcher.report.identifiers import compact, finess_shape_ok

COLUMNS = ("liste", "etablissement", "usage", "finess_etablissement", "destinataire", "libelle")
_OURS = {
    "name": ("liste", "list", "nom liste", "name"),
    "organisation": ("etablissement", "organisation", "organization", "facility"),
    "purpose": ("usage", "objet", "purpose"),
    "facility": ("finess etablissement", "etablissement finess", "facility finess"),
    "label": ("libelle", "nom destinataire", "label"),
}
_KNOWN = {key(text): ours for ours, names in _OURS.items() for text in names}


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedList:
    """One list."""

    name: str
    organisation: str = ""
    purpose: str = ""
    finess: str = ""
    members: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedLists:
    """The table."""

    lists: tuple[SavedList, ...] = ()
    faults: tuple[Fault, ...] = ()

    def find(self, wanted: str) -> tuple[SavedList | None, str]:
        """By name; by FINESS, or ``FINESS/purpose``. Else, in French, why none is taken."""
        if self.faults:
            return None, "la table des listes de destinataires a des fautes : « dispatcher recipients list »"
        named = [one for one in self.lists if key(one.name) == key(wanted)]
        if len(named) == 1:
            return named[0], ""
        number, _, purpose = wanted.partition("/")
        theirs = [one for one in self.lists if one.finess and one.finess == compact(number)]
        mine = [one for one in theirs if not purpose or key(one.purpose) == key(purpose)]
        if len(mine) == 1:
            return mine[0], ""
        if theirs:
            told = ", ".join(f"« {one.name} » ({one.purpose or 'sans usage'})" for one in theirs)
            return None, f"cet établissement a plusieurs listes : {told} ; en nommer une"
        return None, f"aucune liste « {wanted} » ; « dispatcher recipients list » les montre"


def meaning(heading: str) -> str:
    """Our name of a column; empty when it is none of ours."""
    bare = key(heading)
    if bare in _KNOWN:
        return _KNOWN[bare]
    told = recipient_meaning(heading)
    if told == EITHER:
        return "to"  # no patients here
    return told if told in RECIPIENTS and told != "list" else ""


_HEADINGS = Headings(
    known=lambda heading: bool(meaning(heading)),
    main=lambda heading: meaning(heading) == "name",
    number=lambda heading: meaning(heading) == "facility" or meaning(heading) in NUMBERS,
)


def read_lists(content: bytes) -> SavedLists:
    """CSV or XLSX bytes to lists; a file of headings alone is an empty table."""
    if not content.strip():
        return SavedLists()
    grid = read_grid(content, _HEADINGS)
    if not grid.rows:
        return SavedLists(faults=grid.faults)
    faults = [*grid.faults, *wrong_widths(grid)]
    number, titles = grid.rows[0]
    if "name" not in map(meaning, titles):
        faults.append(Fault(line=number, text=f"pas de colonne « liste » ; attendu : {';'.join(COLUMNS)}"))
        return SavedLists(faults=tuple(faults))
    found: dict[str, SavedList] = {}
    for line, cells in whole_rows(grid):
        _add(found, line, titles, cells, faults)
    return SavedLists(lists=tuple(found.values()), faults=tuple(faults))


def _add(
    found: dict[str, SavedList], line: int, titles: Sequence[str], cells: Sequence[str], faults: list[Fault]
) -> None:
    told = {meaning(title): text for title, text in zip(titles, cells, strict=True) if text and meaning(title)}
    name = told.get("name", "")
    target = _member(line, titles, cells, told.get("label", ""), faults)
    if not name:
        faults.append(Fault(line=line, column="liste", text="nom de liste vide"))
    finess = compact(told.get("facility", ""))
    if finess and not finess_shape_ok(finess):
        faults.append(Fault(line=line, column="finess_etablissement", text="ce n'est pas un FINESS (9 caractères)"))
    if not name or target is None:
        return
    before = found.get(key(name))
    facts = {"organisation": told.get("organisation", ""), "purpose": told.get("purpose", ""), "finess": finess}
    if before is None:
        found[key(name)] = SavedList(name=name, members=(target,), **facts)
        return
    for field, text in facts.items():
        if text and text != getattr(before, field):
            faults.append(Fault(line=line, text=f"la liste « {name} » dit autre chose plus haut ({text})"))
    if any((one.kind, one.text, one.address) == (target.kind, target.text, target.address) for one in before.members):
        faults.append(Fault(line=line, text=f"destinataire déjà dans la liste « {name} »"))
        return
    found[key(name)] = SavedList(
        name=before.name,
        organisation=before.organisation,
        purpose=before.purpose,
        finess=before.finess,
        members=(*before.members, target),
    )


def _member(line: int, titles: Sequence[str], cells: Sequence[str], label: str, faults: list[Fault]) -> Target | None:
    named = [(meaning(t), text, t) for t, text in zip(titles, cells, strict=True) if text and meaning(t) in RECIPIENTS]
    if len(named) != 1:
        text = "un destinataire par ligne, et un seul : RPPS, finess:…, adresse MSSanté ou code"
        faults.append(Fault(line=line, text=text))
        return None
    kind, bare, wrong, _ = judged(named[0][0], named[0][1])
    if wrong:
        faults.append(Fault(line=line, column=named[0][2], text=wrong))
        return None
    return Target(kind=kind, text=bare, label=label)


def spelt(target: Target) -> str:
    """A recipient as the table writes it."""
    return target.text if target.kind in ("address", "rpps") else f"{target.kind}:{target.text}"


def written(lists: Sequence[SavedList]) -> bytes:
    """The table as a spreadsheet opens it: semicolons, BOM, CRLF."""
    out = io.StringIO(newline="")
    rows = csv.writer(out, delimiter=";")
    rows.writerow(COLUMNS)
    for one in lists:
        for member in one.members:
            rows.writerow((one.name, one.organisation, one.purpose, one.finess, spelt(member), member.label))
    return b"\xef\xbb\xbf" + out.getvalue().encode()
