"""Reads a manifest (bordereau d'envoi). Bytes in, lines out, every fault told at once; never raises.

The reader knows nothing of the disk: whether the files are there is ``intake.manifest_folder``'s part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dispatcher.formats.manifest.columns import EITHER, FILE, LABEL, LEFT, NUMBERS, RECIPIENTS, judged, meaning
from dispatcher.formats.manifest.grid import Fault, Grid, Headings, read_grid, whole_rows, wrong_widths

MODEL = "fichier;rpps;nom_naissance;prenom;date_naissance"
"""The header of the smallest manifest of PDFs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A recipient as the manifest names it."""

    kind: str
    """``rpps``, ``adeli``, ``finess``, ``siret``, ``code``, ``list``; ``address`` alone."""
    text: str
    address: str = ""
    """The box to use, where the line gives one besides the number."""
    label: str = ""
    """For people: nobody is found by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing the manifest says of a document."""

    field: str
    """As in an index of PDFs: ``birth_name``, ``first_given``, ``birth_date``…"""
    text: str
    column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: a file and one recipient; without a recipient the file name or the document names them."""

    number: int
    file: str
    column: str
    """Heading over the file name."""
    target: Target | None = None
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The whole table. With faults nothing of it is to be sent."""

    kind: str = ""
    lines: tuple[Line, ...] = ()
    faults: tuple[Fault, ...] = ()
    remarks: tuple[Fault, ...] = ()
    """To be seen by a person; they stop nothing."""


_HEADINGS = Headings(
    known=lambda heading: meaning(heading) not in ("", LEFT),
    main=lambda heading: meaning(heading) == FILE,
    number=lambda heading: meaning(heading) in NUMBERS,
)
_WHOSE = (
    "identifiant du patient ou du destinataire ? Écrire « rpps », « finess » ou « code destinataire » pour qui reçoit, "
    "« numéro patient » pour le patient"
)


def read_manifest(content: bytes) -> Manifest:
    """CSV or XLSX bytes to lines."""
    grid = read_grid(content, _HEADINGS)
    if not grid.rows:
        empty = Fault(text=f"bordereau vide ; attendu en première ligne : {MODEL}")
        return Manifest(kind=grid.kind, faults=grid.faults or (empty,))
    titles = grid.rows[0][1]
    faults, remarks = _headings(grid)
    if not any(meaning(title) == FILE for title in titles):
        return Manifest(kind=grid.kind, faults=(*grid.faults, *faults))
    faults += wrong_widths(grid)
    lines = []
    for number, cells in whole_rows(grid):
        lines.append(_line(number, titles, cells, faults, remarks))
    if not lines:
        faults.append(Fault(text="bordereau sans aucune ligne sous les titres : rien à envoyer"))
    sorted_faults = tuple(sorted((*grid.faults, *faults), key=lambda one: one.line))
    return Manifest(kind=grid.kind, lines=tuple(lines), faults=sorted_faults, remarks=tuple(remarks))


def _headings(grid: Grid) -> tuple[list[Fault], list[Fault]]:
    line, titles = grid.rows[0]
    faults: list[Fault] = []
    remarks: list[Fault] = []
    seen: dict[str, str] = {}
    for title in titles:
        told = meaning(title)
        if told == EITHER:
            faults.append(Fault(line=line, column=title[:40], text=_WHOSE))
        elif told == "":
            remarks.append(Fault(line=line, column=title[:40], text="colonne non lue"))
        elif told != LEFT and told in seen:
            text = f"même chose que la colonne « {seen[told][:40]} » ; n'en garder qu'une"
            faults.append(Fault(line=line, column=title[:40], text=text))
        seen.setdefault(told, title)
    if FILE not in seen:
        text = f"aucune colonne « fichier » reconnue dans la ligne de titres ; attendu par exemple : {MODEL}"
        faults.append(Fault(line=line, text=text))
    return faults, remarks


def _line(number: int, titles: Sequence[str], cells: Sequence[str], faults: list[Fault], remarks: list[Fault]) -> Line:
    named: list[tuple[str, str, str]] = []
    facts: list[Fact] = []
    file = column = label = ""
    for title, text in zip(titles, cells, strict=True):
        told = meaning(title)
        if told == FILE:
            file, column = text, title
        elif told == LABEL:
            label = text
        elif told.startswith("fact:") and text:
            facts.append(Fact(field=told.removeprefix("fact:"), text=text, column=title))
        elif told in RECIPIENTS and text:
            named.append((told, text, title))
    if not file:
        text = "nom de fichier vide ; le mettre, ou supprimer la ligne"
        faults.append(Fault(line=number, column=column, text=text))
    if not named and (wanted := [title for title in titles if meaning(title) in RECIPIENTS]):
        text = "destinataire vide ; le mettre, ou supprimer la ligne"
        faults.append(Fault(line=number, column=wanted[0], text=text))
    target = _target(number, named, label, faults, remarks)
    return Line(number=number, file=file, column=column, target=target, facts=tuple(facts))


def _target(
    number: int, named: Sequence[tuple[str, str, str]], label: str, faults: list[Fault], remarks: list[Fault]
) -> Target | None:
    """One recipient a line: a number, a box, or both of the same person."""
    found: list[tuple[str, str, str]] = []
    for kind, text, title in named:
        told, bare, wrong, remark = judged(kind, text)
        if wrong:
            faults.append(Fault(line=number, column=title, text=wrong))
        if remark:
            remarks.append(Fault(line=number, column=title, text=remark))
        if not wrong:
            found.append((told, bare, title))
    boxes = [one for one in found if one[0] == "address"]
    numbers = [one for one in found if one[0] != "address"]
    if len(boxes) > 1 or len(numbers) > 1 or (boxes and numbers and numbers[0][0] == "list"):
        text = "plusieurs destinataires sur une ligne ; une ligne par fichier et par destinataire"
        faults.append(Fault(line=number, column=found[-1][2], text=text))
        return None
    if numbers:
        kind, bare, _ = numbers[0]
        return Target(kind=kind, text=bare, address=boxes[0][1] if boxes else "", label=label)
    return Target(kind="address", text=boxes[0][1], label=label) if boxes else None
