"""The statement of a bulk send (relevé d'envoi groupé) as a PDF. Plain data in, PDF bytes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dispatcher.formats.base import LaboratoryIdentity
from dispatcher.formats.pdf import wording
from dispatcher.formats.pdf.engine import Engine, Layout, TypstEngine
from dispatcher.formats.pdf.glyphs import Glyphs
from dispatcher.report.moments import PARIS

TOLD = (
    "« Envoyé » : accepté par l'opérateur de messagerie. « Remis » : arrivé dans la boîte du destinataire. « Lu » : "
    "son logiciel l'a dit. Les accusés arrivent après l'envoi : un relevé plus tardif les montre."
)
WRONG = "LE RELEVÉ NE TOMBE PAS JUSTE : ne rien effacer, appeler le support."


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementLine:
    """One document for one recipient."""

    name: str
    recipient: str
    address: str
    state: str
    moments: tuple[str, ...] = ()
    """« envoyé 22/11/2026 10:15 », « lu … »."""
    id: str = ""
    remark: str = ""
    bad: bool = False
    """Asks for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementPage:
    """Everything that is printed."""

    id: str
    title: str
    ordered_at: datetime
    actor: str
    asked: int
    added: int
    files: int
    words: Mapping[str, int]
    """French word to count; their sum is ``asked`` and ``added``."""
    reconciles: bool
    lines: Sequence[StatementLine] = ()


class StatementWriter:
    """Renders statements; may be shared between threads."""

    def __init__(self, layout: Layout, engine: Engine | None = None) -> None:
        self._glyphs = Glyphs.parse(layout.coverage)
        self._engine = engine or TypstEngine(layout)

    def write(self, laboratory: LaboratoryIdentity, page: StatementPage, at: datetime) -> bytes:
        """The PDF. Raises :class:`dispatcher.errors.RenderError`."""
        sums = [{"word": word, "count": str(count)} for word, count in page.words.items()]
        data = {
            "title": f"Relevé de l'envoi groupé {page.id}",
            "laboratory": {"name": laboratory.name, "lines": wording.laboratory_lines(laboratory)},
            "facts": [
                {"label": "Bordereau ou dossier", "value": page.title},
                {"label": "Préparé", "value": f"le {_moment(page.ordered_at)} par {page.actor}"},
                {"label": "Relevé établi", "value": f"le {_moment(at)}"},
                {"label": "Documents", "value": str(page.files)},
            ],
            "asked": str(page.asked),
            "added": str(page.added) if page.added else "",
            "sums": sums,
            "total": str(sum(page.words.values())),
            "wrong": "" if page.reconciles else WRONG,
            "told": TOLD,
            "lines": [
                {
                    "number": str(number),
                    "name": one.name,
                    "recipient": one.recipient,
                    "address": one.address,
                    "state": one.state,
                    "moments": list(one.moments),
                    "id": one.id,
                    "remark": one.remark,
                    "bad": one.bad,
                }
                for number, one in enumerate(page.lines, 1)
            ],
        }
        return self._engine.render(self._glyphs.clean_all(data), at)


def _moment(value: datetime) -> str:
    return value.astimezone(PARIS).strftime("%d/%m/%Y à %H:%M")
