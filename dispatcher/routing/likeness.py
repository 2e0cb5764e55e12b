"""Is the name in the file the name the directory gives that number? The answer can stop a mail, never choose one.

What a person's name goes through on its way into a laboratory's software: accents and case lost, particles glued or
dropped, one name of two (married, maiden), given names as initials, both names in one field or in each other's, a
title in front, a field cut at its length, a letter mistyped. These agree. Anything else does not, above all what
really is somebody else's: a father and his son, spouses in one practice, DUPOND and DUPONT. The thresholds are
measured on ``tests/unit/routing/lookalikes.csv`` (docs/adr/0012).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import IntEnum

from rapidfuzz.distance import OSA

from dispatcher.report.folding import fold
from dispatcher.routing.identities import PARTICLES, TITLES, tokens

FAMILY_LIKENESS = 0.92
"""Least similarity (optimal string alignment, 1 is equal) at which a family name counts as mistyped."""
STRUCTURE_LIKENESS = 0.90
"""The same for what distinguishes the name of a structure."""
CUT = 15
"""Letters from which on a name may be the beginning of another, cut at the length of a field. Shorter ones are names
of their own: BERTRAND and BERTRANDON, SAINT-JEAN and SAINT-JEANNE."""
DROPPED = frozenset({"de", "d", "von", "zu"})
"""Particles a person may leave out. LE ROUX is not ROUX, BEN HADDAD not EL HADDAD: others are part of the name."""

_WORDS = """
association aux cabinet centre center ch chi chr chru chu clinique domicile ehpa ehpad en et etablissement foyer
fondation general ghu groupe had hopital hopitaux hospitalier hospitaliere institut intercommunal labo laboratoire
local logement maison mas medecine medical medicale medicalisee msp pharmacie pluridisciplinaire pole polyclinique
pour public regional residence retraite sa sante sarl sas scm scp secretariat sel selarl selas service soins sous
ssr sud nord est ouest sur unite universitaire usld biologie analyses imagerie chirurgie
"""
GENERIC = frozenset(_WORDS.split())
"""Words that tell what a structure is, not which one."""
_KINDS = {
    **dict.fromkeys(("ehpad", "ehpa", "residence", "retraite", "foyer"), "home"),
    **dict.fromkeys(("clinique", "polyclinique"), "clinic"),
    **dict.fromkeys(("hopital", "hopitaux", "hospitalier", "ch", "chi", "chr", "chru", "chu", "ghu"), "hospital"),
    **dict.fromkeys(("labo", "laboratoire", "biologie"), "laboratory"),
    **dict.fromkeys(("cabinet", "msp"), "practice"),
    "pharmacie": "pharmacy",
}
"""Kinds that cannot be one another."""
_COMPASS = frozenset({"nord", "sud", "est", "ouest"})
_ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4"}
_TELLING = """
association biologie analyses cabinet chirurgie clinique ehpad ehpa etablissement hopital hopitaux hospitalier
hospitaliere imagerie institut labo laboratoire medecine medical medicale nord ouest pharmacie pluridisciplinaire
polyclinique secretariat selarl selas service soins sud unite universitaire
"""
_NOBODYS = frozenset(_TELLING.split())
"""Those of them that are nobody's family name."""


_DONE = """
cardio cardiologie cardiologue dermato dermatologie dermatologue gyneco gynecologie gynecologue ophtalmo orl
ophtalmologie ophtalmologue pediatrie pediatre psychiatrie psychiatre rhumato rhumatologie rhumatologue urologie
urologue neurologie neurologue nephrologie nephrologue pneumologie pneumologue radiologie radiologue oncologie
oncologue hematologie gastro gastroenterologie endocrinologie endocrinologue geriatrie gerontologie diabetologie
infectiologie anesthesie reanimation maternite urgences dialyse consultation consultations generaliste infirmier
infirmiere
"""
SPECIALITIES = frozenset(_DONE.split())
"""Words of a label that tell what somebody does; nobody's family name."""


class Agreement(IntEnum):
    """How two writings of one part of a name relate."""

    NONE = 0
    UNKNOWN = 1
    """One of the two is missing."""
    NEAR = 2
    """A letter apart, in a long name."""
    PART = 3
    """One name of two, or one cut at the length of a field."""
    SHORT = 4
    """Initials, or an abbreviation."""
    SAME = 5


@dataclass(frozen=True, slots=True)
class Name:
    """Family and given names as one side writes them."""

    family: str = ""
    given: str = ""


def agree(one: Name, other: Name) -> bool:
    """Both may be the same person's name. Symmetric; a side that says nothing contradicts nothing."""
    if abbreviated(one.given, other.given) or abbreviated(other.given, one.given):
        one, other = Name(one.family), Name(other.family)
    return any(_pair(left, right) for left in _readings(one) for right in _readings(other))


def _readings(name: Name) -> list[tuple[tuple[str, ...], tuple[str, ...], bool]]:
    """Ways to read a name: family words, given words, and whether fields were swapped or split to get there."""
    family, given = tokens(name.family), tokens(name.given)
    found = [(family, given, False)]
    if family and given:
        found.append((given, family, True))
    whole = family or given
    if bool(family) != bool(given) and len(whole) > 1:
        for cut in range(1, len(whole)):
            found += [(whole[:cut], whole[cut:], True), (whole[cut:], whole[:cut], True)]
    return found


def _pair(
    left: tuple[tuple[str, ...], tuple[str, ...], bool], right: tuple[tuple[str, ...], tuple[str, ...], bool]
) -> bool:
    if left[2] and right[2]:
        return False  # both read otherwise than written: that is no reading
    family, given = family_agreement(left[0], right[0]), given_agreement(left[1], right[1])
    if Agreement.NONE in (family, given):
        return False
    if left[2] or right[2]:  # read otherwise than it is written: only what is certain counts
        certain = family is Agreement.SAME and given in {Agreement.SAME, Agreement.SHORT}
        return certain or (family is Agreement.PART and given is Agreement.SAME)
    if family in {Agreement.SAME, Agreement.UNKNOWN}:
        return True
    return given is Agreement.SAME  # half a family name, or a mistyped one: the given name must be the very one


def family_agreement(left: tuple[str, ...], right: tuple[str, ...]) -> Agreement:
    """Of two family names, as words."""
    if not left or not right:
        return Agreement.UNKNOWN
    left, right = _particles_first(left), _particles_first(right)
    if "".join(left) == "".join(right):
        return Agreement.SAME
    if set(_own_words(left)) & set(_own_words(right)):
        return Agreement.PART
    short, long = sorted(("".join(left), "".join(right)), key=len)
    if len(short) >= CUT and long.startswith(short):
        return Agreement.PART
    return Agreement.NEAR if likeness(short, long) >= FAMILY_LIKENESS else Agreement.NONE


def _particles_first(words: tuple[str, ...]) -> tuple[str, ...]:
    """``tour (de la)`` is ``de la tour``."""
    for place, word in enumerate(reversed(words)):
        if word not in PARTICLES:
            return (*words[len(words) - place :], *words[: len(words) - place])
    return words


def _own_words(words: tuple[str, ...]) -> list[str]:
    """Words that are a name by themselves: particles and ``saint`` with what follows, no single letters.

    Particles that may be left out are: ``de la tour`` is ``latour``, ``d'almeida`` is ``almeida``.
    """
    found: list[str] = []
    front = ""
    for word in words:
        if word in {"saint", "sainte"} or (word in PARTICLES and word not in DROPPED):
            front += word
        elif word not in DROPPED and (front or len(word) > 1):
            found.append(front + word)
            front = ""
    return found


def given_agreement(left: tuple[str, ...], right: tuple[str, ...]) -> Agreement:
    """Of two given names, as words. ``Jean`` is not ``Jean-Paul``: brothers, or a father and his son.

    A letter apart is somebody else: Stéphane and Stéphanie, Marie-José and Marie-Rose.
    """
    if not left or not right:
        return Agreement.UNKNOWN
    one, other = "".join(left), "".join(right)
    if one == other or sorted(left) == sorted(right):
        return Agreement.SAME
    if _shortened(left, right) or _shortened(right, left):
        return Agreement.SHORT
    return Agreement.NONE


def _shortened(short: tuple[str, ...], long: tuple[str, ...]) -> bool:
    """``jp``, ``j p``, ``j`` and ``j paul`` for ``jean paul``; ``ph``, ``fred`` only with as many words."""
    joined, initials = "".join(short), "".join(word[0] for word in long)
    if joined in {initials, initials[0]}:
        return True
    if len(short) != len(long):
        return False
    pairs = list(zip(short, long, strict=True))
    return all(a == b or (len(a) == 1 and b.startswith(a)) for a, b in pairs)


def abbreviated(text: str, other: str) -> bool:
    """``Fréd.`` for ``Frédéric``: an abbreviation with its point."""
    left, right = tokens(text), tokens(other)
    return "." in text and len(left) == 1 and bool(right) and len(left[0]) >= 2 and right[0].startswith(left[0])


def likeness(one: str, other: str) -> float:
    """0 to 1; a letter changed, added, lost or two neighbours swapped count one each."""
    return float(OSA.normalized_similarity(one, other))


def structures_agree(text: str, names: Iterable[str], towns: Iterable[str] = ()) -> bool | None:
    """The structure called ``text`` may be one of ``names``; None when nothing distinctive is said.

    Every distinctive word of the shorter name must be in the longer, and what they are (EHPAD, clinic) may not
    disagree. The town alone distinguishes nothing: two establishments of one town differ by the rest of their names.
    """
    places = {word for town in towns for word in tokens(town)}
    mine, kind, known = distinctive(text, places), _kinds(text), tuple(names)
    alike = [name for name in known if not (kind and _kinds(name)) or kind & _kinds(name)]
    if (known and not alike) or _sisters(text, known):
        return False
    told = [words for name in alike if (words := distinctive(name, places))]
    if not mine or not told:
        return None
    return any(
        mine <= theirs
        or theirs <= mine
        or likeness("".join(sorted(mine)), "".join(sorted(theirs))) >= STRUCTURE_LIKENESS
        for theirs in told
    )


def same_structure_name(text: str, names: Iterable[str], towns: Iterable[str] = ()) -> bool:
    """``text`` is one of ``names`` word for word and of its kind, the town apart: enough without the number's key."""
    places = {word for town in towns for word in tokens(town)}
    mine = (distinctive(text, places), _kinds(text), _points(text), _figures(text))
    return bool(mine[0]) and any(
        mine == (distinctive(name, places), _kinds(name), _points(name), _figures(name)) for name in names
    )


def _sisters(text: str, names: Iterable[str]) -> bool:
    """CHU NORD and CHU SUD, CLINIQUE 1 and CLINIQUE 2: told apart by what both say and say differently."""
    for told in (_points, _figures):
        mine, theirs = told(text), [found for name in names if (found := told(name))]
        if mine and theirs and mine not in theirs:
            return True
    return False


def _points(text: str) -> frozenset[str]:
    return frozenset(tokens(text)) & _COMPASS


def _figures(text: str) -> frozenset[str]:
    """Numbers as written in figures, the first four also as Roman ones."""
    words = re.findall(r"[^\W\d_]+|\d+", fold(text))
    return frozenset(_ROMAN.get(word) or word.lstrip("0") for word in words if word.isdigit() or word in _ROMAN)


def _kinds(text: str) -> frozenset[str]:
    words = set(tokens(text))
    practice = {"practice"} if "maison" in words and words & {"sante", "medicale"} else set()
    return frozenset(practice | {_KINDS[word] for word in words if word in _KINDS})


def distinctive(text: str, places: Collection[str] = ()) -> frozenset[str]:
    """Words that tell which structure it is. ``saint`` and ``notre dame`` are one word with what follows them."""
    found: set[str] = set()
    front = ""
    for word in tokens(text):
        if word in {"saint", "sainte", "notre"} or (word == "dame" and front.endswith("notre")):
            front += word
        elif front and word not in PARTICLES:
            found.add(front + word)
            front = ""
        elif word not in GENERIC | PARTICLES and word not in places and len(word) > 1:
            found.add(word)
    return frozenset(found | ({front} - {""}))


def person_words(label: str) -> tuple[str, ...]:
    """Words of a label that may be a person's name; empty when it only tells what a structure is, or a code.

    « CABINET MEDICAL » is nobody, « CABINET DR MARTIN » may be MARTIN, « Dr MAS Pierre » may be MAS: a word that is a
    family name too (mas, maison, local) is left in, and then the whole label is compared.
    """
    titled = any(word in TITLES for word in re.findall(r"[^\W\d_]+", fold(label)))
    words = tuple(word for word in tokens(label) if sum(char.isalpha() for char in word) > (not word.isalpha()) * 2)
    telling = [word for word in words if len(word) > 1 and word not in PARTICLES]
    if not telling or (not titled and all(word in GENERIC | SPECIALITIES | {"interne"} for word in telling)):
        return ()
    return tuple(word for word in words if word not in _NOBODYS | SPECIALITIES)


def names_structure(text: str) -> bool:
    """The text tells what a structure is: « CABINET MEDICAL », « EHPAD »."""
    return any(word in GENERIC for word in tokens(text))


def tells_structure(text: str) -> bool:
    """The text names a structure, not a person: « EHPAD LES LILAS », but not « CABINET DR MARTIN », « MAS Pierre »."""
    words = re.findall(r"[^\W\d_]+", fold(text))
    return any(word in _KINDS or word in _NOBODYS for word in words) and not any(word in TITLES for word in words)
