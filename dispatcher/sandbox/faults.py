"""Switches that make the pretend operator misbehave; they may be turned while mails come in.

:data:`SWITCHES` names each for ``dispatcher sandbox --fault``; what the program makes of each stands in
``docs/pannes.md``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from dispatcher.errors import ConfigError

REFUSALS = {
    451: "451 4.3.0 Error: queue file write error",
    452: "452 4.3.1 Insufficient system storage",
    550: "550 5.1.1 User unknown",
    552: "552 5.2.2 Mailbox full",
    554: "554 5.7.1 Message rejected by policy",
}
"""What may be answered to the final dot, with the texts real servers use."""


@dataclass
class Faults:
    """All off by default. Set plain fields directly; those that take a number of mails count down."""

    refuse_connections: bool = False
    """Cut every new connection before the greeting."""
    close_after: int | None = None
    """Answer 421 and hang up once a connection has handed over this many mails."""
    slow_seconds: float = 0.0
    """Wait before each reply to MAIL, RCPT and the final dot."""
    slow_dot_seconds: float = 0.0
    """Wait before the reply to the final dot only; the mail is kept before."""
    reject_certificate: bool = False
    """Tell every client « 554 5.7.1 Client host rejected » at RCPT, as an operator that does not know it."""
    login_refused: bool = False
    """Answer every AUTH with 535 5.7.8; without it any name and password will do."""
    tls_broken: bool = False
    """Say yes to STARTTLS and then talk nonsense."""
    disk_full: bool = False
    """Answer « 452 4.3.1 Insufficient system storage » to MAIL."""
    greylist_seconds: float = 0.0
    """Answer 450 4.7.1 until that long after the first attempt for a recipient."""
    dot_answer: int | None = None
    """Answer every final dot with this code of :data:`REFUSALS`; nothing is kept."""
    offer_dsn: bool = True
    offer_pipelining: bool = True
    hold_notices: bool = False
    """Make notices, but do not deliver them yet."""
    _counts: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def drop_after_dot(self, mails: int) -> None:
        """The next ``mails`` are accepted and kept, and the connection dropped instead of the reply."""
        self._set("drop", mails)

    def cut_in_data(self, mails: int) -> None:
        """The connection is dropped at the DATA of the next ``mails``, before the go-ahead: later, a client that was
        quicker than the cut could not know that its final dot got lost."""
        self._set("cut", mails)

    def try_later(self, mails: int) -> None:
        """The next ``mails`` are answered 451 at RCPT."""
        self._set("later", mails)

    def answer_dot(self, code: int | None) -> None:
        """Set ``dot_answer``. Raises :class:`ConfigError` for a code that is none of :data:`REFUSALS`."""
        if code is not None and code not in REFUSALS:
            known = ", ".join(str(one) for one in sorted(REFUSALS))
            raise ConfigError(f"Réponse {code} inconnue du bac à sable.", hint=f"Attendu : {known}.")
        self.dot_answer = code

    def take_drop(self) -> bool:
        """Whether this mail's reply is to be lost; counts down."""
        return self._take("drop")

    def take_cut(self) -> bool:
        """Whether the line is to be lost in the middle of this mail; counts down."""
        return self._take("cut")

    def take_later(self) -> bool:
        """Whether this recipient is to be put off; counts down."""
        return self._take("later")

    def _set(self, what: str, mails: int) -> None:
        with self._lock:
            self._counts[what] = mails

    def _take(self, what: str) -> bool:
        with self._lock:
            left = self._counts.get(what, 0)
            self._counts[what] = max(left - 1, 0)
            return left > 0

    def turn(self, word: str) -> None:
        """Turn a switch by its word, ``name`` or ``name=number``. Raises :class:`ConfigError`."""
        name, _, number = word.partition("=")
        switch = next((one for one in SWITCHES if one.name == name), None)
        if switch is None:
            known = ", ".join(one.word for one in SWITCHES)
            raise ConfigError(f"Panne inconnue du bac à sable : « {name} ».", hint=f"Attendu : {known}.")
        try:
            value = float(number) if number else 0.0
        except ValueError:
            value = -1.0
        if bool(number) != bool(switch.value) or value < 0:
            raise ConfigError(f"Panne « {word} » mal donnée.", hint=f"Attendu : {switch.word}.")
        switch.turn(self, value)


@dataclass(frozen=True, slots=True)
class Switch:
    """A fault a person may turn on by name."""

    name: str
    says: str
    """French: what the operator then does."""
    turn: Callable[[Faults, float], None]
    value: str = ""
    """French: what the number stands for; empty: it takes none."""

    @property
    def word(self) -> str:
        """As it is typed."""
        return f"{self.name}={self.value.upper()}" if self.value else self.name


def _on(name: str) -> Callable[[Faults, float], None]:
    return lambda faults, value: setattr(faults, name, True)


def _number(name: str) -> Callable[[Faults, float], None]:
    return lambda faults, value: setattr(faults, name, value)


SWITCHES = (
    Switch("refuse-connections", "coupe chaque connexion avant de saluer", _on("refuse_connections")),
    Switch("break-tls", "accepte STARTTLS, puis répond n'importe quoi", _on("tls_broken")),
    Switch("refuse-login", "refuse tout mot de passe (535 5.7.8)", _on("login_refused")),
    Switch("reject-certificate", "ne reconnaît pas le certificat client (554 5.7.1)", _on("reject_certificate")),
    Switch("disk-full", "n'a plus de place (452 4.3.1 à MAIL)", _on("disk_full")),
    Switch("try-later", "remet les prochains à plus tard (451 à RCPT)", lambda f, n: f.try_later(int(n)), "nombre"),
    Switch("greylist", "liste grise : 450 4.7.1 pendant ce délai", _number("greylist_seconds"), "secondes"),
    Switch("slow", "attend avant chaque réponse", _number("slow_seconds"), "secondes"),
    Switch("slow-dot", "garde le courrier, mais répond tard au point final", _number("slow_dot_seconds"), "secondes"),
    Switch("cut-in-data", "coupe à la commande DATA", lambda f, n: f.cut_in_data(int(n)), "nombre"),
    Switch(
        "drop-after-dot", "garde le courrier, puis coupe sans répondre", lambda f, n: f.drop_after_dot(int(n)), "nombre"
    ),
    Switch("answer-dot", "répond ce code au point final", lambda f, n: f.answer_dot(int(n)), "code"),
    Switch(
        "close-after",
        "raccroche (421) après tant de courriers",
        lambda f, n: setattr(f, "close_after", int(n)),
        "nombre",
    ),
    Switch("hold-notices", "garde les avis pour lui", _on("hold_notices")),
)
"""Every fault that has a word, in the order a mail meets them."""
