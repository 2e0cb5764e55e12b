"""A throw-away PKI for every test, made once per process and member by member (``from tests.pki import pki``).

root → intermediate → server, labo, other (clients), alice (signer), bob (RSA recipient), carol (P-256 recipient), alb
(signer of lists), and members with a fault each. All are good from 2025 to 2035 unless their name says otherwise, so
that both a frozen clock and outside tools (openssl, TLS) accept them. Nobody here exists.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from pathlib import Path

from dispatcher.sealing import authority
from dispatcher.sealing.authority import Authority, Credential, KeyKind, Names, Usage

START = datetime(2025, 1, 1, tzinfo=UTC)
LIFETIME = timedelta(days=3652)

ALICE = "resultats@labo.test"
BOB = "paul.durand@dest.test"
CAROL = "carole.petit@dest.test"


class Pki:
    """Members are made when first asked for (an RSA key costs 20 to 100 ms)."""

    def __init__(self) -> None:
        self.authority = Authority.create(START, LIFETIME)

    @cached_property
    def server(self) -> Credential:
        return self.authority.server("localhost", "127.0.0.1")

    @cached_property
    def labo(self) -> Credential:
        return self.authority.client("labo.test")

    @cached_property
    def other(self) -> Credential:
        """A client of the same authority that is on nobody's list."""
        return self.authority.client("other.test")

    @cached_property
    def alice(self) -> Credential:
        return self.authority.signer(ALICE)

    @cached_property
    def alice_ec(self) -> Credential:
        return self.authority.signer(ALICE, KeyKind.P256)

    @cached_property
    def bob(self) -> Credential:
        return self.authority.recipient(BOB)

    @cached_property
    def bob_renewed(self) -> Credential:
        return self.authority.recipient(BOB)

    @cached_property
    def carol(self) -> Credential:
        return self.authority.recipient(CAROL, KeyKind.P256)

    @cached_property
    def alb(self) -> Credential:
        return self.authority.list_signer()

    @cached_property
    def expired_signer(self) -> Credential:
        return self.issue_mail(ALICE, authority.SIGNER, not_after=datetime(2025, 12, 31, tzinfo=UTC))

    @cached_property
    def expired_recipient(self) -> Credential:
        return self.issue_mail(BOB, authority.RECIPIENT, not_after=datetime(2025, 12, 31, tzinfo=UTC))

    @cached_property
    def future_recipient(self) -> Credential:
        return self.issue_mail(BOB, authority.RECIPIENT, not_before=datetime(2034, 1, 1, tzinfo=UTC))

    def issue_mail(
        self, address: str, usage: Usage, *, not_before: datetime | None = None, not_after: datetime | None = None
    ) -> Credential:
        """A certificate for ``address`` with any usage and dates."""
        names = Names(addresses=(address,))
        return self.authority.issue(address, usage, names, not_before=not_before, not_after=not_after)

    def write(self, folder: Path, **members: Credential) -> Path:
        """``NAME.pem`` (with its intermediate), ``NAME.key``, ``root.pem``, ``int.pem``, ``ca.pem`` into ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "root.pem").write_bytes(self.authority.root.certificate_pem())
        (folder / "int.pem").write_bytes(self.authority.intermediate.certificate_pem())
        (folder / "ca.pem").write_bytes(self.authority.trust_pem())
        for name, member in members.items():
            (folder / f"{name}.pem").write_bytes(member.chain_pem())
            key = folder / f"{name}.key"
            key.write_bytes(member.key_pem())
            key.chmod(0o600)
        return folder


@cache
def pki() -> Pki:
    """The same one for the whole test process."""
    return Pki()
