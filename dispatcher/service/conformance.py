"""What the recipient's software would refuse must not leave (decision D10): the checks right before sealing.

Our own checks are made for every rendition, the official rules of the ANS for every CDA when their kit is installed.
The channel decides: ``enforce`` holds the dispatch with the first fault and the way out, ``warn`` sends and leaves a
note, ``off`` looks at nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dispatcher.errors import DispatcherError, RenderError
from dispatcher.formats.cda.check import check as check_cda
from dispatcher.formats.hprim_medecins.check import check as check_hprim_medecins
from dispatcher.formats.hprim_sante.check import check as check_hprim_sante
from dispatcher.formats.xdm.check import check as check_xdm
from dispatcher.french import counted
from dispatcher.ports import Rules
from dispatcher.report.model import Problem, Severity
from dispatcher.service.channel import Channel

CODE = "conformance"
_OWN: dict[str, tuple[str, Callable[[bytes], list[Problem]]]] = {
    "cda": ("Le CDA", check_cda),
    "xdm": ("L'archive XDM", check_xdm),
    "hprim-medecins": ("Le compte rendu HPRIM", check_hprim_medecins),
    "hprim-sante": ("Le message HPRIM Santé", check_hprim_sante),
}
"""By kind of rendition: how it is named in a sentence, and our check of it."""
_WAY_OUT = 'Corriger la donnée dans le SIL, ou « conformance = "warn" » sur ce canal, puis relancer l\'envoi.'


def judge(renditions: Sequence[tuple[str, bytes]], channel: Channel, official: Rules | None) -> str:
    """A note for the operator, empty when all is well. ``renditions``: kind and bytes.

    Raises :class:`RenderError` (code ``conformance``) when the channel enforces and something is wrong, or when the
    installed rules cannot be run: no verdict is no permission.
    """
    mode = channel.settings.conformance
    if mode == "off":
        return ""
    for kind, content in renditions:
        name, check = _OWN[kind]
        problems = check(content)
        broken = ""
        if kind == "cda" and official is not None:
            try:
                problems = [*problems, *official.check(content)]
            except DispatcherError as error:
                broken = f"Les règles officielles sont installées mais n'ont pas pu s'appliquer : {error.message}"
        if told := _told(name, problems) or broken:
            if mode == "warn":
                return f"{told} Envoyé quand même : « conformance = warn »."
            hint = (
                "Réinstaller le kit (« dispatcher conformance install DOSSIER ») ou le retirer, puis relancer l'envoi."
            )
            raise RenderError(told, hint=hint if told == broken else _WAY_OUT, code=CODE)
    return ""


def _told(name: str, problems: Sequence[Problem]) -> str:
    """One sentence: how many faults, the first of them, and whose rules say so."""
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if not errors:
        return ""
    own = [problem for problem in errors if not problem.code.startswith("official-")]
    whose = "" if own else ", règles officielles de l'ANS"
    return f"{name} produit n'est pas conforme ({counted(len(errors), 'faute')}{whose}) ; {errors[0].sentence}"
