"""What becomes of a mail when something breaks: one list, run against fakes, the sandbox operator and a real Postfix.

``python -m tests.tools.fault_table`` writes ``docs/pannes.md`` from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from dispatcher.errors import OurFault, OutcomeUnknown, Refused, TransportError, TryLater
from dispatcher.outbox.states import State
from dispatcher.sandbox.faults import SWITCHES
from dispatcher.service.wording import STATES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "pannes.md"

MINUTE = timedelta(minutes=1)
OURS = timedelta(minutes=1)
"""First pause after a fault of ours; those after it grow (`retry`)."""
SLOW = timedelta(minutes=30)
NETWORK, THEIRS, US = "réseau", "eux", "nous"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that breaks, and what the first pass over one waiting mail must come to."""

    name: str
    where: str
    """:data:`NETWORK`, :data:`THEIRS` (the operator, the recipient) or :data:`US` (login, certificate, disk)."""
    what: str
    """French."""
    raised: TransportError | None = None
    """What the transport makes of it; None: it accepts."""
    at_open: bool = False
    """Raised when connecting; else at the hand-over."""
    kept: bool = False
    """The operator has the mail all the same."""
    state: State
    attempts: int = 1
    hold_code: str = ""
    paused: bool = False
    """The whole channel waits."""
    wait: timedelta | None = None
    """Until the next try; within a tenth."""
    after: State = State.SENT
    """When the fault is over and ``wait`` has passed."""
    then: str
    """French: what the program does next, and what a person may do."""
    sandbox: str = ""
    """Switch of the sandbox operator."""
    box: str = "silent"
    """Recipient of the sandbox."""
    postfix: str = ""
    """Mailbox, or arrangement, of the real server."""


FAULTS = (
    Fault(
        name="server-away",
        where=NETWORK,
        what="Serveur de l'opérateur absent : connexion refusée ou coupée avant le salut",
        raised=TryLater("Serveur injoignable.", stage="connect"),
        at_open=True,
        state=State.QUEUED,
        attempts=0,
        paused=True,
        wait=MINUTE,
        then="Le canal attend et réessaie de lui-même ; les envois restent en file, quelle que soit la durée.",
        sandbox="refuse-connections",
        postfix="closed-port",
    ),
    Fault(
        name="broken-tls",
        where=US,
        what="TLS impossible avec notre opérateur : négociation incompréhensible",
        raised=OurFault("TLS : négociation refusée.", stage="tls"),
        at_open=True,
        state=State.QUEUED,
        attempts=0,
        paused=True,
        wait=OURS,
        then="Rien ne part en clair. Vérifier le canal (« dispatcher check ») ou appeler l'opérateur.",
        sandbox="break-tls",
    ),
    Fault(
        name="untrusted-server",
        where=US,
        what="Certificat du serveur non signé par une autorité de « ca_file », expiré, ou à un autre nom",
        raised=OurFault("TLS : le certificat du serveur est refusé.", stage="tls"),
        at_open=True,
        state=State.QUEUED,
        attempts=0,
        paused=True,
        wait=OURS,
        then="Rien ne part. Vérifier « ca_file », « server_name » et l'horloge.",
        postfix="untrusted-server",
    ),
    Fault(
        name="wrong-password",
        where=US,
        what="Mot de passe refusé (535)",
        raised=OurFault("Identification refusée.", reply=535, status="5.7.8", stage="login"),
        at_open=True,
        state=State.QUEUED,
        attempts=0,
        paused=True,
        wait=OURS,
        then="Aucun essai n'est compté. Corriger « user » et « password_file ».",
        sandbox="refuse-login",
        postfix="wrong-password",
    ),
    Fault(
        name="unknown-client",
        where=US,
        what="Certificat client que l'opérateur ne reconnaît pas (554 5.7.1 Client host rejected)",
        raised=OurFault("Client host rejected.", reply=554, status="5.7.1", stage="rcpt"),
        state=State.DEFERRED,
        attempts=0,
        paused=True,
        wait=OURS,
        then="Aucun essai n'est compté, aucun autre envoi n'y est sacrifié. Vérifier « client_cert ».",
        sandbox="reject-certificate",
        postfix="unknown-client",
    ),
    Fault(
        name="their-disk-full",
        where=THEIRS,
        what="Disque de l'opérateur plein (452 4.3.1)",
        raised=TryLater("Disque plein.", reply=452, status="4.3.1", stage="mail"),
        state=State.DEFERRED,
        wait=SLOW,
        then="Nouvel essai dans une demi-heure, puis de plus en plus tard ; échec après 48 h (`retry`).",
        sandbox="disk-full",
        postfix="disk-full",
    ),
    Fault(
        name="busy",
        where=THEIRS,
        what="Refus temporaire (451 4.3.0)",
        raised=TryLater("Occupé.", reply=451, status="4.3.0", stage="rcpt"),
        state=State.DEFERRED,
        wait=MINUTE,
        then="Nouvel essai dans une minute, puis de plus en plus tard ; échec après 48 h (`retry`).",
        sandbox="try-later=1",
        postfix="busy@dest.test",
    ),
    Fault(
        name="greylisted",
        where=THEIRS,
        what="Liste grise (450 4.7.1) : refusé au premier essai, accepté plus tard",
        raised=TryLater("Liste grise.", reply=450, status="4.7.1", stage="rcpt"),
        state=State.DEFERRED,
        wait=MINUTE,
        then="Nouvel essai dans une minute : accepté dès que le délai du serveur est passé.",
        sandbox="greylist=0.5",
        postfix="greylist",
    ),
    Fault(
        name="hung-up",
        where=THEIRS,
        what="L'opérateur raccroche (421)",
        raised=TryLater("Au revoir.", reply=421, status="4.7.0", stage="rcpt"),
        state=State.DEFERRED,
        wait=MINUTE,
        then="Nouvel essai dans une minute ; les autres envois partent par une nouvelle connexion.",
        sandbox="close-after=0",
        postfix="bye@dest.test",
    ),
    Fault(
        name="unknown-user",
        where=THEIRS,
        what="Boîte inconnue (550 5.1.1)",
        raised=Refused("Inconnu.", reply=550, status="5.1.1", stage="rcpt"),
        state=State.FAILED,
        after=State.FAILED,
        then="Annuaire et table sont interrogés de nouveau. Une autre adresse : l'envoi attend une personne "
        "(`address-changed`), la nouvelle montrée. Sinon échec : « hold », puis « release --to ADRESSE ».",
        box="refused",
        postfix="perm@dest.test",
    ),
    Fault(
        name="mailbox-full",
        where=THEIRS,
        what="Boîte du destinataire pleine, refus définitif (552 5.2.2)",
        raised=Refused("Boîte pleine.", reply=552, status="5.2.2", stage="rcpt"),
        state=State.HELD,
        hold_code="mailbox-full",
        after=State.HELD,
        then="Attend une personne : prévenir le destinataire, puis « release ».",
        box="full",
        postfix="full@dest.test",
    ),
    Fault(
        name="mailbox-full-for-now",
        where=THEIRS,
        what="Boîte du destinataire pleine, refus temporaire (452 4.2.2)",
        raised=TryLater("Boîte pleine.", reply=452, status="4.2.2", stage="rcpt"),
        state=State.DEFERRED,
        wait=SLOW,
        then="Nouvel essai dans une demi-heure, puis de plus en plus tard ; échec après 48 h (`retry`).",
        postfix="overquota@dest.test",
    ),
    Fault(
        name="mailbox-full-by-notice",
        where=THEIRS,
        what="Boîte pleine, dite après coup par un avis d'échec",
        state=State.SENT,
        after=State.FAILED,
        then="L'avis met l'envoi en échec dès qu'il est relevé. Prévenir le destinataire, puis « replay ».",
        kept=True,
        box="mailbox-full",
        postfix="quota@dest.test",
    ),
    Fault(
        name="refused-after-dot",
        where=THEIRS,
        what="Contenu refusé après transmission (554 5.7.1 au point final)",
        raised=Refused("Refusé.", reply=554, status="5.7.1", stage="final-dot"),
        state=State.HELD,
        hold_code="policy",
        after=State.HELD,
        then="Attend une personne : voir la cause avec l'opérateur, puis « release ».",
        sandbox="answer-dot=554",
        postfix="spam@dest.test",
    ),
    Fault(
        name="busy-after-dot",
        where=THEIRS,
        what="Refus temporaire après transmission (451 au point final) : le courrier n'est pas pris",
        raised=TryLater("Occupé.", reply=451, status="4.3.0", stage="final-dot"),
        state=State.DEFERRED,
        wait=MINUTE,
        then="Nouvel essai dans une minute : une réponse, même négative, dit que rien n'est parti.",
        sandbox="answer-dot=451",
        postfix="busydot@dest.test",
    ),
    Fault(
        name="cut-in-data",
        where=NETWORK,
        what="Connexion coupée après DATA, avant le point final",
        raised=TryLater("Connexion coupée.", stage="data"),
        state=State.DEFERRED,
        wait=MINUTE,
        then="Nouvel essai dans une minute : un courrier incomplet n'est jamais remis (RFC 5321).",
        sandbox="cut-in-data=1",
        postfix="cut-in-data",
    ),
    Fault(
        name="cut-after-dot",
        where=NETWORK,
        what="Connexion coupée après le point final, avant la réponse",
        raised=OutcomeUnknown("Connexion perdue.", stage="final-dot"),
        kept=True,
        state=State.UNKNOWN,
        after=State.UNKNOWN,
        then="Jamais renvoyé à l'aveugle. Un avis, la copie des courriers envoyés ou « dispatcher settle » tranche.",
        sandbox="drop-after-dot=1",
        postfix="cut-after-dot",
    ),
    Fault(
        name="slow",
        where=THEIRS,
        what="Serveur lent, dans la limite de « timeout_seconds »",
        state=State.SENT,
        kept=True,
        then="Rien : l'envoi part, les autres connexions du canal n'en sont pas retardées.",
        sandbox="slow=0.05",
        postfix="slow@dest.test",
    ),
    Fault(
        name="too-slow",
        where=THEIRS,
        what="Serveur muet au-delà de « timeout_seconds », avant la transmission",
        raised=TryLater("Délai dépassé.", stage="rcpt"),
        state=State.DEFERRED,
        wait=MINUTE,
        then="Nouvel essai dans une minute : rien n'est parti.",
        sandbox="slow=4",
        postfix="tooslow@dest.test",
    ),
    Fault(
        name="silent-after-dot",
        where=THEIRS,
        what="Serveur muet au-delà de « timeout_seconds », après le point final",
        raised=OutcomeUnknown("Délai dépassé.", stage="final-dot"),
        kept=True,
        state=State.UNKNOWN,
        after=State.UNKNOWN,
        then="Comme une coupure après le point final.",
        sandbox="slow-dot=4",
        postfix="lostack@dest.test",
    ),
)
"""What a transport can meet, in the order a mail meets it."""

STORE_FAULTS = (
    Fault(
        name="own-disk-full",
        where=US,
        what="Notre disque plein (ou la base absente) alors qu'une réponse de l'opérateur reste à écrire",
        kept=True,
        state=State.SENT,
        then="La réponse est gardée et récrite, de plus en plus espacée, jusqu'à ce que la base la prenne ou l'arrêt.",
    ),
    Fault(
        name="own-commit-in-doubt",
        where=US,
        what="La base est perdue pendant qu'elle note le début d'une remise",
        state=State.QUEUED,
        attempts=0,
        then="Rien n'est parti, et le programme le sait : l'envoi retourne en file dès que la base répond.",
    ),
)

SLOW_TIMEOUT = 2.0
"""« timeout_seconds » for the faults that are slower than that."""
SLOWER = frozenset({"too-slow", "silent-after-dot"})

_HEAD = """# Les pannes, et ce que devient l'envoi

Pour chaque panne : ce que devient l'envoi au premier passage, si un essai est compté, si tout le canal attend, quand
a lieu l'essai suivant, et la suite. Chaque ligne est essayée par les tests avec de faux serveurs et une horloge
d'essai, avec l'opérateur d'essai (`dispatcher sandbox`) et avec un vrai Postfix. Les délais sont ceux des réglages
par défaut, à un dixième près.

Trois principes. **Nos pannes n'usent aucun essai** (mot de passe, certificat, TLS, disque) : le canal attend, les
envois avec lui, de plus en plus longtemps tant que cela dure. **Un refus clair n'est pas un doute** : tant que
l'opérateur a répondu non, ou que la coupure vient avant le point final, rien n'est parti. **Un doute n'est jamais
renvoyé à l'aveugle.**

Page écrite par `python -m tests.tools.fault_table`.

| panne | chez | état de l'envoi | essai compté | canal | essai suivant | la suite |
|---|---|---|---|---|---|---|"""
_AWAY = """
## Serveur absent six heures

Le canal attend et réessaie de lui-même. Au retour tout part, dans l'ordre, sous le débit réglé : aucun essai n'a été
compté, rien n'est en échec, et le journal ne garde que quelques lignes de l'attente. Testé avec vingt envois et une
horloge d'essai.

## Jouer une panne : `dispatcher sandbox --fault`

L'opérateur d'essai joue ces pannes, une ou plusieurs à la fois (`--fault slow=5 --fault greylist=60`). Des boîtes de
son annuaire en jouent d'autres : `refused`, `full`, `mailbox-full`, `bounces`…

| `--fault` | l'opérateur d'essai |
|---|---|"""


def page() -> str:
    """The page as it must stand."""
    rows = [_row(fault) for fault in (*FAULTS, *STORE_FAULTS)]
    switches = [f"| `{switch.word}` | {switch.says} |" for switch in SWITCHES]
    return "\n".join([_HEAD, *rows, _AWAY, *switches]) + "\n"


def _row(fault: Fault) -> str:
    state = f"`{fault.state}` : {STATES[fault.state]}"
    if fault.hold_code:
        state += f" (`{fault.hold_code}`)"
    cells = [
        fault.what,
        fault.where,
        state,
        "oui" if fault.attempts else "non",
        "en pause" if fault.paused else "ouvert",
        f"{int(fault.wait.total_seconds()) // 60} min" if fault.wait else "–",
        fault.then,
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
