"""Who sits before the console. The accounts themselves are kept by the use cases (``service/accounts.py``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from dispatcher import wiring
from dispatcher.service import account_care, accounts, sign_in_elsewhere
from dispatcher.service.account_care import Offer
from dispatcher.service.accounts import Refusal, Session
from dispatcher.service.rights import Right, User, may
from dispatcher.service.sign_in_elsewhere import Recognised
from dispatcher.wiring import Office

RIGHTS = tuple(right.value for right in Right)
"""What a person may be allowed to do; ``service/rights.py`` says which role gives which."""


class Accounts(Protocol):
    """The door of the console. Raises ``DispatcherError``."""

    def sign_in(self, name: str, password: str, code: str, *, address: str) -> Session | Refusal: ...
    def session_of(self, token: str, *, used: bool) -> User | None:
        """Whose session that is, while it lasts. ``used``: a person asks, not a page that renews itself."""

    def sign_out(self, token: str) -> None: ...
    def may(self, user: User, right: str) -> bool:
        """``right``: one of :data:`RIGHTS`."""

    def note_view(self, user: User, what: str, ids: Sequence[str]) -> None:
        """Patient data of these is about to be shown: one journal line."""

    def change_password(self, user: User, old: str, new: str, *, address: str) -> tuple[str, ...]:
        """French faults; none: it is changed, and every session of theirs is over."""

    def recognised(self, who: Recognised, *, address: str) -> Session | Refusal:
        """Another house says who this is."""

    def refused_elsewhere(self, code: str, *, address: str) -> None:
        """It did not, or not so that it can be believed: one journal line."""

    def offer_totp(self, user: User) -> Offer: ...
    def confirm_totp(self, user: User, secret: str, code: str) -> tuple[str, ...]:
        """Recovery codes; none: the code is not right and nothing changed."""


class KeptAccounts:
    """Those of the store."""

    def __init__(self, office: Office) -> None:
        self._store, self._clock, self._cipher = office.store, office.clock, office.desk.cipher
        self._secrets = wiring.console_secrets()
        self._rules = wiring.session_rules(office.settings.console)

    def sign_in(self, name: str, password: str, code: str, *, address: str) -> Session | Refusal:
        return accounts.sign_in(
            self._store,
            self._clock,
            self._cipher,
            name,
            password,
            code,
            address=address,
            secrets=self._secrets,
            rules=self._rules,
        )

    def session_of(self, token: str, *, used: bool) -> User | None:
        return accounts.session_of(self._store, self._clock, token, used=used)

    def sign_out(self, token: str) -> None:
        accounts.sign_out(self._store, token)

    def may(self, user: User, right: str) -> bool:
        return may(user, right)

    def note_view(self, user: User, what: str, ids: Sequence[str]) -> None:
        accounts.note_view(self._store, self._clock, user, what, ids)

    def change_password(self, user: User, old: str, new: str, *, address: str) -> tuple[str, ...]:
        return accounts.change_password(
            self._store, self._clock, self._cipher, user, old, new, address=address, secrets=self._secrets
        )

    def recognised(self, who: Recognised, *, address: str) -> Session | Refusal:
        token = self._secrets.token()
        return sign_in_elsewhere.enter(self._store, self._clock, who, address=address, token=token, rules=self._rules)

    def refused_elsewhere(self, code: str, *, address: str) -> None:
        sign_in_elsewhere.refused(self._store, address, code)

    def offer_totp(self, user: User) -> Offer:
        return account_care.offer_totp(self._store, self._secrets, user.name)

    def confirm_totp(self, user: User, secret: str, code: str) -> tuple[str, ...]:
        return account_care.confirm_totp(
            self._store, self._clock, self._cipher, self._secrets, user.name, secret, code, actor=user.actor
        )
