"""What holds for every recipient and every directory, not only for the ones we thought of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.report.model import IdType
from dispatcher.routing.candidates import Entry, LocalEntry
from dispatcher.routing.facts import lookups
from dispatcher.routing.gathering import gather
from dispatcher.routing.likeness import Name, agree
from dispatcher.routing.route import Envelope, RecipientRole, Wanted
from dispatcher.routing.trace import as_json, explain_french, from_json
from tests.unit.routing.routing_desk import (
    FINESS,
    IN,
    NOW,
    OTHER_FINESS,
    OTHER_RPPS,
    OUT,
    POLICY,
    RPPS,
    Book,
    Certificates,
    Domains,
    decided,
)

LOOK_ALIKES = ("DURAND", "DURANT", "DURAND-MARTIN", "MARTIN", "MARTINE", "LE GOFF", "LEGOFF", "GOFF", "D'ALMEIDA")
names = st.sampled_from(["", "BŒUF", *LOOK_ALIKES])
givens = st.sampled_from(["", "Paul", "Sophie", "P.", "Jean-Paul", "Paule", "Jean"])
addresses = st.sampled_from([f"a@{IN}", f"b@{IN}", f"a@{OUT}", f"c@x.{IN}", "1@patient.mssante.fr"])
identities = st.sampled_from([(IdType.RPPS, RPPS), (IdType.RPPS, OTHER_RPPS), (IdType.ADELI, "990010001"), (None, "")])
structures = st.sampled_from(["", FINESS, OTHER_FINESS])


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    kind, identifier = draw(identities)
    return Entry(
        address=draw(addresses),
        box_type=draw(st.sampled_from(["PER", "ORG", "APP", "CAB"])),
        id_type=kind,
        identifier=identifier,
        family=draw(names),
        given=draw(givens),
        structure_id=draw(structures),
        paperless=draw(st.sampled_from([None, True, False])),
        rank=draw(st.sampled_from([None, 1, 2])),
        red_list=draw(st.sampled_from([False, False, True])),
    )


@st.composite
def lines(draw: st.DrawFn) -> LocalEntry:
    kind, identifier = draw(identities)
    return LocalEntry(
        code=draw(st.sampled_from(["D001", "D002", RPPS])),
        source=draw(st.sampled_from(["", "lis", "autre"])),
        id_type=kind,
        identifier=identifier,
        address=draw(st.just("") | addresses),
        format=draw(st.sampled_from(["", "cda", "hprim-medecins"])),
        channel=draw(st.sampled_from(["", "mss", "smime", "apicrypt", "fax"])),
        delivery=draw(st.sampled_from(["mail", "mail", "paper", "none"])),
        valid_to=draw(st.sampled_from([None, NOW.date().replace(year=2025)])),
    )


wanteds = st.builds(
    Wanted,
    role=st.sampled_from(list(RecipientRole)),
    id=st.sampled_from(["", "D001", "D002", "ZZZ", RPPS, OTHER_RPPS, FINESS, f"8{RPPS}"]),
    id_type=st.sampled_from(list(IdType)),
    label=st.sampled_from(["", "Dr DURAND Paul"]),
    family=names,
    given=givens,
    organisation_id=structures,
    address=st.just("") | addresses | st.just("n'importe quoi"),
)
situations: dict[str, Any] = {
    "lines": st.lists(lines(), max_size=4),
    "certificates": st.dictionaries(addresses, st.just("ab" * 32), max_size=3),
    "policy": st.builds(
        lambda prefer, channel: replace(POLICY, prefer=prefer, default_channel=channel),
        st.sampled_from(["PER", "ORG"]),
        st.sampled_from(list(POLICY.channels)),
    ),
    "chosen": st.just("") | addresses,
    "pairs": st.lists(st.sampled_from([("990010001", RPPS), ("990010001", OTHER_RPPS)]), max_size=2, unique=True),
}
worlds = st.fixed_dictionaries(situations)
books = st.lists(entries(), max_size=6)


@settings(max_examples=400)
@given(wanteds, books, worlds)
def test_exactly_one_end_and_never_out_of_the_trust_space(
    who: Wanted, book: list[Entry], world: dict[str, Any]
) -> None:
    decision = decided(who, *book, **world)
    assert [decision.route is not None, decision.hold is not None, decision.paper].count(True) == 1
    if decision.route is None:
        return
    route = decision.route
    assert route.address.rpartition("@")[2] == IN, "the only domain on the list; no channel here serves another"
    assert route.format in {"cda", "hprim-medecins"}
    assert (route.envelope is Envelope.SMIME) == bool(route.certificate)
    channel = world["policy"].channels[route.channel]
    assert route.envelope is not Envelope.MUTUAL_TLS or channel.family == "mssante"
    assert route.envelope is not Envelope.PROXY or (channel.family == "apicrypt" and channel.local)


@settings(max_examples=400)
@given(wanteds, books, worlds)
def test_never_chosen_by_name(who: Wanted, book: list[Entry], world: dict[str, Any]) -> None:
    """A route has a ground other than the name: someone chose, the file or the table says, or the number matches."""
    route = decided(who, *book, **world).route
    if route is None:
        return
    if world["chosen"] or who.address:
        assert route.address == (world["chosen"] or who.address), "somebody gave it"
        return
    mine = [
        one for one in world["lines"] if one.code == who.id and one.source in {"", "lis"} and one.delivery == "mail"
    ]
    numbers = {one.identifier for one in mine} | {who.id, who.id.removeprefix("8")} - {""}
    numbers |= {number for pair in world["pairs"] if numbers & set(pair) for number in pair}
    named = {one.address for one in mine}
    behind = {box.address for box in book if {box.identifier, box.structure_id} & numbers - {""}}
    if world["policy"].prefer == "ORG" and who.organisation_id:
        behind |= {box.address for box in book if box.box_type == "ORG" and box.structure_id == who.organisation_id}
    assert route.address in named | behind


CONFIRMS = {"unverified-identifier", "unknown-recipient", "identifier-disagrees", "sources-disagree"}
"""Holds a right name may lift: it confirms a number, and picks nobody out of several."""


@settings(max_examples=600)
@given(wanteds, names, givens, books, worlds)
def test_names_can_only_stop(who: Wanted, family: str, first: str, book: list[Entry], world: dict[str, Any]) -> None:
    """Under another name, a look-alike's, or none, the same recipient gets the same address or waits for a person."""
    with_name = decided(who, *book, **world)
    other = decided(replace(who, family=family, given=first), *book, **world)
    without = decided(replace(who, family="", given="", label=""), *book, **world)
    assert len({one.route.address for one in (with_name, other, without) if one.route is not None}) <= 1
    if without.route is not None and with_name.route is None:
        assert with_name.hold is not None
        stops = {"name-disagrees", "identifier-disagrees", "sources-disagree"}
        assert with_name.hold.code in stops or who.id_type is IdType.LOCAL
    if with_name.route is not None and without.route is None:
        assert without.hold is not None
        assert without.hold.code in CONFIRMS


BOXES = (f"a@{IN}", f"b@{IN}")


@settings(max_examples=300)
@given(st.sampled_from(LOOK_ALIKES), st.sampled_from(LOOK_ALIKES), givens, givens, st.booleans())
def test_of_two_boxes_of_one_number_the_name_picks_none(
    left: str, right: str, first: str, second: str, by_label: bool
) -> None:
    """The world above seldom has two boxes that only a name tells apart."""
    book = [
        Entry(address=box, id_type=IdType.RPPS, identifier=RPPS, family=family, given=given_)
        for box, family, given_ in zip(BOXES, (left, right), (first, second), strict=True)
    ]
    who = Wanted(role=RecipientRole.PRESCRIBER, id=RPPS, id_type=IdType.RPPS, label=f"{left} {first}".strip())
    named = who if by_label else replace(who, family=left, given=first)
    assert decided(named, *book).route is None


@settings(max_examples=300)
@given(wanteds, books, worlds, st.randoms(use_true_random=False))
def test_deterministic_whatever_the_order(who: Wanted, book: list[Entry], world: dict[str, Any], random: Any) -> None:
    shuffled = list(book)
    random.shuffle(shuffled)
    one, other = decided(who, *book, **world), decided(who, *shuffled, **world)
    assert one == other
    assert as_json(one) == as_json(other)


@settings(max_examples=300)
@given(wanteds, books, worlds)
def test_without_the_directory_a_route_becomes_a_hold_or_stays(
    who: Wanted, book: list[Entry], world: dict[str, Any]
) -> None:
    """Dropping every entry never sends a routed report elsewhere: the same address, or a person."""
    before, after = decided(who, *book, **world), decided(who, **world)
    if before.route is not None and after.route is not None:
        assert after.route.address == before.route.address
        named = {one.address for one in world["lines"]} | {world["chosen"], who.address}
        assert after.route.address in named, "an address somebody gave"


@settings(max_examples=300)
@given(wanteds, books, worlds)
def test_no_patients_box_for_a_professional_and_no_red_list_by_search(
    who: Wanted, book: list[Entry], world: dict[str, Any]
) -> None:
    decision = decided(who, *book, allowed=[IN, "patient.mssante.fr"], **world)
    if decision.route is None:
        assert all(entry.address or not entry.red_list for entry in decision.used)
        return
    address = decision.route.address
    assert not address.endswith("@patient.mssante.fr")
    given_ = {one.address for one in world["lines"]} | {world["chosen"], who.address}
    behind = [box for box in book if box.address == address]
    assert address in given_ or not all(box.red_list for box in behind)


unrelated = st.builds(
    Entry,
    address=st.sampled_from([f"zz@{IN}", f"zz@{OUT}"]),
    box_type=st.sampled_from(["PER", "ORG"]),
    id_type=st.just(IdType.RPPS),
    identifier=st.just("99700000203"),
    family=st.just("ZYGOTE"),
    given=st.just("Zénobie"),
    structure_id=st.sampled_from(["", "990009999"]),
    paperless=st.sampled_from([True, False, None]),
    rank=st.sampled_from([None, 1]),
)


@settings(max_examples=300)
@given(wanteds, books, worlds, st.lists(unrelated, min_size=1, max_size=3))
def test_an_unrelated_entry_changes_nothing(
    who: Wanted, book: list[Entry], world: dict[str, Any], others: list[Entry]
) -> None:
    assert decided(who, *book, **world) == decided(who, *others, *book, **world)


@settings(max_examples=300)
@given(wanteds, books, worlds)
def test_kept_as_json_and_told_in_french(who: Wanted, book: list[Entry], world: dict[str, Any]) -> None:
    import json

    decision = decided(who, *book, **world)
    kept = json.loads(json.dumps(as_json(decision)))
    assert from_json(kept) == decision
    lines = explain_french(kept)
    assert lines[0].startswith("Destinataire : ")
    assert all(isinstance(line, str) and line for line in lines)


@settings(max_examples=200)
@given(wanteds, books, st.lists(lines(), max_size=4))
def test_complete_facts_ask_for_nothing_more(who: Wanted, book: list[Entry], table: list[LocalEntry]) -> None:
    facts = gather(
        who,
        POLICY,
        source="lis",
        directory=Book(tuple(book), tuple(table)),
        domains=Domains(frozenset({IN}), NOW, "1"),
        certificates=Certificates({}),
        now=NOW,
    )
    assert not lookups(who, facts, POLICY)
    assert facts.local.keys() == (set() if who.role is RecipientRole.PATIENT else {who.id} - {""})


@given(names, givens)
def test_a_name_agrees_with_itself(family: str, first: str) -> None:
    assert agree(Name(family, first), Name(family, first))
