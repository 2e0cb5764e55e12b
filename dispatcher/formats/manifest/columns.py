"""Headings of a manifest, French or English, and what stands below them.

Whose a PDF is, is said in the words of an index of PDFs (``mappings/index/champs.csv``); to whom it goes, in those
here, which win: « rpps » in a manifest is the recipient's.
"""

from __future__ import annotations

import re

from dispatcher.formats.pdf_index.words import field_of, key
from dispatcher.report.identifiers import (
    adeli_ok,
    compact,
    finess_ok,
    finess_shape_ok,
    luhn_ok,
    rpps_shape_ok,
    siret_ok,
)

FILE = "file"
RECIPIENTS: dict[str, tuple[str, ...]] = {
    "to": ("destinataire", "destinataires", "identifiant destinataire", "numero destinataire",
           "destinataire identifiant", "envoyer a", "recipient", "recipient id", "to"),
    "rpps": ("rpps", "rpps destinataire", "destinataire rpps", "numero rpps", "n rpps", "no rpps", "rpps medecin",
             "rpps du destinataire", "recipient rpps"),
    "adeli": ("adeli", "adeli destinataire", "destinataire adeli", "numero adeli", "recipient adeli"),
    "finess": ("finess", "finess destinataire", "destinataire finess", "numero finess", "n finess", "no finess",
               "finess etablissement", "recipient finess"),
    "siret": ("siret", "siret destinataire", "destinataire siret", "numero siret", "recipient siret"),
    "code": ("code", "code destinataire", "destinataire code", "code correspondant", "code du destinataire",
             "recipient code"),
    "address": ("adresse", "adresse destinataire", "destinataire adresse", "adresse du destinataire", "adresse mail",
                "adresse mssante", "adresse de messagerie", "adresse messagerie", "mssante", "bal", "bal mssante",
                "boite", "mail", "email", "e mail", "courriel", "address", "recipient address", "recipient email"),
    "list": ("liste", "liste destinataires", "liste de destinataires", "liste de diffusion", "list",
             "recipient list", "recipients list"),
}  # fmt: skip
"""How a recipient may be named, and the headings of each way; the French one first."""
LABELS = ("nom destinataire", "destinataire nom", "nom du destinataire", "libelle destinataire", "recipient name",
          "recipient label", "etablissement destinataire")  # fmt: skip
"""Read by people only: nobody is ever found by name."""
REMARKS = ("commentaire", "commentaires", "remarque", "remarques", "note", "notes", "comment", "comments")
FACTS = frozenset({
    "name", "birth_name", "used_name", "first_given", "given_names", "used_given", "birth_date", "sex", "ins",
    "ins_key", "ins_oid", "ins_status", "nss", "birth_place", "local_id", "filler", "placer", "collected_at",
    "collected_time", "received_at", "reported_at", "reported_time", "ordered_at", "status", "title", "urgent",
})  # fmt: skip
"""Fields of an index of PDFs that a manifest may give."""
_FILES = frozenset(map(key, ("fichier", "nom fichier", "nom du fichier", "fichier pdf", "pdf", "document", "chemin",
                             "piece jointe", "fichier joint", "file", "file name", "filename", "path",
                             "attachment", "nom document", "nom du document")))  # fmt: skip
_RECIPIENTS = {key(name): kind for kind, names in RECIPIENTS.items() for name in names}
_LEFT = frozenset(map(key, REMARKS))
_LABELS = frozenset(map(key, LABELS))
LABEL, LEFT, EITHER = "label", "-", "either"
_EITHER = frozenset({"identifiant", "id", "identifiants", "identifier"})
"""A patient's or a recipient's: nobody can know."""
NUMBERS = frozenset({*RECIPIENTS, "fact:ins", "fact:ins_key", "fact:nss", "fact:local_id", "fact:filler", "fact:placer",
                     "fact:birth_place"}) - {"address", "list"}  # fmt: skip
"""Below these stand numbers and codes, in which every zero counts."""


def meaning(heading: str) -> str:
    """``file``, a way to name a recipient, ``label``, ``-`` for what is left to people, ``either`` for what may be a
    patient's or a recipient's, ``fact:FIELD``; empty when nobody knows it."""
    bare = key(heading)
    if not bare:
        return LEFT
    if bare in _EITHER:
        return EITHER
    if bare in _FILES:
        return FILE
    if bare in _RECIPIENTS:
        return _RECIPIENTS[bare]
    if bare in _LABELS:
        return LABEL
    if bare in _LEFT:
        return LEFT
    field, group = field_of(heading)
    return f"fact:{field}" if field in FACTS and not group else ""


_ROUNDED = re.compile(r"[0-9]+([.,][0-9]+)?E\+?[0-9]+", re.IGNORECASE)
_ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;]+")
_PREFIX = re.compile(r"(rpps|adeli|finess|siret|code)\s*:\s*(.*)", re.IGNORECASE)
_LENGTHS = {"rpps": "11 chiffres", "adeli": "9 caractères", "finess": "9 caractères", "siret": "14 chiffres"}
_NAME = (
    "un nom ne suffit jamais pour envoyer (homonymes) ; mettre un RPPS, un FINESS, une adresse MSSanté ou le code de "
    "la table des destinataires"
)


def judged(kind: str, text: str) -> tuple[str, str, str, str]:
    """What a recipient cell says: kind (``any`` when only the tables can tell), text as compared, fault, remark."""
    if kind == "list":
        return "list", text, "", ""
    if _ROUNDED.fullmatch(text) and kind != "address":
        return kind, text, f"« {text} » : nombre abîmé par le tableur, des chiffres sont perdus ; {_AS_TEXT}", ""
    if kind == "to" and (told := _PREFIX.fullmatch(text)):
        kind, text = told[1].lower(), told[2].strip()
    if kind == "address" or (kind == "to" and "@" in text):
        bare = text.removeprefix("mailto:").strip("<>").lower()
        wrong = "" if _ADDRESS.fullmatch(bare) else "adresse mal formée ; attendu une seule adresse, nom@domaine"
        return "address", bare, wrong, ""
    if kind == "to":
        return _guessed(text)
    if kind == "code":
        return kind, text, "", ""
    return _number(kind, compact(text))


_AS_TEXT = "mettre la colonne au format texte et ressaisir"


def _guessed(text: str) -> tuple[str, str, str, str]:
    bare = compact(text)
    if rpps_shape_ok(bare):
        return _number("rpps", bare)
    if re.fullmatch(r"[0-9]{14}", bare):
        return _number("siret", bare)
    if finess_shape_ok(bare):
        return "code", bare, "", "9 caractères : pris pour un code du laboratoire ; écrire « finess:… » ou « adeli:… »"
    return "code", text, _NAME if " " in text.strip() or "," in text else "", ""


def _number(kind: str, bare: str) -> tuple[str, str, str, str]:
    shapes = {"rpps": rpps_shape_ok, "adeli": adeli_ok, "finess": finess_shape_ok}
    good = shapes[kind](bare) if kind in shapes else bool(re.fullmatch(r"[0-9]{14}", bare))
    if not good:
        if not any(char.isdigit() for char in bare):
            return kind, bare, f"ce n'est pas un {kind.upper()} ; {_NAME}", ""
        zeros = " ; zéros de tête perdus par le tableur ?" if bare.isdigit() and len(bare) < 9 else ""
        fault = f"{kind.upper()} de {len(bare)} caractères, {_LENGTHS[kind]} attendus{zeros}"
        return kind, bare, fault, ""
    keys = {"rpps": luhn_ok, "finess": finess_ok, "siret": siret_ok}
    wrong = kind in keys and not keys[kind](bare)
    return kind, bare, "", f"la clé de contrôle de ce {kind.upper()} est fausse ; vérifier la saisie" if wrong else ""
