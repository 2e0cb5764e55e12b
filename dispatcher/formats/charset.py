"""Text that fits the recipient's character set: ISO 8859-1 by default, nothing lost silently.

``str`` in, ``str`` out that the codec can encode. What ISO 8859-1 lacks is written out (œ oe, € EUR, ’ ', ≥ >=,
10⁹ 10^9); a character that has no honest equivalent is a :class:`~dispatcher.errors.RenderError` naming its code
point, never a question mark: a result must not change meaning on its way (MedShake writes ISO-8859-1 the same way).
"""

from __future__ import annotations

import codecs
import operator
import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from dispatcher.errors import RenderError
from dispatcher.report.walking import field_names

DEFAULT_ENCODING = "iso-8859-1"
_MAX_NAMED = 5
"""Code points named in one message."""

_WRITTEN_OUT = {
    "œ": "oe", "Œ": "OE", "€": "EUR", "‘": "'", "’": "'", "‚": "'", "‛": "'", "′": "'", "″": '"', "“": '"', "”": '"',
    "„": '"', "‹": "<", "›": ">", "–": "-", "—": "-", "‐": "-", "‑": "-", "‒": "-", "―": "-", "−": "-", "…": "...",
    "•": "-", "‣": "-", "▪": "-", "■": "-", "●": "-", "○": "o", "◦": "-", "★": "*", "☆": "*", "∗": "*",
    "≤": "<=", "≥": ">=", "⩽": "<=", "⩾": ">=", "≠": "<>", "≈": "~", "∼": "~", "≃": "~", "→": "->", "←": "<-",
    "⇒": "=>", "↑": "(haut)", "↓": "(bas)", "▲": "(haut)", "▼": "(bas)", "↗": "(en hausse)", "↘": "(en baisse)",
    "∞": "infini", "‰": "p. mille", "√": "racine de ", "∆": "Delta ", "Ω": "Ohm", "⁄": "/", "∕": "/",
    "✓": "(oui)", "✔": "(oui)", "✗": "(non)", "✘": "(non)", "☐": "( )", "☑": "(x)", "☒": "(x)", "⚠": "(attention)",
    "─": "-", "━": "-", "═": "=", "│": "!", "┃": "!", "║": "!",
    "⅓": " 1/3", "⅔": " 2/3", "⅛": " 1/8", "⅜": " 3/8", "⅝": " 5/8", "⅞": " 7/8",
}  # fmt: skip
_WRITTEN_OUT |= dict.fromkeys("┌┐└┘├┤┬┴┼╔╗╚╝╠╣╦╩╬", "+")
_WRITTEN_OUT |= dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋", "0123456789+-", strict=True))
# Letters of names that Unicode does not take apart.
_WRITTEN_OUT |= dict(zip("ŁłĐđĦħıĿŀŊŋŦŧØøÐðƏə", "LlDdHhiLlNnTtOoDdEe", strict=True))
_WRITTEN_OUT |= {"Þ": "Th", "þ": "th", "ẞ": "SS", "Æ": "AE", "æ": "ae"}
_GREEK = {
    "α": "alpha", "β": "bêta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zêta", "η": "êta", "θ": "thêta",
    "κ": "kappa", "λ": "lambda", "μ": "µ", "µ": "u", "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau",
    "φ": "phi", "χ": "khi", "ψ": "psi", "ω": "oméga", "Δ": "Delta", "Γ": "Gamma", "Θ": "Thêta", "Λ": "Lambda",
    "Σ": "Sigma", "Φ": "Phi",
}  # fmt: skip
_WRITTEN_OUT |= _GREEK
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad\ufe0e\ufe0f"), "")
_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻"
_RAISED_RUN = re.compile(f"[{_RAISED}]+")
_PLAIN_OF_RAISED = str.maketrans(_RAISED, "0123456789+-")


def codec_for(encoding: str | None) -> str:
    """Python's name of the codec asked for; :class:`RenderError` when it does not exist or is not for plain text."""
    wanted = encoding or DEFAULT_ENCODING
    try:
        name = codecs.lookup(wanted).name
        if "****FIN****\r\n".encode(name) != b"****FIN****\r\n":
            raise LookupError(name)
    except (LookupError, ValueError, TypeError, UnicodeError) as fault:
        raise RenderError(
            f"Jeu de caractères « {wanted[:40]} » inconnu ou impropre à un texte HPRIM.",
            hint="Choisir iso-8859-1, cp1252 ou utf-8 dans la fiche du destinataire.",
            code="unknown-encoding",
        ) from fault
    return name


def as_it_is(text: str, codec: str) -> bool:
    """The text plainly needs no change, as most: what ISO 8859-1 prints is composed, and none of it is invisible."""
    return text.isprintable() and (text.isascii() or (codec == "iso8859-1" and _fits(text, codec)))


def tidy(text: str) -> str:
    """Composed accents, plain blanks, no control or invisible character except line ends."""
    if text.isprintable() and (text.isascii() or _is_tidy(text)):
        return text
    flat = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n").expandtabs()
    return "".join(_blank_or_kept(char) for char in flat.translate(_INVISIBLE))


def _is_tidy(text: str) -> bool:
    """Of a text without control characters and odd blanks. Variation selectors count as marks, so as printable."""
    return unicodedata.is_normalized("NFC", text) and "\ufe0e" not in text and "\ufe0f" not in text


def capitals(text: str) -> str:
    """Upper case that stays in ISO 8859-1: µ is a unit, not a Greek letter, and ÿ and ß have no capital there."""
    return "".join(char if char in "µÿß" else char.upper() for char in text)


def _blank_or_kept(char: str) -> str:
    if char == "\n" or not unicodedata.category(char).startswith(("Z", "C")):
        return char
    if "\x80" <= char <= "\x9f":  # Windows-1252 read as Latin-1: the character meant is known.
        return bytes((ord(char),)).decode("cp1252", "ignore")
    return " " if unicodedata.category(char).startswith("Z") else ""


def loosely_fit(text: str, codec: str) -> str:
    """Like :func:`fit`, but what cannot be written out stays: for texts that may not be printed at all."""
    return text if as_it_is(text, codec) else _fit(text, codec)[0]


def fit(text: str, codec: str) -> str:
    """``text`` with every character ``codec`` lacks written out; :class:`RenderError` when one cannot be."""
    if as_it_is(text, codec):
        return text
    fitted, missing = _fit(text, codec)
    if missing:
        named = ", ".join(f"U+{ord(char):04X}" for char in dict.fromkeys(missing[:_MAX_NAMED]))
        raise RenderError(
            f"Caractère sans équivalent en {codec.upper()} : {named}.",
            hint="Corriger le libellé dans le logiciel du laboratoire, ou choisir utf-8 si le destinataire l’accepte.",
            code="character-not-encodable",
        )
    return fitted


def _fit(text: str, codec: str) -> tuple[str, list[str]]:
    text = tidy(text)
    if text.isascii() or _fits(text, codec):
        return text, []
    text = _RAISED_RUN.sub(lambda run: run[0] if _fits(run[0], codec) else _caret(run), text)
    missing: list[str] = []
    return "".join(char if _fits(char, codec) else _equivalent(char, codec, missing) for char in text), missing


def _caret(run: re.Match[str]) -> str:
    """10⁹ becomes 10^9: raised digits must never run into the number before them."""
    return "^" + run[0].translate(_PLAIN_OF_RAISED)


def _fits(text: str, codec: str) -> bool:
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def _equivalent(char: str, codec: str, missing: list[str]) -> str:
    written = _WRITTEN_OUT.get(char, "")
    if not written and not unicodedata.category(char).startswith("N"):
        # Letters lose the accents the codec lacks; other numbers (Roman, circled) are refused, they would join digits.
        parts = unicodedata.normalize("NFKD", char)
        written = "".join(_WRITTEN_OUT.get(part, part) for part in parts if not unicodedata.combining(part))
    if not written or not _fits(written, codec):
        written = "".join(c for c in unicodedata.normalize("NFKD", written) if not unicodedata.combining(c))
    if not written or not _fits(written, codec):
        missing.append(char)
        return char
    return written


def each_text(value: Any, change: Callable[[str], str]) -> Any:
    """The same value with ``change`` applied to every text in it, however deep; enumerations and bytes stay.

    What nothing changes in is given back as it is.
    """
    if type(value) is str:
        return change(value)
    if type(value) is tuple:
        new = tuple([each_text(part, change) for part in value])
        return value if all(map(operator.is_, new, value)) else new
    changes = {}
    for name in field_names(value):
        old = getattr(value, name)
        if not old:  # most fields of a report are empty
            continue
        if (part := change(old) if type(old) is str else each_text(old, change)) is not old:
            changes[name] = part
    return replace(value, **changes) if changes else value
