"""The store as the use cases need it: one transaction with a small ``Protocol`` per kind of row.

Part of ``ports``, which gives all these names on; import them from there.
"""

from dispatcher.store_ports.accounts import (
    AccountRow,
    Accounts,
    ConsoleSessions,
    MarkRow,
    SessionRow,
    SignIns,
    account_subject,
)
from dispatcher.store_ports.alarms import AlarmBook, AlarmNote, SignRow
from dispatcher.store_ports.anchors import AnchorRow, Anchors
from dispatcher.store_ports.answers import AnswerRow, Answers, AnswerState
from dispatcher.store_ports.bulk import BulkSend, BulkSends
from dispatcher.store_ports.destinations import DestinationRow, Destinations
from dispatcher.store_ports.dispatches import Batches, Dispatches, DispatchFilter, RecipientUse
from dispatcher.store_ports.figures import DomainRow, FigureRow, FiguresBook, Recipient
from dispatcher.store_ports.files import Files, Reports
from dispatcher.store_ports.installation import Installation, InstallationRow
from dispatcher.store_ports.ladder import DigestRow, Ladders, PrintRun, PrintRuns, StepRow
from dispatcher.store_ports.moments import Moments
from dispatcher.store_ports.nodes import DRAIN, LeaseRow, Leases, NodeRow, Nodes
from dispatcher.store_ports.pace import EVERYTHING, PaceBook
from dispatcher.store_ports.purging import Kept, Page, Place, Purging, Weight, Weights
from dispatcher.store_ports.records import (
    GapRow,
    Gaps,
    Happened,
    Journal,
    OppositionRow,
    Oppositions,
    Payloads,
    ReceiptRow,
    Receipts,
    Reference,
    ReferenceRow,
)
from dispatcher.store_ports.support import Heard, MailsAside, Scope, Support, SupportRow
from dispatcher.store_ports.tallies import Drifted, Tallies
from dispatcher.store_ports.unit import Store, UnitOfWork

__all__ = [
    "Weights",
    "Weight",
    "Purging",
    "Place",
    "Page",
    "Kept",
    "DRAIN",
    "EVERYTHING",
    "AccountRow",
    "Accounts",
    "AlarmBook",
    "AlarmNote",
    "AnchorRow",
    "Anchors",
    "AnswerRow",
    "AnswerState",
    "Answers",
    "Batches",
    "ConsoleSessions",
    "BulkSend",
    "BulkSends",
    "DestinationRow",
    "Destinations",
    "DigestRow",
    "DispatchFilter",
    "Drifted",
    "Dispatches",
    "DomainRow",
    "FigureRow",
    "FiguresBook",
    "Files",
    "GapRow",
    "Gaps",
    "Happened",
    "Heard",
    "Installation",
    "InstallationRow",
    "Journal",
    "Ladders",
    "LeaseRow",
    "Leases",
    "MailsAside",
    "MarkRow",
    "Moments",
    "NodeRow",
    "Nodes",
    "OppositionRow",
    "Oppositions",
    "PaceBook",
    "Payloads",
    "PrintRun",
    "PrintRuns",
    "ReceiptRow",
    "Receipts",
    "Recipient",
    "RecipientUse",
    "Reference",
    "ReferenceRow",
    "Reports",
    "Scope",
    "SessionRow",
    "SignIns",
    "SignRow",
    "StepRow",
    "Store",
    "Support",
    "SupportRow",
    "Tallies",
    "UnitOfWork",
    "account_subject",
]
