"""Traits and national numbers of a patient, by the rules both dialects share.

Référentiel INS (ANS): the four OIDs of the INS; a matricule of 13 characters and its key; the identity is *qualified*
only when the sender says so and the traits are there. A NIR without one of the OIDs is a billing number (shared notes
"HL7 v2" §4).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.er7.timestamps import parse_when
from dispatcher.report.identifiers import InsOid, ins_oid_ok, nir_ok
from dispatcher.report.model import Ins, Patient, Sex

_SEX = {
    **dict.fromkeys(("F", "FEMME", "FEMININ", "FÉMININ", "FEMALE"), Sex.FEMALE),
    **dict.fromkeys(("M", "H", "HOMME", "MASCULIN", "MALE"), Sex.MALE),
}
"""HL7 table 0001, and the words some write in its place; a figure is not guessed."""
_UNKNOWN_SEX = frozenset({"U", "O", "A", "N", "I", "UN", "X"})
_NAMES = {"INS-NIR": InsOid.NIR, "INS-NIA": InsOid.NIA}


def birth_date(text: str, where: str, notes: Notes) -> tuple[date | None, str]:
    """``(day, "")`` or, for lunar, partial and impossible dates, ``(None, text as written)`` and a problem."""
    if not text:
        return None, ""
    when, _ = parse_when(text)
    if when is None:
        notes.warning(
            "unreadable-birth-date",
            where,
            "La date de naissance n’est pas une date du calendrier (incomplète, à zéro ou lunaire) ; attendu AAAAMMJJ. "
            "Vérifier l’identité dans le logiciel du laboratoire.",
        )
        return None, text
    return (when.date() if isinstance(when, datetime) else when), ""


def sex(text: str, where: str, notes: Notes) -> Sex:
    """``F``, ``M`` or unknown; a letter of no table is told."""
    letter = text.upper()
    if letter and letter not in _SEX and letter not in _UNKNOWN_SEX:
        notes.warning("unknown-sex", where, "Sexe illisible ; attendu F, M ou U. Lu comme inconnu.")
    return _SEX.get(letter, Sex.UNKNOWN)


def ins_oid(oid: str, *names: str) -> str:
    """One of the four OIDs of the INS: given as such, or told by the name of the authority; else the empty string."""
    bare = "".join(oid.split())
    if ins_oid_ok(bare):
        return bare
    for text in names:
        name = "".join(text.split()).upper()
        if ins_oid_ok(name):
            return name
        if bare:
            continue  # an OID of somebody else beats the name
        for word, known in _NAMES.items():
            if word in name:
                return known.value
    return ""


def best_ins(found: Sequence[Ins], where: str, notes: Notes) -> Ins | None:
    """The INS to keep when several are given: a good key first, NIR before NIA. A bad key is told."""
    best = min(found, key=lambda one: (not nir_ok(one.matricule), one.oid == InsOid.NIA), default=None)
    if best is not None and not nir_ok(best.matricule):
        notes.warning(
            "invalid-ins",
            where,
            "Matricule INS mal formé ou de clé fausse : gardé comme non qualifié, il ne sera pas transmis. "
            "Requalifier l’identité dans le logiciel du laboratoire.",
        )
    return best


def qualified(found: Patient, *, validated: bool, where: str, notes: Notes) -> Patient:
    """The same patient, its INS marked qualified when the sender validated it and key and traits hold."""
    if found.ins is None or not validated:
        return found
    traits = bool(found.birth_name and found.given_names and found.birth_date and found.sex is not Sex.UNKNOWN)
    if not traits:
        notes.warning(
            "incomplete-ins-traits",
            where,
            "Identité déclarée validée mais traits incomplets : nom de naissance, prénom, date de naissance et sexe "
            "sont attendus. L’INS est lu comme non qualifié.",
        )
    return replace(found, ins=replace(found.ins, qualified=traits and nir_ok(found.ins.matricule)))


def given_names(first: str, others: str) -> tuple[str, ...]:
    """First given name, then the others; the list of all names may repeat the first one or not."""
    if not others:
        return (first,) if first else ()
    if first and others.casefold().startswith(first.casefold()) and not others[len(first) : len(first) + 1].isalnum():
        others = others[len(first) :]
    return tuple(word for word in (first, *re.split(r"[\s,;]+", others)) if word)
