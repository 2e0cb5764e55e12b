"""The second half of the rules: by which channel, into which domain, under which protection."""

from __future__ import annotations

from collections.abc import Sequence

from dispatcher.french import counted
from dispatcher.routing import sources
from dispatcher.routing.addresses import PATIENT_DOMAIN
from dispatcher.routing.case import Case, Finding, chosen, not_applicable, passed, stopped
from dispatcher.routing.facts import ChannelPolicy, domain_of
from dispatcher.routing.route import Envelope
from dispatcher.routing.trust import Standing, judge

FORMATS = {
    "cda": "CDA (CR de biologie)",
    "cda-n1": "CDA de niveau 1 (PDF enveloppé)",
    "hprim-medecins": "HPRIM Médecins",
    "hprim-sante": "HPRIM Santé",
    "pdf": "PDF seul",
}
"""What a report can be sent as, and how a person reads it."""
CARRIED = {
    "mssante": frozenset(FORMATS),
    "smime": frozenset(FORMATS),
    "apicrypt": frozenset({"hprim-medecins", "hprim-sante"}),
}
"""By family of channel. A network of HPRIM readers takes the report as the text of the mail (hprim.md §1.8)."""
FOR_PATIENTS = frozenset({"cda", "cda-n1", "pdf"})
"""What somebody without medical software can read."""


def fresh_directory(case: Case) -> Finding:
    """How old is the data the box was found in? Told from one age on, held from another (docs/adr/0012)."""
    used = [box for box in case.boxes if box.address == case.address]
    ages = {box.source: case.facts.ages[box.source] for box in used if box.source in case.facts.ages}
    if not used or not ages:
        return not_applicable("L'adresse ne vient pas d'un annuaire daté.")
    source, age = min(ages.items(), key=lambda one: (one[1], one[0]))
    told = f"Les données où la boîte a été trouvée ({sources.label(source)}) ont {counted(int(age), 'jour')}"
    if age > case.policy.directory_hold_days:
        return stopped(
            "stale-directory",
            f"{told}, {case.policy.directory_hold_days} au plus sont permis : la personne a pu changer de boîte. "
            "Mettre l'annuaire à jour (« dispatcher directory import » ou « sync »), puis libérer.",
        )
    if age > case.policy.directory_max_age_days:
        return passed(f"{told}, plus que les {case.policy.directory_max_age_days} prévus : le mettre à jour.")
    return passed(f"{told}.")


def channel_and_format(case: Case) -> Finding:
    """Channel and format of the laboratory's line, else of the address's domain, else the site's default channel's."""
    line, domain = case.line, case.policy.for_domain(domain_of(case.address))
    by_table, by_domain = "demandé par la table des destinataires", f"celui du domaine « {domain_of(case.address)} »"
    name, by_channel = _first(
        (line.channel if line else "", by_table),
        (domain.channel, by_domain),
        (case.policy.default_channel, "canal par défaut"),
    )
    channel = case.policy.channels.get(name)
    if channel is None:
        known = ", ".join(sorted(case.policy.channels))
        return stopped(
            "unknown-channel",
            f"Le canal « {name} » demandé pour {case.name} n'existe pas dans la configuration (connus : {known}). "
            "Corriger la colonne « canal » de la table des destinataires, ou [routing.domains].",
        )
    case.channel = channel
    other = domain.format if not domain.channel or domain.channel == name else ""  # meant for the domain's own channel
    case.format, by_format = _first(
        (line.format if line else "", by_table), (other, by_domain), (channel.default_format, "celui du canal")
    )
    if case.patient and (channel.family != "mssante" or case.format not in FOR_PATIENTS):
        return stopped(
            "format-not-carried",
            f"Un patient lit un PDF, avec ou sans CDA, par un canal « mssante » ; trouvé : format « {case.format} », "
            f"canal « {name} ». Indiquer canal et format pour {PATIENT_DOMAIN} dans [routing.domains].",
        )
    if case.format not in CARRIED[channel.family]:
        can = ", ".join(sorted(CARRIED[channel.family]))
        return stopped(
            "format-not-carried",
            f"Le format « {case.format} » demandé pour {case.name} ne peut pas partir par le canal « {name} », qui "
            f"transmet : {can}. Corriger le format ou le canal dans la table des destinataires.",
        )
    return chosen(f"Canal « {name} » ({by_channel}) ; format {FORMATS[case.format]} ({by_format}).")


def _first(*ways: tuple[str, str]) -> tuple[str, str]:
    """The first that says something, with the reason; the last one in any case."""
    return next((way for way in ways if way[0]), ways[-1])


def allowed_domain(case: Case) -> Finding:
    """Only inside the trust space (promise 6)."""
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
    """(D17) S/MIME for a certificate, else mutual TLS (MSSanté), else this machine's proxy, else a hold.

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
