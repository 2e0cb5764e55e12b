"""Who lives in the sandbox: structures, mailboxes and how each box behaves. The one source of truth.

``samples/directory/`` is this world as the national extraction shows it, and a test compares them. Everybody is
invented: the domains end in ``.test`` (RFC 2606), RPPS numbers start with 997 and hold their key, FINESS with 99.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Conduct(StrEnum):
    """What becomes of a mail to a box."""

    READS = "reads"
    """Delivered, then integrated by the practice software: DSN ``delivered``, MDN ``processed``."""
    DISPLAYS = "displays"
    """Delivered, then opened by a person: DSN ``delivered``, MDN ``displayed``."""
    RELAYED = "relayed"
    """The next server gives no delivery notice: DSN ``relayed``, then MDN."""
    NEVER_READS = "never-reads"
    """Delivered, never opened: DSN ``delivered`` only."""
    SILENT = "silent"
    """Accepted, and nothing ever comes back."""
    BOUNCES = "bounces"
    """Accepted, then DSN ``failed`` 5.1.1."""
    MAILBOX_FULL = "mailbox-full"
    """Accepted, then DSN ``failed`` 5.2.2."""
    DELAYED = "delayed"
    """Accepted, DSN ``delayed`` first, then delivered and read."""
    REFUSED = "refused"
    """550 at RCPT."""
    FULL = "full"
    """552 at RCPT."""
    TRY_LATER = "try-later"
    """451 at RCPT the first two times, then reads."""
    LOSES_LINE = "loses-line"
    """Accepted and kept, the connection dropped instead of the reply to the final dot; then reads."""
    REJECTS_902 = "rejects-902"
    """Delivered; the practice software does not know the patient: MDN (or ordinary mail) with error 902."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """A place of work, as the extraction writes it."""

    id_type: str
    """1 FINESS, 3 SIRET (with the type digit in front of the number, as published)."""
    identifier: str
    name: str
    sign: str = ""
    number: str = ""
    street_type: str = ""
    street: str = ""
    post_line: str = ""

    @property
    def postcode(self) -> str:
        """First five characters of the postal line."""
        return self.post_line[:5]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profession:
    """Code and label, with the speciality (savoir-faire) where there is one."""

    code: str
    label: str
    skill: str = ""
    skill_label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One row of the directory: a mailbox of a person (PER) or a structure (ORG)."""

    kind: str
    address: str
    structure: Structure | None
    id_type: str = ""
    """8 RPPS, 0 ADELI."""
    identifier: str = ""
    title: str = ""
    family: str = ""
    given: str = ""
    profession: Profession | None = None
    service: str = ""
    paperless: str = "O"


GENERAL = Profession(code="10", label="Médecin", skill="SM54", skill_label="Médecine Générale")
SURGERY = Profession(code="10", label="Médecin", skill="SM04", skill_label="Chirurgie générale")
CARDIOLOGY = Profession(code="10", label="Médecin", skill="SM05", skill_label="Cardiologie et maladies vasculaires")
INTERNAL = Profession(code="10", label="Médecin", skill="SM26", skill_label="Médecine interne")
OBSTETRICS = Profession(code="10", label="Médecin", skill="SM42", skill_label="Gynécologie-obstétrique")
PHARMACIST = Profession(code="21", label="Pharmacien")
DENTIST = Profession(code="40", label="Chirurgien-Dentiste")
MIDWIFE = Profession(code="50", label="Sage-femme")
NURSE = Profession(code="60", label="Infirmier")
SPEECH = Profession(code="91", label="Orthophoniste")

PORT = Structure(
    id_type="3",
    identifier="399900001100018",
    name="SELARL DU PORT",
    sign="Cabinet médical du Port",
    number="4",
    street_type="QUAI",
    street="DES ESSAIS",
    post_line="99001 EXEMPLEVILLE",
)
GLYCINES = Structure(
    id_type="3",
    identifier="399900002900010",
    name="CABINET DES GLYCINES",
    number="12",
    street_type="RUE",
    street="DES GLYCINES",
    post_line="99002 SAINT-TEST-SUR-MER",
)
MSP = Structure(
    id_type="1",
    identifier="1990001018",
    name="MAISON DE SANTÉ DE L'ÉCHANTILLON",
    sign="MSP L'Échantillon",
    number="1",
    street_type="PLACE",
    street="DE L'ÉGLISE",
    post_line="99003 L'ÉCHANTILLON",
)
CLINIQUE = Structure(
    id_type="1",
    identifier="1990002016",
    name="CLINIQUE DES TROIS ESSAIS",
    sign="Clinique des Trois Essais",
    number="30",
    street_type="AVENUE",
    street="DU LABORATOIRE",
    post_line="99001 EXEMPLEVILLE",
)
CH = Structure(
    id_type="1",
    identifier="1990003014",
    name="CENTRE HOSPITALIER D'EXEMPLEVILLE",
    sign="CH Exempleville",
    number="1",
    street_type="BOULEVARD",
    street="DE LA MAQUETTE",
    post_line="99001 EXEMPLEVILLE",
)
TILLEULS = Structure(
    id_type="1",
    identifier="1990004012",
    name="EHPAD LES TILLEULS",
    sign="Les Tilleuls",
    number="8",
    street_type="CHEMIN",
    street="DES TILLEULS",
    post_line="99002 SAINT-TEST-SUR-MER",
)
GRAND_PRE = Structure(
    id_type="1",
    identifier="1990004020",
    name="EHPAD LE GRAND PRÉ",
    sign="Le Grand Pré",
    number="2",
    street_type="ROUTE",
    street="DU PRÉ",
    post_line="99003 L'ÉCHANTILLON",
)
PHARMACIE = Structure(
    id_type="1",
    identifier="1990005019",
    name="PHARMACIE À USAGE INTÉRIEUR DES TROIS ESSAIS",
    sign="PUI Trois Essais",
    number="30",
    street_type="AVENUE",
    street="DU LABORATOIRE",
    post_line="99001 EXEMPLEVILLE",
)


def _per(
    address: str,
    identifier: str,
    title: str,
    family: str,
    given: str,
    profession: Profession,
    structure: Structure | None,
    *,
    paperless: str = "O",
    id_type: str = "8",
) -> Box:
    return Box(
        kind="PER",
        address=address,
        structure=structure,
        id_type=id_type,
        identifier=identifier,
        title=title,
        family=family,
        given=given,
        profession=profession,
        paperless=paperless,
    )


def _org(address: str, structure: Structure, service: str, *, paperless: str = "O") -> Box:
    return Box(kind="ORG", address=address, structure=structure, service=service, paperless=paperless)


BOXES: tuple[Box, ...] = (
    _per("paul.durand@sandbox.mssante.test", "99700000013", "DR", "DURAND", "Paul", GENERAL, PORT),
    _per("sophie.petit@cabinets.mssante.test", "99700000021", "DR", "PETIT", "Sophie", GENERAL, PORT),
    _per("jean.martin@sandbox.mssante.test", "99700000039", "DR", "MARTIN", "Jean", GENERAL, PORT),
    _per("jean.martin.2@cabinets.mssante.test", "99700000047", "DR", "MARTIN", "Jean", GENERAL, GLYCINES),
    _per("eloise.lefevre@sandbox.mssante.test", "99700000054", "DR", "LEFÈVRE", "Éloïse", GENERAL, MSP),
    _per("eloise.lefevre.hopital@sandbox.mssante.test", "99700000054", "DR", "LEFÈVRE", "Éloïse", OBSTETRICS, CH),
    _per("francois.garcon@sandbox.mssante.test", "99700000062", "DR", "GARÇON", "François", GENERAL, MSP),
    _per("marie.dalmeida@cabinets.mssante.test", "99700000070", "DR", "D'ALMEIDA", "Marie-Hélène", GENERAL, GLYCINES),
    _per("hugues.delatour@sandbox.mssante.test", "99700000088", "DR", "DE LA TOUR", "Hugues", GENERAL, None),
    _per("amina.benali@cabinets.mssante.test", "99700000096", "DR", "BENALI", "Amina", GENERAL, GLYCINES),
    _per("luc.papier@sandbox.mssante.test", "99700000104", "DR", "PAPIER", "Luc", GENERAL, GLYCINES, paperless="N"),
    _per("claire.dehors@messagerie.exemple.test", "99700000112", "DR", "DEHORS", "Claire", GENERAL, PORT),
    _per("yannick.legoff@sandbox.mssante.test", "99700000120", "DR", "LE GOFF", "Yannick", GENERAL, MSP),
    _per("anne.saint-martin@sandbox.mssante.test", "99700000138", "DR", "SAINT-MARTIN", "Anne", GENERAL, MSP),
    _per("aya.nguessan@cabinets.mssante.test", "99700000146", "DR", "N'GUESSAN", "Aya", GENERAL, GLYCINES),
    _per("solene.boeuf@sandbox.mssante.test", "99700000153", "MME", "BŒUF", "Solène", MIDWIFE, MSP),
    _per("karim.haddad@sandbox.mssante.test", "99700000161", "DR", "HADDAD", "Karim", SURGERY, CLINIQUE),
    _per("karim.haddad.perso@cabinets.mssante.test", "99700000161", "DR", "HADDAD", "Karim", SURGERY, CLINIQUE),
    _per("ines.moreau@sandbox.mssante.test", "99700000179", "DR", "MOREAU", "Inès", CARDIOLOGY, CH),
    _per("thomas.girard@sandbox.mssante.test", "99700000187", "DR", "GIRARD", "Thomas", INTERNAL, CH),
    _per("julie.noel@sandbox.mssante.test", "99700000195", "DR", "NOËL", "Julie", PHARMACIST, PHARMACIE),
    _per("marc.roux@cabinets.mssante.test", "99700000203", "DR", "ROUX", "Marc", DENTIST, PORT),
    _per("lea.fontaine@cabinets.mssante.test", "99700000211", "MME", "FONTAINE", "Léa", NURSE, GLYCINES),
    _per("lea.fontaine@cabinets.mssante.test", "99700000211", "MME", "FONTAINE", "Léa", NURSE, TILLEULS),
    _per("paul.durand@sandbox.mssante.test", "99700000013", "DR", "DURAND", "Paul", GENERAL, PORT),
    _per("bounce.absent@sandbox.mssante.test", "99700000229", "DR", "ABSENT", "Gaston", GENERAL, GLYCINES),
    _per("nonlu.silence@sandbox.mssante.test", "99700000237", "DR", "SILENCE", "Nora", GENERAL, GLYCINES),
    _per(
        "odile.ancienne@cabinets.mssante.test", "990010001", "MME", "ANCIENNE", "Odile", SPEECH, GLYCINES, id_type="0"
    ),
    _per("theo.sans-avis@sandbox.mssante.test", "99700000245", "DR", "SANS-AVIS", "Théo", GENERAL, MSP, paperless=""),
    _org("laboratoire.clinique@sandbox.mssante.test", CLINIQUE, "Secrétariat médical"),
    _org("ehpad.les-tilleuls@sandbox.mssante.test", TILLEULS, "Infirmerie"),
    _org("ehpad.le-grand-pre@cabinets.mssante.test", GRAND_PRE, "Cadre de santé"),
    _org("ch.cardiologie@sandbox.mssante.test", CH, "Cardiologie"),
    _org("ch.urgences@sandbox.mssante.test", CH, "Urgences"),
    _org("ch.archives@sandbox.mssante.test", CH, "Archives médicales", paperless="N"),
    _org("pharmacie.trois-essais@sandbox.mssante.test", PHARMACIE, "Pharmacie"),
    _org("secretariat.glycines@cabinets.mssante.test", GLYCINES, "Secrétariat"),
    _org("msp.echantillon@messagerie.exemple.test", MSP, "Coordination"),
)
"""Rows in the order of the extraction. One is doubled, one nurse works in two structures, one doctor has two boxes."""

CONDUCTS: dict[str, Conduct] = {
    "bounce.absent@sandbox.mssante.test": Conduct.BOUNCES,
    "nonlu.silence@sandbox.mssante.test": Conduct.NEVER_READS,
    "theo.sans-avis@sandbox.mssante.test": Conduct.SILENT,
    "sophie.petit@cabinets.mssante.test": Conduct.DISPLAYS,
    "ines.moreau@sandbox.mssante.test": Conduct.RELAYED,
    "karim.haddad@sandbox.mssante.test": Conduct.REJECTS_902,
    "ehpad.le-grand-pre@cabinets.mssante.test": Conduct.DISPLAYS,
}
"""Boxes of the directory that do anything else than read."""

TRIAL_BOXES: dict[str, Conduct] = {f"{conduct}@sandbox.mssante.test": conduct for conduct in Conduct}
"""One box for each conduct, outside the directory, for those who try their own software: ``bounces@…``, ``full@…``."""

APPLICATION_BOXES: dict[str, Conduct] = {"automate.pharmacie@sandbox.mssante.test": Conduct.READS}
"""Application boxes (APP) are never in the open directory."""

PATIENT_DOMAIN = "patient.mssante.test"
OUTSIDE_DOMAIN = "messagerie.exemple.test"
"""In the directory, but not on the list of allowed domains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedDomain:
    """One row of the list of allowed domains."""

    name: str
    description: str
    operator: str
    """``DNCertificatOperateur``."""


_OPERATOR_A = "CN=operateur-a.sandbox.test,OU=399900001100018,O=OPERATEUR D'ESSAI A,ST=Exemple (99),C=FR"
_OPERATOR_A_NEW = "CN=operateur-a2.sandbox.test, OU=399900001100018, O=OPERATEUR D'ESSAI A, ST=Exemple (99), C=FR"
_OPERATOR_B = "CN=operateur-b.sandbox.test,OU=399900002900010,O=OPERATEUR D'ESSAI B,ST=Exemple (99),C=FR"
_OPERATOR_P = "CN=patient.sandbox.test,OU=399900003900012,O=ESPACE PATIENT D'ESSAI,ST=Exemple (99),C=FR"

ALLOWED_DOMAINS: tuple[AllowedDomain, ...] = tuple(
    AllowedDomain(name=name, description=description, operator=operator)
    for name, description, operator in (
        ("sandbox.mssante.test", "Boîtes d'essai de l'opérateur A", _OPERATOR_A),
        ("sandbox.mssante.test", "Boîtes d'essai de l'opérateur A", _OPERATOR_A_NEW),
        ("cabinets.mssante.test", "Cabinets de ville", _OPERATOR_A),
        ("chu.mssante.test", "Centre hospitalier universitaire d'essai", _OPERATOR_A),
        ("ehpad.mssante.test", "Établissements d'hébergement d'essai", _OPERATOR_B),
        ("pharmacies.mssante.test", "Pharmacies d'essai", _OPERATOR_B),
        ("passerelle.exemple.test", "Passerelle d'un éditeur, hors de mssante.test", _OPERATOR_B),
        ("xn--hpital-ixa.mssante.test", "Nom de domaine internationalisé", _OPERATOR_B),
        ("patient.mssante.test", "Boîtes des patients", _OPERATOR_P),
    )
)
"""Eight domains, one on two operator certificates, as in the real list."""

_KNOWN = {box.address: Conduct.READS for box in BOXES} | APPLICATION_BOXES | TRIAL_BOXES | CONDUCTS


def conduct_of(address: str) -> Conduct | None:
    """How a box behaves; None when there is no such box here."""
    local, _, host = address.lower().rpartition("@")
    if host == PATIENT_DOMAIN:
        return Conduct.READS if re.fullmatch(r"[1-478][0-9]{4}(?:[0-9]{2}|2[ab])[0-9]{8}", local) else None
    return _KNOWN.get(address.lower())


def addresses() -> tuple[str, ...]:
    """Boxes that get a certificate: those of the directory inside the trust space, and application boxes, each once."""
    inside = {row.name for row in ALLOWED_DOMAINS}
    found = [box.address for box in BOXES if box.address.rpartition("@")[2] in inside]
    return tuple(dict.fromkeys([*found, *APPLICATION_BOXES]))
