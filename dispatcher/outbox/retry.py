"""What becomes of a dispatch whose hand-over did not end in acceptance. Pure: error in, decision out, no sleeping.

Sources: RFC 5321 §4.2 (replies), RFC 3463 and the IANA registry of enhanced status codes (class.subject.detail), the
table of SMTP codes of the ANS "ZAM^Z02" answer (420–554). What to do on each code is our own choice; the tables below
say it row by row and a test holds every row.

Order of judgement: the class of the error (ours, unknown, for now, for good), then what concerns the whole channel
(login, our sender address), then the enhanced status, which is more precise, then the three-digit reply.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from dispatcher.errors import OurFault, OutcomeUnknown, Refused, TransportError
from dispatcher.french import counted
from dispatcher.outbox.dispatch import Lane
from dispatcher.outbox.states import State


class RetryKind(StrEnum):
    """The five ends of a hand-over that was not accepted."""

    DEFER = "defer"
    """Again later."""
    FAIL = "fail"
    """Refused for good, or given up."""
    HOLD = "hold"
    """A person must look."""
    PAUSE = "pause"
    """Our fault: the channel waits, and the dispatch with it; no attempt is used up (decision D9)."""
    UNKNOWN = "unknown"
    """Accepted or not, nobody here can say (promise 2)."""


STATES = {
    RetryKind.DEFER: State.DEFERRED,
    RetryKind.FAIL: State.FAILED,
    RetryKind.HOLD: State.HELD,
    RetryKind.PAUSE: State.DEFERRED,
    RetryKind.UNKNOWN: State.UNKNOWN,
}
"""State of the dispatch after each end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How patient a channel is."""

    first: timedelta = timedelta(minutes=1)
    """Wait after the first refusal; each further one waits ``factor`` times longer, up to ``maximum``."""
    factor: float = 2.0
    maximum: timedelta = timedelta(hours=2)
    give_up: timedelta = timedelta(hours=48)
    """Age of the dispatch at which a temporary refusal becomes final."""
    urgent_give_up: timedelta = timedelta(hours=12)
    """The same for urgent mail: a person hears of it while something else can still be done."""
    full_first: timedelta = timedelta(minutes=30)
    """As ``first``, for a full mailbox or server: nobody empties one within a minute."""
    full_maximum: timedelta = timedelta(hours=6)
    few: int = 3
    """Attempts before a destination that cannot be found is shown to a person."""
    pause: timedelta = timedelta(minutes=1)
    """How long a channel waits after a fault of ours before one mail tries again; twice as long each time in a row."""
    pause_maximum: timedelta = timedelta(minutes=30)
    jitter: float = 0.1
    """Share of a wait that the handed-in chance may add or take away, so that retries do not march in step."""

    def of_lane(self, lane: Lane) -> RetryPolicy:
        """As patient as this lane may be."""
        if lane is not Lane.URGENT:
            return self
        return replace(self, give_up=min(self.give_up, self.urgent_give_up))

    @property
    def longest(self) -> timedelta:
        """No mail and no channel waits longer for its next try."""
        waits = (self.first, self.maximum, self.full_first, self.full_maximum, self.pause, self.pause_maximum)
        return max(waits) * (1 + self.jitter)

    def __post_init__(self) -> None:
        if self.first <= timedelta(0) or self.factor < 1 or not 0 <= self.jitter < 1:
            raise ValueError("first must be above zero, factor at least 1, jitter below 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryDecision:
    """What to write on the dispatch. ``reason`` is French, for an operator."""

    kind: RetryKind
    reason: str
    wait: timedelta | None = None
    """``defer``: until the next attempt; ``pause``: how long the channel waits."""
    due_at: datetime | None = None
    """``now`` plus ``wait``, when ``now`` was given."""
    uses_attempt: bool = True
    said: str = ""
    """Of a refusal: ``reason`` without the advice."""
    hold_code: str = ""
    """For ``hold``: ``mailbox-full``, ``too-large``, ``policy``, ``content``, ``protocol``, ``unreachable``."""

    @property
    def state(self) -> State:
        """State the dispatch moves to."""
        return STATES[self.kind]


@dataclass(frozen=True, slots=True)
class _Fate:
    """One row of a table: what to do, what happened and what a person may do (French)."""

    kind: RetryKind
    text: str
    advice: str = ""
    hold_code: str = ""
    few: bool = False
    """Try a few times before ``kind``."""


_ADDRESS = _Fate(
    RetryKind.FAIL,
    "Adresse refusée, boîte inconnue",
    "Trouver la bonne adresse, puis « hold » et « release --to ADRESSE ».",
)
_IMPOSSIBLE = _Fate(
    RetryKind.HOLD,
    "Adresse du destinataire impossible",
    "La corriger dans l'annuaire ou la table locale, puis libérer l'envoi.",
    "unreachable",
)
"""Seen by our own check: no server said so, and other mails of the channel are fine."""
_DISABLED = _Fate(
    RetryKind.FAIL, "Boîte du destinataire fermée ou désactivée", "Chercher une autre adresse dans l'annuaire."
)
_REFUSED = _Fate(RetryKind.FAIL, "Refus définitif du serveur", "Joindre le destinataire, ou envoyer sur papier.")
_FULL = _Fate(
    RetryKind.HOLD, "Boîte ou quota du destinataire plein", "Le prévenir, puis libérer l'envoi.", "mailbox-full"
)
_LARGE = _Fate(
    RetryKind.HOLD, "Message trop volumineux pour le destinataire", "L'alléger ou l'envoyer sur papier.", "too-large"
)
_POLICY = _Fate(
    RetryKind.HOLD,
    "Refusé par une règle du destinataire (sécurité ou antispam)",
    "Voir la cause avec lui ou avec l'opérateur, puis libérer l'envoi.",
    "policy",
)
_CONTENT = _Fate(
    RetryKind.HOLD, "Contenu du message refusé", "Vérifier le format que le destinataire accepte.", "content"
)
_PROTOCOL = _Fate(RetryKind.HOLD, "Commande refusée par le serveur", "Vérifier le réglage du canal.", "protocol")
_SYSTEM = _Fate(RetryKind.HOLD, "Le serveur du destinataire n'accepte pas ce courrier", "Le contacter.", "policy")
_NOWHERE = _Fate(
    RetryKind.HOLD, "Serveur du destinataire introuvable", "Vérifier le domaine de l'adresse.", "unreachable"
)
_TRY_NOWHERE = replace(_NOWHERE, few=True)
_LOGIN = _Fate(
    RetryKind.PAUSE,
    "Identification refusée par notre opérateur",
    "Vérifier l'identifiant, le mot de passe et le certificat du canal.",
)
_SENDER = _Fate(
    RetryKind.PAUSE, "Notre adresse d'expédition est refusée par l'opérateur", "Vérifier « sender » du canal."
)
_CONNECTION = _Fate(
    RetryKind.PAUSE, "Connexion refusée par notre opérateur", "Vérifier le canal (« dispatcher check ») ou l'appeler."
)

LOGIN_REPLIES = frozenset({530, 534, 535, 538})
"""Whatever their status says (530 5.7.0 is no policy of the recipient's)."""

STATUS_DETAILS: dict[str, _Fate] = {
    "1.2": _TRY_NOWHERE,
    "1.7": _SENDER,
    "1.8": _SENDER,
    "2.1": _DISABLED,
    "2.2": _FULL,
    "2.3": _LARGE,
    "3.1": _FULL,
    "3.4": _LARGE,
    "7.8": _LOGIN,
    "7.9": _LOGIN,
    "7.11": _LOGIN,
}
"""Permanent status (class 5) by subject and detail, RFC 3463 §3 and RFC 4954 §6."""

STATUS_SUBJECTS: dict[str, _Fate] = {
    "1": _ADDRESS,
    "2": _DISABLED,
    "3": _SYSTEM,
    "4": _NOWHERE,
    "5": _PROTOCOL,
    "6": _CONTENT,
    "7": _POLICY,
}
"""Permanent status by subject alone; subject 0 says nothing and leaves the word to the reply."""

REPLIES: dict[int, _Fate] = {
    **dict.fromkeys((500, 501, 502, 503, 504, 521, 555), _PROTOCOL),
    **dict.fromkeys((510, 513, 550, 551, 553, 556), _ADDRESS),
    512: _TRY_NOWHERE,
    **dict.fromkeys((523,), _LARGE),
    552: _FULL,
    **dict.fromkeys((541, 554), _POLICY),
}
"""Permanent replies."""

FULL_REPLIES = frozenset({422, 431, 452})
FULL_STATUS = frozenset({"2.2", "3.1"})
"""Temporary, but slow to end: a full mailbox or disk."""

_WHOLE_CHANNEL = frozenset({"connect", "tls", "login"})
"""Stages at which nothing was said yet about this dispatch."""


def decide(
    error: TransportError,
    attempts: int,
    age: timedelta,
    policy: RetryPolicy,
    *,
    now: datetime | None = None,
    jitter: float = 0.5,
) -> RetryDecision:
    """What becomes of the dispatch.

    ``attempts`` counts the one that just ended (1 at first); ``age`` since the dispatch was created; ``jitter`` is a
    chance in [0, 1), 0.5 for none. Deterministic; raises nothing.
    """
    if isinstance(error, OutcomeUnknown) or (type(error) is TransportError and error.stage == "final-dot"):
        return RetryDecision(
            kind=RetryKind.UNKNOWN,
            reason="Connexion perdue après la remise : accepté ou non, impossible à dire d'ici. "
            "Un accusé le dira ; sinon, trancher à la main.",
        )
    if isinstance(error, OurFault):
        return _pause(error.message.rstrip("."), error.hint, policy, now)
    if error.reply in LOGIN_REPLIES:
        return _pause(_said(_LOGIN.text, error), _LOGIN.advice, policy, now)
    if isinstance(error, Refused):
        return _refused(error, attempts, policy, now, jitter)
    return _later(error, attempts, age, policy, now, jitter)


def backoff(attempts: int, first: timedelta, factor: float, maximum: timedelta) -> timedelta:
    """Wait after ``attempts`` refusals: ``first``, then ``factor`` times longer each, never above ``maximum``."""
    ceiling = max(maximum / first, 1.0)
    grown = 1.0
    for _ in range(max(attempts - 1, 0)):
        grown *= factor
        if grown >= ceiling or factor == 1.0:
            break
    return first * min(grown, ceiling)


def _refused(
    error: TransportError, attempts: int, policy: RetryPolicy, now: datetime | None, jitter: float
) -> RetryDecision:
    fate = _fate(error)
    said = _said(fate.text, error)
    if fate.kind is RetryKind.PAUSE:
        return _pause(said, fate.advice, policy, now)
    if fate.few and attempts < policy.few:
        wait = _shaken(backoff(attempts, policy.first, policy.factor, policy.maximum), policy, jitter)
        return _defer(said, wait, now)
    return RetryDecision(kind=fate.kind, reason=f"{said}. {fate.advice}", said=said, hold_code=fate.hold_code)


def names_no_box(error: TransportError) -> bool:
    """Refused for good since there is no such mailbox, or none any more: somebody may know a newer address."""
    return isinstance(error, Refused) and _fate(error) in (_ADDRESS, _DISABLED)


def _fate(error: TransportError) -> _Fate:
    """The row that speaks about this permanent refusal."""
    detail = _detail(error.status)
    by_reply = REPLIES.get(error.reply or 0)
    if error.stage in _WHOLE_CHANNEL:
        return _LOGIN if error.stage == "login" else _CONNECTION
    found = STATUS_DETAILS.get(detail) or STATUS_SUBJECTS.get(detail.partition(".")[0]) or by_reply or _REFUSED
    if error.reply is None and detail == "1.3":
        return _IMPOSSIBLE
    if error.stage == "mail" and error.reply is not None and found not in (_LARGE, _FULL):
        return _SENDER  # nothing was said about a recipient yet: every mail of the channel would end like this
    return found


def _later(
    error: TransportError, attempts: int, age: timedelta, policy: RetryPolicy, now: datetime | None, jitter: float
) -> RetryDecision:
    if error.stage in _WHOLE_CHANNEL:
        wait = _shaken(policy.first, policy, jitter)
        return _defer(_said("Opérateur injoignable ou indisponible", error), wait, now, uses_attempt=False)
    full = _detail(error.status) in FULL_STATUS or (error.reply in FULL_REPLIES and _detail(error.status) != "5.3")
    text = "Boîte ou serveur du destinataire plein" if full else "Refus temporaire du serveur"
    if age >= policy.give_up:
        return RetryDecision(
            kind=RetryKind.FAIL,
            reason=f"{_said(text, error)} ; abandon après {_duration(age)} et {counted(attempts, 'essai')}. "
            "Joindre le destinataire, puis rejouer ou envoyer sur papier.",
        )
    first, maximum = (policy.full_first, policy.full_maximum) if full else (policy.first, policy.maximum)
    wait = _shaken(backoff(attempts, first, policy.factor, maximum), policy, jitter)
    # The last attempt falls on the moment of giving up, not hours after it.
    return _defer(_said(text, error), max(min(wait, policy.give_up - age), timedelta(seconds=1)), now)


def _pause(text: str, advice: str, policy: RetryPolicy, now: datetime | None) -> RetryDecision:
    return RetryDecision(
        kind=RetryKind.PAUSE,
        reason=f"{text} ; canal en pause. {advice}".strip(),
        wait=policy.pause,
        due_at=None if now is None else now + policy.pause,
        uses_attempt=False,
    )


def _defer(text: str, wait: timedelta, now: datetime | None, *, uses_attempt: bool = True) -> RetryDecision:
    return RetryDecision(
        kind=RetryKind.DEFER,
        reason=f"{text} ; nouvel essai dans {_duration(wait)}.",
        wait=wait,
        due_at=None if now is None else now + wait,
        uses_attempt=uses_attempt,
    )


def _shaken(wait: timedelta, policy: RetryPolicy, jitter: float) -> timedelta:
    return wait * (1 + policy.jitter * (2 * min(max(jitter, 0.0), 1.0) - 1))


def _detail(status: str) -> str:
    """``5.1.1`` → ``1.1``; empty when it is no status of RFC 3463 §2 (``class.subject.detail``)."""
    parts = status.strip().split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        return ""
    return f"{int(parts[1])}.{int(parts[2])}"


def _said(text: str, error: TransportError) -> str:
    """The sentence with what the server said; its free text is left out, since it may quote anything."""
    said = " ".join(part for part in (str(error.reply or ""), error.status) if part)
    return f"{text} ({said})" if said else text


def _duration(span: timedelta) -> str:
    """In French, two units at most: ``45 s``, ``2 min``, ``3 h 20 min``, ``2 j 4 h``."""
    seconds = max(round(span.total_seconds()), 0)
    if seconds < 60:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} j {hours} h" if hours else f"{days} j"
