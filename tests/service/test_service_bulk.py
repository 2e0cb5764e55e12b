"""Bulk sends: what is refused, what is kept, what goes on after a stop, what the statement says."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pikepdf
import pytest

from dispatcher.errors import IntakeError, StoreError
from dispatcher.formats.manifest.names import patterns_of
from dispatcher.formats.manifest.reader import read_manifest
from dispatcher.outbox.states import FileState, State
from dispatcher.ports import Found, Taken
from dispatcher.resources import sample
from dispatcher.routing.saved_lists import read_lists
from dispatcher.service import bulk_send
from dispatcher.service.bulk import named, plan_one
from dispatcher.service.bulk_forecast import outlook
from dispatcher.service.bulk_order import Item, Order, from_manifest, index_beside
from dispatcher.service.bulk_rules import Examined, Refusal, examine, refusals
from dispatcher.service.bulk_send import Follow, differences, load, missing, open_send, take
from dispatcher.service.bulk_statement import BulkStatement, as_csv, statement_of
from dispatcher.service.purge import Retention, purge
from tests.service.bench import DURAND, PETIT, Bench
from tests.service.samples import LEO, SECRETS, ZOE, Person, oru

BASE = sample("pdf", "compte_rendu.pdf").read_bytes()
HEAD = "fichier;destinataire;nom_naissance;prenom;date_naissance"
LISTS = read_lists(f"liste;destinataire\r\nGlycines;{DURAND}\r\nGlycines;{PETIT}\r\n".encode())


def pdf(number: int) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(BASE)) as document:
        document.docinfo["/Subject"] = f"document {number}"
        document.save(out, deterministic_id=True)
    return out.getvalue()


PDFS = {f"d{number}.pdf": pdf(number) for number in range(4)}


class Disk:
    """Documents where the sender has them."""

    def __init__(self, **contents: bytes) -> None:
        self.files = {**PDFS, **contents}
        self.read = 0

    def __call__(self, item: Item) -> Taken:
        self.read += 1
        content = self.files.get(item.name)
        if content is None:
            raise IntakeError("fichier illisible ou disparu, introuvable.")
        found = Found(path=item.path, name=item.name, size=len(content), mtime_ns=self.read, whole=True)
        return Taken(found=found, content=content, siblings=index_beside(item))


DISK = Disk()


def row(name: str, to: str = DURAND, who: Person = ZOE) -> str:
    return f"{name};{to};{who.family};{who.given};{who.born}"


def items_of(*rows: str, patterns: Sequence[str] = (), head: str = HEAD) -> tuple[tuple[Item, ...], list[str]]:
    manifest = read_manifest("\r\n".join((head, *rows, "")).encode())
    paths = {line.number: f"/documents/{line.file}" for line in manifest.lines}
    items, faults = from_manifest(manifest.lines, paths, LISTS, patterns_of(patterns))
    return items, [str(fault) for fault in (*manifest.faults, *faults)]


def examined(bench: Bench, *rows: str, disk: Disk = DISK, head: str = HEAD) -> list[Examined]:
    items, faults = items_of(*rows, head=head)
    assert faults == []
    return [examine(bench.desk, item, disk(item)) for item in items]


def order_of(bench: Bench, *rows: str, disk: Disk = DISK, place: str = "/documents/bordereau.csv") -> Order:
    found = examined(bench, *rows, disk=disk)
    assert refusals(found, 10) == ()
    return Order(title="bordereau.csv", place=place, items=tuple(one.item for one in found))


def ordered(bench: Bench, *rows: str, disk: Disk = DISK) -> str:
    return open_send(bench.desk, order_of(bench, *rows, disk=disk), "operator:eve")[0].id


def through(bench: Bench, send_id: str, disk: Disk = DISK) -> BulkStatement:
    take(bench.desk, send_id, disk)
    bench.run()
    return statement_of(bench.desk, send_id)


def got(bench: Bench) -> Counter[str]:
    return Counter(handed.mail.recipient for handed in bench.transport.accepted)


def codes(found: Sequence[Refusal]) -> list[str]:
    return [one.code for one in found]


# ---------------------------------------------------------------------------------------------- the way of an order


def test_one_document_for_two_and_one_by_a_list(bench: Bench) -> None:
    order = order_of(bench, row("d0.pdf"), row("d0.pdf", PETIT), row("d1.pdf", DURAND, LEO))
    assert [len(item.wanted) for item in order.items] == [2, 1]
    done = through(bench, open_send(bench.desk, order, "operator:eve")[0].id)
    assert got(bench) == {DURAND: 2, PETIT: 1}
    assert (done.send.count, dict(done.words), done.reconciles, done.good) == (3, {"sent": 3}, True, True)
    assert done.sentence() == "3 demandés = 3 envoyés"
    (item,), faults = items_of("d0.pdf;Glycines", head="fichier;liste")
    assert ([one.address for one in item.wanted], faults) == ([DURAND, PETIT], [])


def test_the_same_order_again_is_the_same_send_and_sends_nobody_twice(bench: Bench) -> None:
    rows = (row("d0.pdf"), row("d1.pdf", PETIT, LEO))
    first = ordered(bench, *rows)
    through(bench, first)
    send, before = open_send(bench.desk, order_of(bench, *reversed(rows), place="/ailleurs/b.csv"), "operator:adam")
    assert (send.id, before) == (first, True)
    done = through(bench, send.id)
    assert len(bench.transport.accepted) == 2
    assert dict(done.words) == {"sent": 2}


@pytest.mark.parametrize("stop_after", [0, 1, 2])
def test_a_stop_while_documents_are_taken_in_is_gone_on_with(
    bench: Bench, stop_after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_send, "GROUP", 1)
    send = ordered(bench, row("d0.pdf"), row("d1.pdf", PETIT, LEO), row("d2.pdf", PETIT))
    looks = iter(range(10))
    take(bench.desk, send, DISK, lambda: next(looks) >= stop_after)
    assert len(missing(bench.store, send)) == 3 - stop_after
    halfway = statement_of(bench.desk, send)
    assert halfway.words.get("waiting", 0) == 3 - stop_after
    assert halfway.reconciles and not halfway.through
    bench.reopen()
    done = through(bench, send)
    assert got(bench) == {DURAND: 1, PETIT: 2}
    assert dict(done.words) == {"sent": 3}


def test_a_store_that_fails_in_the_middle_of_a_group_leaves_nothing_half_taken(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = ordered(bench, row("d0.pdf"), row("d1.pdf", PETIT, LEO))
    real, calls = bulk_send.take_in, iter((True, False))

    def failing(*arguments: object) -> str:
        if next(calls):
            return real(*arguments)  # type: ignore[arg-type]
        raise StoreError("disque plein")

    monkeypatch.setattr(bulk_send, "take_in", failing)
    with pytest.raises(StoreError):
        take(bench.desk, send, DISK)
    assert bench.files() == ()
    monkeypatch.undo()
    assert dict(through(bench, send).words) == {"sent": 2}


def test_two_commands_at_once_take_a_document_in_once(bench: Bench) -> None:
    send = ordered(bench, row("d0.pdf"), row("d1.pdf", PETIT, LEO))

    def read(item: Item) -> Taken:
        if not bench.files():
            take(bench.desk, send, DISK)  # the other one was faster
        return DISK(item)

    assert take(bench.desk, send, read).count == 0
    bench.run()
    assert len(bench.files()) == 2
    assert got(bench) == {DURAND: 1, PETIT: 1}


def test_a_document_that_changed_or_went_is_told_and_the_others_leave(bench: Bench) -> None:
    send = ordered(bench, row("d0.pdf"), row("d1.pdf", PETIT, LEO), row("d2.pdf", PETIT))
    disk = Disk(**{"d0.pdf": PDFS["d3.pdf"]})
    del disk.files["d1.pdf"]
    taken = take(bench.desk, send, disk)
    assert [fault[:10] for fault in taken.faults] == ["« d0.pdf »", "« d1.pdf »"]
    bench.run()
    done = statement_of(bench.desk, send)
    assert dict(done.words) == {"sent": 1, "waiting": 2}
    assert not done.good and not done.through


def test_an_order_forgets_the_patients_once_the_documents_are_prepared(bench: Bench) -> None:
    send = ordered(bench, row("d0.pdf"))
    assert load(bench.store, send).items[0].facts
    take(bench.desk, send, DISK)
    bulk_send.forget_facts(bench.desk, send)
    assert load(bench.store, send).items[0].facts, "not prepared yet"
    bench.prepare()
    bulk_send.forget_facts(bench.desk, send)
    kept = bench.payload(send, "order")
    assert kept is not None and not [secret for secret in SECRETS if secret in kept.decode()]
    assert missing(bench.store, send) == ()


def test_a_changed_manifest_is_told_with_what_changed(bench: Bench) -> None:
    first = ordered(bench, row("d0.pdf"), row("d1.pdf", PETIT, LEO), row("d2.pdf", PETIT))
    same = order_of(bench, row("d0.pdf"), row("d1.pdf", PETIT, LEO), row("d2.pdf", PETIT))
    assert differences(bench.desk, same) is None
    told = differences(bench.desk, order_of(bench, row("d0.pdf"), row("d1.pdf", DURAND, LEO), row("d3.pdf", PETIT)))
    assert told is not None
    assert (told.send.id, told.added, told.gone, told.changed, told.same) == (
        first, ("d3.pdf",), ("d2.pdf",), ("d1.pdf",), 1
    )  # fmt: skip
    patient = differences(bench.desk, order_of(bench, row("d0.pdf", DURAND, LEO)))
    assert patient is not None and patient.changed == ("d0.pdf",)


def test_what_a_recipient_has_by_another_send_is_not_sent_again(bench: Bench) -> None:
    through(bench, ordered(bench, row("d0.pdf")))
    done = through(bench, ordered(bench, row("d0.pdf"), row("d0.pdf", PETIT)))
    assert got(bench) == {DURAND: 1, PETIT: 1}
    assert (dict(done.words), done.reconciles) == ({"sent": 1, "known": 1}, True)
    assert done.sentence() == "2 demandés = 1 envoyés + 1 déjà confiés auparavant"


def test_a_recipient_named_in_two_ways_gets_it_once_and_the_sums_reconcile(bench: Bench) -> None:
    done = through(bench, ordered(bench, row("d0.pdf"), row("d0.pdf", "D001")))
    assert got(bench) == {DURAND: 1}
    assert (dict(done.words), done.reconciles) == ({"sent": 1, "known": 1}, True)


def test_an_unknown_recipient_is_held_with_its_reason(bench: Bench) -> None:
    done = through(bench, ordered(bench, row("d0.pdf", "INCONNU")))
    (entry,) = done.entries
    assert entry.dispatch is not None and entry.dispatch.state is State.HELD
    assert entry.remark and not done.good


def test_read_receipts_follow_in_a_later_statement(bench: Bench) -> None:
    send = ordered(bench, row("d0.pdf"))
    (entry,) = through(bench, send).entries
    assert entry.dispatch is not None
    with bench.store.transaction() as uow:
        uow.dispatches.move(entry.dispatch.id, State.READ, read_at=bench.clock.now())
    later = statement_of(bench.desk, send)
    assert dict(later.words) == {"read": 1}
    text = as_csv(later).decode("utf-8-sig")
    assert text.count("\r\n") == 2 + 1 + 3
    assert ";lu;" in text and f"{send};;lus;1;" in text


def test_a_lost_file_shows_in_the_sums(bench: Bench) -> None:
    send = ordered(bench, row("d0.pdf"), row("d1.pdf", PETIT, LEO))
    through(bench, send)
    with bench.store.transaction() as uow:
        uow.bulk.put_item(send, 0, "F0LOST")
    done = statement_of(bench.desk, send)
    assert not done.reconciles
    assert "ne tombe pas juste" in done.sentence()


def test_progress_ends_when_nothing_moves(bench: Bench) -> None:
    send = ordered(bench, row("d0.pdf"), row("d1.pdf", "INCONNU", LEO))
    follow = Follow(bench.store, send)
    take(bench.desk, send, DISK)
    assert (follow.look().prepared, follow.look().moving) == (0, 2)
    bench.prepare()
    assert (follow.look().prepared, follow.look().dispatches, follow.look().moving) == (2, 2, 1)
    bench.run()
    assert (follow.look().moving, follow.look().gone) == (0, 2)


def test_a_document_that_could_not_be_read_is_taken_in_anew(bench: Bench) -> None:
    send = ordered(bench, row("d0.pdf"))
    take(bench.desk, send, DISK)
    (file,) = bench.claim()
    with bench.store.transaction() as uow:
        uow.files.move(file.id, FileState.QUARANTINED, reason="essai")
    assert statement_of(bench.desk, send).words == {"refused": 1}
    assert missing(bench.store, send) == (0,)
    assert dict(through(bench, send).words) == {"sent": 1}


# ------------------------------------------------------------------------------------------------------ refusals


def test_a_document_without_a_patient_is_refused(bench: Bench) -> None:
    (one,) = examined(bench, f"d0.pdf;{DURAND}", head="fichier;destinataire")
    (refusal,) = refusals([one], 10)
    assert refusal.code == "no-patient"
    assert "nom_naissance, prenom et date_naissance" in str(refusal)


def test_a_letter_to_all_correspondents_is_refused_as_mass_mail(bench: Bench) -> None:
    rows = (f"d0.pdf;{DURAND}", f"d0.pdf;{PETIT}")
    (refusal,) = refusals(examined(bench, *rows, head="fichier;destinataire"), 10)
    assert "courrier d'information" in str(refusal)


def test_one_document_given_to_many_patients_is_refused(bench: Bench) -> None:
    disk = Disk(**{"copie.pdf": PDFS["d0.pdf"]})
    found = refusals(examined(bench, row("d0.pdf"), row("copie.pdf", PETIT, LEO), row("d1.pdf"), disk=disk), 10)
    assert codes(found) == ["same-document", "same-document"]
    assert "2 patients différents" in str(found[0]) and "« copie.pdf »" in str(found[0])


def test_one_document_under_two_names_is_refused(bench: Bench) -> None:
    disk = Disk(**{"copie.pdf": PDFS["d0.pdf"]})
    found = refusals(examined(bench, row("d0.pdf"), row("copie.pdf", PETIT), disk=disk), 10)
    assert codes(found) == ["document-twice", "document-twice"]


def test_too_many_recipients_of_one_document_are_refused(bench: Bench) -> None:
    found = examined(bench, *(row("d0.pdf", f"x{number}@dest.test") for number in range(4)))
    assert codes(refusals(found, 3)) == ["too-many-recipients"]
    assert refusals(found, 4) == ()


def test_one_send_after_the_other_does_not_make_a_mailing_list(bench: Bench) -> None:
    """Cut into sends of a few recipients each it is mass mail all the same; the same send again is not."""
    through(bench, ordered(bench, row("d0.pdf"), row("d0.pdf", PETIT)))
    more = examined(bench, row("d0.pdf", "x1@dest.test"), row("d0.pdf", "x2@dest.test"))
    assert codes(refusals(more, 3)) == ["too-many-recipients"]
    assert "4 destinataires" in str(refusals(more, 3)[0])
    assert refusals(examined(bench, row("d0.pdf"), row("d0.pdf", PETIT)), 2) == ()


def test_a_document_of_another_patient_than_the_manifest_says_is_refused(bench: Bench) -> None:
    disk = Disk(**{"a.hl7": oru(who=LEO), "b.hl7": oru("R2", who=ZOE)})
    found = refusals(examined(bench, row("a.hl7"), row("b.hl7"), disk=disk), 10)
    assert [(one.name, one.code) for one in found] == [("a.hl7", "manifest-disagrees")]
    assert "nom, prénom, date de naissance" in str(found[0])


def test_what_cannot_be_read_and_a_day_that_is_none_are_refused(bench: Bench) -> None:
    disk = Disk(**{"x.txt": b"rien"})
    wrong = replace(ZOE, born="31/02/1950")
    found = refusals(examined(bench, row("x.txt"), row("d1.pdf", who=wrong), disk=disk), 10)
    assert codes(found)[0] == "unreadable"
    assert found[1].name == "d1.pdf"


def test_the_file_name_must_not_name_another_recipient() -> None:
    patterns = ["{rpps}_{reste}.pdf"]
    rows = ("99700000013_a.pdf;99700000021;A;B;19400203", "99700000013_b.pdf;99700000013;A;B;19400203")
    _, faults = items_of(*rows, patterns=patterns)
    assert len(faults) == 1 and "nomme un autre destinataire" in faults[0] and faults[0].startswith("ligne 2")
    (item,), faults = items_of(
        "99700000013_c.pdf;A;B;19400203", patterns=patterns, head=HEAD.replace("destinataire;", "")
    )
    assert ([one.id for one in item.wanted], faults) == (["99700000013"], [])


def test_the_same_file_and_recipient_twice_and_two_patients_of_one_file() -> None:
    _, faults = items_of(row("d0.pdf"), row("d0.pdf"), row("d1.pdf"), row("d1.pdf", PETIT, LEO))
    assert "même fichier et même destinataire qu'à la ligne 2" in faults[0]
    assert all("autre valeur qu'à la ligne 4" in fault for fault in faults[1:]) and len(faults) == 4


# ------------------------------------------------------------------------------------------------------- dry run


def test_the_dry_run_tells_address_envelope_size_and_when(bench: Bench) -> None:
    order = order_of(bench, row("d0.pdf"), row("d1.pdf", PETIT, LEO))
    planned = [plan_one(bench.desk, DISK(item), item.wanted) for item in order.items]
    (first, second) = [one for plan in planned for one in plan.dispatches]
    assert (first.address, second.address, first.envelope) == (DURAND, PETIT, "proxy")
    assert first.sealed_bytes > 1000
    (told,) = outlook(bench.desk, planned)
    assert (told.channel, told.mails, told.size) == ("pro", 2, first.sealed_bytes + second.sealed_bytes)
    assert told.forecast.through_at is not None and told.forecast.through_at >= bench.clock.now()
    assert bench.files() == () and bench.dispatches() == ()


def test_what_waits_already_comes_first_in_the_forecast(bench: Bench) -> None:
    bench.bring(oru("R1"), oru("R2", who=LEO))
    order = order_of(bench, row("d0.pdf"))
    (told,) = outlook(bench.desk, [plan_one(bench.desk, DISK(order.items[0]), order.items[0].wanted)])
    assert told.waiting == 2


def test_addressed_as_before(bench: Bench) -> None:
    """``--to`` without a manifest."""
    item = Item(position=0, path="/d.hl7", name="d.hl7", wanted=(named(DURAND),))
    disk = Disk(**{"d.hl7": oru(to="D002^PETIT^Sophie")})
    one = examine(bench.desk, item, disk(item))
    send, _ = open_send(bench.desk, Order(title="d.hl7", items=(one.item,)), "operator:eve")
    through(bench, send.id, disk)
    assert got(bench) == {DURAND: 1}


def test_a_purge_takes_the_names_of_the_documents_and_leaves_the_sums(bench: Bench) -> None:
    disk = Disk(**{f"{ZOE.family}.pdf": PDFS["d0.pdf"]})
    send = ordered(bench, row(f"{ZOE.family}.pdf"), row("d1.pdf", PETIT, LEO), disk=disk)
    through(bench, send, disk)
    with bench.store.transaction() as uow:
        for one in bench.dispatches():
            uow.dispatches.move(one.id, State.READ, read_at=bench.clock.now())
    keep = Retention(contents=timedelta(90), unmatched=timedelta(90), answers=timedelta(90), proof=timedelta(3650))
    bench.clock.advance(89 * 86400)
    purge(bench.store, bench.clock, keep)
    assert load(bench.store, send).items[0].name == f"{ZOE.family}.pdf"
    bench.clock.advance(2 * 86400)
    purge(bench.store, bench.clock, keep)
    kept = bench.payload(send, "order")
    assert kept is not None and not [secret for secret in SECRETS if secret in kept.decode()]
    assert bench.payload(send, "title") is None
    done = statement_of(bench.desk, send)
    assert ([one.name for one in done.entries], done.reconciles) == (["document 1", "document 2"], True)
    bench.clock.advance(3650 * 86400)
    purge(bench.store, bench.clock, keep)
    with pytest.raises(StoreError, match=send):
        load(bench.store, send)


# ------------------------------------------------------------------------------- the same lines in another order


def test_lines_in_another_order_after_a_stop_send_each_document_once(bench: Bench) -> None:
    rows = (row("d0.pdf"), row("d1.pdf", who=LEO), row("d2.pdf", PETIT))
    disk = Disk()
    send = ordered(bench, *rows, disk=disk)
    away = {name: disk.files.pop(name) for name in ("d1.pdf", "d2.pdf")}
    assert take(bench.desk, send, disk).count == 1
    disk.files.update(away)
    again, before = open_send(bench.desk, order_of(bench, *reversed(rows), disk=disk), "operator:eve")
    assert (again.id, before) == (send, True)
    done = through(bench, send, disk)
    assert got(bench) == {DURAND: 2, PETIT: 1}
    assert {(one.name, one.word, one.address) for one in done.entries} == {
        ("d0.pdf", "sent", DURAND), ("d1.pdf", "sent", DURAND), ("d2.pdf", "sent", PETIT)
    }  # fmt: skip
    names = {file.id: file.name for file in bench.files()}
    with bench.store.reading() as uow:
        taken = {position: names[file_id] for position, file_id in uow.bulk.items(send).items()}
    assert taken == {item.position: item.name for item in load(bench.store, send).items}


def test_facts_are_forgotten_in_the_order_that_stands_then(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another command may have put the order anew, documents elsewhere, since this one last read it."""
    send = ordered(bench, row("d0.pdf"))
    old = load(bench.store, send)
    moved = replace(old, items=tuple(replace(item, path="/ailleurs/d0.pdf") for item in old.items))
    with bench.store.transaction() as uow:
        uow.payloads.put(send, bulk_send.ORDER, moved.to_json())
    monkeypatch.setattr(bulk_send, "load", lambda *_: old)
    bulk_send.forget_facts(bench.desk, send)
    monkeypatch.undo()
    assert [item.path for item in load(bench.store, send).items] == ["/ailleurs/d0.pdf"]


def test_two_boxes_of_one_person_are_one_recipient_too_many() -> None:
    head = "fichier;rpps;adresse"
    _, faults = items_of(f"d0.pdf;99700000013;{DURAND}", f"d0.pdf;99700000013;{PETIT}", head=head)
    (fault,) = faults
    assert "même fichier et même destinataire qu'à la ligne 2" in fault


@pytest.mark.parametrize("rest", ["not taken in", "in quarantine", "not sent"])
def test_a_purge_leaves_an_unfinished_send_the_names_it_goes_on_with(bench: Bench, rest: str) -> None:
    send = ordered(bench, row("d0.pdf"), row("d1.pdf", "INCONNU" if rest == "not sent" else PETIT, LEO))
    taken = iter((True, rest != "not taken in"))
    take(bench.desk, send, lambda item: Disk(**({} if next(taken) else {item.name: b""}))(item))
    if rest == "in quarantine":
        with bench.store.transaction() as uow:
            uow.files.move(uow.bulk.items(send)[1], FileState.QUARANTINED, reason="essai")
    bench.run()
    keep = Retention(contents=timedelta(90), unmatched=timedelta(90), answers=timedelta(90), proof=timedelta(3650))
    for days in (91, 3650):
        bench.clock.advance(days * 86400)
        purge(bench.store, bench.clock, keep)
        assert [item.name for item in load(bench.store, send).items] == ["d0.pdf", "d1.pdf"]
        assert bench.payload(send, "title") is not None
    if rest != "not sent":
        assert take(bench.desk, send, DISK).count == 1 and missing(bench.store, send) == ()


# ------------------------------------------------------------------------------------- a list in the name of a file


def test_a_list_in_a_file_name_beside_a_manifest() -> None:
    """Its members, never those the document names; others than the manifest's, or a list nobody knows, are a fault."""
    patterns = ["{liste}_{reste}"]
    (item,), faults = items_of("Glycines_a.pdf;X", head="fichier;nom_naissance", patterns=patterns)
    assert ([one.address for one in item.wanted], faults) == ([DURAND, PETIT], [])
    (item,), faults = items_of(f"Glycines_a.pdf;{PETIT}", head="fichier;destinataire", patterns=patterns)
    assert ([one.address for one in item.wanted], faults) == ([PETIT], [])
    _, (fault,) = items_of("Glycines_a.pdf;x@ailleurs.fr", head="fichier;destinataire", patterns=patterns)
    assert "nomme un autre destinataire que le bordereau" in fault
    _, (fault,) = items_of("Roses_a.pdf;X", head="fichier;nom_naissance", patterns=patterns)
    assert "aucune liste « Roses »" in fault
