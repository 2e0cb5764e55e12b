"""A private Dovecot: IMAP, POP3 on request, STARTTLS and client certificates, LMTP, Maildirs, Sieve that sends MDNs."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.needs import needs_program
from tests.pki import Pki
from tests.servers.process import free_port, greeting, open_folder, running

PASSWORD = "secret"

MDN_SIEVE = """\
require ["vacation", "vacation-seconds", "variables", "envelope"];
if header :matches "message-id" "*" { set "mid" "${1}"; }
if header :matches "subject" "*" { set "subj" "${1}"; }
if envelope :matches "to" "*" { set "rcpt" "${1}"; }
if exists "disposition-notification-to" {
  vacation :seconds 0 :handle "${mid}" :subject "Lu : ${subj}" :addresses ["%(address)s"]
    :from "%(address)s" :mime text:
Content-Type: multipart/report; report-type=disposition-notification; boundary="b1"

--b1
Content-Type: text/plain; charset=utf-8

Integre.
--b1
Content-Type: message/disposition-notification

Final-Recipient: rfc822; ${rcpt}
Original-Message-ID: ${mid}
Disposition: automatic-action/MDN-sent-automatically; processed

--b1--
.
;
}
"""

CONFIG = """\
base_dir = {t}/run
state_dir = {t}/state
log_path = {t}/dovecot.log
listen = 127.0.0.1
protocols = {protocols}
ssl = required
ssl_cert = <{t}/server.pem
ssl_key = <{t}/server.key
ssl_ca = <{t}/ca.pem
ssl_require_crl = no
ssl_verify_client_cert = yes
auth_mechanisms = plain login
disable_plaintext_auth = yes
mail_location = maildir:~/Maildir
mail_plugins = quota
first_valid_uid = 1
protocol imap {{
  auth_ssl_require_client_cert = yes
  mail_plugins = quota imap_quota
}}
protocol pop3 {{
  auth_ssl_require_client_cert = yes
}}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {t}/users
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {t}/users
  default_fields = uid={uid} gid={gid} home={t}/mail/%u
}}
namespace inbox {{
  inbox = yes
}}
plugin {{
  quota = maildir:User quota
  quota_grace = 0
  sieve_extensions = +vacation-seconds
  sieve_vacation_min_period = 0
}}
submission_host = 127.0.0.1:{plain_smtp}
protocol lmtp {{
  mail_plugins = quota sieve
  postmaster_address = postmaster@dest.test
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
{pop3_service}service auth {{
  unix_listener auth-client-postfix {{
    mode = 0666
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
"""


POP3_SERVICE = """\
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
"""


@dataclass(frozen=True)
class Dovecot:
    """A running instance."""

    folder: Path
    imap_port: int
    lmtp_port: int
    pop3_port: int = 0

    @property
    def login_socket(self) -> Path:
        """Where a Postfix asks whether a password is right."""
        return self.folder / "run" / "auth-client-postfix"

    def maildir(self, user: str) -> Path:
        return self.folder / "mail" / user / "Maildir"


@contextmanager
def dovecot(
    pki: Pki,
    users: Sequence[str],
    *,
    plain_smtp: int,
    readers: Sequence[str] = (),
    quotas: Mapping[str, str] | None = None,
    pop3: bool = False,
) -> Iterator[Dovecot]:
    """Start it with these users (password ``secret``).

    ``readers`` answer every mail that asks for an MDN; ``quotas``: by user, a rule such as ``*:bytes=2000``.
    """
    binary = needs_program("/usr/sbin/dovecot", "dovecot-imapd dovecot-lmtpd dovecot-sieve", root=True)
    if pop3:
        needs_program("/usr/lib/dovecot/pop3", "dovecot-pop3d", root=True)
    nobody = pwd.getpwnam("nobody")
    with open_folder() as t:
        imap, lmtp, pop3_port = free_port(), free_port(), free_port() if pop3 else 0
        for name in ("mail", "sieve"):
            (t / name).mkdir()
            os.chown(t / name, nobody.pw_uid, nobody.pw_gid)
        (t / "server.pem").write_bytes(pki.server.chain_pem())
        (t / "server.key").write_bytes(pki.server.key_pem())
        (t / "ca.pem").write_bytes(pki.authority.trust_pem())
        lines = []
        for user in users:
            extra = f"userdb_quota_rule={rule} " if (rule := (quotas or {}).get(user)) else ""
            if user in readers:
                script = t / "sieve" / f"{user}.sieve"
                script.write_text(MDN_SIEVE % {"address": user}, encoding="utf-8")
                extra += f"userdb_sieve=file:{script}"
            lines.append(f"{user}:{{PLAIN}}{PASSWORD}::::::{extra}")
        (t / "users").write_text("\n".join(lines) + "\n", encoding="utf-8")
        config = CONFIG.format(
            t=t,
            uid=nobody.pw_uid,
            gid=nobody.pw_gid,
            imap=imap,
            lmtp=lmtp,
            plain_smtp=plain_smtp,
            protocols="imap lmtp pop3" if pop3 else "imap lmtp",
            pop3_service=POP3_SERVICE.format(pop3=pop3_port) if pop3 else "",
        )
        (t / "dovecot.conf").write_text(config, encoding="utf-8")
        command = [binary, "-F", "-c", str(t / "dovecot.conf")]
        with running(command, t / "out.log", greeting(imap, b"* OK")):
            yield Dovecot(t, imap, lmtp, pop3_port)
