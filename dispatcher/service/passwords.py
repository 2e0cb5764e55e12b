"""Which passwords are taken (NIST SP 800-63B, 5.1.1.2): long enough, and not among the first that anybody tries.

No rule about capitals, digits or signs, and no change by the calendar: both make passwords worse.
"""

from __future__ import annotations

import re
import unicodedata

SHORTEST = 12
LONGEST = 256
"""Longer ones are refused, not cut."""

_COMMON = """\
motdepasse mdp password passwort passwd pass secret secrete bonjour bonsoir salut coucou soleil doudou chouchou loulou
marseille paris lyon france bretagne jetaime iloveyou love amour bebe chocolat princesse princess football monkey
dragon master hello welcome bienvenue admin administrateur administrator administration root test demo user
utilisateur guest invite login letmein changeme changemoi changezmoi temporaire provisoire nouveau default defaut
qwerty azerty trustno starwars pokemon superman batman ninja shadow sunshine michael nicolas camille thomas
laboratoire labo laboratory biologie biologiste medical medecin docteur secretariat secretaire analyses resultats
resultat sante hopital clinique dispatcher hprim apicrypt mssante messagerie console operateur operator biologist
auditeur auditor janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre printemps ete
automne hiver lundi mardi mercredi jeudi vendredi samedi dimanche summer winter spring autumn monday friday the le la
les mon ma mes my de du des un une et and est is
"""
WORDS = frozenset(_COMMON.split())
"""What leads the published lists of stolen passwords, in French and in English, and what lies near at hand here."""
ROWS = (
    *("azertyuiop", "qsdfghjklm", "wxcvbn", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop"),
    *("abcdefghijklmnopqrstuvwxyz", "01234567890", "1234567890", "&e\"'(-e_ca)=", "!@#$%^&*()"),
    *("aqwzsxedcrfvtgbyhnujik", "1qaz2wsx3edc4rfv5tgb6yhn", "qazwsxedcrfvtgbyhnujm", "1q2w3e4r5t6y7u8i9o0p"),
    *("1a2z3e4r5t6y7u8i9o0p", "a1b2c3d4e5f6g7h8i9"),
)
"""Along the keyboard, the alphabet and the figures; also backwards; written as :func:`_folded` leaves them."""
_RUNS = (*ROWS, *(row[::-1] for row in ROWS))
LOOKALIKES = str.maketrans("0134578@$!", "oieastbasi")
PADDING = 4
"""Figures and signs between known pieces that count for nothing."""
LONGEST_PIECE = 40
_YEAR = re.compile("(19|20)[0-9]{2}")
SHORTEST_NAME = 4
"""Letters from which the account's name may not stand in the password at all."""


def normal(password: str) -> str:
    """As it is hashed: what two keyboards write differently for the same sign is one (NFKC)."""
    return unicodedata.normalize("NFKC", password)


def faults(password: str, name: str = "") -> tuple[str, ...]:
    """Why it is not taken, one French sentence each; empty: it is. ``name``: of the account."""
    plain = normal(password)
    if len(plain) < SHORTEST:
        return (f"Trop court : {SHORTEST} caractères au moins. Une phrase de quatre ou cinq mots convient.",)
    if len(plain) > LONGEST:
        return (f"Trop long : {LONGEST} caractères au plus.",)
    folded, owner = _folded(plain), _folded(name)
    if len(owner) >= SHORTEST_NAME and owner in folded:
        return ("Il contient le nom du compte : n'importe qui l'essaierait d'abord.",)
    if len(set(folded)) < 4 or _repeats(folded):
        return ("Il répète toujours la même chose : il est parmi les premiers qu'on essaie.",)
    words = WORDS | {part for part in _parts(owner) if len(part) >= 3}
    if _made_of_known(folded, words):
        return ("Trop courant : des mots que tout le monde essaie, des touches qui se suivent ou une année.",)
    return ()


def _folded(text: str) -> str:
    """Without accents and capitals."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return "".join(bare.split())


def _parts(name: str) -> list[str]:
    return "".join(c if c.isalpha() else " " for c in name).split()


def _repeats(text: str) -> bool:
    """One piece, two times or more and nothing else: « bonbonbonbon »."""
    return text in (text + text)[1:-1] and _period(text) <= 6


def _period(text: str) -> int:
    return (text + text).index(text, 1)


def _made_of_known(text: str, words: frozenset[str]) -> bool:
    """The whole can be cut into known words, runs along the keyboard, one sign repeated, and a little padding.

    ``spent[i]``: least padding with which the first ``i`` characters can be cut so.
    """
    spent: list[int] = [0] + [PADDING + 1] * len(text)
    for start in range(len(text)):
        if spent[start] > PADDING:
            continue
        for end in range(start + 1, min(start + LONGEST_PIECE, len(text)) + 1):
            piece = text[start:end]
            if piece in words or piece.translate(LOOKALIKES) in words or _YEAR.fullmatch(piece) or _is_run(piece):
                spent[end] = min(spent[end], spent[start])
        if not text[start].isalpha():
            spent[start + 1] = min(spent[start + 1], spent[start] + 1)
    return spent[len(text)] <= PADDING


def _is_run(piece: str) -> bool:
    return len(piece) >= 3 and (len(set(piece)) == 1 or any(piece in run for run in _RUNS))
