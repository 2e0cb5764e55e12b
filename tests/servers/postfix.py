"""A private Postfix: submission with STARTTLS and a pinned client certificate, DSN, faults by address, LMTP."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import hashes

from tests.needs import needs_program
from tests.pki import Pki
from tests.servers.process import free_port, greeting, open_folder, running

MASTER = "/usr/lib/postfix/sbin/master"
DOMAINS = ("labo.test", "dest.test")

REFUSED_AT_RCPT = {
    "perm@dest.test": "550 5.1.1 unknown user",
    "full@dest.test": "552 5.2.2 mailbox full",
    "busy@dest.test": "451 4.3.0 busy",
    "bye@dest.test": "421 4.7.0 closing",
    "overquota@dest.test": "452 4.2.2 mailbox full",
    "slow@dest.test": "short_pause",
    "tooslow@dest.test": "slow",
}
REFUSED_AT_THE_DOT = {
    "lostack@dest.test": "slow",
    "spam@dest.test": "554 5.7.1 rejected by policy",
    "busydot@dest.test": "451 4.3.0 busy",
}
BOUNCED_LATER = {
    "gone@dest.test": "error:5.1.1 user unknown",
    "quota@dest.test": "error:5.2.2 mailbox full",
    "hole@dest.test": "discard:",
}


def _inline(table: Mapping[str, str]) -> str:
    return "inline:{ " + " ".join("{" + f"{key} = {value}" + "}" for key, value in table.items()) + " }"


def _main_cf(t: Path, pki: Pki, lmtp: int, routes: Mapping[str, str]) -> str:
    digest = pki.labo.certificate.fingerprint(hashes.SHA256()).hex(":").upper()
    settings = {
        "compatibility_level": "3.6",
        "queue_directory": f"{t}/queue",
        "data_directory": f"{t}/data",
        "maillog_file": f"{t}/log/mail.log",
        "maillog_file_prefixes": f"{t}/log",
        "myhostname": "mss.test",
        "mydestination": "",
        "alias_maps": "",
        "alias_database": "",
        "inet_interfaces": "127.0.0.1",
        "inet_protocols": "ipv4",
        "mynetworks": "",
        "local_transport": "error:5.1.1 no local mail",
        "default_transport": "error:5.4.4 no route in this test",
        "virtual_mailbox_domains": ", ".join(DOMAINS),
        "virtual_transport": f"lmtp:inet:127.0.0.1:{lmtp}",
        "message_size_limit": "26214400",
        "smtp_tls_security_level": "none",
        "smtpd_tls_cert_file": f"{t}/etc/server.pem",
        "smtpd_tls_key_file": f"{t}/etc/server.key",
        "smtpd_tls_CAfile": f"{t}/etc/ca.pem",
        "smtpd_tls_security_level": "encrypt",
        "smtpd_tls_req_ccert": "yes",
        "smtpd_tls_fingerprint_digest": "sha256",
        "smtpd_tls_mandatory_protocols": ">=TLSv1.2",
        "smtpd_client_restrictions": f"check_ccert_access {_inline({digest: 'OK'})}, reject",
        "smtpd_relay_restrictions": "permit_tls_all_clientcerts, reject",
        "smtpd_reject_unlisted_recipient": "no",
        "transport_maps": _inline(BOUNCED_LATER | dict(routes)),
        "smtpd_recipient_restrictions": f"check_recipient_access {_inline(REFUSED_AT_RCPT)}",
        "smtpd_end_of_data_restrictions": f"check_recipient_access {_inline(REFUSED_AT_THE_DOT)}",
        "smtpd_restriction_classes": "slow, short_pause",
        "short_pause": "sleep 1, permit",
        "slow": "sleep 3, permit",
        "smtpd_client_connection_rate_limit": "0",
        "minimal_backoff_time": "2s",
        "maximal_backoff_time": "4s",
        "queue_run_delay": "2s",
        "maximal_queue_lifetime": "12s",
        "bounce_queue_lifetime": "12s",
        "delay_warning_time": "3s",
    }
    return "".join(f"{key} = {value}\n" for key, value in settings.items())


def _master_cf(port: int, plain: int, doors: Mapping[int, Sequence[str]]) -> str:
    open_door = (
        "-o smtpd_tls_security_level=none -o smtpd_tls_req_ccert=no -o smtpd_client_restrictions= "
        "-o smtpd_relay_restrictions=permit_auth_destination,reject"
    )
    more = "".join(
        f"127.0.0.1:{number} inet n - n - - smtpd {' '.join(f'-o {one}' for one in options)}\n"
        for number, options in doors.items()
    )
    return f"""\
{more}127.0.0.1:{port} inet n - n - - smtpd
127.0.0.1:{plain} inet n - n - - smtpd {open_door}
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
showq unix n - n - - showq
postlog unix-dgram n - n - 1 postlogd
"""


def _queues(t: Path) -> None:
    """Postfix's own folders, with the owners it insists on."""
    postfix, drop = pwd.getpwnam("postfix"), grp.getgrnam("postdrop").gr_gid
    for name in ("etc", "queue", "data", "log"):
        (t / name).mkdir()
    os.chown(t / "data", postfix.pw_uid, postfix.pw_gid)
    for name in [
        "active",
        "bounce",
        "corrupt",
        "defer",
        "deferred",
        "flush",
        "hold",
        "incoming",
        "private",
        "saved",
        "trace",
    ]:
        queue = t / "queue" / name
        queue.mkdir()
        os.chown(queue, postfix.pw_uid, 0)
        queue.chmod(0o700)
    for name, mode in (("maildrop", 0o730), ("public", 0o710)):
        queue = t / "queue" / name
        queue.mkdir()
        os.chown(queue, postfix.pw_uid, drop)
        queue.chmod(mode)
    (t / "queue" / "pid").mkdir()


@dataclass(frozen=True)
class Postfix:
    """A running instance."""

    folder: Path
    port: int
    """STARTTLS, client certificate ``labo`` required."""
    plain_port: int
    """Plain, for the recipients' own mail (Sieve answers)."""
    doors: Mapping[str, int] = field(default_factory=dict)
    """Ports of the further listeners, by name."""


@contextmanager
def postfix(
    pki: Pki,
    *,
    lmtp_port: int,
    plain_port: int,
    domains: Sequence[str] = DOMAINS,
    doors: Mapping[str, Sequence[str]] | None = None,
    relays: Mapping[str, int] | None = None,
) -> Iterator[Postfix]:
    """Start it; everything for ``domains`` goes to ``lmtp_port``, but some addresses by SMTP to a port of ``relays``.

    ``doors``: further listeners as ``port`` is, each with settings of its own (``name=value``, without a blank).
    """
    needs_program(MASTER, "postfix", root=True)
    with open_folder() as t:
        port = free_port()
        ports = {name: free_port() for name in doors or {}}
        opened = {ports[name]: options for name, options in (doors or {}).items()}
        _queues(t)
        (t / "etc/server.pem").write_bytes(pki.server.chain_pem())
        (t / "etc/server.key").write_bytes(pki.server.key_pem())
        (t / "etc/ca.pem").write_bytes(pki.authority.trust_pem())
        routes = {address: f"smtp:[127.0.0.1]:{number}" for address, number in (relays or {}).items()}
        main_cf = _main_cf(t, pki, lmtp_port, routes).replace(", ".join(DOMAINS), ", ".join(domains))
        (t / "etc/main.cf").write_text(main_cf, encoding="utf-8")
        (t / "etc/master.cf").write_text(_master_cf(port, plain_port, opened), encoding="utf-8")
        for name in ("main.cf", "master.cf"):
            os.utime(t / "etc" / name, (10**9, 10**9))  # a fresh file makes Postfix wait, fearing it is half written
        command = [MASTER, "-c", str(t / "etc"), "-d"]
        with running(command, t / "out.log", greeting(port, b"220")):
            yield Postfix(t, port, plain_port, ports)
