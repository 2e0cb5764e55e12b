"""Would receiving software take this HPRIM Médecins file? Our own conformance check.

Bytes in, problems out, in file order; never raises. Strict where the reader is tolerant. Who enforces each rule stands
in :mod:`dispatcher.formats.hprim_medecins.grammar`: ERROR when a known receiver refuses or loses the report, WARNING
when one mishandles a part of it, INFO for habits. No patient data in any message.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dispatcher.formats.hprim_medecins import dates, grammar
from dispatcher.formats.hprim_medecins.blocks import marker_of
from dispatcher.formats.hprim_medecins.dates import Form
from dispatcher.formats.hprim_medecins.problems import error, info, warning
from dispatcher.formats.text import decode
from dispatcher.report.model import Problem

MIN_SCORE = 10
"""MedShake recognises a header from this score on."""
_WESTERN = frozenset({"utf-8", "cp1252", "iso8859-1"})
_DECIMAL = re.compile(r"[+-]?\d+(?:\.\d+)?")


def check(data: bytes) -> list[Problem]:
    """Every departure from what the known receivers take; an empty list when all would file it automatically."""
    decoded = decode(data)
    lines = re.split(r"\r\n|\n|\r", decoded.text)
    if lines and not lines[-1]:
        lines.pop()
    if lines and lines[0].strip().lower() == "[apicrypt]":
        lines.pop(0)  # Left by the mail reader, not part of the file.
    problems = [*decoded.problems, *_bytes(data, decoded.encoding)]
    if len(lines) < grammar.HEADER_LINES:
        said = f"{len(lines)} ligne(s) ; un en-tête HPRIM Médecins en compte {grammar.HEADER_LINES}."
        return [*problems, error("header-too-short", "en-tête", said)]
    problems += _header(lines)
    problems += _body(lines)
    points = score(lines)
    if points < MIN_SCORE:
        said = f"Indice de reconnaissance {points}, au moins {MIN_SCORE} attendu : en-tête non reconnu par MedShake."
        problems.append(error("low-recognition-score", "en-tête", said))
    return problems


def score(lines: Sequence[str]) -> int:
    """MedShake's recognition score of the twelve lines; its own number test wants the NIR without a blank."""
    code, family, given = (lines[n].strip() for n in range(3))
    points = 3 if grammar.LINE_1.fullmatch(code) else -1
    points += sum(1 if any(c.isalpha() for c in name) else -1 for name in (family, given))
    points += 1 if re.match(r"\d{5}(?!\d)", lines[5].strip()) else -1
    points += 8 if _standard(lines[6]) else -8
    points += 3 if re.fullmatch(r"[12]\d{14}|[12]\d{4}2[AB]\d{8}", lines[7].strip()) else -3
    return points + (4 if _standard(lines[9]) else -4)


def _standard(line: str) -> bool:
    """A date every receiver reads, or the ISO form MedShake also takes."""
    read = dates.read_birth_date(line, None)
    return read.form is Form.STANDARD or (read.form is Form.OTHER and re.match(r"\s*\d{4}-", line) is not None)


def _bytes(data: bytes, encoding: str) -> list[Problem]:
    problems: list[Problem] = []
    ends = set(re.findall(rb"\r\n|\n|\r", data))
    if len(ends) > 1:
        problems.append(warning("mixed-line-ends", "fichier", "Fins de ligne mélangées ; CRLF partout attendu."))
    elif ends and ends != {b"\r\n"}:
        problems.append(info("line-ends", "fichier", "Fins de ligne autres que CRLF."))
    if encoding not in _WESTERN:
        problems.append(warning("encoding", "fichier", f"Jeu de caractères {encoding} ; ISO 8859-1 attendu."))
    elif encoding == "utf-8" and not data.isascii():
        said = "Fichier en UTF-8 : des logiciels de cabinet attendent ISO 8859-1 et afficheront mal les accents."
        problems.append(info("encoding-utf-8", "fichier", said))
    return problems


# --- header -----------------------------------------------------------------------------------------------------------


def _header(lines: Sequence[str]) -> list[Problem]:
    problems: list[Problem] = []
    for line in grammar.HEADER:
        text = lines[line.number - 1]
        where = f"ligne {line.number}"
        if marker_of(text) or "|" in text:
            problems.append(error("header-shifted", where, f"{line.name} : marqueur ou champ codé dans l’en-tête."))
        elif line.required and not text.strip():
            problems.append(error(f"header-line-{line.number}", where, f"{line.name} : ligne vide, obligatoire."))
    problems += _code_and_dates(lines)
    number = lines[7].strip()
    if number and not re.fullmatch(rf"{grammar.NIR.pattern} ?\d{{2}}", number):
        said = "numéro de sécurité sociale : 13 caractères, un blanc et la clé attendus."
        problems.append(warning("header-line-8", "ligne 8", said))
    town = lines[5].strip()
    if town and not grammar.POSTCODE_TOWN.fullmatch(town):
        problems.append(info("header-line-6", "ligne 6", "code postal, un blanc et ville attendus."))
    for index in (10, 11):
        if lines[index].strip() and " " not in lines[index].strip():
            said = (
                f"{grammar.HEADER[index].name} : libellé après un code sur {grammar.PARTY_CODE_WIDTH} colonnes attendu."
            )
            problems.append(info(f"header-line-{index + 1}", f"ligne {index + 1}", said))
    if len(lines) > grammar.HEADER_LINES and lines[12].strip() and not marker_of(lines[12]):
        said = "13e ligne non vide : des logiciels cachent treize lignes et perdraient celle-ci."
        problems.append(info("no-blank-line", "ligne 13", said))
    return problems


def _code_and_dates(lines: Sequence[str]) -> list[Problem]:
    problems: list[Problem] = []
    code = lines[0].strip()
    if code and not grammar.LINE_1.fullmatch(code):
        said = "code du patient : seuls A-Z a-z 0-9 - _ / sont admis partout."
        problems.append(warning("header-line-1", "ligne 1", said))
    for index, name in ((6, "date de naissance"), (9, "date du dossier")):
        text = lines[index]
        if text.strip() and dates.read_birth_date(text, None).form is not Form.STANDARD:
            said = f"{name} : une date du calendrier sous la forme JJ/MM/AAAA attendue."
            problems.append(error(f"header-line-{index + 1}", f"ligne {index + 1}", said))
        elif text != text.strip():
            said = f"{name} : blancs autour de la date ; un logiciel au moins ne la reconnaît plus."
            problems.append(warning(f"header-line-{index + 1}", f"ligne {index + 1}", said))
    return problems


# --- body -------------------------------------------------------------------------------------------------------------


def _body(lines: Sequence[str]) -> list[Problem]:
    marks = [(index, mark) for index, line in enumerate(lines) if (mark := marker_of(line))]
    problems = _markers(lines, marks)
    labs = [index for index, mark in marks if mark == "LAB"]
    ends = [index for index, mark in marks if mark == "FIN"]
    stop = ends[0] if ends else len(lines)
    start = labs[0] if labs else stop
    for index in range(grammar.HEADER_LINES, len(lines)):
        line = lines[index]
        if index < start and grammar.CODED_LINE.match(line):
            said = f"Ligne codée hors de la partie {grammar.LAB} : ignorée par les logiciels de cabinet."
            problems.append(warning("coded-line-outside", f"ligne {index + 1}", said))
        elif start < index < stop:
            problems += _coded_line(index + 1, line)
    if not any(line.strip() for line in lines[grammar.HEADER_LINES : stop]):
        problems.append(error("no-content", "texte", "Aucun texte ni résultat : un tel message ne doit pas partir."))
    return problems


def _markers(lines: Sequence[str], marks: Sequence[tuple[int, str]]) -> list[Problem]:
    problems: list[Problem] = []
    order = [mark for _, mark in marks]
    for name, marker in (("FIN", grammar.FIN), ("FINFICHIER", grammar.FINFICHIER)):
        if name not in order:
            problems.append(error(f"missing-{name.lower()}", "fin du fichier", f"Marqueur {marker} absent."))
    if order.count("FIN") > 1:
        said = "Plusieurs comptes rendus dans un fichier : des logiciels n’en lisent qu’un, ou aucun."
        problems.append(error("several-reports", f"ligne {marks[0][0] + 1}", said))
    if order not in (["FIN", "FINFICHIER"], ["LAB", "FIN", "FINFICHIER"]) and order.count("FIN") <= 1 and not problems:
        problems.append(error("marker-order", "marqueurs", "Ordre attendu : LAB (facultatif), FIN, FINFICHIER."))
    exact = {grammar.LAB, grammar.FIN, grammar.FINFICHIER}
    for index, _ in marks:
        if lines[index].rstrip() not in exact:
            said = "Marqueur écrit autrement (blancs, astérisques, casse) : non reconnu par tous."
            problems.append(warning("marker-form", f"ligne {index + 1}", said))
    first_end = next((index for index, mark in marks if mark == "FIN"), None)
    if first_end is not None and order.count("FIN") == 1:
        after = [i for i in range(first_end + 1, len(lines)) if lines[i].strip() and not marker_of(lines[i])]
        if after:
            said = f"Texte après {grammar.FIN} : un logiciel au moins refuse alors tout le fichier."
            problems.append(error("text-after-end", f"ligne {after[0] + 1}", said))
    return problems


def _coded_line(number: int, line: str) -> list[Problem]:
    where = f"ligne {number}"
    if not line.strip() or re.match(r"TEX(?:\||$)", line):
        return []
    if not line.startswith("RES|"):
        said = "Ligne ni TEX ni RES dans la partie codée."
        return [warning("unknown-coded-line", where, said)]
    pipes = line.count("|")
    problems: list[Problem] = []
    if pipes != grammar.RES_FIELD_COUNT:
        said = f"RES : {pipes} barres verticales, {grammar.RES_FIELD_COUNT} attendues ; un logiciel cache la ligne."
        problems.append(warning("res-pipes", where, said))
    fields = [*(part.strip() for part in line.split("|")), *[""] * grammar.RES_FIELD_COUNT]
    if fields[3] not in grammar.RESULT_TYPES:
        problems.append(warning("res-type", where, "RES-4 : N, A ou C attendu."))
    elif fields[3] == "N" and fields[4] and not _DECIMAL.fullmatch(fields[4]):
        said = "RES-5 : nombre avec point décimal, sans blanc ni signe < ou > attendu ; valeur perdue sinon."
        problems.append(error("res-number", where, said))
    for place in (6, 7, 12, 13):
        if fields[place] and not _DECIMAL.fullmatch(fields[place]):
            problems.append(warning("res-norm", where, f"RES-{place + 1} : un nombre avec point décimal attendu."))
    if fields[8] and fields[8] not in grammar.ABNORMAL_FLAGS:
        problems.append(warning("res-flag", where, "RES-9 : L, H, LL, HH, N ou vide attendu."))
    if fields[9] not in grammar.RESULT_STATUSES:
        problems.append(info("res-status", where, "RES-10 : F, R ou C attendu."))
    return problems
