"""Reports as HPRIM Médecins: twelve header lines, the printable report, the coded section, both end markers.

Document: HPRIM Médecins v3.0 (1997) as receiving software enforces it, see
:mod:`dispatcher.formats.hprim_medecins.grammar`. One report per file, CRLF, ISO 8859-1 unless the recipient asks for
something else, no blanks at line ends: the form that every known reader takes. The coded section is written even when
it holds text lines only: Mediboard shows nothing of a file without it.

What the format cannot carry, so that reading back gives less than was written:

====================  ==================================================================================
in the text only      results that are pending, impossible, withdrawn or documents; comments; earlier
                      results; method, kit, sub-contractor; specimen; validator; prescriber and copies;
                      reference ranges in words; the antibiogram's link to its germ; chapter and title,
                      which are read back from their printed form
comparators           a result « < 0,5 » is text (type A) with its unit
antibiotics           the answer in words, with its level
flags                 L, H, LL, HH and N only
status                follows from RES-10: partial when a result is R, corrected when one is C, else
                      final; a cancelled report has no result, and says so in its text
codes                 one a result, the laboratory's own; no coding system, no LOINC
identity              used name, first given name, birth date; the birth name is in the text; the INS, when
                      a qualified NIR, stands for the social security number of line 8
moments               the day of the report
====================  ==================================================================================
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from dispatcher.errors import RenderError
from dispatcher.formats.base import Rendition, WriteContext
from dispatcher.formats.charset import as_it_is, codec_for, each_text, fit, loosely_fit
from dispatcher.formats.hprim_medecins import grammar
from dispatcher.formats.hprim_medecins.blocks import marker_of
from dispatcher.formats.hprim_medecins.check import MIN_SCORE, score
from dispatcher.formats.hprim_medecins.compose import compose
from dispatcher.formats.hprim_medecins.layout import Line
from dispatcher.formats.hprim_medecins.lines import header_lines, is_coded, res_line
from dispatcher.formats.hprim_medecins.problems import info
from dispatcher.formats.requirements import require_content, require_identity
from dispatcher.report.model import Problem, Report, Status

FORMAT = "hprim-medecins"
_NAME = "HPRIM Médecins"
_IN_TEXT_MARKER = re.compile(r"\*{3,}(\s*(?:LAB|FIN\s*FICHIER|FIN)\s*)\*{3,}", re.IGNORECASE)


class HprimMedecinsWriter:
    """Writes one report as one HPRIM Médecins file."""

    name = FORMAT

    def write(self, report: Report, context: WriteContext) -> Rendition:
        """The report as bytes in ``context.encoding`` (ISO 8859-1 when None).

        ``media_type`` carries the charset, for the mail part that will hold it. Raises
        :class:`~dispatcher.errors.RenderError` when name, first name or birth date is missing, when there is nothing
        medical in it (both are conditions of the APICRYPT charter, and a guard of ours on every channel), or when a
        character cannot be written.
        """
        codec = codec_for(context.encoding)
        require_identity(report, _NAME, calendar_date=True)
        require_content(report, _NAME)
        fitting = partial(loosely_fit, codec=codec)
        fitted: Report = each_text(report, fitting)
        setting: WriteContext = replace(
            context,
            laboratory=each_text(context.laboratory, fitting),
            recipient=each_text(context.recipient, fitting),
        )
        lines = [*(_free(line.replace("|", "/")) for line in header_lines(fitted, setting)), ""]
        printed = compose(fitted, setting)
        _require_recognition(lines)
        freed = [_free(line.text) for line in printed]
        coded = _coded_lines(fitted, zip(freed, printed, strict=True))
        lines += [*freed, "", grammar.LAB, *coded, grammar.FIN, grammar.FINFICHIER]
        if not as_it_is("".join(lines), codec):
            lines = [fit(line, codec) for line in lines]
        text = "".join([f"{line.rstrip()}\r\n" for line in lines])
        return Rendition(
            format=FORMAT,
            media_type=f"text/plain; charset={'iso-8859-1' if codec == 'iso8859-1' else codec}",
            file_name=f"{_stem(context)}.hpr",
            content=text.encode(codec),
            problems=_problems(report),
        )


def _require_recognition(lines: list[str]) -> None:
    """Without it a receiver takes the report for an ordinary mail."""
    points = score(lines)
    if points < MIN_SCORE:
        raise RenderError(
            f"HPRIM Médecins : en-tête non reconnaissable par le logiciel du destinataire ({points} points, "
            f"{MIN_SCORE} attendus).",
            hint="Vérifier code, nom, prénom et date de naissance du patient dans le logiciel du laboratoire.",
            code="header-not-recognisable",
        )


def _free(text: str) -> str:
    """A line of the free part: never a marker, never taken for a coded line."""
    bare = text
    if "***" in text:
        bare = _IN_TEXT_MARKER.sub(r"**\1**", text)
        if marker_of(bare):
            bare = bare.replace("*", "-")
        if bare.startswith("****"):
            bare = f" {bare}"
    if grammar.CODED_LINE.match(bare):
        bare = bare.replace("|", "/", 1) if "|" in bare else f"{bare} -"
    return bare


def _coded_lines(report: Report, printed: Iterable[tuple[str, Line]]) -> list[str]:
    """``printed``: each line as it stands in the free part, and what it prints."""
    lines: list[str] = []
    for freed, line in printed:
        text = freed.replace("|", "/")
        lines.append(f"TEX|{text}" if text else "TEX|")
        lines += [res_line(observation) for observation in line.results if is_coded(report, observation)]
    return lines


def _stem(context: WriteContext) -> str:
    """A file name from the document's identifier: unique, and says nothing about the patient."""
    return re.sub(r"[^A-Za-z0-9]+", "-", context.ids.document).strip("-")[:60] or "compte-rendu"


def _problems(report: Report) -> tuple[Problem, ...]:
    left_out = sum(not is_coded(report, o) for o in report.observations)
    if not left_out or report.status is Status.CANCELLED:
        return ()
    said = f"{left_out} résultat(s) sans ligne RES (annulé, en cours ou document) : présents dans le texte seulement."
    return (info("results-not-coded", "partie codée", said),)
