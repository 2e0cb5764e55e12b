"""What the sender asks of the document, what was opposed, and the patient's own box.

Wishes: ANS, volet « Transmission d'un document CDA-R2 en HL7 v2 », metadata of system ``MetaDMPMSS`` and its table of
allowed combinations (hl7v2.md §5). Patients: référentiel MSSanté n° 2 and Ségur MSS/va1.20, va1.22 (mssante.md §5).
"""

from __future__ import annotations

from dispatcher.report.handling import RESTRICTED
from dispatcher.routing import facts as facts_of
from dispatcher.routing.about import Scope
from dispatcher.routing.addresses import as_compared, is_patient
from dispatcher.routing.case import Case, Finding, chosen, not_applicable, on_paper, passed, stopped

_DESPITE = (
    "Le clore, ou corriger la consigne dans le logiciel du laboratoire et réémettre ; pour l'envoyer quand même : "
    "« dispatcher release --despite-errors »."
)


def handling(case: Case) -> Finding:
    """Masked, invisible, not for these recipients: the sender's wishes are followed, or a person decides."""
    wishes = case.facts.about.handling
    refused = (_to_patient(case) if case.patient else _to_professional(case)) or _restricted(case)
    if refused is None:
        if not wishes.sentences:
            return not_applicable("Le laboratoire ne donne pas de consigne.")
        return passed("Les consignes du laboratoire permettent cet envoi.")
    code, reason = refused
    if case.facts.about.despite:
        return passed(f"{reason} Envoyé quand même : une personne l'a décidé.")
    return stopped(code, f"{reason} {_DESPITE}")


def _to_professional(case: Case) -> tuple[str, str] | None:
    wishes = case.facts.about.handling
    if wishes.to_professionals is False:
        return (
            "not-for-professionals",
            "Le laboratoire demande de ne pas envoyer ce document aux professionnels (DESTMSSANTEPS = N).",
        )
    if wishes.hidden_from_professionals:
        return "masked-from-professionals", "Le document est masqué aux professionnels (MASQUE_PS = Y)."
    if wishes.hidden_from_guardians and not wishes.to_professionals:
        return (
            "hidden-from-guardians",
            "Le document est invisible aux représentants légaux (INVISIBLE_REP_LEGAUX = Y) et n'est pas demandé pour "
            "les professionnels (DESTMSSANTEPS absent).",
        )
    return None


def _to_patient(case: Case) -> tuple[str, str] | None:
    wishes = case.facts.about.handling
    if wishes.to_patient is False:
        return (
            "not-for-patient",
            "Le laboratoire demande de ne pas envoyer ce document au patient (DESTMSSANTEPAT = N).",
        )
    if wishes.hidden_from_patient:
        return "hidden-from-patient", "Le document est invisible au patient (INVISIBLE_PATIENT = Y)."
    return None


def _restricted(case: Case) -> tuple[str, str] | None:
    """Nothing a document says tells who may see it when it is restricted: a person does, recipient by recipient."""
    level = case.facts.about.handling.confidentiality
    if level not in RESTRICTED:
        return None
    return (
        "restricted-document",
        f"Le document est de confidentialité {RESTRICTED[level]} : une personne confirme que {case.name} doit le "
        "recevoir. Le CDA garde ce code ; HPRIM et PDF ne le portent pas.",
    )


def patient_opposition(case: Case) -> Finding:
    """What the patient objects to, as recorded by the laboratory."""
    opposed = case.facts.about.opposed
    if case.patient and Scope.PATIENT_BOX in opposed:
        return on_paper("Le patient s'est opposé à l'envoi dans sa messagerie : à lui remettre autrement.")
    if not case.patient and Scope.PROFESSIONALS in opposed:
        return on_paper(
            "Le patient s'est opposé à l'envoi de ses résultats aux professionnels par messagerie : les remettre "
            "autrement."
        )
    return passed("Aucune opposition du patient n'est enregistrée.")


def patient_box(case: Case) -> Finding:
    """The patient's own box, from a qualified INS, when the laboratory switched that on; no other address."""
    if not case.policy.patients:
        return stopped(
            "patient-recipient",
            "Le compte rendu est demandé pour la boîte du patient (Mon espace santé), et l'envoi aux patients n'est "
            "pas en service. Le permettre (« patients = true » dans [routing]) puis libérer, ou clore cet envoi.",
        )
    address, why = facts_of.patient_address(case.facts, case.policy)
    if not address:
        return stopped(
            "patient-identity",
            f"Rien ne part vers le patient : {why}. Attendue : une INS qualifiée (matricule de 15 caractères, clé "
            "juste, OID, cinq traits). Qualifier l'identité dans le logiciel du laboratoire et réémettre, ou clore.",
        )
    given = case.facts.chosen or case.wanted.address
    if given and as_compared(given) != address:
        return stopped(
            "patient-address",
            "L'adresse de patient donnée n'est pas celle que forme l'INS du patient de ce compte "
            "rendu : rien n'y part. Vérifier l'export, ou clore cet envoi.",
        )
    case.address = address
    case.label = case.wanted.label
    return chosen("Boîte du patient, formée de son INS qualifiée.")


def recipient_opposition(case: Case) -> Finding:
    """A professional or structure that wants no electronic mail from this laboratory, as recorded by the laboratory."""
    keys = facts_of.opposition_keys(case.wanted, case.facts, case.address)
    if any(case.facts.opposed.get(key, False) for key in keys):
        return on_paper("Ce destinataire s'est opposé à l'envoi par messagerie : à envoyer sur papier.")
    return passed("Aucune opposition de ce destinataire n'est enregistrée.")


def not_a_patient(case: Case) -> Finding:
    """Mail for professionals never goes to a patient's box, which bears the number of somebody else."""
    if is_patient(case.address):
        return stopped(
            "patient-recipient",
            "L'adresse de ce destinataire est celle d'un patient (Mon espace santé) : le courrier des professionnels "
            "n'y part jamais. Corriger le destinataire, ou clore cet envoi.",
        )
    return passed("L'adresse n'est pas celle d'un patient.")
