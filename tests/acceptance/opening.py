"""Opens sealed mails with the openssl command, as a recipient's software would, and takes the documents out."""

from __future__ import annotations

import email
import email.policy
import io
import subprocess
import zipfile
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path


@dataclass
class Opened:
    """What was inside."""

    message: EmailMessage
    parts: dict[str, bytes] = field(default_factory=dict)
    """File name to content."""

    @property
    def cdas(self) -> list[bytes]:
        """The CDA documents of the XDM archive."""
        for name, content in self.parts.items():
            if name.lower() == "ihe_xdm.zip":
                with zipfile.ZipFile(io.BytesIO(content)) as archive:
                    return [archive.read(n) for n in archive.namelist() if n.endswith(".XML") and "METADATA" not in n]
        return []


def openssl(*arguments: str, cwd: Path) -> None:
    subprocess.run(["openssl", "cms", *arguments], cwd=cwd, check=True, capture_output=True, timeout=30)


def open_sealed(mail: Path, *, certificate: Path, key: Path, ca: Path, scratch: Path) -> Opened:
    """``openssl cms -decrypt`` then ``-verify``; raises when openssl does not accept one of them."""
    signed, clear = scratch / "signed.eml", scratch / "clear.eml"
    openssl(
        "-decrypt", "-in", str(mail), "-recip", str(certificate), "-inkey", str(key), "-out", str(signed), cwd=scratch
    )
    openssl("-verify", "-in", str(signed), "-CAfile", str(ca), "-purpose", "smimesign", "-out", str(clear), cwd=scratch)
    message = email.message_from_bytes(clear.read_bytes(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    parts = {}
    for part in message.iter_attachments():
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        parts[part.get_filename() or ""] = content
    return Opened(message=message, parts=parts)
