"""What a laboratory sees when its dialect is wrong: every fault at once, its line, its key, the nearest right one."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.dialects import shelf
from dispatcher.dialects.guide import markdown, rows
from dispatcher.dialects.places import parse_place
from dispatcher.errors import ConfigError
from dispatcher.settings import parse as parse_settings

ROOT = Path(__file__).resolve().parents[3]
WRONG = """format = "hl7v2"
title = "essai"
charset = "cp9999"
nul_words = ["-"]

[fields]
filer = "OBR-18"
filler = "OBR18"
prescriber = "L9"
decimal = ","

[numbers]
decimal = ";"

[constants]
"OBX-5" = "1"
PID-32 = "VALI"
"MSH-2" = "x"
OBR-16.2 = "DURAND"

[copies]
person = "{nom}"

[status]
result = { V = "Z" }

[[practitioners.numbers]]
type = "RPPS"

[[practitioners.numbers]]
type = "RPS"
mask = "**"
"""


def faults(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        shelf.parse(text, "essai")
    return list(caught.value.faults)


def test_every_fault_at_once_with_its_line() -> None:
    found = faults(WRONG)
    assert [fault.split(" : ")[0] for fault in found] == [
        "ligne 3, charset",
        "ligne 4, nul_words",
        "ligne 7, fields.filer",
        "ligne 8, fields.filler",
        "ligne 9, fields.prescriber",
        "ligne 10, fields.decimal",
        "ligne 13, numbers.decimal",
        "ligne 16, constants.OBX-5",
        "ligne 17, constants.PID-32",
        "ligne 18, constants.MSH-2",
        "ligne 19, constants.OBR-16",
        "ligne 22, copies.person",
        "ligne 25, status.result.V",
        "ligne 31, practitioners.numbers.1.type",
        "ligne 32, practitioners.numbers.1.mask",
    ]


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("nul_words", "clé inconnue ; la plus proche ici : « null_words »"),
        ("fields.filer", "clé inconnue ; la plus proche ici : « filler »"),
        ("fields.decimal", "clé inconnue ; elle se met dans la table [numbers]"),
        ("constants.OBR-16", "entre guillemets"),
        ("constants.OBX-5", "un résultat et son code viennent du fichier"),
        ("constants.PID-32", "l’identité d’un patient vient du fichier"),
        ("fields.prescriber", "n’est pas un endroit d’un fichier HL7 v2"),
        ("copies.person", "{family}"),
        ("numbers.decimal", "attendu : '.' ou ','"),
    ],
)
def test_a_fault_says_what_to_do(key: str, told: str) -> None:
    (found,) = [fault for fault in faults(WRONG) if f", {key} : " in fault]
    assert told in found


def test_keys_without_effect_for_the_format_are_refused() -> None:
    text = 'format = "hprim-medecins"\ntitle = "x"\ntimezone = "Indian/Reunion"\n[copies]\nfields = ["PV1-9"]\n'
    assert [fault.split(" ; ")[0] for fault in faults(text)] == [
        "ligne 3, timezone : sans effet pour HPRIM Médecins",
        "ligne 5, copies.fields : sans effet pour HPRIM Médecins",
    ]


@pytest.mark.parametrize(
    "line",
    [
        'ignore = ["OBX-5"]',
        'ignore = ["OBX-11"]',
        'constants = { "OBX-3.3" = "LN" }',
        'ignore = ["OBX[3.1=X]-6"]',
        'constants = { "PID-5.1" = "X" }',
        'defaults = { OBX-11 = "F" }',
        'timezone = "Europe/Quimper"',
        'charset = "base64"',
        'flags = { "*" = "HAUT" }',
        '[numbers]\ndecimal = ","\nthousands = ","',
        '[codes]\nsystems = { X = "SNOMED" }',
        '[patient]\nauthorities = { X = "LABO" }',
        '[results]\ndrop = ["*"]',
        '[laboratory]\nfiness = "12"',
        '[files]\ndone_suffix = "a/b"',
        '[copies]\ncomments = ["C"]',
        '[copies]\nperson = "{given}"',
        "[fields]\nfiller = 18",
        '[fields]\nfiller = "OBR-0"',
        '[practitioners]\nnumbers = [{ mask = "#" }]',
    ],
)
def test_refused(line: str) -> None:
    assert len(faults(f'format = "hl7v2"\ntitle = "x"\n{line}\n')) == 1


KEPT = {
    "hl7v2": "OBX-2 OBX-5 OBX-6 OBX-7 OBX-11 OBR-2 OBR-3.1 OBR-25 ORC-2 ORC-3 TXA-12 TXA-13.1 TXA-17 TXA-19 PID-2 "
    "PID-3.1",
    "hprim-sante": "OBX.2 OBX.5 OBX.6 OBX.7 OBX.11 OBR.2 OBR.3.2 OBR.25 P.2 P.3 P.5 P.6 P.7 P.8 P.11",
    "hprim-medecins": "L1 L2 L3 L7 L8 L9",
}
NEEDED = {
    "hl7v2": "OBX-2 OBX-5 OBX-6 OBX-11 OBR-25 TXA-17 TXA-19 PID-3 PID-3.1 PID-5.2 PID-7 PID-8",
    "hprim-sante": "OBX.2 OBX.5 OBX.6 OBX.11 OBR.25 P.2 P.5.1 P.6 P.7 P.8 P.11",
    "hprim-medecins": "L1 L2 L3 L7 L8:1-15",
}


@pytest.mark.parametrize("key", ["constants", "defaults"])
@pytest.mark.parametrize(("format_", "place"), [(f, p) for f, places in KEPT.items() for p in places.split()])
def test_what_no_dialect_fills(format_: str, place: str, key: str) -> None:
    (told,) = faults(f'format = "{format_}"\ntitle = "x"\n{key} = {{ "{place}" = "1" }}\n')
    assert told.startswith("ligne 3, ")
    assert "fichier" in told or "[status]" in told or "[fields]" in told


@pytest.mark.parametrize(("format_", "place"), [(f, p) for f, places in NEEDED.items() for p in places.split()])
def test_what_no_dialect_empties(format_: str, place: str) -> None:
    (told,) = faults(f'format = "{format_}"\ntitle = "x"\nignore = ["{place}"]\n')
    assert "ne se vide" in told


@pytest.mark.parametrize("format_", ["hl7v2", "hprim-sante", "hprim-medecins"])
@pytest.mark.parametrize(
    ("letter", "meant"),
    [*((a, b) for a in "DWXI" for b in "FCPRS"), *((a, b) for a in "PRSON" for b in "FCU"), ("d", "F"), ("X", "D")],
)
def test_no_dialect_makes_a_withdrawn_or_unfinished_result_final(format_: str, letter: str, meant: str) -> None:
    (told,) = faults(f'format = "{format_}"\ntitle = "x"\n[status]\nresult = {{ {letter} = "{meant}" }}\n')
    assert f"« {letter.upper()} »" in told
    assert f"ne peut pas devenir « {meant} »" in told


@pytest.mark.parametrize(("letter", "meant"), [(a, b) for a in "DWXIPRSAO" for b in "FC"])
def test_no_dialect_makes_an_open_or_cancelled_order_final(letter: str, meant: str) -> None:
    (told,) = faults(f'format = "hl7v2"\ntitle = "x"\n[status]\norder = {{ {letter} = "{meant}" }}\n')
    assert "ne peut pas devenir" in told


def test_states_a_dialect_may_translate() -> None:
    text = 'title = "x"\n[status]\nresult = { V = "F", "" = "F", D = "D", F = "P" }\norder = { D = "X", V = "F" }\n'
    known = shelf.parse(f'format = "hprim-sante"\n{text}', "essai").status
    assert known.result == {"V": "F", "": "F", "D": "D", "F": "P"}
    assert known.order == {"D": "X", "V": "F"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('format = "hl7v2\ntitle = "x"\n', "ligne 1, colonne 16 : guillemet fermant oublié"),
        ("format = hl7v2\n", "ligne 1, colonne 10 : valeur illisible : un texte se met entre guillemets"),
        ('format "hl7v2"\n', "ligne 1, colonne 8 : « = » attendu après la clé"),
        ('title = "a"\ntitle = "b"\n', "ligne 2, colonne 12 : cette clé est déjà écrite plus haut"),
        ("[numbers]\n[numbers]\n", "ligne 2, colonne 9 : cette table est déjà écrite plus haut"),
        ('null_words = ["a"\n', "crochet ou accolade non fermé"),
        ('title = "a" charset = "b"\n', "ligne 1, colonne 13 : une seule valeur par ligne"),
        ('title = "C:\\sil"\n', "ligne 1, colonne 14 : dans un texte, « \\ » s’écrit « \\\\ »"),
    ],
)
def test_a_slip_of_the_pen_is_told_in_french(text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        shelf.parse(text, "essai")
    assert caught.value.message.startswith("essai.toml : TOML illisible, ")
    assert told in caught.value.message


def test_what_must_be_there() -> None:
    assert [fault.split(" : ")[0] for fault in faults("")] == ["format", "title"]


def test_an_unknown_name_tells_the_nearest() -> None:
    with pytest.raises(ConfigError, match="hprim-statut-vide"):
        shelf.load("hprim-statut-vides")


@pytest.mark.parametrize(
    "text", ["OBR-18.1", "OBX[3.1=B 1]-5.2", "PID-3(2).4.2", "ZPR-3", "P-13", "L9", "L11:1-10", "OBX[2=NM]-5"]
)
def test_a_place_is_written_as_it_is_read(text: str) -> None:
    assert parse_place(str(parse_place(text))) == parse_place(text)


def test_places_of_hprim_may_be_written_with_dots() -> None:
    assert parse_place("OBR.3.2") == parse_place("OBR-3.2")


def test_every_example_of_the_guide_is_a_dialect() -> None:
    for row in rows():
        for format_ in row.formats:
            example = row.example
            if format_ == "hprim-medecins":
                example = example.replace("OBR-18.1", "L9").replace("PID-18.1", "L9").replace("MSH-7", "L10")
                example = example.replace("PID-6.1", "L4").replace("PID-9.1", "L4").replace("PID-5.3", "L3")
                example = example.replace('"PV1-8", "OBX-17"', '"L5"').replace("OBR-24", "L4")
            head = "" if row.name in ("format", "title") and not row.table else f"{example}\n"
            table = f"[[{row.table}]]\n" if row.listed else f"[{row.table}]\n" if row.table else ""
            needs = 'type = "RPPS"\n' if row.listed and row.name != "type" else ""
            spoken = shelf.parse(f'format = "{format_}"\ntitle = "x"\n{table}{needs}{head}', "essai")
            assert spoken.format == format_


def test_the_guide_holds_the_table_of_all_keys() -> None:
    text = (ROOT / "docs" / "dialectes.md").read_text(encoding="utf-8")
    assert markdown() in text, "python -c 'from dispatcher.dialects.guide import markdown; print(markdown())'"


def test_the_guide_s_dialects_can_be_read() -> None:
    text = (ROOT / "docs" / "dialectes.md").read_text(encoding="utf-8")
    blocks = [part.split("```")[0] for part in text.split("```toml\n")[1:]]
    found = [shelf.parse(block, "guide") for block in blocks if block.startswith("format")]
    assert found


def test_the_configuration_tells_the_nearest_key_too() -> None:
    text = (ROOT / "samples" / "config" / "dispatcher.toml").read_text(encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        parse_settings(text.replace("stable_seconds = 2 ", "stable_second = 2 "), ROOT)
    line = next(i for i, one in enumerate(text.splitlines(), start=1) if one.startswith("stable_seconds"))
    assert caught.value.faults == (
        f"ligne {line}, sources.sil.stable_second : clé inconnue ; la plus proche ici : « stable_seconds »",
    )
