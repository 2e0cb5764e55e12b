"""LDAP certificates in a whole installation: what leaves, what waits, what the trace, ``check`` and the command say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from typer.testing import CliRunner, Result

from dispatcher.cli.main import app
from dispatcher.daemon import steps
from dispatcher.directory.syncing import state as sync_state
from dispatcher.directory.syncing.configured import syncs
from dispatcher.directory.syncing.runner import look
from dispatcher.errors import ConfigError
from dispatcher.report.model import IdType
from dispatcher.routing.route import Decision, Envelope, RecipientRole, Wanted
from dispatcher.sealing import authority
from dispatcher.service.make import route_one
from dispatcher.settings import load
from dispatcher.wiring import build
from tests.integration.laboratory import Installation, install
from tests.pki import pki
from tests.servers.openldap import BASE, OpenLdap, openldap, person

GOOD, REVOKED, ENDING, NOBODY, CUT = (f"{name}@dest.test" for name in ("bon", "revoque", "finit", "personne", "coupe"))

CHANNEL = """
[channels.mss]
family = "mssante"
sender = "resultats@labo.test"
host = "127.0.0.1"
port = 1
client_cert = "labo.pem"
client_key = "labo.key"
"""

DIRECTORY = """
[directory]
issuers = "ca.pem"

[directory.revocation]
policy = "{policy}"
lists = ["ca.crl"]

[directory.ldap.centre]
url = "{url}"
ca_file = "ca.pem"
base = "{base}"
use = ["certificates"]
timeout_seconds = 2
attributes.address = "mail"
"""


class Site:
    """An installation beside a directory."""

    def __init__(self, folder: Path, server: OpenLdap, installation: Installation, members: dict[str, Any]) -> None:
        self.folder, self.server, self.installation, self.members = folder, server, installation, members

    def configure(self, *, policy: str = "require", unknown: str = "hold") -> None:
        text = self.plain + DIRECTORY.format(policy=policy, url=self.server.url, base=BASE)
        self.installation.config.write_text(f'{text}\n[routing]\nunknown_certificate = "{unknown}"\n', encoding="utf-8")

    plain = ""

    def decide(self, address: str) -> Decision:
        office = build(load(self.installation.config))
        try:
            return route_one(
                office.desk, "lis", Wanted(role=RecipientRole.ADDED, id_type=IdType.LOCAL, address=address)
            )
        finally:
            office.close()

    def dispatcher(self, *words: str) -> Result:
        return CliRunner().invoke(app, ["--config", str(self.installation.config), *words])


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    now = datetime.now(UTC)
    members = {
        GOOD: pki().issue_mail(GOOD, authority.RECIPIENT),
        REVOKED: pki().issue_mail(REVOKED, authority.RECIPIENT),
        ENDING: pki().issue_mail(ENDING, authority.RECIPIENT, not_after=now + timedelta(days=9)),
    }
    people = [
        person(f"p{n}", "X", mail=[address], certificates=[one.certificate.public_bytes(serialization.Encoding.DER)])
        for n, (address, one) in enumerate(members.items())
    ]
    installation = install(tmp_path, pki(), channel=CHANNEL, local="")
    installation.office.close()
    lists = pki().authority.crl(now - timedelta(hours=1), (members[REVOKED],))
    lists += pki().authority.crl(now - timedelta(hours=1), of_root=True)
    (tmp_path / "ca.crl").write_bytes(lists)
    with openldap(pki(), people) as server:
        made = Site(tmp_path, server, installation, members)
        made.plain = installation.config.read_text(encoding="utf-8")
        made.configure()
        yield made


def told(decision: Decision) -> str:
    return decision.trace[-1].text


def test_what_leaves_and_what_the_trace_says(site: Site) -> None:
    good = site.decide(GOOD)
    assert good.route is not None
    assert (good.route.envelope, good.route.certificate) == (Envelope.SMIME, site.members[GOOD].fingerprint)
    revoked = site.decide(REVOKED)
    assert revoked.route is not None
    assert revoked.route.envelope is Envelope.MUTUAL_TLS
    assert "mais inutilisable" in told(revoked)
    assert "révoqué par son autorité" in told(revoked)
    assert "n'a pas pu être établi" not in told(revoked)
    nobody = site.decide(NOBODY)
    assert told(nobody).startswith(f"Pas de certificat pour {NOBODY}")


def test_a_directory_that_is_out_of_reach_downgrades_nothing(site: Site) -> None:
    assert site.decide(GOOD).route is not None
    site.server.stop()
    kept = site.decide(GOOD)
    assert kept.route is not None
    assert kept.route.envelope is Envelope.SMIME
    held = site.decide(CUT)
    assert held.hold is not None
    assert held.hold.code == "certificate-unknown"
    assert "injoignable (connexion refusée)" in held.hold.reason
    site.configure(unknown="other-way")
    other = site.decide(CUT)
    assert other.route is not None
    assert other.route.envelope is Envelope.MUTUAL_TLS
    assert "injoignable" in told(other)
    assert "autre protection permise par la configuration" in told(other)


def test_revocation_that_cannot_be_established_holds_or_is_told(site: Site) -> None:
    (site.folder / "ca.crl").write_bytes(
        pki().authority.crl(datetime.now(UTC) - timedelta(days=30))
        + pki().authority.crl(datetime.now(UTC), of_root=True)
    )
    held = site.decide(GOOD)
    assert held.hold is not None
    assert held.hold.code == "certificate-unknown"
    assert "sa révocation n'a pas pu être établie" in held.hold.reason
    assert "n'est plus à jour" in held.hold.reason
    assert "révoqué" not in held.hold.reason
    site.configure(policy="soft")
    soft = site.decide(GOOD)
    assert soft.route is not None
    assert soft.route.envelope is Envelope.SMIME
    assert "n'a pas pu être établie" in told(soft)


def test_the_command_shows_what_is_where(site: Site) -> None:
    done = site.dispatcher("directory", "certificates", GOOD, "--json")
    assert done.exit_code == 0, done.stderr
    seen = json.loads(done.stdout)
    assert (seen["answer"], seen["chosen"]) == ("usable", site.members[GOOD].fingerprint)
    assert [source["name"] for source in seen["sources"]] == ["folder", "ldap-centre"]
    (one,) = seen["sources"][1]["certificates"]
    assert (one["place"], one["standing"], one["chosen"]) == ("userCertificate", "usable", True)
    for address, answer, word in (
        (REVOKED, "unusable", "révoqué par son autorité"),
        (NOBODY, "none", "n'a de certificat dans aucune source"),
    ):
        assert json.loads(site.dispatcher("directory", "certificates", address, "--json").stdout)["answer"] == answer
        text = site.dispatcher("directory", "certificates", address)
        assert text.exit_code == 1
        assert word in " ".join((text.stdout + text.stderr).split())
    site.server.stop()
    silent = site.dispatcher("directory", "certificates", CUT)
    assert silent.exit_code == 1
    assert "On ne peut pas dire" in silent.stderr
    assert "Traceback" not in silent.stderr
    assert json.loads(site.dispatcher("directory", "certificates", CUT, "--json").stdout)["answer"] == "unknown"


def test_check_warns_of_what_ends_and_of_lists_that_are_out_of_date(site: Site) -> None:
    for address in (GOOD, REVOKED, ENDING):
        site.dispatcher("directory", "certificates", address)  # kept from here on
    found = {one["subject"]: one for one in json.loads(site.dispatcher("check", "--json").stdout)}
    assert found["annuaire ldap-centre"]["severity"] == "info"
    assert "expire dans 8 jours" in found[f"certificat {ENDING}"]["text"]
    assert "révoqué par son autorité" in found[f"certificat {REVOKED}"]["text"]
    crl = str(site.folder / "ca.crl")
    assert found[f"révocation, {crl}"]["severity"] == "info"
    site.server.stop()
    (site.folder / "ca.crl").write_bytes(pki().authority.crl(datetime.now(UTC) - timedelta(days=30)))
    found = {one["subject"]: one for one in json.loads(site.dispatcher("check", "--json").stdout)}
    assert found["annuaire ldap-centre"]["severity"] == "error"
    assert "injoignable" in found["annuaire ldap-centre"]["text"]
    assert found[f"révocation, {crl}"]["severity"] == "error"
    assert "n'est plus à jour" in found[f"révocation, {crl}"]["text"]


def test_ldap_certificates_and_revocation_demand_pinned_authorities(site: Site) -> None:
    text = site.installation.config.read_text(encoding="utf-8").replace('issuers = "ca.pem"', "")
    site.installation.config.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(site.installation.config)
    assert "« issuers »" in caught.value.faults[0]


def test_the_tick_of_the_service_copies_the_directory_and_a_dead_server_alarms(site: Site) -> None:
    text = site.installation.config.read_text(encoding="utf-8").replace(
        '["certificates"]', '["entries", "certificates"]'
    )
    site.installation.config.write_text(text, encoding="utf-8")
    office = build(load(site.installation.config))
    try:
        assert steps.sync_due(office, lambda: False) >= 1
        (entry,) = office.directory.by_address(GOOD)
        assert entry.source == "ldap-centre"
        site.server.stop()
        (centre,) = [one for one in syncs(office.settings, office.clock) if one.name == "ldap-centre"]
        state = sync_state.load(centre.target)
        sync_state.save(centre.target, replace(state, tried_at=datetime.now(UTC) - timedelta(days=2)))
        steps.sync_due(office, lambda: False)
        assert office.directory.by_address(GOOD) == (entry,), "the old data stays"
        assert "injoignable" in look(centre, office.clock.now()).alarm
    finally:
        office.close()
