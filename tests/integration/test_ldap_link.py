"""Our link to a real OpenLDAP: TLS, login, pages, and what is said when it does not work."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dispatcher.directory.ldap.faults import LdapFault
from dispatcher.directory.ldap.link import LdapLink, Record, equals
from dispatcher.sealing.authority import Authority
from dispatcher.settings.ldap import LdapSettings
from tests.pki import LIFETIME, START, pki
from tests.servers.faultproxy import FaultProxy
from tests.servers.openldap import BASE, PASSWORD, READER, OpenLdap, openldap, person
from tests.servers.process import free_port

PEOPLE = 10_000


@pytest.fixture(scope="module")
def server() -> Iterator[OpenLdap]:
    people = [person(f"p{n}", "DURAND", f"Paul{n}", mail=[f"p{n}@sandbox.mssante.test"]) for n in range(PEOPLE)]
    with openldap(pki(), people) as running:
        yield running


@pytest.fixture
def password(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text(PASSWORD + "\n", encoding="utf-8")
    return path


def settings(server: OpenLdap, **changes: Any) -> LdapSettings:
    plain = {"url": server.url, "ca_file": server.folder / "ca.pem", "base": BASE, "attributes": {"address": "mail"}}
    return LdapSettings.model_validate({**plain, **changes})


def found(wanted: LdapSettings, filter_: str = "(objectClass=inetOrgPerson)", **how: Any) -> list[Record]:
    with LdapLink.open("regional", wanted) as link:
        return list(link.search(filter_, ["mail", "sn"], **how))


def fault(wanted: LdapSettings, filter_: str = "(objectClass=inetOrgPerson)", **how: Any) -> LdapFault:
    with pytest.raises(LdapFault) as caught:
        found(wanted, filter_, **how)
    assert str(caught.value).startswith("Annuaire LDAP « regional »")
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("by", ["starttls", "ldaps"])
def test_ten_thousand_entries_come_whole_by_pages(server: OpenLdap, password: Path, by: str) -> None:
    url = server.url if by == "starttls" else server.tls_url
    wanted = settings(server, url=url, bind_dn=READER, password_file=password)
    everybody = found(wanted, page_size=500)
    assert len({record.dn for record in everybody}) == len(everybody) == PEOPLE
    assert everybody[0].get("MAIL")[0].endswith(b"@sandbox.mssante.test")


@pytest.mark.parametrize("page_size", [None, 100, 500])
def test_a_size_limit_is_a_fault_never_a_shorter_directory(server: OpenLdap, page_size: int | None) -> None:
    told = fault(settings(server), page_size=page_size)
    assert told.code == "ldap-limit"
    assert "s'est arrêté à sa limite de taille après 500 entrée(s)" in str(told)


def test_one_is_found_by_address_and_a_hostile_address_finds_nobody(server: OpenLdap) -> None:
    (one,) = found(settings(server), equals("mail", "p7@sandbox.mssante.test"))
    assert one.dn == f"uid=p7,{BASE}"
    assert found(settings(server), equals("mail", "*")) == []
    assert found(settings(server), equals("mail", "x)(objectClass=*")) == []


@pytest.mark.parametrize("by", ["starttls", "ldaps"])
def test_a_server_of_another_authority_is_refused(server: OpenLdap, tmp_path: Path, by: str) -> None:
    other = tmp_path / "other.pem"
    other.write_bytes(Authority.create(START, LIFETIME, "AUTRE").trust_pem())
    url = server.url if by == "starttls" else server.tls_url
    told = fault(settings(server, url=url, ca_file=other))
    assert told.code == "ldap-tls"
    assert "n'est pas signé par une autorité de « ca_file »" in str(told)


def test_a_server_under_another_name_is_refused(server: OpenLdap) -> None:
    told = fault(settings(server, url=f"ldap://127.0.0.2:{server.port}"))
    assert told.code in {"ldap-tls", "ldap-unreachable"}  # it listens on 127.0.0.1 alone
    other_name = pki().authority.server("autre.test")
    with openldap(pki()) as other:
        (other.folder / "server.pem").write_bytes(other_name.chain_pem())
        (other.folder / "server.key").write_bytes(other_name.key_pem())
        other.stop()
        other.start()
        told = fault(settings(other))
    assert told.code == "ldap-tls"
    assert "n'est pas au nom de ce serveur" in str(told)


def test_a_wrong_password_and_a_missing_one_are_told(server: OpenLdap, password: Path) -> None:
    wanted = settings(server, bind_dn=READER, password_file=password)
    password.write_text("faux\n", encoding="utf-8")
    told = fault(wanted)
    assert (told.code, "mot de passe faux" in str(told)) == ("ldap-login", True)
    assert "faux\n" not in str(told)
    password.write_text("\n", encoding="utf-8")
    assert "est vide" in str(fault(wanted)), "an empty password would log in as anybody"
    password.unlink()
    assert "introuvable" in str(fault(wanted))


def test_an_unknown_base_is_told(server: OpenLdap) -> None:
    told = fault(settings(server, base="ou=nulle-part,dc=test"))
    assert told.code == "ldap-base"
    assert "« ou=nulle-part,dc=test »" in str(told)


def test_nobody_listening_is_told(server: OpenLdap) -> None:
    told = fault(settings(server, url=f"ldap://127.0.0.1:{free_port()}"))
    assert told.code == "ldap-unreachable"
    assert "connexion refusée" in str(told)


@pytest.mark.parametrize("by", ["starttls", "ldaps"])
def test_a_server_that_hangs_is_given_up(server: OpenLdap, by: str) -> None:
    server.pause()
    try:
        url = server.url if by == "starttls" else server.tls_url
        told = fault(settings(server, url=url, timeout_seconds=1))
    finally:
        server.resume()
    assert told.code == "ldap-unreachable"
    assert "pas de réponse dans le délai" in str(told)


def test_a_name_nobody_knows_is_told(server: OpenLdap) -> None:
    told = fault(settings(server, url="ldap://nulle-part.invalid", timeout_seconds=3))
    assert told.code == "ldap-unreachable"
    assert "nom de serveur inconnu" in str(told)


def test_what_is_no_ldap_server_is_told(server: OpenLdap) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:

        def answer() -> None:
            for _ in range(2):
                line, _ = door.accept()
                with line:
                    line.recv(100)
                    line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        for scheme in ("ldap", "ldaps"):
            url = f"{scheme}://127.0.0.1:{door.getsockname()[1]}"
            assert fault(settings(server, url=url, timeout_seconds=2)).code in {"ldap-tls", "ldap-unreachable"}


@pytest.mark.parametrize("after", [0, 500, 3_000, 60_000, 400_000])
def test_a_line_cut_in_the_middle_is_a_fault_never_a_shorter_directory(
    server: OpenLdap, password: Path, after: int
) -> None:
    proxy = FaultProxy(("127.0.0.1", server.port))
    proxy.cut_down = after
    wanted = settings(server, url=f"ldap://127.0.0.1:{proxy.port}", bind_dn=READER, password_file=password)
    try:
        assert fault(wanted, page_size=500).code in {"ldap-unreachable", "ldap-tls", "ldap-client-certificate"}
    finally:
        proxy.close()


@pytest.mark.parametrize("by", ["starttls", "ldaps"])
def test_a_client_certificate_is_shown_when_demanded(tmp_path: Path, by: str) -> None:
    pki().write(tmp_path, labo=pki().labo)
    with openldap(pki(), [person("p1", "DURAND", mail=["p1@sandbox.mssante.test"])], demand_certificate=True) as strict:
        url = strict.url if by == "starttls" else strict.tls_url
        told = fault(settings(strict, url=url))
        assert told.code == "ldap-client-certificate"
        assert "demande un certificat client" in str(told)
        ours = {"client_cert": tmp_path / "labo.pem", "client_key": tmp_path / "labo.key"}
        assert len(found(settings(strict, url=url, **ours))) == 1
