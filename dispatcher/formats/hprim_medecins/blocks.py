"""Cutting a file into reports: header, text, coded section, what follows the end marker.

Lines in, :class:`Block` values out; never raises. Rules: notes "HPRIM" §1.3, §1.10. Line numbers are those of the file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from dispatcher.formats.hprim_medecins import grammar
from dispatcher.formats.hprim_medecins.coded import NumberedLine
from dispatcher.formats.hprim_medecins.header import Header, aligned, find_header, hidden_header
from dispatcher.formats.hprim_medecins.problems import error, info, warning
from dispatcher.report.model import Problem


@dataclass
class Block:
    """One report as it stands in the file."""

    header: Header
    text: list[NumberedLine] = field(default_factory=list)
    coded: list[NumberedLine] = field(default_factory=list)
    trailing: list[NumberedLine] = field(default_factory=list)
    """Lines after its end marker that belong to no other report."""
    complete: bool = False
    """Its end marker was found."""
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Cut:
    """The reports of a file and what is wrong with the file as a whole."""

    blocks: tuple[Block, ...]
    problems: tuple[Problem, ...]


def marker_of(line: str) -> str:
    """``LAB``, ``FIN``, ``FINFICHIER``, or the empty string."""
    found = grammar.MARKER.fullmatch(line) if "***" in line else None
    return re.sub(r"\s", "", found[1]).upper() if found else ""


def split_lines(text: str) -> list[str]:
    """Lines at CRLF, LF, CR (old Macs) or form feed; a DOS end-of-file byte is dropped."""
    return re.split(r"\r\n|\n|\r|\f", text.replace("\x1a", ""))


def cut(lines: Sequence[str]) -> Cut:
    """All reports of the file, in order."""
    problems: list[Problem] = []
    blocks: list[Block] = []
    markers = {index: mark for index, line in enumerate(lines) if (mark := marker_of(line))}
    at = beginning(lines)
    while at < len(lines):
        header = find_header(lines, at, marked=not blocks and bool(markers))
        if header is None:
            break
        if blocks:
            _trail(blocks[-1], lines, at, max(header.start, at))
        else:
            header = aligned(header, lines, at)
            _note_place(header, lines, at, problems)
        block = Block(header, problems=[_doubtful(header)] if header.doubtful else [])
        blocks.append(block)
        at = _fill(block, lines, header.end, markers)
    if blocks:
        _trail(blocks[-1], lines, at, len(lines))
        _judge_end(blocks, markers, problems)
    return Cut(tuple(blocks), tuple(problems))


def beginning(lines: Sequence[str]) -> int:
    """Index behind a ``[apicrypt]`` line and blank lines; one of these stays: a patient code left blank is line 1."""
    at = 0
    while at < len(lines) and lines[at].strip().lower() in ("", "[apicrypt]"):
        at += 1
    return at - 1 if at and not lines[at - 1].strip() else at


def _note_place(header: Header, lines: Sequence[str], at: int, problems: list[Problem]) -> None:
    shift = header.start - at
    before = [line for line in lines[at : max(header.start, at)] if line.strip()]
    if not header.lacking and (shift == 0 or (shift == 1 and not before)):
        return
    if header.lacking or shift < -1 or (shift < 0 and header.line(1)):
        found = f"{header.lacking or -shift} ligne(s) manquent"
    else:
        found = "la ligne 1 (code du patient) manque" if shift < 0 else f"{shift} ligne(s) avant l’en-tête"
    problems.append(
        warning(
            "header-shifted",
            header.where(1),
            f"En-tête HPRIM décalé : {found}. Il a été lu d’après ses dates (lignes 7 et 10) ; "
            "faire corriger l’export, d’autres logiciels le refusent.",
        )
    )


def _doubtful(header: Header) -> Problem:
    return error(
        "header-doubtful",
        header.where(2),
        "Des lignes manquent ou sont en trop au-dessus de la date de naissance : le nom du patient n’est pas sûr. "
        "Faire corriger l’export (douze lignes d’en-tête, vides au besoin) et réémettre.",
    )


def _fill(block: Block, lines: Sequence[str], start: int, markers: dict[int, str]) -> int:
    """Text and coded section from index ``start``; the index after the end marker (or where another report begins)."""
    stop = next((i for i in range(start, len(lines)) if markers.get(i) in ("FIN", "FINFICHIER")), len(lines))
    intruder = hidden_header(lines, start, stop)
    block.complete = intruder is None and stop < len(lines)
    end = intruder.start if intruder else stop
    in_coded = False
    for index in range(start, end):
        if markers.get(index) == "LAB":
            if in_coded:
                block.problems.append(_second_lab(index))
            in_coded = True
        elif in_coded:
            block.coded.append((index + 1, lines[index]))
        else:
            block.text.append((index + 1, lines[index]))
    if not in_coded:
        _pick_unmarked(block)
    if intruder is not None:
        block.problems.append(_swallowed(intruder))
        return end
    # A lone FINFICHIER ends report and file alike; leave it for the judgement of the end.
    return stop + 1 if markers.get(stop) == "FIN" else stop


def _second_lab(index: int) -> Problem:
    return error(
        "second-coded-section",
        f"ligne {index + 1}",
        f"Deuxième marqueur {grammar.LAB} avant {grammar.FIN} : deux comptes rendus peuvent être mêlés. "
        "Faire réémettre le fichier par le laboratoire.",
    )


def _swallowed(header: Header) -> Problem:
    return error(
        "missing-end-marker",
        header.where(1),
        f"Un nouvel en-tête commence avant le marqueur {grammar.FIN} du compte rendu précédent : celui-ci est "
        "peut-être tronqué. Faire réémettre le fichier par le laboratoire.",
    )


def _pick_unmarked(block: Block) -> None:
    """RES and TEX lines in the text itself: the LAB marker was forgotten."""
    found = [pair for pair in block.text if grammar.CODED_LINE.match(pair[1])]
    if not any(pair[1].strip().upper().startswith("RES") for pair in found):
        return
    block.coded = found
    block.text = [pair for pair in block.text if not grammar.CODED_LINE.match(pair[1])]
    block.problems.append(
        warning(
            "missing-lab-marker",
            f"ligne {found[0][0]}",
            f"Lignes RES sans marqueur {grammar.LAB} : lues comme partie codée. Faire corriger l’export.",
        )
    )


def _trail(block: Block, lines: Sequence[str], start: int, end: int) -> None:
    block.trailing += [(i + 1, lines[i]) for i in range(start, end) if lines[i].strip() and not marker_of(lines[i])]
    if block.trailing and not any(p.code == "text-after-end" for p in block.problems):
        block.problems.append(
            warning(
                "text-after-end",
                f"ligne {block.trailing[0][0]}",
                f"Texte après le marqueur {grammar.FIN} (signature de messagerie ?) : gardé en commentaire. "
                "Des logiciels de cabinet refusent un tel fichier.",
            )
        )


def _judge_end(blocks: Sequence[Block], markers: dict[int, str], problems: list[Problem]) -> None:
    """Is the file whole? A report without any end marker is cut off; one without FIN alone is only badly written."""
    kinds = list(markers.values())
    last = blocks[-1]
    if not last.complete:
        problem = error(
            "truncated",
            "fin du fichier",
            f"Aucun marqueur {grammar.FIN} après l’en-tête de la ligne {max(last.header.start, 0) + 1} : "
            "fichier tronqué. Le redemander au laboratoire.",
        )
        problems.append(problem)
        last.problems.append(problem)
    problems += [p for b in blocks for p in b.problems if p.code in ("missing-end-marker", "second-coded-section")]
    if last.complete and kinds.count("FIN") < len(blocks):
        problems.append(warning("missing-fin", "fin du fichier", f"{grammar.FINFICHIER} sans {grammar.FIN} avant lui."))
    if last.complete and "FINFICHIER" not in kinds:
        problems.append(info("missing-finfichier", "fin du fichier", f"Marqueur {grammar.FINFICHIER} absent."))
    elif last.complete and kinds[-1] == "FIN":
        problems.append(
            warning("markers-swapped", "fin du fichier", f"Marqueur {grammar.FIN} après {grammar.FINFICHIER}.")
        )
