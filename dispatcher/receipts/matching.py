"""Which dispatch a notice speaks of, and what it changes. Pure: the store's look-ups are handed in.

Order of the keys: Original-Message-ID, ENVID, then what the mail answers (ANS, « Volet Transmission d'un document
CDA-R2 par courriel MSSanté », correlation of the MDN). A key alone proves nothing: the recipient told about must be the
one the dispatch was sent to, and a read notice must come from the recipient's own domain. A stranger's mail never marks
anything as read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import MOVES, STATES, State
from dispatcher.receipts import addresses
from dispatcher.receipts.mdn import CODE_LABELS
from dispatcher.receipts.notice import Cause, Kind, Notice
from dispatcher.report.model import Problem, Severity


class Find(Protocol):
    """The store's look-up: by Message-ID (with brackets) or by ENVID."""

    def __call__(self, *, message_id: str = "", envid: str = "") -> Dispatch | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The dispatch a notice speaks of, or why there is none."""

    dispatch: Dispatch | None = None
    how: str = ""
    """``message-id``, ``envid`` or ``reply``; empty without a match."""
    problem: Problem | None = None

    @property
    def why(self) -> str:
        """French: why there is no dispatch; empty when there is one."""
        return self.problem.message if self.problem else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a notice does to its dispatch. ``state`` None: nothing changes, ``why`` is a note for the timeline."""

    state: State | None
    why: str
    """French, for people; no patient identity."""
    again: bool = False
    """The hand-over is still going on: apply the notice again when it has ended."""
    arrived: bool = False
    """It says that a mail we hold to be not sent may be in the box all the same."""


# ------------------------------------------------------------------------------------------------ whose notice


def match(notice: Notice, find: Find) -> Match:
    """Find the dispatch. Without one, ``problem`` says why: nothing to look by, unknown here, or not its recipient."""
    dispatch, how = _find(notice, find)
    if dispatch is None:
        return Match(problem=_unfound(notice))
    fault = _disagreement(notice, dispatch)
    return Match(problem=fault) if fault else Match(dispatch=dispatch, how=how)


def _find(notice: Notice, find: Find) -> tuple[Dispatch | None, str]:
    if notice.message_id and (found := find(message_id=notice.message_id)):
        return found, "message-id"
    if notice.envid:
        for envid in dict.fromkeys((notice.envid, addresses.unxtext(notice.envid))):
            if found := find(envid=envid):
                return found, "envid"
    for related in notice.related:
        if found := find(message_id=related):
            return found, "reply"
    return None, ""


def _unfound(notice: Notice) -> Problem:
    if notice.message_id or notice.envid or notice.related:
        return Problem(
            code="unknown-message",
            severity=Severity.WARNING,
            message="L'avis cite un courriel qui n'a pas été envoyé d'ici (Message-ID et ENVID inconnus) : rien n'est "
            "modifié.",
        )
    return Problem(
        code="no-reference",
        severity=Severity.WARNING,
        message="L'avis ne cite aucun courriel (ni Message-ID d'origine, ni ENVID, ni In-Reply-To) : à rapprocher à la "
        "main.",
    )


def _disagreement(notice: Notice, dispatch: Dispatch) -> Problem | None:
    told = (notice.recipient, notice.original_recipient)
    named = [address for address in told if address]
    if named and not any(addresses.same_address(address, dispatch.address) for address in named):
        return Problem(
            code="other-recipient",
            severity=Severity.WARNING,
            message=f"L'avis cite l'envoi {dispatch.id}, mais pour un autre destinataire que le sien : rien n'est "
            "modifié. À vérifier (réacheminement, ou avis falsifié).",
        )
    if not named and not _from_recipient(notice, dispatch) and notice.kind is not Kind.DSN:
        return Problem(
            code="no-recipient",
            severity=Severity.WARNING,
            message=f"L'avis cite l'envoi {dispatch.id} sans dire pour quel destinataire : rien n'est modifié.",
        )
    if _speaks_for_recipient(notice) and not _from_recipient(notice, dispatch):
        return Problem(
            code="strange-sender",
            severity=Severity.WARNING,
            message=f"L'accusé cite l'envoi {dispatch.id}, mais ne vient pas du domaine de son destinataire : rien "
            "n'est modifié.",
        )
    return None


def _speaks_for_recipient(notice: Notice) -> bool:
    """Read notices, integration errors and automatic replies come from the recipient; bounces from any relay."""
    return notice.kind in {Kind.MDN, Kind.AUTO_REPLY} or notice.error


def _from_recipient(notice: Notice, dispatch: Dispatch) -> bool:
    """Written there; and forwarded, if at all, by somebody there or of ours: anybody can wrap up a notice he made."""
    host, ours = addresses.domain(dispatch.address), addresses.domain(dispatch.message_id.strip("<>"))
    carried = (addresses.domain(one) in (host, ours) for one in notice.forwarders)
    return bool(host) and host == addresses.domain(notice.sender) and all(carried)


# ------------------------------------------------------------------------------------------------ what it changes

_CAUSES = {
    Cause.UNKNOWN_USER: "adresse inconnue chez l'opérateur du destinataire",
    Cause.UNKNOWN_DOMAIN: "domaine introuvable",
    Cause.FULL: "boîte pleine",
    Cause.INACTIVE: "boîte désactivée ou abandonnée",
    Cause.TOO_LARGE: "courriel trop volumineux",
    Cause.POLICY: "refus par une règle de sécurité ou un filtre",
    Cause.UNREACHABLE: "serveur du destinataire injoignable",
}
_BEFORE_HANDOVER = frozenset({State.HELD, State.READY, State.QUEUED, State.DEFERRED})
_NOT_SENT = _BEFORE_HANDOVER | {State.WITHDRAWN}
_GOOD = frozenset({State.DELIVERED, State.READ})
_ACCEPTED = _GOOD | {State.SENT}


def effect(state: State, notice: Notice) -> Effect:
    """What ``notice`` does to a dispatch in ``state``. Only moves of ``outbox/states.py`` are given.

    Read wins over everything; late, doubled and contradictory notices change nothing; a notice about a mail we hold to
    be not sent puts it before a person (it may have left all the same).
    """
    target, reason = _meaning(state, notice)
    if target is None and state not in _NOT_SENT:
        return Effect(state=None, why=reason)
    if state is State.SENDING:
        return Effect(state=None, why=f"{reason} Reçu pendant la remise : sera repris à sa fin.", again=True)
    if state is target:
        return Effect(state=None, why=f"{reason} L'envoi était déjà dans cet état.")
    if state in _NOT_SENT:
        return _not_sent(state, target, reason, arrived=_meaning(State.UNKNOWN, notice)[0] in _ACCEPTED)
    if state is State.READ:
        return Effect(state=None, why=f"{reason} Sans effet : l'envoi a déjà été lu.")
    if state is State.FAILED and notice.action in {"relayed", "expanded"}:
        # A relay's « passed on » may arrive after the failure it passed on to: it says less, and must not hide it.
        return Effect(state=None, why=f"{reason} L'échec déjà reçu, plus précis, est maintenu.")
    if target not in MOVES[state]:
        return Effect(state=None, why=f"{reason} Sans effet sur un envoi à l'état « {STATES[state]} ».")
    return Effect(state=target, why=reason)


def _not_sent(state: State, target: State | None, reason: str, *, arrived: bool) -> Effect:
    if not arrived:
        return Effect(state=None, why=f"{reason} Sans effet : l'envoi est noté comme non parti (« {STATES[state]} »).")
    if state is State.WITHDRAWN:
        return Effect(state=None, why=f"{reason} Pourtant l'envoi avait été retiré : il est parti.", arrived=True)
    why = f"{reason} Pourtant l'envoi est noté comme non parti : vérifier avant de le laisser repartir."
    holds = target in _GOOD and State.HELD in MOVES[state]
    return Effect(state=State.HELD if holds else None, why=why, arrived=True)


def asks_a_person(notice: Notice) -> bool:
    """Whether only a person can tell what it says: somebody's letter, a delivery notice without action or status."""
    if notice.kind in {Kind.MDN, Kind.AUTO_REPLY}:
        return False
    told = notice.error or notice.class_ is not None or notice.action in {"expanded", "relayed"}
    return notice.kind is Kind.OTHER or not told


def _meaning(state: State, notice: Notice) -> tuple[State | None, str]:
    """State the notice asks for, and the sentence that tells it."""
    if notice.kind is Kind.MDN:
        return _meaning_of_mdn(state, notice)
    if notice.kind is Kind.AUTO_REPLY:
        arrived = State.DELIVERED if state is State.UNKNOWN else None
        return arrived, "Réponse automatique (absence) : le courriel est arrivé, personne ne l'a lu pour autant."
    if notice.kind is Kind.OTHER:
        return None, "Courriel en réponse, sans valeur d'accusé : à lire par une personne."
    if notice.error:
        return State.FAILED, _refusal(notice)
    if notice.action == "expanded":
        return State.DELIVERED, "Remis à une liste ou un alias, qui ne dira rien de ses membres (avis « expanded »)."
    if notice.action == "relayed":
        return State.DELIVERED, "Transmis au serveur du destinataire, qui ne donne pas d'avis de remise (« relayed »)."
    if notice.class_ == "success":
        return State.DELIVERED, "Remis dans la boîte du destinataire (avis de remise)."
    if notice.class_ == "temporary":
        accepted = State.SENT if state is State.UNKNOWN else None
        return accepted, f"Remise retardée : {_cause(notice)}. Les relais essaient encore."
    if notice.class_ == "permanent":
        return State.FAILED, f"Non remis : {_cause(notice)}."
    return None, "Avis de remise sans action ni statut lisibles : à lire par une personne."


def _meaning_of_mdn(state: State, notice: Notice) -> tuple[State | None, str]:
    arrived = State.DELIVERED if state is State.UNKNOWN else None
    if notice.error:
        return State.FAILED, _refusal(notice)
    if notice.class_ == "success":
        verb = (
            "Affiché par le destinataire" if notice.action == "displayed" else "Intégré par le logiciel du destinataire"
        )
        return State.READ, f"{verb} (accusé de lecture)."
    if notice.action == "deleted":
        return arrived, "Supprimé par le destinataire, sans certitude qu'il l'ait lu (accusé « deleted »)."
    if notice.action == "dispatched":
        return arrived, "Transféré ou imprimé par le destinataire, sans certitude de lecture (accusé « dispatched »)."
    return arrived, "Le destinataire ne donne pas d'accusé de lecture."


def _refusal(notice: Notice) -> str:
    if notice.code in CODE_LABELS:
        label = CODE_LABELS[notice.code or ""]
        return f"Non intégré par le logiciel du destinataire, erreur {notice.code} : {label}."
    if notice.cause in _CAUSES and notice.cause is not None:
        return f"Refusé par la messagerie du destinataire : {_CAUSES[notice.cause]}."
    return "Non intégré par le logiciel du destinataire, sans code d'erreur de l'ANS."


def _cause(notice: Notice) -> str:
    cause = _CAUSES.get(notice.cause) if notice.cause else None
    status = f"statut {notice.status}" if notice.status else ""
    return " — ".join(part for part in (cause, status) if part) or "cause non précisée"
