"""The list of allowed domains: accepted only when everything about it is in order, and told apart why not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from dispatcher.directory.certificates.chain import anchors
from dispatcher.directory.trust import kept as keeping
from dispatcher.directory.trust.allowed_domains import AllowedDomainList, Trust, verify
from dispatcher.directory.trust.kept import import_list, load_list
from dispatcher.errors import TrustError
from dispatcher.resources import sample
from dispatcher.sealing import authority
from dispatcher.sealing.authority import Authority, Names
from tests.pki import pki
from tests.unit.directory.list_builder import (
    DOMAINS,
    GENERATED,
    NOW,
    Kept,
    good,
    trust,
    unsigned,
    with_carriage_returns,
)
from tests.unit.directory.list_builder import sign as signed
from tests.unit.directory.list_builder import text as as_file


def test_accepts_a_list_signed_as_the_trust_space_does() -> None:
    verdict = verify(good(), trust(), now=NOW)
    assert verdict.reasons == ()
    assert (verdict.digest, verdict.signature, verdict.chain, verdict.accepted) == (True, True, True, True)
    assert verdict.generated == GENERATED
    assert verdict.domains == 3
    assert "CN=alb.mssante.fr" in verdict.signer
    assert verdict.notes == ("La révocation n'a pas été vérifiée : aucune liste (CRL) n'est donnée.",)


def test_prints_the_contract_of_trust_verify() -> None:
    printed = verify(good(), trust(), now=NOW).as_json()
    assert list(printed) == ["digest", "signature", "chain", "signer", "generated", "domains", "accepted", "reasons"]
    assert printed["generated"] == "2026-11-20T05:00:00Z"
    assert printed["domains"] == 3
    assert printed["reasons"] == []


def test_accepts_carriage_returns_in_the_base64_lines() -> None:
    assert verify(with_carriage_returns(good()), trust(), now=NOW).accepted


def test_accepts_a_list_of_real_size() -> None:
    many = [f"domaine{number}.mssante.test" for number in range(9_000)]
    verdict = verify(good(many), trust(), now=NOW)
    assert verdict.accepted
    assert verdict.domains == 9_000


def test_a_domain_listed_once_per_operator_certificate_counts_once() -> None:
    verdict = verify(good([*DOMAINS, *DOMAINS, " SANDBOX.mssante.test. "]), trust(), now=NOW)
    assert verdict.accepted
    assert (verdict.rows, verdict.domains) == (7, 3)


def test_membership_is_on_whole_domains_in_idna_lower_case() -> None:
    allowed = AllowedDomainList(good([*DOMAINS, "Clinique-Étoile.mssante.test"]), trust(), now=NOW)
    assert allowed.allows("SANDBOX.mssante.test")
    assert allowed.allows("mssante.apicrypt.test")
    assert allowed.allows("clinique-étoile.mssante.test")
    assert allowed.allows("xn--clinique-toile-jkb.mssante.test")
    for other in (
        "evil.sandbox.mssante.test",
        "xsandbox.mssante.test",
        "mssante.test",
        "sandbox.mssante.test.evil.test",
        "clinique-etoile.mssante.test",
        "",
        "test",
        "sandbox.mssante.test\n.evil.test",
    ):
        assert not allowed.allows(other), other


def test_no_list_lets_nobody_in() -> None:
    empty = AllowedDomainList.none()
    assert empty.version == ""
    assert empty.generated is None
    assert not empty.allows("sandbox.mssante.test")


def expired_signer(end: datetime) -> authority.Credential:
    names = Names(addresses=("alb@mssante.fr",))
    return pki().authority.issue("alb.mssante.fr", authority.SIGNER, names, not_after=end)


def test_an_expired_signer_is_told_apart_from_an_unknown_one() -> None:
    content = good(signer=expired_signer(GENERATED + timedelta(hours=1)))
    verdict = verify(content, trust(), now=NOW)
    assert (verdict.digest, verdict.signature, verdict.chain, verdict.accepted) == (True, True, False, False)
    (reason,) = verdict.reasons
    assert "a expiré le 20/11/2026" in reason
    assert "il était valable quand la liste a été faite" in reason


def test_a_list_made_after_its_signer_expired_is_refused() -> None:
    verdict = verify(good(signer=expired_signer(GENERATED - timedelta(days=1))), trust(), now=NOW)
    assert not verdict.accepted
    assert verdict.chain is False
    assert "avait déjà expiré" in verdict.reasons[0]


def test_another_signer_of_the_same_authority_is_refused() -> None:
    content = good(signer=pki().authority.list_signer("pas-alb.mssante.fr"))
    verdict = verify(content, trust(), now=NOW)
    assert (verdict.digest, verdict.signature, verdict.chain, verdict.accepted) == (True, True, True, False)
    assert "« pas-alb.mssante.fr », et non par « alb.mssante.fr »" in verdict.reasons[0]


def test_the_right_name_under_a_root_nobody_pinned_is_refused() -> None:
    stranger = Authority.create(datetime(2025, 1, 1, tzinfo=UTC), name="ETRANGERE")
    verdict = verify(good(signer=stranger.list_signer()), trust(), now=NOW)
    assert (verdict.digest, verdict.signature, verdict.chain, verdict.accepted) == (True, True, False, False)
    assert "n'est pas épinglée" in verdict.reasons[0]


def test_a_stranger_with_the_same_authority_name_is_refused() -> None:
    twin = Authority.create(datetime(2025, 1, 1, tzinfo=UTC), timedelta(days=3652))
    assert twin.root.certificate.subject == pki().authority.root.certificate.subject
    verdict = verify(good(signer=twin.list_signer()), trust(), now=NOW)
    assert verdict.chain is False
    assert not verdict.accepted


def test_a_pinned_intermediate_is_no_anchor() -> None:
    only = anchors((pki().authority.intermediate.certificate,))
    verdict = verify(good(), trust(pinned=only), now=NOW)
    assert verdict.chain is None
    assert not verdict.accepted


def test_a_root_alone_does_not_reach_a_signer_under_an_intermediate() -> None:
    verdict = verify(good(), trust(pinned=anchors((pki().authority.root.certificate,))), now=NOW)
    assert verdict.chain is False
    assert not verdict.accepted


@pytest.mark.parametrize(
    ("usage", "part"),
    [
        (authority.CLIENT, "emailProtection"),
        (authority.RECIPIENT, "droit de signer"),
        (replace(authority.SIGNER, extended=()), "emailProtection"),
    ],
)
def test_a_certificate_for_another_purpose_is_refused(usage: authority.Usage, part: str) -> None:
    signer = pki().authority.issue("alb.mssante.fr", usage, Names(addresses=("alb@mssante.fr",)))
    verdict = verify(good(signer=signer), trust(), now=NOW)
    assert not verdict.accepted
    assert any(part in reason for reason in verdict.reasons)


def crl(at: datetime, *revoked: authority.Credential, of: Authority | None = None) -> x509.CertificateRevocationList:
    return x509.load_pem_x509_crl((of or pki().authority).crl(at, revoked))


def test_revocation_outcomes_are_told_apart() -> None:
    content = good()
    day = timedelta(days=1)
    current = verify(content, trust(crls=(crl(NOW - day),)), now=NOW)
    assert current.accepted
    assert current.notes == ()
    revoked = verify(content, trust(crls=(crl(NOW - day, pki().alb),)), now=NOW)
    assert (revoked.chain, revoked.accepted) == (False, False)
    assert revoked.reasons == ("Le certificat du signataire est révoqué.",)
    stale = verify(content, trust(crls=(crl(NOW - 30 * day),)), now=NOW)
    assert not stale.accepted
    assert "n'est plus à jour" in stale.reasons[0]
    other = Authority.create(datetime(2025, 1, 1, tzinfo=UTC), name="AUTRE")
    foreign = verify(content, trust(crls=(crl(NOW - day, of=other),)), now=NOW)
    assert not foreign.accepted
    assert "ne vient de l'autorité" in foreign.reasons[0]
    twin = Authority.create(datetime(2025, 1, 1, tzinfo=UTC), timedelta(days=3652))
    forged = verify(content, trust(crls=(crl(NOW - day, of=twin),)), now=NOW)
    assert not forged.accepted
    assert "ne porte pas la signature" in forged.reasons[0]


def test_an_old_list_that_still_says_revoked_counts() -> None:
    lists = (crl(NOW - timedelta(days=30), pki().alb), crl(NOW - timedelta(days=1)))
    assert not verify(good(), trust(crls=lists), now=NOW).accepted


def test_a_revoked_intermediate_is_refused() -> None:
    mine = pki().authority
    of_root = x509.load_pem_x509_crl(mine.crl(NOW, (mine.intermediate,), of_root=True))
    verdict = verify(good(), trust(crls=(crl(NOW), of_root)), now=NOW)
    assert not verdict.accepted
    assert "autorité au-dessus" in verdict.reasons[0]


def test_a_list_from_the_future_is_refused() -> None:
    verdict = verify(good(generated=NOW + timedelta(days=2)), trust(), now=NOW)
    assert not verdict.accepted
    assert "dans l'avenir" in verdict.reasons[0]


def test_import_keeps_accepted_versions_and_never_goes_back() -> None:
    kept = Kept()
    first = good()
    assert import_list(first, trust(), kept, now=NOW).accepted
    assert import_list(first, trust(), kept, now=NOW).accepted
    assert len(kept.rows) == 1
    newer = good(["autre.mssante.test"], GENERATED + timedelta(hours=3))
    assert import_list(newer, trust(), kept, now=NOW).accepted
    older = import_list(first, trust(), kept, now=NOW)
    assert not older.accepted
    assert "plus ancienne" in older.reasons[0]
    assert len(kept.rows) == 2
    in_force = load_list(trust(), kept, now=NOW)
    assert in_force.allows("autre.mssante.test")
    assert not in_force.allows(DOMAINS[0])
    assert in_force.version.startswith("2026-11-20T08:00:00Z ")


def test_loading_verifies_again() -> None:
    kept = Kept()
    assert load_list(trust(), kept, now=NOW).version == ""
    kept.put(keeping.KIND, "2026-11-20T05:00:00Z x", good().replace(b"sandbox", b"mallory"), NOW)
    with pytest.raises(TrustError) as caught:
        load_list(trust(), kept, now=NOW)
    assert caught.value.reasons


def test_a_list_once_accepted_outlives_its_signer() -> None:
    kept = Kept()
    content = good(signer=expired_signer(NOW + timedelta(days=5)))
    assert import_list(content, trust(), kept, now=NOW).accepted
    later = NOW + timedelta(days=10)
    assert load_list(trust(), kept, now=later).allows(DOMAINS[0])
    assert not verify(content, trust(), now=later).accepted


def test_trust_files_may_be_pem_der_or_p7b(tmp_path: Path) -> None:
    mine = pki().authority
    (tmp_path / "roots.pem").write_bytes(mine.trust_pem())
    der = mine.root.certificate.public_bytes(serialization.Encoding.DER)
    (tmp_path / "root.cer").write_bytes(der)
    chain = [mine.root.certificate, mine.intermediate.certificate]
    from cryptography.hazmat.primitives.serialization import pkcs7

    (tmp_path / "chain.p7b").write_bytes(pkcs7.serialize_certificates(chain, serialization.Encoding.DER))
    (tmp_path / "list.crl").write_bytes(mine.crl(NOW - timedelta(days=1)))
    for name in ("roots.pem", "chain.p7b"):
        assert verify(good(), Trust.of(tmp_path / name, "alb.mssante.fr"), now=NOW).accepted, name
    assert len(Trust.of(tmp_path / "root.cer", "x").pinned.roots) == 1
    with_crl = Trust.of(tmp_path / "roots.pem", "alb.mssante.fr", tmp_path / "list.crl")
    assert verify(good(), with_crl, now=NOW).notes == ()


@pytest.mark.parametrize(
    "content", [None, b"", b"bonjour", b"-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----"]
)
def test_unusable_trust_files_are_told(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "roots.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TrustError) as caught:
        Trust.of(path, "alb.mssante.fr")
    assert "trust.roots" in str(caught.value)


def test_a_file_with_an_intermediate_only_is_told(tmp_path: Path) -> None:
    (tmp_path / "int.pem").write_bytes(pki().authority.intermediate.certificate_pem())
    with pytest.raises(TrustError, match="auto-signé"):
        Trust.of(tmp_path / "int.pem", "alb.mssante.fr")


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ("no-date", "DateDeGeneration"),
        ("no-domains", "aucun domaine"),
        ("two-lists", "2 élément(s) ListeDomaines"),
    ],
)
def test_a_well_signed_list_must_still_be_a_list(change: str, part: str) -> None:
    root = unsigned([] if change == "no-domains" else DOMAINS)
    if change == "no-date":
        root.remove(root[0])
    if change == "two-lists":
        root.append(unsigned(["evil.test"])[1])
    verdict = verify(as_file(signed(root)), trust(), now=NOW)
    assert (verdict.digest, verdict.signature) == (True, True)
    assert not verdict.accepted
    assert any(part in reason for reason in verdict.reasons)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("liste_bonne", (True, True, True, True)),
        ("liste_coupee_13_lignes", (False, True, True, False)),
        ("liste_sans_espace_de_noms", (None, None, None, False)),
        ("liste_tronquee_sans_signature", (None, None, None, False)),
        ("liste_autre_autorite", (True, True, False, False)),
        ("liste_autre_signataire", (True, True, True, False)),
        ("liste_signataire_expire", (True, True, False, False)),
    ],
)
def test_the_shipped_samples_are_judged_as_they_say(name: str, expected: tuple[bool | None, ...]) -> None:
    roots = anchors(x509.load_pem_x509_certificates(sample("trust", "racines.pem").read_bytes()))
    content = sample("trust", f"{name}.xml").read_bytes()
    verdict = verify(content, Trust(pinned=roots, signer_cn="alb.mssante.fr"), now=NOW)
    assert (verdict.digest, verdict.signature, verdict.chain, verdict.accepted) == expected


def test_a_list_in_force_outlives_its_revocation_list_but_not_a_revocation() -> None:
    """Revocation lists are renewed every day: one younger than the list in force, or too old by now, stops nothing."""
    kept = Kept()
    assert import_list(good(), trust(), kept, now=NOW).accepted
    for at in (GENERATED + timedelta(hours=3), GENERATED - timedelta(days=30)):
        assert load_list(trust(crls=(crl(at),)), kept, now=NOW).allows(DOMAINS[0]), at
    with pytest.raises(TrustError, match="révoqué"):
        load_list(trust(crls=(crl(GENERATED + timedelta(hours=3), pki().alb),)), kept, now=NOW)


def test_of_two_lists_of_one_date_the_one_in_force_stays() -> None:
    kept = Kept()
    assert import_list(good(), trust(), kept, now=NOW).accepted
    other = import_list(good(["autre.mssante.test"]), trust(), kept, now=NOW)
    assert (other.digest, other.signature, other.chain, other.accepted) == (True, True, True, False)
    assert other.reasons == (
        "Une autre liste de la même date (20/11/2026 à 06:00) est en service avec un autre contenu : impossible de "
        "dire laquelle est la bonne. Attendre la suivante, ou demander à l'ANS.",
    )
    assert other.names == frozenset()
    same = import_list(with_carriage_returns(good()), trust(), kept, now=NOW)
    assert same.accepted
    assert same.notes[-1] == "La liste en service porte la même date et dit la même chose."
    assert len(kept.rows) == 1
    assert load_list(trust(), kept, now=NOW).allows(DOMAINS[0])


def test_a_list_older_by_part_of_a_second_replaces_nothing() -> None:
    def at(fraction: str) -> bytes:
        root = unsigned([f"d{fraction}.mssante.test"])
        root[0].text = f"2026-11-20T05:00:00.{fraction}Z"
        return as_file(signed(root))

    kept = Kept()
    assert import_list(at("7"), trust(), kept, now=NOW).accepted
    assert not import_list(at("2"), trust(), kept, now=NOW).accepted
    assert load_list(trust(), kept, now=NOW).allows("d7.mssante.test")
