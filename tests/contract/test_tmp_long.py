"""Every shape of notice against a store full of near misses: it finds its own dispatch, or none, and does what it says.

The look-ups are the real ones, on both engines. Then the same mails damaged, crossed and forged: what is found must be
named in the mail, key and recipient, and nobody but the recipient's own domain reads anything.
"""

from __future__ import annotations

import email
import quopri
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import State
from dispatcher.receipts.matching import effect, match
from dispatcher.receipts.notice import Notice
from dispatcher.receipts.notices import read
from dispatcher.store.engine import SqlStore
from tests.contract.store_kit import Seed
from tests.notice_shapes.building import ENVID, MID, NADEGE, SOINS, Said, Shape
from tests.notice_shapes.corpus import SHAPES

STRANGER = "voleur@ailleurs.test"
NEAR: tuple[dict[str, str], ...] = (
    {"message_id": "<d-4H7T2WQ9D.1@labo-rivage.test>", "envid": "d-4H7T2WQ9D"},
    {"message_id": "<d-4H7T2WQ9C.2@labo-rivage.test>", "envid": "d-4H7T2WQ9C2"},
    {"message_id": "<d-4H7T2WQ9C.10@labo-rivage.test>", "envid": "d-4H7T2WQ9"},
    {"message_id": "<xd-4H7T2WQ9C.1@labo-rivage.test>", "envid": "xd-4H7T2WQ9C"},
    {"message_id": "<d-4H7T2WQ9C.1@labo-rivage.test.ailleurs.test>", "envid": "D-4H7T2WQ9C"},
    {"message_id": "<D-4H7T2WQ9C.1@LABO-RIVAGE.TEST>", "envid": "d-4h7t2wq9c"},
    {"message_id": "<d-4H7T2WQ9E.1@labo-rivage.test>", "envid": "d-4H7T2WQ9E", "address": SOINS},
    {"message_id": "<d-4H7T2WQ9F.1@labo-rivage.test>", "envid": "d-4H7T2WQ9F", "address": f"a{NADEGE}"},
    {"message_id": "<d-4H7T2WQ9G.1@labo-rivage.test>", "envid": "d-4H7T2WQ9G", "address": f"{NADEGE}.ailleurs.test"},
    {"message_id": "<d-4H7T2WQ9H.1@labo-rivage.test>", "envid": "d-4H7T2WQ9H", "address": STRANGER},
    {"message_id": "", "envid": ""},
    {"message_id": "<>", "envid": " "},
)
"""Dispatches beside ours, most of them to the same recipient: one letter more, less, other, or in another case."""


@pytest.fixture
def rows(store: SqlStore, seed: Seed) -> dict[str, Dispatch]:
    """Ours under ``ours``, the others by number."""
    made = {"ours": seed.dispatch(State.SENT, address=NADEGE, message_id=MID, envid=ENVID)}
    for number, changes in enumerate(NEAR):
        values = {"address": NADEGE} | changes
        made[str(number)] = seed.dispatch(State.SENT, domain=values["address"].partition("@")[2], **values)
    return made


def finder(uow: Any) -> Callable[..., Dispatch | None]:
    def find(*, message_id: str = "", envid: str = "") -> Dispatch | None:
        found: Dispatch | None = uow.dispatches.find_message(message_id=message_id, envid=envid)
        return found

    return find


STATES = {
    ("dsn", "failed"): State.FAILED,
    ("error-mail", "failed"): State.FAILED,
    ("dsn", "delivered"): State.DELIVERED,
    ("dsn", "relayed"): State.DELIVERED,
    ("dsn", "expanded"): State.DELIVERED,
    ("mdn", "displayed"): State.READ,
    ("mdn", "processed"): State.READ,
}
"""What a sent mail becomes by a notice; by all others it stays sent."""


def becomes(said: Said) -> State | None:
    if said.kind in {"mdn", "error-mail"} and said.class_ == "permanent":
        return State.FAILED
    if said.kind == "dsn" and said.action is None:
        return {"permanent": State.FAILED, "success": State.DELIVERED}.get(said.class_ or "")
    return STATES.get((said.kind, said.action or ""))


def whose(said: Said, sender: str) -> str:
    """The row that a notice must find, by what its author says of it; empty: none."""
    keyed = said.message_id == MID or (said.envid == ENVID and not said.message_id)
    told = {said.recipient, said.original} - {None}
    if not keyed or (told and NADEGE not in told):
        return ""
    speaks_for_her = said.kind in {"mdn", "auto-reply"}
    return "" if speaks_for_her and sender.rpartition("@")[2] != NADEGE.rpartition("@")[2] else "ours"


def test_every_shape_finds_its_own_dispatch_among_near_misses_and_does_what_it_says(
    store: SqlStore, rows: dict[str, Dispatch]
) -> None:
    by_id = {row.id: name for name, row in rows.items()}
    found = dict.fromkeys(("ours", ""), 0)
    with store.reading() as uow:
        for shape in SHAPES:
            notices = read(shape.mail)[0]
            for notice, said in zip(notices, shape.says, strict=True):
                got = match(notice, finder(uow)).dispatch
                name = by_id[got.id] if got is not None else ""
                assert name == whose(said, notice.sender or ""), shape.name
                found[name] += 1
                if got is not None:
                    assert effect(State.SENT, notice).state is becomes(said), shape.name
    assert found["ours"] > 300 and found[""] > 40


# ------------------------------------------------------------------------------------------------ mutations


KEYS = [MID, *(near["message_id"] for near in NEAR if len(near["message_id"]) > 5)]
PEOPLE = [NADEGE, SOINS, STRANGER, f"a{NADEGE}", f"{NADEGE}.ailleurs.test", "nadege.morvan@ailleurs.test"]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A mail of the corpus: keys and people exchanged, halves crossed, bytes damaged, headers put on top."""
    mail = draw(st.sampled_from(SHAPES)).mail
    if draw(st.booleans()):
        mail = mail.replace(MID.encode(), draw(st.sampled_from(KEYS)).encode())
    if draw(st.booleans()):
        mail = mail.replace(NADEGE.encode(), draw(st.sampled_from(PEOPLE)).encode())
    if draw(st.booleans()):
        other = draw(st.sampled_from(SHAPES)).mail
        cut = draw(st.floats(0, 1))
        mail = mail[: int(cut * len(mail))] + other[int(cut * len(other)) :]
    if draw(st.booleans()):
        name = draw(st.sampled_from([b"From", b"In-Reply-To", b"References", b"Original-Message-ID", b"X-Vacation"]))
        value = draw(st.sampled_from([*KEYS, *PEOPLE])).encode()
        mail = name + b": " + value + b"\r\n" + mail
    damaged = bytearray(mail)
    for place, length, junk in draw(
        st.lists(st.tuples(st.floats(0, 1), st.integers(0, 30), st.binary(max_size=8)), max_size=4)
    ):
        start = int(place * len(damaged))
        damaged[start : start + length] = junk
    return bytes(damaged)


@pytest.fixture
def look_up(store: SqlStore, rows: dict[str, Dispatch]) -> Iterator[Callable[..., Dispatch | None]]:
    with store.reading() as uow:
        yield finder(uow)


@settings(max_examples=8000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mail=mutated())
def test_no_mutated_notice_marks_a_dispatch_it_does_not_name(
    look_up: Callable[..., Dispatch | None], mail: bytes
) -> None:
    for notice in read(mail)[0]:
        dispatch = match(notice, look_up).dispatch
        if dispatch is None:
            continue
        text = everything_in(mail)
        assert squeezed(dispatch.message_id.strip("<>")) in text or squeezed(dispatch.envid) in text
        state = effect(State.SENT, notice).state
        if state is not None and notice.recipient:
            assert squeezed(dispatch.address).lower() in text.lower()
        if state is State.READ:
            host = re.escape(squeezed(dispatch.address.rpartition("@")[2]))
            assert re.search(rf"from:.*?@{host}", text.lower()), "only the recipient's own domain reads"


def everything_in(mail: bytes) -> str:
    """All words of a mail in every encoding it may be in, without blanks."""
    parts = [mail, quopri.decodestring(mail)]
    for part in email.message_from_bytes(mail).walk():
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            parts += [payload, quopri.decodestring(payload)]
    for block in re.findall(rb"(?:[A-Za-z0-9+/]{20,}=*\s*)+", mail):
        parts.append(_base64(block))
    if mail.startswith((b"\xff\xfe", b"\xfe\xff")):
        parts.append(mail.decode("utf-16", "replace").encode("utf-8", "replace"))
    text = " ".join(part.decode("utf-8", "replace") for part in parts)
    text += re.sub(r"\+([0-9A-Fa-f]{2})", lambda hit: chr(int(hit[1], 16)), text)
    return squeezed(text)


def _base64(block: bytes) -> bytes:
    import binascii

    clean = re.sub(rb"[^A-Za-z0-9+/]", b"", block)
    return binascii.a2b_base64(clean[: len(clean) // 4 * 4])


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


# ------------------------------------------------------------------------------------------------ forged


FORGED = [shape for shape in SHAPES if any(said.kind == "mdn" for said in shape.says)]


@pytest.mark.parametrize("sender", [STRANGER, f"nadege.morvan@x{NADEGE.rpartition('@')[2]}", SOINS])
def test_no_read_notice_of_a_stranger_counts_in_any_shape(look_up: Callable[..., Dispatch | None], sender: str) -> None:
    """Somebody who knows the Message-ID and the recipient, as anybody does whom the mail was forwarded to."""
    tried = 0
    for shape in FORGED:
        forged = re.sub(rb"(?im)^From:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*", b"From: <" + sender.encode() + b">", shape.mail)
        for notice in read(forged)[0]:
            dispatch = match(replace_sender(notice, sender), look_up).dispatch
            tried += 1
            assert dispatch is None or effect(State.SENT, notice).state is not State.READ, shape.name
    assert tried > 40


def replace_sender(notice: Notice, sender: str) -> Notice:
    """Shapes without any ``From`` stay without: they must not count either."""
    return notice if notice.sender else replace(notice, sender=sender)


def shapes_of(kind: str) -> list[Shape]:
    return [shape for shape in SHAPES if any(said.kind == kind for said in shape.says)]


@pytest.mark.parametrize(("kind", "least"), [("dsn", 90), ("mdn", 40), ("error-mail", 100), ("auto-reply", 30)])
def test_the_corpus_holds_many_of_each_kind(kind: str, least: int) -> None:
    assert len(shapes_of(kind)) >= least
