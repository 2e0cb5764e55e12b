"""Whether a culture found something, by what its result says in words.

What is not understood counts as found: a needless urgent mail costs a glance, a positive blood culture taken for a
negative one costs a life. So a short word says no only where it is all there is (« 0 », « Non », « Nég. »), and a germ
that is named outside a negation is a germ, whatever else is absent or not known yet. Pure.
"""

from __future__ import annotations

import re

from dispatcher.terminology.rows import fold

_NO = re.compile(
    r"0+(?:[.,]0+)?(?: ?/ ?\d+)?(?: ?(?:UFC|CFU|GERME|COLONIE|FLACON)\b.*)?"
    r"|[-–—]+|N|NON|NUL|NULLE|NEANT|RIEN|RAS|R\.A\.S|RIEN A SIGNALER|NONE|NO GROWTH|NOT DETECTED"
    r"|(?:(?:HEMO)?CULTURES?|RESULTAT|EXAMEN DIRECT)? ?:? ?NEG\b.*"
)
"""The whole of a result that says no."""
_NOT = r"NEGATI|STERILE|ABSENCE|ABSENT|AUCUN|PAS DE |PAS D'|NON DETECTE"
_NOTHING = re.compile(rf"{_NOT}|EN COURS|IMPOSSIBLE")
"""What a culture without growth, or not read yet, says; compared without accents and case."""
_SOMETHING = re.compile(r"(?<!NON )POSITI|(?<!AUCUNE )(?<!PAS DE )PRESENCE")
"""It grows, whatever else is absent or not known yet: « culture positive, identification en cours »."""
_GERM = re.compile(
    r"COCCI|COCOQUE|COCOCC|BACILLE|LEVURE|STAPH|STREPTO|PNEUMOCO|MENINGOCO|GONOCO|ENTEROCO|ENTEROBA|ESCHERICHIA"
    r"|\bCOLI\b|COLIBACILLE|KLEBSIELLA|PSEUDOMONAS|PYOCYANIQUE|PROTEUS|SERRATIA|CITROBACTER|ACINETOBACTER|SALMONELL"
    r"|HAEMOPHILUS|NEISSERIA|LISTERIA|BACTEROIDES|CLOSTRIDI|CANDIDA|CRYPTOCO|ASPERGILL|CAMPYLOBACTER|BRUCELL"
    r"|\b[A-Z]\. ?[A-Z]{4}"  # « S. aureus »
)
_DENIED = re.compile(rf"{_NOT}|\bNI\b|RECHERCHE")
_STAIN = re.compile(r"(GRAM|COAG\w*|OXYDASE|CATALASE|LACTAMASES?|BLSE|CARBAPENEMASES?) *[:.(]? *(?:NEG|POS)\w*")
"""A trait of what was found: « bacilles à Gram négatif », « staphylocoque à coagulase négative »."""
_SENTENCE = re.compile(r"(?<!\b[A-Z])\.|[;\n]")
"""Not behind the initial of a genus: « E. coli »."""


def grew(value: str) -> bool:
    """Whether something was found, or may have been."""
    whole = fold(value)
    said = _STAIN.sub(r"\1", whole)
    if not whole or _names_a_germ(said) or _SOMETHING.search(said):
        return bool(whole)
    return not (_NO.fullmatch(whole.strip(" .:;!()[]")) or _NOTHING.search(said))


def _names_a_germ(said: str) -> bool:
    """A germ in a part of a sentence that nothing before it denies: « E. coli, absence de levures »."""
    for sentence in _SENTENCE.split(said):
        for part in sentence.split(","):
            if _DENIED.search(part):
                break  # « absence de cocci, bacilles »
            if _GERM.search(part):
                return True
    return False
