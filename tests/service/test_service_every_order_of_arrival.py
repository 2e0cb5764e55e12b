"""Partial, final, corrected, cancelled, in every order of arrival and from every format that brings results.

Each arrival is held against a plain model of promise 3: what is newer replaces and withdraws, what is older waits for a
person, what is the same changes nothing; versions count up, share their set, and each rendition says which it is.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import permutations

import pytest

from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext
from dispatcher.outbox.dispatch import ReportVersion
from dispatcher.outbox.states import FileState, State
from dispatcher.report.model import Report, Status
from dispatcher.sealing.wording import body
from dispatcher.service.render import Sheets
from tests.service.bench import Bench
from tests.service.samples import OTHER_VALUE, THIRD_VALUE, VALUE, ZOE, oru

VALUES = {"P": VALUE, "F": OTHER_VALUE, "C": THIRD_VALUE, "X": THIRD_VALUE}
HOURS = {"P": "08", "F": "09", "C": "10", "X": "11"}
AGE = "PFCX"
"""Oldest first."""
STATUS = {"P": Status.PARTIAL, "F": Status.FINAL, "C": Status.CORRECTED, "X": Status.CANCELLED}


def hl7(letter: str) -> bytes:
    return oru(value=VALUES[letter], status=letter, at=f"20260311{HOURS[letter]}0000", control=f"M{letter}")


def hprim_sante(letter: str) -> bytes:
    result = "D" if letter == "X" else letter
    lines = [
        f"H|~^\\&|GLY{letter}.HPR||LABO~Labo||ORU|||D001~Dr DURAND||P|H2.1~C|20260311{HOURS[letter]}10",
        f"P|1|G-1|||{ZOE.family}~{ZOE.given}||{ZOE.born}|{ZOE.sex}",
        "OBR|1|D1~D1|T1~R1001|GLY~Glycemie~L|R||202603110700|||||||||D001~DR DURAND Pierre~L||||||"
        f"20260311{HOURS[letter]}00|||{letter}",
        f"OBX|1|NM|GLY~Glucose~L||{VALUES[letter]}|g/L|0.70 - 1.05||||{result}|||202603110800|BIOCHIMIE~10",
        "L|1||1|5",
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n"


def hprim_medecins(letter: str) -> bytes:
    """All of one day: only the letter of the result tells which is newer. The format has no cancellation."""
    day, month, year = ZOE.born[6:], ZOE.born[4:6], ZOE.born[:4]
    printed = f"   GLUCOSE              {VALUES[letter].replace('.', ',')}   g/l"
    lines = [
        *("P0000042", ZOE.family, ZOE.given, "", "", "", f"{day}/{month}/{year}", "", "R1001", "11/03/2026"),
        *("LABO       Labo", "D001       Dr DURAND Pierre", "", printed, "", "****LAB****", f"TEX|{printed}"),
        f"RES|GLUCOSE|GLY|N|{VALUES[letter]}|g/l|0.70|1.05||{'R' if letter == 'P' else letter}|||||",
        *("****FIN****", "****FINFICHIER****"),
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n"


FORMATS = {"hl7": hl7, "hprim-sante": hprim_sante, "hprim-medecins": hprim_medecins}
ORDERS = ["".join(order) for letters in ("PFC", "FCX", "PFX", "PFCX") for order in permutations(letters)]
CASES = [(name, order) for name in FORMATS for order in ORDERS if not (name == "hprim-medecins" and "X" in order)]


@dataclass
class Model:
    """What promise 3 says, in a page. A cancellation follows to whoever got a version, or (``cancellations``) a person
    tells him; where nothing left nobody has to be told."""

    cancellations: str = "send"
    rows: list[dict[str, object]] = field(default_factory=list)
    in_force: int | None = None

    def arrive(self, letter: str) -> None:
        current = self.rows[self.in_force] if self.in_force is not None else None
        late = current is not None and AGE.index(letter) < AGE.index(str(current["letter"]))
        state = State.HELD if late else self._newest(letter)
        replaces = self.in_force
        if not late:
            for row in self.rows:
                row["superseded"] = True
                row["state"] = State.SENT if row["state"] is State.SENT else State.WITHDRAWN
            self.in_force = len(self.rows)
        self.rows.append({"letter": letter, "state": state, "superseded": False, "replaces": replaces})

    def _newest(self, letter: str) -> State:
        if letter != "X":
            return State.READY
        told = any(row["state"] is State.SENT for row in self.rows)
        if not told and self.rows:
            return State.WITHDRAWN
        return State.READY if told and self.cancellations == "send" else State.HELD

    def leave(self) -> None:
        for row in self.rows:
            row["state"] = State.SENT if row["state"] is State.READY else row["state"]


def versions(bench: Bench) -> tuple[ReportVersion, ...]:
    [chain] = {dispatch.chain for dispatch in bench.dispatches()}
    with bench.real.reading() as uow:
        return tuple(uow.reports.versions(chain))


def as_read(content: bytes) -> Report:
    [report] = registry.read(content, ReadContext()).reports
    return report


WAYS = [(name, order, leaves, "send") for name, order in CASES for leaves in (False, True)]
WAYS += [(name, order, True, "hold") for name, order in CASES if "X" in order]


@pytest.mark.parametrize(
    ("name", "order", "leaves", "cancellations"),
    WAYS,
    ids=[
        f"{name} {order} {'each leaves' if leaves else 'all wait'} {setting}" for name, order, leaves, setting in WAYS
    ],
)
def test_chain_versions_and_withdrawals(bench: Bench, name: str, order: str, leaves: bool, cancellations: str) -> None:
    bench.set_source(cancellations=cancellations)
    model = Model(cancellations)
    for letter in order:
        bench.bring(FORMATS[name](letter))
        model.arrive(letter)
        if leaves:
            bench.run()
            model.leave()
        found = versions(bench)
        assert [one.version for one in found] == list(range(1, len(model.rows) + 1))
        assert len({one.set_id for one in found}) == 1 and len({one.document_id for one in found}) == len(found)
        assert [one.superseded for one in found] == [row["superseded"] for row in model.rows]
        assert bench.states() == [row["state"] for row in model.rows], letter
        assert [one.status for one in found] == [STATUS[str(row["letter"])].value for row in model.rows]
    for one, row in zip(found, model.rows, strict=True):
        if row["state"] is not State.HELD and isinstance(row["replaces"], int):
            assert one.replaces == found[row["replaces"]].document_id


@pytest.mark.parametrize(
    ("name", "order"), [(name, "PFC") for name in FORMATS] + [("hl7", "CFP"), ("hprim-sante", "FCX")]
)
def test_the_same_exported_again_changes_nothing_whenever_it_comes(bench: Bench, name: str, order: str) -> None:
    for letter in order:
        bench.bring(FORMATS[name](letter))
    states, known = bench.states(), versions(bench)
    for letter in order:
        bench.bring(FORMATS[name](letter).replace(b"P0000042", b"P0000042 "))  # another file, the same report
        assert bench.file_states()[-1] is FileState.DUPLICATE
    assert bench.states() == states and versions(bench) == known


def words_of(content: bytes, name: str) -> str:
    if name == "pdf":
        from tests.unit.formats.pdf.test_pdf_writer import text_of

        return " ".join(text_of(content).split())
    return " ".join(content.decode("utf-8" if name == "cda" else "latin-1").replace("\r\nA|", "").split())


def says(text: str, status: Status, replaces: bool) -> list[str]:
    """What a rendition of this version must say and does not."""
    wanted: Sequence[str] = {
        Status.PARTIAL: ("partiel",),
        Status.FINAL: (),
        Status.CORRECTED: ("annule et remplace",),
        Status.CANCELLED: ("annulé", "ne pas tenir compte"),
    }[status]
    if replaces and status is not Status.CANCELLED:
        wanted = (*wanted, "annule et remplace")
    return [word for word in wanted if word not in text.casefold()]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("order", ["PFC", "FPC", "FX", "PC"])
def test_every_rendition_says_which_version_it_is(bench: Bench, name: str, order: str) -> None:
    """Also a second partial report, which the order above never shows: the first partial one is replaced by it."""
    if name == "hprim-medecins" and "X" in order:
        pytest.skip("HPRIM Médecins has no cancellation")
    contents = [FORMATS[name](letter) for letter in order]
    if order == "PC":  # a second partial report between the two
        contents.insert(1, FORMATS[name]("P").replace(VALUE.encode(), OTHER_VALUE.encode()))
        contents[1] = contents[1].replace(VALUE.replace(".", ",").encode(), OTHER_VALUE.replace(".", ",").encode())
    bench.bring(*contents)
    for version, source in zip(versions(bench), contents, strict=True):
        report = as_read(source)
        sheets = Sheets(bench.desk, version, report)
        assert sheets.pdf.content
        for writer in ("cda", "pdf", "hprim-medecins", "hprim-sante"):
            content = bench.desk.writers[writer].write(report, sheets.context()).content
            if writer == "cda" and b"nonXMLBody" in content:  # nothing structured is left to say: the PDF is the body
                assert base64.b64encode(sheets.pdf.content) in b"".join(content.split())
                continue
            text = words_of(content, writer)
            assert says(text, report.status, bool(version.replaces)) == [], (writer, version.version, report.status)
        mail = body(report, bool(version.replaces), (), ())
        said = says(mail, report.status, bool(version.replaces))
        assert said == [] or (said == ["ne pas tenir compte"] and "ne plus tenir compte" in mail)
