"""Who an index record names: patient, prescriber, people in copy. Record in, values of the model and problems out."""

from __future__ import annotations

import re
from datetime import date

from dispatcher.formats.hprim_medecins.dates import Form
from dispatcher.formats.pdf_index.dates import read_birth
from dispatcher.formats.pdf_index.records import Cell, Record, error, warning
from dispatcher.formats.pdf_index.words import value_of
from dispatcher.report.folding import fold
from dispatcher.report.identifiers import compact, kind_of
from dispatcher.report.model import IdType, Ins, LocalId, Patient, Practitioner, Problem, Sex

_KINDS = {
    "rpps": IdType.RPPS,
    "adeli": IdType.ADELI,
    "finess": IdType.FINESS,
    "code": IdType.LOCAL,
}


def patient(one: Record, report_day: date | None, told: list[Problem]) -> Patient:
    """Identity as the index gives it; nothing is completed from anywhere else."""
    name, birth_name = one.text("name"), one.text("birth_name")
    used = one.text("used_name") or (name if birth_name else "")
    born, raw = _born(one, report_day, told)
    birth_name = birth_name or name
    return Patient(
        birth_name=birth_name,
        used_name="" if fold(used) == fold(birth_name) else used,
        given_names=_given(one, told),
        used_given=one.text("used_given"),
        birth_date=born,
        birth_date_raw=raw,
        sex=_sex(one, told),
        ins=_ins(one, told),
        nss=compact(one.text("nss")),
        local_ids=(LocalId(value=one.text("local_id"), type="PI"),) if one.cell("local_id") else (),
        birth_place=_birth_place(one, told),
    )


def _given(one: Record, told: list[Problem]) -> tuple[str, ...]:
    """First given name first. A list is cut at commas, else at blanks behind a first name that is told apart."""
    first, whole = one.text("first_given"), one.text("given_names")
    if not whole:
        return tuple(part for name in first.split(",") if (part := name.strip()))
    if "," in whole:
        names = tuple(part for name in whole.split(",") if (part := name.strip()))
    elif first and fold(whole).startswith(fold(first)) and whole[len(first) :][:1] in ("", " "):
        names = (whole[: len(first)], *whole[len(first) :].split())
    else:
        names = tuple(whole.split())
    if first and names and fold(names[0]) != fold(first):
        told.append(
            error(
                "index-contradiction",
                one.place("first_given"),
                "Le premier prénom n'est pas celui qui ouvre la liste des prénoms : vérifier l'identité dans le SIL.",
            )
        )
    return names


def _born(one: Record, report_day: date | None, told: list[Problem]) -> tuple[date | None, str]:
    cell = one.cell("birth_date")
    if cell is None:
        return None, ""
    day, form = read_birth(cell.text, report_day)
    if day is not None:
        if form is Form.SHORT_YEAR:
            told.append(
                warning(
                    "two-digit-year",
                    cell.where,
                    "Année de naissance sur deux chiffres : le siècle a été déduit. Exporter quatre chiffres.",
                )
            )
        return day, ""
    told.append(_no_birth_date(cell.where, form))
    return None, cell.text if form is Form.NOT_CALENDAR else ""


def _no_birth_date(where: str, form: Form) -> Problem:
    if form is Form.NOT_CALENDAR:
        return error(
            "birth-date-not-calendar",
            where,
            "Date de naissance hors calendrier (mois ou jour impossible) : vérifier l'identité du patient.",
        )
    if form is Form.SHORT_YEAR:
        return error(
            "birth-year-short",
            where,
            "Année de naissance sur deux chiffres, et aucune date de compte rendu pour en déduire le siècle.",
        )
    return error(
        "unreadable-birth-date",
        where,
        "Date de naissance illisible ; attendu JJ/MM/AAAA, AAAA-MM-JJ ou AAAAMMJJ. Corriger l'export.",
    )


def _sex(one: Record, told: list[Problem]) -> Sex:
    cell = one.cell("sex")
    if cell is None:
        return Sex.UNKNOWN
    known = value_of("sex", cell.text)
    if known is None:
        told.append(warning("unknown-sex", cell.where, "Sexe non compris ; attendu F, M ou U. Il reste inconnu."))
    return Sex(known) if known else Sex.UNKNOWN


def _ins(one: Record, told: list[Problem]) -> Ins | None:
    """Qualified only when the index says so in words we know."""
    if one.cell("ins") is None:
        return None
    status = one.cell("ins_status")
    qualified = value_of("ins_status", status.text) if status else None
    if status is not None and qualified is None:
        message = (
            "Statut de l'identité non compris ; attendu « qualifiée » ou non. L'INS n'est pas tenue pour qualifiée."
        )
        told.append(warning("unknown-ins-status", status.where, message))
    matricule = compact(one.text("ins"))
    key = compact(one.text("ins_key"))
    if len(matricule) == 13 and len(key) == 2:
        matricule += key
    return Ins(matricule=matricule, oid=one.text("ins_oid"), qualified=qualified == "yes")


def _birth_place(one: Record, told: list[Problem]) -> str:
    cell = one.cell("birth_place")
    if cell is None:
        return ""
    code = compact(cell.text)
    if re.fullmatch(r"\d[0-9AB]\d{3}", code):
        return code
    told.append(
        warning(
            "birth-place",
            cell.where,
            "Lieu de naissance : le code INSEE sur 5 caractères est attendu. Il n'est pas repris.",
        )
    )
    return ""


def prescriber(one: Record) -> Practitioner | None:
    """The number that says the most: RPPS, ADELI, FINESS, the laboratory's code, a bare number by its key."""
    return _person({cell.field.removeprefix("prescriber_"): cell.text for cell in _of(one, "prescriber_")})


def copies(one: Record) -> tuple[Practitioner, ...]:
    """One person by number or tag; several in one cell stand between commas, semicolons or bars."""
    groups: dict[str, dict[str, str]] = {}
    people: list[Practitioner] = []
    for cell in _of(one, "copy_"):
        what = cell.field.removeprefix("copy_")
        parts = [part.strip() for part in re.split(r"[,;|]", cell.text) if part.strip()]
        if cell.group or (what not in ("id", *_KINDS)):
            groups.setdefault(cell.group, {})[what] = cell.text
        else:
            people += [_person({what: part}) or Practitioner() for part in parts]
    people += [person for said in groups.values() if (person := _person(said))]
    return tuple(people)


def _of(one: Record, start: str) -> list[Cell]:
    return [cell for cell in one.cells if cell.field.startswith(start)]


def _person(said: dict[str, str]) -> Practitioner | None:
    if not any(said.values()):
        return None
    kind, number = next(((kind, said[name]) for name, kind in _KINDS.items() if said.get(name)), (None, ""))
    if kind is None:
        number, kind = _told_apart(said.get("id", ""))
    bare = compact(number) if kind is not IdType.LOCAL else number.strip()
    return Practitioner(
        id=bare,
        id_type=kind,
        family=said.get("family", ""),
        given=said.get("given", ""),
        title=said.get("title", ""),
        organisation=said.get("organisation", ""),
    )


def _told_apart(text: str) -> tuple[str, IdType]:
    """``rpps:10001234565`` says its kind; a bare number is believed by its key only."""
    prefix, colon, rest = text.partition(":")
    kind = _KINDS.get(fold(prefix.strip())) if colon else None
    return (rest.strip(), kind) if kind is not None else (text, kind_of(text))
