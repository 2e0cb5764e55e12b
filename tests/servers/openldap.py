"""A private OpenLDAP: TLS and StartTLS, ``sizelimit 500``, an account that may read by pages, entries by slapadd."""

from __future__ import annotations

import base64
import os
import signal
import socket
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tests.needs import needs_program
from tests.pki import Pki
from tests.servers.process import free_port, open_folder, running

BASE = "dc=test"
READER, PASSWORD = "cn=reader,dc=test", "secret"
"""The only account without the limit of 500 entries."""

CONFIG = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile {t}/slapd.pid
modulepath /usr/lib/ldap
moduleload back_mdb
sizelimit 500
TLSCACertificateFile {t}/ca.pem
TLSCertificateFile {t}/server.pem
TLSCertificateKeyFile {t}/server.key
TLSVerifyClient {verify}
database mdb
maxsize 268435456
suffix "dc=test"
rootdn "cn=admin,dc=test"
rootpw secret
directory {t}/db
index objectClass,uid,mail,sn eq
index cn eq,sub
limits dn.exact="cn=reader,dc=test" size=unlimited size.prtotal=unlimited
"""

HEAD: tuple[Mapping[str, Sequence[str | bytes]], ...] = (
    {"dn": [BASE], "objectClass": ["dcObject", "organization"], "dc": ["test"], "o": ["Essai"]},
    {
        "dn": [READER],
        "objectClass": ["simpleSecurityObject", "organizationalRole"],
        "cn": ["reader"],
        "userPassword": [PASSWORD],
    },
)


def person(
    uid: str, family: str, given: str = "", **attributes: Sequence[str | bytes]
) -> Mapping[str, Sequence[str | bytes]]:
    """An ``inetOrgPerson``. ``certificates`` and ``smime``: DER values of the two attributes (servers.md §3)."""
    entry: dict[str, Sequence[str | bytes]] = {
        "dn": [f"uid={uid},{BASE}"],
        "objectClass": ["inetOrgPerson"],
        "uid": [uid],
        "cn": [f"{given} {family}".strip()],
        "sn": [family],
    }
    if given:
        entry["givenName"] = [given]
    names = {"certificates": "userCertificate;binary", "smime": "userSMIMECertificate"}
    return entry | {names.get(name, name): values for name, values in attributes.items()}


def ldif(entries: Iterable[Mapping[str, Sequence[str | bytes]]]) -> bytes:
    """Entries as LDIF (RFC 2849), every value in base64."""
    blocks = []
    for entry in entries:
        lines = []
        for name, values in entry.items():
            for value in values:
                raw = value.encode() if isinstance(value, str) else value
                lines.append(f"{name}:: {base64.b64encode(raw).decode()}")
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks).encode()


class OpenLdap:
    """One instance. ``stop`` and ``start`` keep port and data."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.tls_port = folder, free_port(), free_port()
        self._stack = ExitStack()
        self.pid = 0

    @property
    def url(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def tls_url(self) -> str:
        return f"ldaps://127.0.0.1:{self.tls_port}"

    def load(self, entries: Iterable[Mapping[str, Sequence[str | bytes]]]) -> None:
        """Add entries while the server is stopped."""
        (self.folder / "data.ldif").write_bytes(ldif(entries))
        command = [needs_program("slapadd", "slapd"), "-q", "-f", str(self.folder / "slapd.conf")]
        done = subprocess.run([*command, "-l", str(self.folder / "data.ldif")], capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr[-2000:]

    def start(self) -> None:
        command = [needs_program("slapd", "slapd"), "-d", "0", "-f", str(self.folder / "slapd.conf")]
        listeners = f"{self.url} {self.tls_url}"
        self.pid = self._stack.enter_context(
            running([*command, "-h", listeners], self.folder / "slapd.log", self._answers)
        )

    def stop(self) -> None:
        self._stack.close()

    def pause(self) -> None:
        """Let it hang: connections are taken, nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.tls_port), 1):
            return True
        return False


@contextmanager
def openldap(
    pki: Pki, entries: Iterable[Mapping[str, Sequence[str | bytes]]] = (), *, demand_certificate: bool = False
) -> Iterator[OpenLdap]:
    """A running server with ``entries`` under ``dc=test``; ``ca.pem`` in its folder is what a client must trust."""
    needs_program("slapd", "slapd")
    with open_folder() as t:
        (t / "db").mkdir()
        (t / "server.pem").write_bytes(pki.server.chain_pem())
        (t / "server.key").write_bytes(pki.server.key_pem())
        (t / "ca.pem").write_bytes(pki.authority.trust_pem())
        verify = "demand" if demand_certificate else "never"
        (t / "slapd.conf").write_text(CONFIG.format(t=t, verify=verify), encoding="utf-8")
        server = OpenLdap(t)
        server.load([*HEAD, *entries])
        server.start()
        try:
            yield server
        finally:
            with suppress(ProcessLookupError):
                server.resume()
            server.stop()
