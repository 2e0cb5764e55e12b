"""A time-stamping authority of our own: ``openssl ts -reply`` behind a small HTTP server on a free loopback port."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

CONFIG = """\
[req]
distinguished_name = dn
[dn]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
[tsa]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[tsa_config]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
certs = {folder}/ca.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
other_policies = 1.2.3.4.5
digests = sha256, sha384, sha512
accuracy = secs:1
ordering = yes
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


@dataclass
class TimeAuthority:
    """A running authority."""

    folder: Path
    url: str = ""
    asked: int = 0
    spoil: bytes = field(default=b"", repr=False)
    """Answered instead of a time-stamp."""

    @property
    def root(self) -> Path:
        return self.folder / "ca.pem"

    def prepare(self) -> None:
        """Keys and certificates."""
        (self.folder / "tsa.cnf").write_text(CONFIG.format(folder=self.folder), encoding="ascii")
        (self.folder / "serial").write_text("01\n", encoding="ascii")
        for name, subject, section, issuer in (
            ("ca", "/CN=Autorite d'essai", "ca", ()),
            ("tsa", "/CN=Horodatage d'essai", "tsa", ("-CA", "ca.pem", "-CAkey", "ca.key")),
        ):
            self._openssl(
                *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-config", "tsa.cnf"),
                *("-extensions", section, "-subj", subject, "-keyout", f"{name}.key", "-out", f"{name}.pem", *issuer),
            )

    def reply(self, request: bytes) -> bytes:
        """What ``openssl ts`` answers."""
        self.asked += 1
        if self.spoil:
            return self.spoil
        (self.folder / "request.tsq").write_bytes(request)
        self._openssl(
            *("ts", "-reply", "-config", "tsa.cnf", "-section", "tsa_config"),
            *("-queryfile", "request.tsq", "-out", "answer.tsr"),
        )
        return (self.folder / "answer.tsr").read_bytes()

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True, timeout=60)


@contextmanager
def time_authority(folder: Path) -> Iterator[TimeAuthority]:
    """Started, and stopped at the end."""
    authority = TimeAuthority(folder)
    authority.prepare()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/timestamp-query"
            answer = authority.reply(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Nothing on the screen."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    authority.url = f"http://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield authority
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
