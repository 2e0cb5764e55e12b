"""What only a person understands: it is shown until she has dealt with it, and never taken away."""

from __future__ import annotations

import pytest

from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import State
from dispatcher.ports import ReceiptRow
from tests.service.bench import Bench
from tests.service.samples import dsn
from tests.service.test_service_collect import sent

EVE = "operator:eve"


def letter(one: Dispatch, text: str = "Cette patiente n'est plus la mienne.") -> bytes:
    """A person answers our mail."""
    return (
        f"From: {one.address}\r\nTo: resultats@labo.test\r\nSubject: Re: votre message\r\n"
        f"Message-ID: <lettre@dest.test>\r\nIn-Reply-To: {one.message_id}\r\nReferences: {one.message_id}\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\n\r\nBonjour, {text}\r\n"
    ).encode()


def to_read(bench: Bench) -> tuple[ReceiptRow, ...]:
    with bench.real.reading() as uow:
        return uow.receipts.unmatched()


def test_a_persons_answer_stays_in_the_mailbox_and_is_shown(bench: Bench) -> None:
    one = sent(bench)
    bench.mailbox.arrive(letter(one))
    assert bench.collect().matched == 1
    assert (bench.mailbox.understood, bench.mailbox.aside) == ([], ["1"])
    (row,) = to_read(bench)
    assert (row.dispatch_id, row.kind) == (one.id, "other") and "à lire par une personne" in row.note
    assert bench.get(one.id).state is State.SENT


@pytest.mark.parametrize(
    "field", ["Action: quelconque\nStatus: quelconque", "X-Rien: rien"], ids=["unreadable", "absent"]
)
def test_so_does_a_delivery_notice_that_tells_no_outcome(bench: Bench, field: str) -> None:
    one = sent(bench)
    content = dsn(one.message_id, one.address).decode().replace("Action: delivered\nStatus: 2.1.5", field)
    assert field in content
    bench.mailbox.arrive(content.encode())
    bench.collect()
    assert (bench.mailbox.understood, bench.mailbox.aside) == ([], ["1"])
    (row,) = to_read(bench)
    assert row.dispatch_id == one.id and "à lire par une personne" in row.note


def test_what_was_understood_asks_nobody(bench: Bench) -> None:
    one = sent(bench)
    for action in ("delayed", "delivered"):
        bench.mailbox.arrive(dsn(one.message_id, one.address, action))
    bench.collect()
    assert bench.mailbox.understood == ["1", "2"] and to_read(bench) == ()
