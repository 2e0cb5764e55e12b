"""Rule by rule: where a recipient leads, and what a person reads when it leads nowhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from dispatcher.ports import CertificateAnswer
from dispatcher.report.model import IdType
from dispatcher.routing.candidates import Entry, LocalEntry
from dispatcher.routing.route import Decision, Envelope, RecipientRole, Route, Wanted
from dispatcher.routing.rules import RULES, ChannelPolicy, Facts, Policy, decide, without_doubles
from dispatcher.settings import parse
from tests.unit.routing.routing_desk import (
    APICRYPT,
    FINESS,
    IN,
    MSS,
    NOW,
    OTHER_FINESS,
    OTHER_RPPS,
    OUT,
    POLICY,
    RPPS,
    SIRET,
    SMIME,
    decided,
    doctor,
    org,
    per,
    wanted,
)

BOX = f"paul.durand@{IN}"


def line(**values: object) -> LocalEntry:
    return LocalEntry(**{"code": "D001", "line": 7, **values})  # type: ignore[arg-type]


def route(decision: Decision) -> Route:
    assert decision.route is not None, decision.hold
    assert decision.hold is None
    assert not decision.paper
    return decision.route


def held(decision: Decision, code: str) -> str:
    assert decision.route is None
    assert not decision.paper
    assert decision.hold is not None
    assert decision.hold.code == code, decision.hold
    assert decision.trace[-1].outcome == "stopped"
    assert decision.trace[-1].text == decision.hold.reason
    return decision.hold.reason


# ---------------------------------------------------------------------------------- explicit address


def test_an_address_in_the_file_is_taken() -> None:
    found = route(decided(wanted(label="Dr X", address=f"Dr.X@{IN}")))
    assert (found.address, found.label, found.format, found.channel) == (f"dr.x@{IN}", "Dr X", "cda", "mss")


def test_an_address_in_the_file_comes_before_table_and_directory() -> None:
    who = doctor(id="D001", id_type=IdType.LOCAL, address=f"autre@{IN}")
    lines = [line(address=f"table@{IN}", format="hprim-medecins", channel="smime")]
    book = (per(BOX), per(f"autre@{IN}"), per(f"table@{IN}"))
    found = route(decided(who, *book, lines=lines, certificates={f"autre@{IN}": "ab" * 32}))
    assert (found.address, found.format, found.channel) == (f"autre@{IN}", "hprim-medecins", "smime")


@pytest.mark.parametrize(
    "address",
    [
        "pas une adresse",
        "a@b@c.test",
        f"a@{IN}\r\nBcc: x@evil.test",
        f"<a@{IN}>",
        "@dest.test",
        "a@",
        "a b@c.test",
        f"a,b@{IN}",
    ],
)
def test_a_malformed_address_waits(address: str) -> None:
    assert "mal formée" in held(decided(wanted(address=address)), "bad-address")


def test_the_table_may_still_ask_for_paper() -> None:
    lines = [line(delivery="paper")]
    assert decided(wanted(id="D001", address=BOX), lines=lines).paper
    added = wanted(id="D001", address=BOX, role=RecipientRole.ADDED)
    assert route(decided(added, lines=lines)).address == BOX


# ---------------------------------------------------------------------------------- local table


def test_a_code_leads_to_its_address_format_and_channel() -> None:
    lines = [line(address=BOX.upper(), label="Dr DURAND", format="hprim-medecins", channel="smime")]
    found = route(decided(wanted(id="D001"), lines=lines, certificates={BOX: "cd" * 32}))
    assert (found.address, found.label, found.format, found.channel) == (BOX, "Dr DURAND", "hprim-medecins", "smime")
    assert (found.envelope, found.certificate) == (Envelope.SMIME, "cd" * 32)


def test_a_code_leads_to_an_rpps_and_that_to_a_box() -> None:
    found = route(decided(wanted(id="D001"), per(BOX), lines=[line(id_type=IdType.RPPS, identifier=RPPS)]))
    assert (found.address, found.id, found.id_type) == (BOX, RPPS, IdType.RPPS)


def test_a_code_leads_to_a_structure() -> None:
    lines = [line(id_type=IdType.FINESS, identifier=FINESS)]
    assert route(decided(wanted(id="D001"), org(BOX), lines=lines)).address == BOX


def test_the_table_speaks_for_a_national_number_too() -> None:
    lines = [line(code=RPPS, address=f"secretariat@{IN}", format="hprim-medecins")]
    assert route(decided(doctor(), per(BOX), lines=lines)).address == f"secretariat@{IN}"


@pytest.mark.parametrize(("delivery", "part"), [("paper", "demande le papier"), ("none", "ne rien envoyer")])
def test_paper_and_none(delivery: str, part: str) -> None:
    decision = decided(wanted(id="D001"), lines=[line(delivery=delivery)])
    assert decision.paper
    assert decision.route is None
    assert decision.hold is None
    assert part in decision.trace[-1].text


def test_an_unknown_code_says_what_to_add_where() -> None:
    reason = held(decided(wanted(id="D001", label="Dr DURAND Paul")), "unknown-recipient")
    assert "Ajouter le code « D001 » à la table des destinataires" in reason


@pytest.mark.parametrize(
    ("start", "end", "valid"),
    [
        (None, None, True),
        (date(2026, 11, 21), None, True),
        (None, date(2026, 11, 21), True),
        (date(2026, 11, 22), None, False),
        (None, date(2026, 11, 20), False),
    ],
)
def test_dates_of_a_line_include_both_days(start: date | None, end: date | None, valid: bool) -> None:
    decision = decided(wanted(id="D001"), lines=[line(address=BOX, valid_from=start, valid_to=end)])
    if valid:
        assert route(decision).address == BOX
    else:
        assert "ligne 7" in held(decision, "unknown-recipient")


def test_only_the_line_of_the_day_counts() -> None:
    lines = [line(address=f"avant@{IN}", valid_to=date(2026, 11, 20)), line(address=BOX, valid_from=date(2026, 11, 21))]
    assert route(decided(wanted(id="D001"), lines=lines)).address == BOX


def test_the_very_source_comes_before_all_sources() -> None:
    lines = [line(address=f"tous@{IN}"), line(address=BOX, source="lis")]
    assert route(decided(wanted(id="D001"), lines=lines)).address == BOX
    assert route(decided(wanted(id="D001"), lines=lines, source="autre")).address == f"tous@{IN}"


def test_several_lines_wait_with_their_addresses() -> None:
    lines = [line(address=BOX, line=3), line(address=f"autre@{IN}", line=9)]
    decision = decided(wanted(id="D001"), lines=lines)
    assert "lignes 3, 9" in held(decision, "ambiguous-recipient")
    assert decision.hold is not None
    assert {entry.address for entry in decision.hold.candidates} == {BOX, f"autre@{IN}"}


def test_the_same_line_twice_is_one() -> None:
    assert (
        route(decided(wanted(id="D001"), lines=[line(address=BOX, line=3), line(address=BOX, line=9)])).address == BOX
    )


def test_an_unknown_channel_waits() -> None:
    assert "« fax »" in held(decided(wanted(id="D001"), lines=[line(address=BOX, channel="fax")]), "unknown-channel")


# ---------------------------------------------------------------------------------- national identifiers


def test_an_rpps_leads_to_its_box() -> None:
    found = route(decided(doctor(), per(BOX)))
    assert (found.address, found.label, found.id, found.channel) == (BOX, "DURAND Paul", RPPS, "mss")
    assert (found.envelope, found.format, found.certificate) == (Envelope.MUTUAL_TLS, "cda", "")


def test_the_national_form_is_understood() -> None:
    assert route(decided(doctor(id=f"8{RPPS}"), per(BOX))).id == RPPS


def test_an_adeli_leads_to_its_box() -> None:
    who = doctor(id="990010001", id_type=IdType.ADELI)
    assert route(decided(who, per(BOX, "990010001", id_type=IdType.ADELI))).address == BOX


def test_a_code_that_is_an_rpps_counts_when_a_name_can_confirm_it() -> None:
    assert route(decided(doctor(id_type=IdType.LOCAL), per(BOX))).id_type is IdType.RPPS
    held(decided(wanted(id=RPPS, label="x"), per(BOX)), "unknown-recipient")
    held(decided(doctor(id_type=IdType.LOCAL, family="MARTIN"), per(BOX)), "name-disagrees")
    held(decided(doctor(id="99700000014", id_type=IdType.LOCAL), per(BOX, "99700000014")), "unknown-recipient")


def test_an_unknown_rpps_waits_and_shows_namesakes() -> None:
    decision = decided(doctor(id=OTHER_RPPS), per(BOX))
    assert f"RPPS {OTHER_RPPS}" in held(decision, "unknown-recipient")
    assert decision.hold is not None
    assert [entry.address for entry in decision.hold.candidates] == [BOX]


def test_without_a_directory_the_reason_says_so() -> None:
    assert "Importer l'extraction" in held(decided(doctor(), known=False), "unknown-recipient")


A, B = f"a@{IN}", f"b@{IN}"


@pytest.mark.parametrize(
    ("boxes", "organisation", "prefer", "expected"),
    [
        ([per(A), per(A, structure_id=FINESS)], "", "PER", A),
        ([per(A), per(B)], "", "PER", None),
        ([per(A, structure_id=FINESS), per(B, structure_id=OTHER_FINESS)], OTHER_FINESS, "PER", B),
        ([per(A, structure_id=FINESS), per(B, structure_id=OTHER_FINESS)], f"1{OTHER_FINESS}", "PER", B),
        ([per(A, structure_id=FINESS), per(B, structure_id=OTHER_FINESS)], SIRET, "PER", None),
        ([per(A, structure_id=FINESS, rank=1), per(B, structure_id=OTHER_FINESS, rank=2)], OTHER_FINESS, "PER", B),
        ([per(A, rank=2), per(B, rank=1)], "", "PER", B),
        ([per(A), per(B, rank=3)], "", "PER", B),
        ([per(A, rank=1), per(B, rank=1)], "", "PER", None),
        ([per(A), per(B, box_type="ORG")], "", "PER", A),
        ([per(A), per(B, box_type="ORG")], "", "ORG", B),
        ([per(A, box_type="CAB"), per(B, box_type="ORG")], "", "PER", A),
        ([per(A, box_type="CAB"), per(B)], "", "PER", B),
        ([per(A, rank=2), per(B, rank=1, box_type="ORG")], "", "PER", B),
        ([per(A), org(B, FINESS)], FINESS, "PER", A),
        ([per(A, structure_id=FINESS), org(B, FINESS)], FINESS, "ORG", B),
        ([per(A), org(B, FINESS)], FINESS, "ORG", A),
        ([per(A, structure_id=FINESS), org(B, FINESS), org(f"c@{IN}", FINESS)], FINESS, "ORG", None),
        ([per(A, paperless=False), per(B)], "", "PER", B),
        ([per(A, box_type="APP"), per(B)], "", "PER", B),
    ],
)  # fmt: skip
def test_of_several_boxes(boxes: list[Entry], organisation: str, prefer: str, expected: str | None) -> None:
    for given in (boxes, boxes[::-1]):
        decision = decided(doctor(organisation_id=organisation), *given, policy=replace(POLICY, prefer=prefer))
        if expected:
            assert route(decision).address == expected
        else:
            reason = held(decision, "ambiguous-recipient")
            assert "boîtes conviennent également" in reason
            assert decision.hold is not None
            assert len(decision.hold.candidates) >= 2


def test_a_structure_no_directory_knows_a_person_at_is_not_written_to_for_him() -> None:
    """The structure's number in the file is all there is, and one digit may be wrong."""
    ours = replace(POLICY, prefer="ORG")
    for known in ([], [per("", source="people")]):
        reason = held(decided(doctor(organisation_id=FINESS), org(B), *known, policy=ours), "moved-away")
        assert "aucun annuaire ne dit que cette personne y exerce" in reason
    there = per("", structure_id=FINESS, source="people")
    assert route(decided(doctor(organisation_id=FINESS), org(B), there, policy=ours)).address == B


@pytest.mark.parametrize("who", [doctor(family="", given="", label=""), wanted(id="D077", id_type=IdType.LOCAL)])
def test_without_a_name_one_number_of_two_people_is_nobodys(who: Wanted) -> None:
    line = LocalEntry(code="D077", id_type=IdType.RPPS, identifier=RPPS)
    other = per("", family="BERNARD", given="Luc", source="people")
    reason = held(decided(who, per(A), other, lines=[line]), "sources-disagree")
    assert "BERNARD Luc" in reason and "DURAND Paul" in reason
    married = per("", family="DURAND-BERNARD", given="Paul", source="people")
    assert route(decided(who, per(A), married, lines=[line])).address == A


def test_a_person_without_box_is_not_replaced_by_the_structure() -> None:
    held(decided(doctor(organisation_id=FINESS), org(A)), "unknown-recipient")


def test_an_application_box_comes_from_the_table_only() -> None:
    app = per(BOX, box_type="APP")
    held(decided(doctor(), app), "unknown-recipient")
    assert route(decided(wanted(id="D001"), app, lines=[line(address=BOX)])).address == BOX


@pytest.mark.parametrize(("kind", "identifier"), [(IdType.FINESS, FINESS), (IdType.SIRET, SIRET)])
def test_a_structure_leads_to_its_one_organisation_box(kind: IdType, identifier: str) -> None:
    who = wanted(id=identifier, id_type=kind, label="EHPAD LES TILLEULS")
    assert route(decided(who, org(A, identifier), per(B, structure_id=identifier))).address == A
    both = decided(who, org(A, identifier), org(B, identifier))
    held(both, "ambiguous-recipient")
    assert "boîte d'organisation" in held(decided(who, per(B, structure_id=identifier)), "unknown-recipient")


# ---------------------------------------------------------------------------------- names


def test_a_name_alone_is_never_chosen_even_when_it_is_the_only_one() -> None:
    decision = decided(wanted(family="DURAND", given="Paul", label="Dr DURAND Paul"), per(BOX))
    assert "à confirmer" in held(decision, "unknown-recipient")
    assert decision.hold is not None
    assert [entry.address for entry in decision.hold.candidates] == [BOX]


def test_homonyms_wait_and_are_counted() -> None:
    twins = [per(A), per(f"a2@{IN}"), per(B, OTHER_RPPS), per(f"c@{IN}", "99700000039", given="Sophie")]
    decision = decided(wanted(family="DURAND", given="Paul", label="Dr DURAND Paul"), *twins)
    assert "2 personnes de l'annuaire portent ce nom" in held(decision, "ambiguous-recipient")
    assert decision.hold is not None
    assert {entry.identifier for entry in decision.hold.candidates} == {RPPS, OTHER_RPPS}
    by_label = decided(wanted(label="Docteur Paul Durand"), *twins)
    assert "2 personnes" in held(by_label, "ambiguous-recipient")


def test_nobody_named_at_all_waits() -> None:
    assert "ne nomme aucun destinataire" in held(decided(wanted()), "unknown-recipient")


def test_a_number_that_is_someone_elses_stops_the_mail() -> None:
    decision = decided(doctor(family="PETIT", given="Sophie", label="Dr PETIT Sophie"), per(BOX))
    reason = held(decision, "name-disagrees")
    assert "« Dr PETIT Sophie »" in reason
    assert "DURAND Paul" in reason


def test_a_code_that_leads_to_someone_else_stops_the_mail() -> None:
    who = wanted(id="D001", family="PETIT", given="Sophie")
    held(decided(who, per(BOX), lines=[line(id_type=IdType.RPPS, identifier=RPPS)]), "name-disagrees")
    held(decided(who, per(BOX), lines=[line(address=BOX)]), "name-disagrees")
    assert route(decided(who, per(BOX), lines=[line(address=BOX, label="Mme PETIT Sophie")])).address == BOX


def test_an_address_of_someone_else_stops_the_mail() -> None:
    held(decided(wanted(family="PETIT", given="Sophie", address=BOX), per(BOX)), "name-disagrees")
    held(decided(doctor(address=BOX), per(BOX, OTHER_RPPS)), "identifier-disagrees")
    assert route(decided(doctor(address=BOX), per(BOX))).address == BOX
    assert route(decided(doctor(address=BOX), org(BOX))).address == BOX


def test_what_a_person_chose_is_not_compared() -> None:
    who = wanted(family="PETIT", given="Sophie")
    found = decided(who, per(BOX), chosen=BOX)
    assert route(found).address == BOX
    assert any("choisie par un opérateur" in step.text for step in found.trace)
    assert route(decided(replace(who, role=RecipientRole.ADDED, address=BOX), per(BOX))).address == BOX
    held(decided(who, per(BOX), chosen=f"x@{OUT}"), "untrusted-domain")


# ---------------------------------------------------------------------------------- paper


def test_a_refusal_of_electronic_mail_is_honoured() -> None:
    no = per(BOX, paperless=False)
    for decision in (
        decided(doctor(), no),
        decided(wanted(address=BOX), no),
        decided(wanted(id="D001"), no, lines=[line(address=BOX)]),
        decided(wanted(id=FINESS, id_type=IdType.FINESS), org(A, paperless=False)),
    ):
        assert decision.paper
        assert "papier" in decision.trace[-1].text
    assert decided(wanted(address=BOX), no, per(BOX, OTHER_RPPS, paperless=None)).paper, "the refusal is the box's"


# ---------------------------------------------------------------------------------- domain


@pytest.mark.parametrize("channel", ["mss", "smime"])
def test_a_domain_off_the_list_gets_nothing(channel: str) -> None:
    out = f"paul@{OUT}"
    policy = replace(POLICY, default_channel=channel)
    for decision in (
        decided(doctor(), per(out), policy=policy, certificates={out: "ab" * 32}),
        decided(wanted(address=out), policy=policy, certificates={out: "ab" * 32}),
        decided(wanted(id="D001"), lines=[line(address=out)], policy=policy, certificates={out: "ab" * 32}),
        decided(wanted(address=f"x@sub.{IN}"), policy=policy),
    ):
        assert "n'est pas dans la liste des domaines autorisés" in held(decision, "untrusted-domain")


def test_without_a_list_nobody_gets_anything() -> None:
    assert "trust import" in held(decided(doctor(), per(BOX), list_days=None, allowed=()), "untrusted-domain")


def test_a_list_too_old_holds() -> None:
    assert "31 jours, 30 au plus" in held(decided(doctor(), per(BOX), list_days=31.2), "stale-domain-list")
    assert route(decided(doctor(), per(BOX), list_days=29.9))


def test_patients_get_no_mail_though_their_domain_is_listed() -> None:
    box = "279035121518989@patient.mssante.fr"
    for decision in (
        decided(wanted(address=box), allowed=["patient.mssante.fr"]),
        decided(wanted(id="D001"), lines=[line(address=box)], allowed=["patient.mssante.fr"]),
        decided(wanted(), chosen=box, allowed=["patient.mssante.fr"]),
    ):
        reason = held(decision, "patient-recipient")
        assert "279035121518989" not in reason


@pytest.mark.parametrize(
    ("address", "domains", "served"),
    [
        ("x@medical12.api.test", (), True),
        ("x@medical07.api.test", (), False),
        ("x@medical07.api.test", ("*.api.test",), True),
        ("x@api.test", ("*.api.test",), False),
        ("x@evilapi.test", ("*.api.test",), False),
        ("x@autre.test", ("autre.test",), True),
        (f"x@{IN}", (), True),
    ],
)
def test_the_proxy_of_the_site_serves_its_own_domains(address: str, domains: tuple[str, ...], served: bool) -> None:
    policy = replace(POLICY, channels={"apicrypt": replace(APICRYPT, domains=domains)}, default_channel="apicrypt")
    decision = decided(wanted(address=address), policy=policy)
    if served:
        found = route(decision)
        assert (found.envelope, found.format) == (Envelope.PROXY, "hprim-medecins")
    else:
        assert "« domains » du canal" in held(decision, "untrusted-domain")


# ---------------------------------------------------------------------------------- protection


@pytest.mark.parametrize(
    ("channel", "certificate", "envelope"),
    [
        (MSS, True, Envelope.SMIME),
        (MSS, False, Envelope.MUTUAL_TLS),
        (replace(MSS, mutual_tls=False), True, Envelope.SMIME),
        (replace(MSS, mutual_tls=False), False, None),
        (replace(MSS, mutual_tls=False, local=True), False, None),
        (SMIME, True, Envelope.SMIME),
        (SMIME, False, None),
        (replace(SMIME, mutual_tls=True, local=True), False, None),
        (APICRYPT, False, Envelope.PROXY),
        (APICRYPT, True, Envelope.SMIME),
        (replace(APICRYPT, local=False), False, None),
        (replace(APICRYPT, local=False, mutual_tls=True), False, None),
    ],
)
def test_protection_or_nothing(channel: ChannelPolicy, certificate: bool, envelope: Envelope | None) -> None:
    policy = Policy(channels={channel.name: channel}, default_channel=channel.name)
    decision = decided(doctor(), per(BOX), policy=policy, certificates={BOX: "ab" * 32} if certificate else {})
    if envelope is None:
        assert "rien ne part en clair" in held(decision, "no-protection")
    else:
        found = route(decision)
        assert (found.envelope, found.certificate) == (envelope, "ab" * 32 if certificate else "")


def test_what_could_not_be_established_is_never_taken_for_no_certificate() -> None:
    """A directory out of reach must not make a mail leave under another protection (docs/adr/0010)."""
    silent = {BOX: CertificateAnswer(unknown=("annuaire LDAP « regional » injoignable",))}
    reason = held(decided(doctor(), per(BOX), said=silent), "certificate-unknown")
    assert "On ne peut pas dire" in reason
    assert "annuaire LDAP « regional » injoignable" in reason
    assert route(decided(doctor(), per(BOX), said=silent, certificates={BOX: "ab" * 32})).envelope is Envelope.SMIME
    willing = replace(POLICY, unknown_certificate="other-way")
    other = decided(doctor(), per(BOX), said=silent, policy=willing)
    assert route(other).envelope is Envelope.MUTUAL_TLS
    assert "injoignable ; autre protection permise par la configuration" in other.trace[-1].text


def test_other_way_is_no_way_where_the_channel_has_none() -> None:
    policy = Policy(channels={"s": replace(SMIME, name="s")}, default_channel="s", unknown_certificate="other-way")
    silent = {BOX: CertificateAnswer(unknown=("annuaire LDAP « regional » injoignable",))}
    assert "rien ne part en clair" in held(decided(doctor(), per(BOX), policy=policy, said=silent), "no-protection")


def test_a_certificate_found_and_unusable_is_told_and_not_called_none() -> None:
    revoked = {BOX: CertificateAnswer(unusable=("bob.pem : révoqué par son autorité le 03/11/2026",))}
    decision = decided(doctor(), per(BOX), said=revoked)
    assert route(decision).envelope is Envelope.MUTUAL_TLS
    assert "mais inutilisable (bob.pem : révoqué" in decision.trace[-1].text
    assert "Pas de certificat" not in decision.trace[-1].text
    strict = Policy(channels={"s": replace(SMIME, name="s")}, default_channel="s")
    reason = held(decided(doctor(), per(BOX), policy=strict, said=revoked), "no-protection")
    assert "révoqué" in reason
    assert "Demander à ce destinataire un certificat utilisable" in reason


# ---------------------------------------------------------------------------------- the whole


def test_every_rule_leaves_its_step_in_order() -> None:
    decision = decided(doctor(), per(BOX))
    assert [step.rule for step in decision.trace] == [rule.name for rule in RULES]
    assert all(step.text.endswith(".") for step in decision.trace)
    assert decision.versions == {"mssante": "2026-11-20", "local": "", "allowed-domains": "2026-11-20 abc"}


def test_facts_never_fetched_can_only_hold() -> None:
    for who in (doctor(), wanted(id="D001"), wanted(address=BOX), wanted(id=FINESS, id_type=IdType.FINESS)):
        assert decide(who, Facts(today=NOW.date()), POLICY).hold is not None


def test_one_mailbox_or_person_gets_one_mail() -> None:
    by_code = decided(wanted(id="D001"), per(BOX), lines=[line(id_type=IdType.RPPS, identifier=RPPS)])
    by_number = decided(doctor(role=RecipientRole.COPY), per(BOX))
    by_address = decided(wanted(address=BOX))
    waiting = decided(wanted(id="ZZZ"))
    elsewhere = decided(wanted(address=f"autre@{IN}"))
    kept = without_doubles([by_code, by_number, waiting, by_address, waiting, elsewhere])
    assert kept == (by_code, waiting, waiting, elsewhere)


def test_two_boxes_the_file_asks_for_by_address_are_two_mails() -> None:
    one, two = decided(doctor(address=A)), decided(doctor(address=B))
    assert without_doubles([one, two]) == (one, two)
    assert without_doubles([one, decided(doctor(), per(B))]) == (one,)


SETTINGS = """
[laboratory]
name = "L"
finess = "990001018"
oid = "1.2.250.1"
biologist = {rpps = "99700000013", family = "A", given = "B"}
[trust]
max_age_days = 12
[routing]
default_channel = "mss"
prefer = "ORG"
[channels.mss]
family = "mssante"
sender = "l@op.test"
host = "smtp.op.test"
client_cert = "c.pem"
client_key = "c.key"
[channels.login]
family = "mssante"
sender = "l@op.test"
host = "smtp.op.test"
[channels.proxy]
family = "apicrypt"
sender = "l@medical1.api.test"
host = "127.0.0.1"
tls = "none"
domains = ["*.API.test"]
[channels.folder]
family = "apicrypt"
sender = "l@medical1.api.test"
transport = "folder"
folder = "out"
"""


def test_the_policy_comes_from_the_settings() -> None:
    from pathlib import Path

    policy = Policy.of(parse(SETTINGS, Path("/nowhere")))
    assert (policy.default_channel, policy.prefer, policy.list_max_age_days) == ("mss", "ORG", 12)
    said = {name: (c.mutual_tls, c.local, c.default_format, c.domains) for name, c in policy.channels.items()}
    assert said == {
        "mss": (True, False, "cda", ()),
        "login": (False, False, "cda", ()),
        "proxy": (False, True, "hprim-medecins", ("*.api.test",)),
        "folder": (False, True, "hprim-medecins", ()),
    }
