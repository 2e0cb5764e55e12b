"""The second half of the rules: by which channel, into which domain, under which protection."""

from __future__ import annotations

from collections.abc import Sequence

from dispatcher.routing.addresses import PATIENT_DOMAIN
from dispatcher.routing.case import Case, Finding, chosen, passed, stopped
from dispatcher.routing.facts import ChannelPolicy, domain_of
from dispatcher.routing.route import Envelope
from dispatcher.routing.trust import Standing, judge

FORMATS = {"cda": "CDA (CR de biologie)", "hprim-medecins": "HPRIM Médecins"}


def not_a_patient(case: Case) -> Finding:
    """Rule 8: results go to professionals; writing to patients has rules of its own, which this version does not do."""
    domain = domain_of(case.address)
    if domain == PATIENT_DOMAIN or domain.endswith(f".{PATIENT_DOMAIN}"):
        return stopped(
            "patient-recipient",
            "L'adresse est celle d'un patient (Mon espace santé) : ce programme n'écrit qu'aux professionnels. "
            "Corriger le destinataire, ou clore cet envoi.",
        )
    return passed("L'adresse n'est pas celle d'un patient.")


def channel_and_format(case: Case) -> Finding:
    """Rule 9: channel and format of the laboratory's line, else the site's default channel and its format."""
    line = case.line
    name = line.channel if line and line.channel else case.policy.default_channel
    channel = case.policy.channels.get(name)
    if channel is None:
        known = ", ".join(sorted(case.policy.channels))
        return stopped(
            "unknown-channel",
            f"Le canal « {name} » demandé pour {case.name} n'existe pas dans la configuration (connus : {known}). "
            "Corriger la colonne « canal » de la table des destinataires.",
        )
    case.channel = channel
    case.format = line.format if line and line.format else channel.default_format
    by_channel = "demandé par la table des destinataires" if line and line.channel else "canal par défaut"
    by_format = "demandé par la table des destinataires" if line and line.format else "celui du canal"
    return chosen(f"Canal « {name} » ({by_channel}) ; format {FORMATS.get(case.format, case.format)} ({by_format}).")


def allowed_domain(case: Case) -> Finding:
    """Rule 10: only inside the trust space (promise 6)."""
    domain, facts = domain_of(case.address), case.facts
    assert case.channel is not None
    standing = Standing(
        version=facts.versions.get("allowed-domains", ""),
        listed=facts.allowed.get(domain, False),
        age_days=facts.list_age_days,
        max_age_days=case.policy.list_max_age_days,
    )
    return judge(domain, case.channel, standing, name=case.name)


def protection(case: Case) -> Finding:
    """Rule 11 (D17): S/MIME for a certificate, else mutual TLS (MSSanté), else this machine's proxy, else a hold.

    « No certificate » must be a fact: what could not be established waits for a person, unless the site configured the
    other way (docs/adr/0010).
    """
    assert case.channel is not None
    case.certificate = case.facts.certificates.get(case.address, "")
    answer = case.facts.certificate_answers.get(case.address)
    if case.certificate:
        case.envelope = Envelope.SMIME
        remarks = "".join(f" ({remark})" for remark in answer.remarks) if answer else ""
        return chosen(f"Chiffré (S/MIME) pour le certificat {case.certificate[:16]}… du destinataire{remarks}.")
    unusable = answer.unusable if answer else ()
    unknown = answer.unknown if answer else ()
    if unknown and case.policy.unknown_certificate == "hold":
        return stopped("certificate-unknown", _not_established(case.address, unknown, unusable))
    answered = (*unknown, *unusable)
    return _without_certificate(case, case.channel, _what_was_found(case.address, unknown, unusable), bool(answered))


def _not_established(address: str, unknown: Sequence[str], unusable: Sequence[str]) -> str:
    found = f" Trouvé, mais inutilisable : {' ; '.join(unusable)}." if unusable else ""
    return (
        f"On ne peut pas dire si {address} a un certificat utilisable : {' ; '.join(unknown)}.{found} Sans cette "
        f"réponse, rien ne part sous une autre protection. Regarder « dispatcher directory certificates {address} », "
        "rétablir ce qui manque, puis libérer l'envoi."
    )


def _what_was_found(address: str, unknown: Sequence[str], unusable: Sequence[str]) -> str:
    """The beginning of a sentence: why the mail is not enveloped."""
    if unknown:
        why = " ; ".join((*unknown, *unusable))
        return f"Aucun certificat établi pour {address} ({why} ; autre protection permise par la configuration)"
    if unusable:
        return f"Certificat trouvé pour {address}, mais inutilisable ({' ; '.join(unusable)})"
    return f"Pas de certificat pour {address}"


def _without_certificate(case: Case, channel: ChannelPolicy, found: str, told: bool) -> Finding:
    if channel.family == "mssante" and channel.mutual_tls:
        case.envelope = Envelope.MUTUAL_TLS
        return chosen(f"{found} : remis à l'opérateur MSSanté en TLS mutuel, la règle de l'espace de confiance.")
    if channel.family == "apicrypt" and channel.local:
        case.envelope = Envelope.PROXY
        aside = f"{found}. " if told else ""
        return chosen(f"{aside}Remis sur cette machine au logiciel du site, qui chiffre lui-même.")
    ways = {
        "mssante": "donner au canal son certificat client (« client_cert », « client_key »)",
        "apicrypt": "remettre au logiciel de chiffrement sur cette machine (« host » = 127.0.0.1)",
    }
    way = f", ou {ways[channel.family]}" if channel.family in ways else ""
    do = "Demander à ce destinataire un certificat utilisable et le déposer" if told else "Déposer son certificat"
    return stopped(
        "no-protection",
        f"{found}, et le canal « {channel.name} » ne protège pas autrement : rien ne part en clair. "
        f"{do} dans le dossier des certificats{way}.",
    )
