"""Every key of a dialect changes what is read, in every format it is said to apply to: none is decoration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from dispatcher.dialects.guide import rows
from dispatcher.report.model import Report
from tests.unit.dialects.messages import FILES, read, report

H, S, M = "hl7v2", "hprim-sante", "hprim-medecins"


class Case(NamedTuple):
    """``edit`` makes the file one of such a LIS; then the reading ``without`` and ``with_`` the dialect."""

    key: str
    format: str
    edit: tuple[tuple[str, str], ...]
    toml: str
    told: Callable[[Report], Any]
    without: Any
    with_: Any


def first(r: Report) -> Any:
    return r.observations[0]


def person(one: Any) -> Any:
    return (one.id, one.id_type.value, one.family, one.given) if one else None


def filler(r: Report) -> str:
    return r.order.filler


def prescriber(r: Report) -> Any:
    return person(r.prescriber)


def copies(r: Report) -> Any:
    return [person(one) for one in r.copies]


def names(r: Report) -> Any:
    return r.patient.birth_name, r.patient.used_name, r.patient.given_names


def ids(r: Report) -> Any:
    return [one.value for one in r.patient.local_ids]


def laboratory(r: Report) -> Any:
    return r.laboratory.name, r.laboratory.finess or r.laboratory.id


def value(r: Report) -> str:
    return first(r).value


def collected(r: Report) -> str:
    return r.collected_at.isoformat() if r.collected_at else ""


def reported(r: Report) -> str:
    return r.reported_at.isoformat()[:10] if r.reported_at else ""


def codes(r: Report) -> Any:
    one = first(r)
    return one.code.code, one.code.system, one.loinc, one.alternate.code if one.alternate else ""


def lines(r: Report) -> Any:
    return [(b.title, b.comments, [(o.code.code, o.comments) for o in b.observations]) for b in r.batteries]


HEMO = (("HB", ("À contrôler.",)),)
NOTE = "À contrôler."
CARIOU = ("D014", "local", "CARIOU", "Yves")
GOFF = ("LE GOFF", "", ("Anne",))

CASES = [
    # ------------------------------------------------------------------------------------------ head of the file
    Case(
        "timezone",
        H,
        (),
        'timezone = "Indian/Reunion"',
        collected,
        *[f"2026-04-02T08:00:00{o}" for o in ("+02:00", "+04:00")],
    ),
    Case(
        "timezone",
        S,
        (),
        'timezone = "America/Martinique"',
        collected,
        *[f"2026-04-02T08:00:00{o}" for o in ("+02:00", "-04:00")],
    ),
    Case(
        "null_words",
        H,
        (("D014^CARIOU^Yves", "NÉANT"),),
        'null_words = ["néant"]',
        prescriber,
        ("NÉANT", "local", "", ""),
        None,
    ),
    Case(
        "null_words", S, (("D014~CARIOU&Yves~L", "-"),), 'null_words = ["-"]', prescriber, ("-", "local", "", ""), None
    ),
    Case("null_words", M, (("F1", "NEANT"),), 'null_words = ["NEANT"]', filler, "NEANT", ""),
    Case("ignore", H, (), 'ignore = ["OBR-16"]', prescriber, CARIOU, None),
    Case("ignore", S, (), 'ignore = ["OBR.16.1"]', prescriber, CARIOU, ("", "local", "CARIOU", "Yves")),
    Case("ignore", M, (), 'ignore = ["L10"]', reported, "2026-04-02", ""),
    Case(
        "constants",
        H,
        (),
        'constants = { OBR-24 = "HEMATOLOGIE" }',
        lambda r: r.batteries[0].chapter,
        "HM",
        "HEMATOLOGIE",
    ),
    Case(
        "constants", S, (), '[constants]\n"OBR.16" = "D1^ROUX^Luc"', prescriber, CARIOU, ("D1", "local", "ROUX", "Luc")
    ),
    Case("constants", M, (), 'constants = { L10 = "03/04/2026" }', reported, "2026-04-02", "2026-04-03"),
    Case(
        "defaults",
        H,
        (("D014^CARIOU^Yves", ""),),
        'defaults = { OBR-16 = "D0^NUL" }',
        prescriber,
        None,
        ("D0", "local", "NUL", ""),
    ),
    Case(
        "defaults",
        S,
        (("D014~CARIOU&Yves~L", ""),),
        'defaults = { OBR-16 = "D0^NUL" }',
        prescriber,
        None,
        ("D0", "local", "NUL", ""),
    ),
    Case(
        "defaults",
        M,
        (("02/04/2026\n", "\n"),),
        'defaults = { "L10" = "03/04/2026" }',
        reported,
        "",
        "2026-04-03",
    ),
    Case(
        "flags",
        H,
        (("|L|||F", "|*~+|||F"),),
        'flags = { "*" = "A", "+" = "" }',
        lambda r: first(r).flags,
        ("*", "+"),
        ("A",),
    ),
    Case("flags", S, (("|L|||F", "|~|||F"),), 'flags = { "~" = "H" }', lambda r: first(r).flags, (), ("H",)),
    Case("flags", M, (("17.0|L|", "17.0|bas|"),), 'flags = { BAS = "L" }', lambda r: first(r).flags, ("BAS",), ("L",)),
    # ------------------------------------------------------------------------------------------ numbers
    Case(
        "numbers.decimal",
        H,
        (("|10.9|", "|1,234|"),),
        '[numbers]\ndecimal = "."\nthousands = ","',
        value,
        "1.234",
        "1234",
    ),
    Case(
        "numbers.decimal",
        S,
        (("|10.9|", "|1.234,5|"),),
        '[numbers]\ndecimal = ","\nthousands = "."',
        value,
        "1.234,5",
        "1234.5",
    ),
    Case(
        "numbers.decimal",
        M,
        (("|10.9|", "|1.234,5|"),),
        '[numbers]\ndecimal = ","\nthousands = "."',
        value,
        "1.234,5",
        "1234.5",
    ),
    Case(
        "numbers.thousands",
        H,
        (("|10.9|", "|>= 2'500.5|"),),
        '[numbers]\nthousands = "\'"',
        lambda r: (first(r).comparator, value(r)),
        ("", ">= 2'500.5"),
        (">=", "2500.5"),
    ),
    Case(
        "numbers.thousands",
        S,
        (("13.0 - 17.0", "1'300 - 1'700"),),
        '[numbers]\nthousands = "\'"',
        lambda r: (first(r).low, first(r).high),
        ("", ""),
        ("1300", "1700"),
    ),
    Case(
        "numbers.thousands",
        M,
        (("|13.0|17.0|", "|1'300|1'700|"),),
        '[numbers]\nthousands = "\'"',
        lambda r: (first(r).low, first(r).high),
        ("", ""),
        ("1300", "1700"),
    ),
    # ------------------------------------------------------------------------------------------ codes
    Case(
        "codes.systems",
        H,
        (("HB^Hémoglobine^L", "718-7^Hémoglobine^C4"),),
        '[codes]\nsystems = { c4 = "LOINC" }',
        codes,
        ("718-7", "C4", None, ""),
        ("718-7", "LN", "718-7", ""),
    ),
    Case(
        "codes.systems",
        S,
        (("HB~Hémoglobine~L", "HB~Hémoglobine~N"),),
        '[codes]\nsystems = { N = "1.2.250.1.999" }',
        codes,
        ("HB", "N", None, ""),
        ("HB", "1.2.250.1.999", None, ""),
    ),
    Case(
        "codes.first",
        H,
        (("HB^Hémoglobine^L", "718-7^Hémoglobine"),),
        '[codes]\nfirst = "loinc"',
        codes,
        ("718-7", "", None, ""),
        ("718-7", "LN", "718-7", ""),
    ),
    Case(
        "codes.first",
        S,
        (("HB~Hémoglobine~L", "HB~Hémoglobine~LN"),),
        '[codes]\nfirst = "local"',
        codes,
        ("HB", "LN", None, ""),
        ("HB", "L", None, ""),
    ),
    Case(
        "codes.second",
        H,
        (("HB^Hémoglobine^L", "HB^Hémoglobine^L^718-7^Hb"),),
        '[codes]\nsecond = "loinc"',
        codes,
        ("HB", "L", None, "718-7"),
        ("HB", "L", "718-7", "718-7"),
    ),
    Case(
        "codes.second",
        S,
        (("HB~Hémoglobine~L", "HB~Hémoglobine~L~B32~Hb~Z"),),
        '[codes]\nsecond = "ignore"',
        codes,
        ("HB", "L", None, "B32"),
        ("HB", "L", None, ""),
    ),
    # ------------------------------------------------------------------------------------------ fields
    Case("fields.filler", H, (), '[fields]\nfiller = "OBR-18.1"', filler, "F1", "A18"),
    Case("fields.filler", S, (), '[fields]\nfiller = "OBR.18"', filler, "F1", "A18"),
    Case("fields.filler", M, (), '[fields]\nfiller = "L5"', filler, "F1", "B12"),
    Case("fields.placer", H, (), '[fields]\nplacer = "ORC-4.1"', lambda r: r.order.placer, "D5", "G4"),
    Case("fields.placer", S, (), '[fields]\nplacer = "P-4"', lambda r: r.order.placer, "D5", "S88"),
    Case(
        "fields.prescriber",
        H,
        (),
        '[fields]\nprescriber = "PV1-7"',
        prescriber,
        CARIOU,
        ("D090", "local", "MARZIN", "Yann"),
    ),
    Case(
        "fields.prescriber",
        S,
        (("|F\nOBR", "|F|||||D9~ROUX~L\nOBR"),),
        '[fields]\nprescriber = "P-13"',
        prescriber,
        CARIOU,
        ("D9", "local", "ROUX", ""),
    ),
    Case(
        "fields.validator",
        H,
        (("NTE|1", "OBX|2|ST|VAL||10000000009^ESSAI^Léa||||||F\nNTE|1"),),
        '[fields]\nvalidator = "OBX[3.1=val]-5"',
        lambda r: [person(v) for v in r.validators],
        [],
        [("10000000009", "RPPS", "ESSAI", "Léa")],
    ),
    Case(
        "fields.validator",
        S,
        (("||202604020805", "||202604020805|||BIO~ESSAI&Léa~L"),),
        '[fields]\nvalidator = "OBX-17"',
        lambda r: [person(v) for v in r.validators],
        [],
        [("BIO", "local", "ESSAI", "Léa")],
    ),
    Case(
        "fields.patient_id",
        H,
        (),
        '[fields]\npatient_id = "PID-2"',
        lambda r: (ids(r), r.patient.ins and r.patient.ins.matricule),
        (["P77", "ALT9", "V55"], "279035121518989"),
        (["ALT9", "V55"], "279035121518989"),
    ),
    Case("fields.patient_id", S, (), '[fields]\npatient_id = "P-3"', ids, ["P77", "R12", "S88"], ["R12", "S88"]),
    Case("fields.patient_id", M, (), '[fields]\npatient_id = "L5:1-2"', ids, ["P77"], ["B1"]),
    Case(
        "fields.visit_id", H, (), '[fields]\nvisit_id = "OBR-18"', ids, ["P77", "ALT9", "V55"], ["P77", "ALT9", "A18"]
    ),
    Case("fields.visit_id", S, (), '[fields]\nvisit_id = "OBR-18"', ids, ["P77", "R12", "S88"], ["P77", "R12", "A18"]),
    Case(
        "fields.birth_name",
        H,
        (("Anne||1979", "Anne|TANGUY|1979"),),
        '[fields]\nbirth_name = "PID-6"',
        names,
        GOFF,
        ("TANGUY", "LE GOFF", ("Anne",)),
    ),
    Case(
        "fields.birth_name",
        S,
        (),
        '[fields]\nbirth_name = "P-5.1"',
        names,
        ("TANGUY", "LE GOFF", ("Anne",)),
        ("LE GOFF", "", ("Anne",)),
    ),
    Case(
        "fields.birth_name",
        M,
        (),
        '[fields]\nbirth_name = "L4"',
        names,
        ("LE GOFF", "", ("ANNE",)),
        ("TANGUY", "LE GOFF", ("ANNE",)),
    ),
    Case(
        "fields.used_name",
        H,
        (("Anne||1979", "Anne|ABGRALL|1979"),),
        '[fields]\nused_name = "PID-6"',
        names,
        GOFF,
        ("LE GOFF", "ABGRALL", ("Anne",)),
    ),
    Case(
        "fields.used_name",
        S,
        (),
        '[fields]\nbirth_name = "P-5.1"\nused_name = "P-6.1"',
        names,
        ("TANGUY", "LE GOFF", ("Anne",)),
        ("LE GOFF", "TANGUY", ("Anne",)),
    ),
    Case(
        "fields.used_name",
        M,
        (),
        '[fields]\nused_name = "L4"',
        names,
        ("LE GOFF", "", ("ANNE",)),
        ("LE GOFF", "TANGUY", ("ANNE",)),
    ),
    Case(
        "fields.given",
        H,
        (("LE GOFF^Anne", "LE GOFF^A.^Anne"),),
        '[fields]\ngiven = "PID-5.3"',
        names,
        ("LE GOFF", "", ("A.", "Anne")),
        GOFF,
    ),
    Case(
        "fields.given",
        S,
        (("LE GOFF~Anne|TANGUY", "LE GOFF~A.~Anne|"),),
        '[fields]\ngiven = "P-5.3"',
        names,
        ("LE GOFF", "", ("A.", "Anne")),
        GOFF,
    ),
    Case(
        "fields.given", M, (), '[fields]\ngiven = "L4"', names, ("LE GOFF", "", ("ANNE",)), ("LE GOFF", "", ("TANGUY",))
    ),
    Case("fields.chapter", H, (), '[fields]\nchapter = "OBR-18.1"', lambda r: r.batteries[0].chapter, "HM", "A18"),
    Case("fields.chapter", S, (), '[fields]\nchapter = "OBR-18"', lambda r: r.batteries[0].chapter, "HM", "A18"),
    Case(
        "fields.specimen", H, (), '[fields]\nspecimen = "OBR-18"', lambda r: r.batteries[0].specimen.text, "SER", "A18"
    ),
    Case(
        "fields.specimen",
        S,
        (),
        '[fields]\nspecimen = "OBR-18"',
        lambda r: r.batteries[0].specimen.text,
        "Sérum",
        "A18",
    ),
    Case(
        "fields.collected",
        H,
        (),
        '[fields]\ncollected = "OBX-14"',
        collected,
        "2026-04-02T08:00:00+02:00",
        "2026-04-02T08:05:00+02:00",
    ),
    Case(
        "fields.collected",
        S,
        (),
        '[fields]\ncollected = "OBX-14"',
        collected,
        "2026-04-02T08:00:00+02:00",
        "2026-04-02T08:05:00+02:00",
    ),
    Case(
        "fields.received",
        H,
        (),
        '[fields]\nreceived = "OBR-8"',
        lambda r: r.received_at.hour * 60 + r.received_at.minute,
        540,
        510,
    ),
    Case(
        "fields.received",
        S,
        (),
        '[fields]\nreceived = "OBX-14"',
        lambda r: r.received_at.hour * 60 + r.received_at.minute,
        540,
        485,
    ),
    Case("fields.reported", H, (), '[fields]\nreported = "MSH-7"', lambda r: r.reported_at.hour, 10, 11),
    Case("fields.reported", S, (), '[fields]\nreported = "H-13"', lambda r: r.reported_at.hour, 10, 12),
    Case(
        "fields.reported",
        M,
        (("\nB12\n", "\n03/04/2026\n"),),
        '[fields]\nreported = "L5"',
        lambda r: r.reported_at.day,
        2,
        3,
    ),
    # ------------------------------------------------------------------------------------------ copies
    Case("copies.fields", H, (), '[copies]\nfields = ["PV1-7"]', copies, [], [("D090", "local", "MARZIN", "Yann")]),
    Case(
        "copies.fields",
        S,
        (("|F\nOBR", "|F|||||D9~ROUX~L\nOBR"),),
        '[copies]\nfields = ["P-13"]',
        copies,
        [],
        [("D9", "local", "ROUX", "")],
    ),
    Case(
        "copies.comments",
        H,
        ((NOTE, "cc : D7 ROUX"),),
        '[copies]\ncomments = ["CC :"]',
        lambda r: (copies(r), first(r).comments),
        ([], ("cc : D7 ROUX",)),
        ([("D7", "local", "ROUX", "")], ()),
    ),
    Case(
        "copies.comments",
        S,
        ((NOTE, "Copie : D7 ROUX"),),
        '[copies]\ncomments = ["Copie :"]',
        lambda r: (copies(r), first(r).comments),
        ([], ("Copie : D7 ROUX",)),
        ([("D7", "local", "ROUX", "")], ()),
    ),
    Case(
        "copies.person",
        H,
        ((NOTE, "CC: Dr ROUX Luc (D7)"),),
        '[copies]\ncomments = ["CC:"]\nperson = "{ignore} {family} {given} ({id})"',
        copies,
        [],
        [("D7", "local", "ROUX", "Luc")],
    ),
    Case(
        "copies.person",
        S,
        ((NOTE, "CC: ROUX/Luc/D7"),),
        '[copies]\ncomments = ["CC:"]\nperson = "{family}/{given}/{id}"',
        copies,
        [],
        [("D7", "local", "ROUX", "Luc")],
    ),
    Case(
        "copies.separator",
        H,
        ((NOTE, "CC: D7 ROUX / D8 PETIT"),),
        '[copies]\ncomments = ["CC:"]\nseparator = "/"',
        copies,
        [],
        [("D7", "local", "ROUX", ""), ("D8", "local", "PETIT", "")],
    ),
    Case(
        "copies.separator",
        S,
        ((NOTE, "CC: D7 ROUX + D8 PETIT"),),
        '[copies]\ncomments = ["CC:"]\nseparator = "+"',
        copies,
        [],
        [("D7", "local", "ROUX", ""), ("D8", "local", "PETIT", "")],
    ),
    # ------------------------------------------------------------------------------------------ letters
    Case(
        "status.result",
        H,
        (("|L|||F", "|L|||val"),),
        '[status]\nresult = { VAL = "F" }',
        lambda r: r.status.value,
        "partial",
        "final",
    ),
    Case(
        "status.result",
        S,
        (("|L|||F", "|L|||"),),
        '[status]\nresult = { "" = "P" }',
        lambda r: r.status.value,
        "final",
        "partial",
    ),
    Case(
        "status.result",
        M,
        (("|L|F|", "|L|B|"),),
        '[status]\nresult = { B = "R" }',
        lambda r: r.status.value,
        "final",
        "partial",
    ),
    Case(
        "status.order",
        H,
        (("|HM|F", "|HM|T"),),
        '[status]\norder = { T = "F" }',
        lambda r: r.status.value,
        "partial",
        "final",
    ),
    Case(
        "status.order",
        S,
        (("|HM|F", "|HM|T"),),
        '[status]\norder = { T = "C" }',
        lambda r: r.status.value,
        "partial",
        "corrected",
    ),
    # ------------------------------------------------------------------------------------------ people
    Case(
        "practitioners.name_order",
        H,
        (("D014^CARIOU^Yves", "D014^DR Yves CARIOU"),),
        '[practitioners]\nname_order = "joined-given-first"',
        prescriber,
        ("D014", "local", "Yves CARIOU", ""),
        CARIOU,
    ),
    Case(
        "practitioners.name_order",
        S,
        (("CARIOU&Yves", "Yves&CARIOU"),),
        '[practitioners]\nname_order = "given-family"',
        prescriber,
        ("D014", "local", "Yves", "CARIOU"),
        CARIOU,
    ),
    Case(
        "practitioners.numbers",
        H,
        (("D014^", "291234567^"),),
        '[practitioners]\nnumbers = [{ type = "ADELI" }]',
        prescriber,
        ("291234567", "local", "CARIOU", "Yves"),
        ("291234567", "ADELI", "CARIOU", "Yves"),
    ),
    Case(
        "practitioners.numbers",
        S,
        (("D014~", "291234567~"),),
        '[practitioners]\nnumbers = [{ type = "ADELI" }]',
        prescriber,
        ("291234567", "local", "CARIOU", "Yves"),
        ("291234567", "ADELI", "CARIOU", "Yves"),
    ),
    Case(
        "practitioners.numbers.type",
        H,
        (("CARIOU^Yves|", "CARIOU^Yves^^^^^^^^^^RPPS|"),),
        '[[practitioners.numbers]]\ntype = "local"',
        prescriber,
        ("D014", "RPPS", "CARIOU", "Yves"),
        CARIOU,
    ),
    Case(
        "practitioners.numbers.type",
        S,
        (("D014~CARIOU&Yves~L", "D014~CARIOU&Yves~RPPS"),),
        '[[practitioners.numbers]]\ntype = "local"',
        prescriber,
        ("D014", "RPPS", "CARIOU", "Yves"),
        CARIOU,
    ),
    Case(
        "practitioners.numbers.mask",
        H,
        (("D014^", "291234567^"),),
        '[practitioners]\nnumbers = [{ type = "ADELI", mask = "29#######" }]',
        prescriber,
        ("291234567", "local", "CARIOU", "Yves"),
        ("291234567", "ADELI", "CARIOU", "Yves"),
    ),
    Case(
        "practitioners.numbers.mask",
        S,
        (("D014~", "291234567~"),),
        '[[practitioners.numbers]]\ntype = "ADELI"\nmask = "#########"',
        prescriber,
        ("291234567", "local", "CARIOU", "Yves"),
        ("291234567", "ADELI", "CARIOU", "Yves"),
    ),
    Case(
        "practitioners.numbers.component",
        H,
        (("CARIOU^Yves|", "CARIOU^Yves^^^^^99700000054|"),),
        '[[practitioners.numbers]]\ntype = "RPPS"\ncomponent = 8',
        prescriber,
        CARIOU,
        ("99700000054", "RPPS", "CARIOU", "Yves"),
    ),
    Case(
        "practitioners.numbers.component",
        S,
        (("CARIOU&Yves~L", "CARIOU&Yves~L~99700000054"),),
        '[[practitioners.numbers]]\ntype = "RPPS"\ncomponent = 4',
        prescriber,
        CARIOU,
        ("99700000054", "RPPS", "CARIOU", "Yves"),
    ),
    Case(
        "patient.name_order",
        H,
        (("LE GOFF^Anne", "LE GOFF Anne"),),
        '[patient]\nname_order = "joined"',
        names,
        ("LE GOFF Anne", "", ()),
        GOFF,
    ),
    Case(
        "patient.name_order",
        S,
        (("LE GOFF~Anne|TANGUY", "Anne~LE GOFF|"),),
        '[patient]\nname_order = "given-family"',
        names,
        ("Anne", "", ("LE GOFF",)),
        GOFF,
    ),
    Case(
        "patient.name_order",
        M,
        (("\nLE GOFF\nANNE\n", "\nANNE\nLE GOFF\n"),),
        '[patient]\nname_order = "given-family"',
        names,
        ("ANNE", "", ("LE GOFF",)),
        ("LE GOFF", "", ("ANNE",)),
    ),
    Case(
        "patient.authorities",
        H,
        (("ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS", "IDNAT^X"),),
        '[patient]\nauthorities = { IDNAT = "1.2.250.1.213.1.4.10" }',
        lambda r: r.patient.ins and r.patient.ins.oid,
        None,
        "1.2.250.1.213.1.4.10",
    ),
    # ------------------------------------------------------------------------------------------ results
    Case(
        "results.comments",
        H,
        (("NTE|1|L|À contrôler.", "OBX|2|TX|RQ^Remarque||À contrôler.||||||F"),),
        '[results]\ncomments = ["RQ*"]',
        lines,
        [("Numération", (), [("HB", ()), ("RQ", ())])],
        [("Numération", (), [("HB", (NOTE,))])],
    ),
    Case(
        "results.comments",
        S,
        (("C|1|L|À contrôler.", "OBX|2|TX|RQ~Remarque||À contrôler.~Bis.||||||F"),),
        '[results]\ncomments = ["RQ"]',
        lines,
        [("Numération", (), [("HB", ()), ("RQ", ())])],
        [("Numération", (), [("HB", ("À contrôler.\nBis.",))])],
    ),
    Case(
        "results.conclusions",
        H,
        (("NTE|1|L|À contrôler.", "OBX|2|TX|CCL||À contrôler.||||||F"),),
        '[results]\nconclusions = ["CCL"]',
        lines,
        [("Numération", (), [("HB", ()), ("CCL", ())])],
        [("Numération", (NOTE,), [("HB", ())])],
    ),
    Case(
        "results.conclusions",
        S,
        (("C|1|L|À contrôler.", "OBX|2|CE|CCL||1~À contrôler.||||||F"),),
        '[results]\nconclusions = ["CCL"]',
        lines,
        [("Numération", (), [("HB", ()), ("CCL", ())])],
        [("Numération", (NOTE,), [("HB", ())])],
    ),
    Case(
        "results.titles",
        H,
        (("NTE|1|L|À contrôler.", "OBX|2|ST|T^Divers|||\nOBX|3|NM|K^Potassium||4|||||||F"),),
        '[results]\ntitles = ["T"]',
        lines,
        [("Numération", (), [("HB", ()), ("T", ()), ("K", ())])],
        [("Numération", (), [("HB", ())]), ("Divers", (), [("K", ())])],
    ),
    Case(
        "results.titles",
        S,
        (("OBX|1|", "OBX|1|ST|T||Sang||||||F\nOBX|2|"),),
        '[results]\ntitles = ["T"]',
        lines,
        [("Numération", (), [("T", ()), *HEMO])],
        [("Sang", (), [*HEMO])],
    ),
    Case(
        "results.drop",
        H,
        (("NTE|1", "OBX|2|ST|B_1||B45||||||F\nNTE|1"),),
        '[results]\ndrop = ["B_#"]',
        lambda r: [o.code.code for o in r.observations],
        ["HB", "B_1"],
        ["HB"],
    ),
    Case(
        "results.drop",
        S,
        (("L|1||1|6", "OBX|2|ST|B_1||B45||||||F\nL|1||1|7"),),
        '[results]\ndrop = ["B_?"]',
        lambda r: [o.code.code for o in r.observations],
        ["HB", "B_1"],
        ["HB"],
    ),
    # ------------------------------------------------------------------------------------------ laboratory
    Case(
        "laboratory.name",
        H,
        (),
        '[laboratory]\nname = "Labo & fils"',
        laboratory,
        ("LABO X", "LABO X"),
        ("Labo & fils", "Labo & fils"),
    ),
    Case(
        "laboratory.name",
        S,
        (),
        '[laboratory]\nname = "Labo ~ fils"',
        laboratory,
        ("Labo des Dunes", "DUNES"),
        ("Labo ~ fils", "DUNES"),
    ),
    Case(
        "laboratory.name",
        M,
        (),
        '[laboratory]\nname = "Labo du Port"',
        laboratory,
        ("Labo des Dunes", "DUNES"),
        ("Labo du Port", "DUNES"),
    ),
    Case(
        "laboratory.finess",
        H,
        (),
        '[laboratory]\nfiness = "990000010"',
        laboratory,
        ("LABO X", "LABO X"),
        ("LABO X", "990000010"),
    ),
    Case(
        "laboratory.finess",
        S,
        (),
        '[laboratory]\nfiness = "990000010"',
        laboratory,
        ("Labo des Dunes", "DUNES"),
        ("Labo des Dunes", "990000010"),
    ),
    Case(
        "laboratory.finess",
        M,
        (),
        '[laboratory]\nfiness = "990000010"',
        laboratory,
        ("Labo des Dunes", "DUNES"),
        ("Labo des Dunes", "990000010"),
    ),
]
ELSEWHERE = {"format", "title", "charset", "files.patterns", "files.done_suffix"}
"""The last ones: tested with the sources of a configuration."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.key}-{case.format}")
def test_a_key_changes_what_is_read(case: Case) -> None:
    text = FILES[case.format]
    for old, new in case.edit:
        assert old in text, old
        text = text.replace(old, new, 1)
    assert case.without != case.with_
    assert case.told(report(text, None, case.format)) == case.without
    assert case.told(report(text, case.toml, case.format)) == case.with_


def test_every_key_is_in_the_table_for_every_format_it_applies_to() -> None:
    wanted = {(row.key, one) for row in rows() if row.key not in ELSEWHERE for one in row.formats}
    assert wanted - {(case.key, case.format) for case in CASES} == set()


@pytest.mark.parametrize("format_", FILES)
def test_the_character_set_of_the_dialect_wins_over_the_content(format_: str) -> None:
    text = FILES[format_].replace("LE GOFF", "QUÉRÉ", 1)
    result = read(text, 'charset = "mac-roman"', format_, codec="mac-roman")
    assert result.encoding == "mac-roman"
    assert "QUÉRÉ" in (result.reports[0].patient.birth_name, result.reports[0].patient.used_name)
    assert read(text, "", format_, codec="mac-roman").encoding == "cp1252"
