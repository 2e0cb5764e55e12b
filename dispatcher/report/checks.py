"""What a report must meet before it may leave. Report in, :class:`Problem` values out; never raises.

An ``error`` holds the report. The guard against letters nobody can file is the APICRYPT charter's: no mail without
name, first name, birth date and medical content. Statuses: HL7 v2.5 tables 0085 and 0123; a report never leaves as
final with results nobody validated. INS: référentiel INS (matricule, OID, traits). Severities stand in one table that a
laboratory may override. Messages never hold a name, a result or an identifier.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from dispatcher.errors import ConfigError
from dispatcher.report import identifiers
from dispatcher.report.counts import Count, grouped_by_points
from dispatcher.report.model import (
    Observation,
    Patient,
    Problem,
    Report,
    Severity,
    Sex,
    Status,
    ValueType,
)
from dispatcher.report.moments import compare, day_of
from dispatcher.report.values import as_decimal, side_of_range

_E, _W, _I = Severity.ERROR, Severity.WARNING, Severity.INFO

SEVERITIES: Mapping[str, Severity] = MappingProxyType(
    {
        "missing-birth-name": _E,
        "missing-first-given": _E,
        "missing-birth-date": _E,
        "name-damaged": _E,
        "birth-date-not-calendar": _W,
        "birth-date-impossible": _E,
        "birth-date-future": _E,
        "birth-date-remote": _W,
        "no-content": _E,
        "missing-order-number": _W,
        "missing-report-date": _I,
        "collected-before-birth": _E,
        "reported-before-collected": _W,
        "date-future": _W,
        "mixed-status": _E,
        "pending-result": _W,
        "withdrawn-result": _W,
        "quality-control-failed": _E,
        "document-missing": _E,
        "empty-value": _W,
        "value-not-numeric": _W,
        "unknown-comparator": _W,
        "range-not-numeric": _W,
        "range-reversed": _W,
        "flag-disagrees": _W,
        "flags-contradict": _W,
        "thousands-doubtful": _E,
        "thousands-possible": _W,
        "ins-key": _W,
        "ins-key-qualified": _E,
        "ins-oid": _W,
        "ins-oid-qualified": _E,
        "ins-test-oid": _W,
        "ins-traits": _W,
        "ins-disagrees": _W,
        "prescriber-id": _W,
        "handling-masked": _E,
        "handling-change-only": _I,
        "handling-combination": _W,
        "handling-action": _W,
        "handling-usage": _I,
    }
)
"""Every code this module can give, with its severity unless a laboratory says otherwise; ``handling-…`` are given by
the reader of the French document volet."""

OLDEST_YEARS = 125
"""An age above this many years is a typing fault more often than a person."""
_ABNORMAL = frozenset({"A", "AA", "H", "HH", "L", "LL"})
COMPARATORS = frozenset({"", "<", ">", "<=", ">="})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How strict to be. ``now`` is aware; ``severities`` overrides :data:`SEVERITIES`, ``None``: check off."""

    now: datetime
    severities: Mapping[str, Severity | None] = field(default_factory=dict)
    allow_test_ins: bool = False
    """Test and demonstration OIDs are welcome: sandbox, qualification."""
    future_days: int = 1
    """Clocks of analysers drift: dates up to this many days ahead pass."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A problem before its severity is known."""

    code: str
    where: str
    message: str


def overrides(wanted: Mapping[str, str]) -> dict[str, Severity | None]:
    """A laboratory's severities as :class:`Rules` wants them: ``error``, ``warning``, ``info`` or ``off``, by code.

    Raises :class:`dispatcher.errors.ConfigError` with every unknown code or word.
    """
    words: dict[str, Severity | None] = {severity.value: severity for severity in Severity} | {"off": None}
    faults = [f"checks.severities : contrôle inconnu « {code} »" for code in wanted if code not in SEVERITIES]
    faults += [f"checks.severities.{code} : « {word} » refusé" for code, word in wanted.items() if word not in words]
    if faults:
        raise ConfigError(
            "Section [checks] : gravités mal écrites.",
            faults=tuple(faults),
            hint="Codes et gravités possibles : docs/mappings.md.",
        )
    return {code: words[word] for code, word in wanted.items()}


def check(report: Report, rules: Rules) -> tuple[Problem, ...]:
    """Everything a person should know before this report leaves, in the order of the report."""
    found = (*_identity(report.patient, rules), *_ins(report.patient, rules), *_whole(report), *_dates(report, rules))
    results = tuple(
        problem
        for number, o in enumerate(report.observations, 1)
        for problem in _result(o, f"analyse {number}", report)
    )
    problems = []
    for item in (*found, *results):
        severity = rules.severities.get(item.code, SEVERITIES[item.code])
        if severity is not None:
            problems.append(Problem(code=item.code, severity=severity, where=item.where, message=item.message))
    return tuple(problems)


def before_leaving(report: Report, rules: Rules) -> tuple[Problem, ...]:
    """What counts when a report is to leave: its reader's problems as the laboratory grades them, and our checks."""
    return tuple(dict.fromkeys((*regraded(report.problems, rules), *check(report, rules))))


def regraded(problems: Iterable[Problem], rules: Rules) -> tuple[Problem, ...]:
    """A reader's problems with the severities a laboratory gives their codes; those it switched off are left out."""
    told = []
    for problem in problems:
        severity = rules.severities.get(problem.code, problem.severity)
        if severity is not None:
            told.append(problem if severity is problem.severity else replace(problem, severity=severity))
    return tuple(told)


def _identity(patient: Patient, rules: Rules) -> Iterator[_Found]:
    if not patient.birth_name.strip():
        yield _Found("missing-birth-name", "patient", "Nom de naissance absent : compléter l'identité dans le SIL.")
    if not patient.first_given.strip():
        yield _Found("missing-first-given", "patient", "Premier prénom absent : compléter l'identité dans le SIL.")
    names = (patient.birth_name, patient.used_name, patient.used_given, *patient.given_names)
    if any(char in ";|\x7f\u2028\u2029" or char < " " or "\x80" <= char < "\xa0" for name in names for char in name):
        message = "Nom ou prénom contenant un séparateur ou une fin de ligne : vérifier l'identité dans le SIL."
        yield _Found("name-damaged", "patient", message)
    if patient.birth_date is None:
        if _impossible(patient.birth_date_raw):
            message = "La date de naissance n'existe pas au calendrier (30 février ?) : la vérifier dans le SIL."
            yield _Found("birth-date-impossible", "patient", message)
        elif any(char.isdigit() for char in patient.birth_date_raw):
            message = "La date de naissance n'est pas une date du calendrier (date lunaire ?) : transmise telle quelle."
            yield _Found("birth-date-not-calendar", "patient", message)
        else:
            message = "Date de naissance absente : compléter l'identité dans le SIL."
            yield _Found("missing-birth-date", "patient", message)
        return
    today = day_of(rules.now)
    if patient.birth_date > today:
        yield _Found("birth-date-future", "patient", "Date de naissance dans l'avenir : vérifier le format de la date.")
    elif today.year - patient.birth_date.year > OLDEST_YEARS:
        message = f"Date de naissance vieille de plus de {OLDEST_YEARS} ans : vérifier le siècle."
        yield _Found("birth-date-remote", "patient", message)


def _impossible(raw: str) -> bool:
    """``YYYYMMDD`` with a true month and day that do not go together. Lunar dates have a month or day out of range."""
    digits = "".join(char for char in raw if char.isdigit())[:8]
    if len(digits) < 8:
        return False
    month, day = int(digits[4:6]), int(digits[6:8])
    return 1 <= month <= 12 and 1 <= day <= 31


def _ins(patient: Patient, rules: Rules) -> Iterator[_Found]:
    ins = patient.ins
    if ins is None:
        return
    suffix = "-qualified" if ins.qualified else ""
    if not identifiers.nir_ok(ins.matricule):
        message = "Matricule INS : la clé ne correspond pas aux 13 premiers caractères."
        yield _Found(f"ins-key{suffix}", "patient, INS", message)
    else:
        yield from _ins_against_traits(patient, ins.matricule)
    if not identifiers.ins_oid_ok(ins.oid):
        message = "OID de l'INS inconnu : attendu 1.2.250.1.213.1.4.8 (NIR) ou .9 (NIA)."
        yield _Found(f"ins-oid{suffix}", "patient, INS", message)
    elif ins.oid in identifiers.TEST_INS_OIDS and not rules.allow_test_ins:
        message = "OID de test ou de démonstration : ne doit pas provenir d'un SIL de production."
        yield _Found("ins-test-oid", "patient, INS", message)
    traits = (patient.birth_name, patient.first_given, patient.birth_date, patient.birth_place)
    if ins.qualified and (not all(traits) or patient.sex is Sex.UNKNOWN):
        message = "INS dite qualifiée sans tous les traits (nom et prénom de naissance, date, sexe, lieu de naissance)."
        yield _Found("ins-traits", "patient, INS", message)


def _ins_against_traits(patient: Patient, matricule: str) -> Iterator[_Found]:
    """Sex, year and month stand in the first five characters of a NIR (INSEE); months over 12 are pseudo months."""
    bare = identifiers.compact(matricule)
    sex = Sex.MALE if bare[0] in "137" else Sex.FEMALE
    disagree = patient.sex is not Sex.UNKNOWN and patient.sex is not sex
    if patient.birth_date is not None:
        disagree |= bare[1:3] != f"{patient.birth_date.year % 100:02d}"
        disagree |= 1 <= int(bare[3:5]) <= 12 and int(bare[3:5]) != patient.birth_date.month
    if disagree:
        message = (
            "Le matricule INS ne va pas avec le sexe ou la date de naissance : vérifier qu'il est bien à ce patient."
        )
        yield _Found("ins-disagrees", "patient, INS", message)


def _has_content(o: Observation) -> bool:
    return bool(o.value.strip() or o.document or o.value_code or any(c.strip() for c in o.comments) or o.status == "X")


def _whole(report: Report) -> Iterator[_Found]:
    has_text = bool(report.text.strip() or report.documents or any(c.strip() for c in report.comments))
    if not has_text and not any(map(_has_content, report.observations)) and report.status is not Status.CANCELLED:
        yield _Found("no-content", "", "Aucun contenu médical : ni résultat, ni texte, ni document.")
    if not (report.order.filler.strip() or report.order.placer.strip()):
        message = "Aucun numéro de demande : une correction ne pourra pas être rattachée à ce compte rendu."
        yield _Found("missing-order-number", "demande", message)
    prescriber = report.prescriber
    if prescriber and prescriber.id and not identifiers.identifier_ok(prescriber.id_type, prescriber.id):
        message = f"Identifiant {prescriber.id_type} du prescripteur : longueur ou clé inattendue."
        yield _Found("prescriber-id", "prescripteur", message)


def _dates(report: Report, rules: Rules) -> Iterator[_Found]:
    birth, collected, reported = report.patient.birth_date, report.collected_at, report.reported_at
    if birth and collected and day_of(collected) < birth:
        message = "Prélèvement antérieur à la naissance : date ou patient à vérifier."
        yield _Found("collected-before-birth", "prélèvement", message)
    if compare(collected, reported) > 0:
        yield _Found("reported-before-collected", "dates", "Le compte rendu est daté d'avant le prélèvement.")
    limit = day_of(rules.now + timedelta(days=rules.future_days))
    for name, when in (("prélèvement", collected), ("compte rendu", reported)):
        if when and day_of(when) > limit:
            message = f"Date du {name} dans l'avenir : vérifier l'horloge du SIL ou le format de la date."
            yield _Found("date-future", name, message)
    if reported is None:
        message = "Date du compte rendu absente : la date d'édition sera utilisée."
        yield _Found("missing-report-date", "compte rendu", message)


def _result(o: Observation, where: str, report: Report) -> Iterator[_Found]:
    yield from _status(o, where, report)
    yield from _value(o, where)
    yield from _range(o, where)
    yield from _thousands(o, where)
    if "N" in o.flags and _ABNORMAL.intersection(o.flags):
        message = "Drapeaux contradictoires : N (normal) avec un drapeau d'anomalie. Vérifier le résultat dans le SIL."
        yield _Found("flags-contradict", where, message)
    if "QCF" in o.flags:
        message = "Contrôle de qualité en échec (QCF) : ce résultat ne doit pas partir."
        yield _Found("quality-control-failed", where, message)


def _status(o: Observation, where: str, report: Report) -> Iterator[_Found]:
    """Letters of HL7 table 0085 against the status of the report."""
    if report.status is Status.PARTIAL:
        return
    if o.status in {"P", "R", "S"}:
        message = f"Résultat non validé (état {o.status}) dans un compte rendu dit définitif : attendre la validation."
        yield _Found("mixed-status", where, message)
    elif o.status == "I":
        yield _Found("pending-result", where, "Analyse en cours (état I) dans un compte rendu dit définitif.")
    elif o.status in {"D", "W"} and report.status is Status.FINAL:
        message = f"Résultat retiré (état {o.status}) sans que le compte rendu soit dit corrigé."
        yield _Found("withdrawn-result", where, message)
    elif o.status in {"F", "C"} and report.status is Status.CANCELLED and o.value.strip():
        message = "Résultat définitif dans un compte rendu annulé : l'un des deux états est faux."
        yield _Found("mixed-status", where, message)


def _value(o: Observation, where: str) -> Iterator[_Found]:
    if o.comparator not in COMPARATORS:
        yield _Found("unknown-comparator", where, "Comparateur inconnu : attendu <, >, <= ou >=.")
    if o.type is ValueType.DOCUMENT:
        if o.document is None:
            message = "Document annoncé mais absent : vérifier qu'il a été déposé avec le fichier."
            yield _Found("document-missing", where, message)
    elif not _has_content(o):
        if o.status in {"", "F", "C"}:
            yield _Found("empty-value", where, "Résultat validé sans valeur ni commentaire.")
    elif o.type is ValueType.NUMERIC and o.value.strip() and as_decimal(o.value) is None:
        yield _Found("value-not-numeric", where, "Valeur annoncée numérique mais illisible comme nombre.")


def _range(o: Observation, where: str) -> Iterator[_Found]:
    low, high = as_decimal(o.low), as_decimal(o.high)
    if (o.low and low is None) or (o.high and high is None):
        yield _Found("range-not-numeric", where, "Borne de l'intervalle de référence illisible comme nombre.")
    elif low is not None and high is not None and low > high:
        message = "Intervalle de référence inversé : la borne basse dépasse la borne haute."
        yield _Found("range-reversed", where, message)
    elif o.type is ValueType.NUMERIC:
        side = side_of_range(o.value, o.comparator, o.low, o.high)
        told = {"L": "L", "LL": "L", "H": "H", "HH": "H", "N": "N"}
        said = {told[flag] for flag in o.flags if flag in told}
        if side and said and side not in said:
            message = "Le drapeau ne va pas avec l'intervalle de référence : vérifier l'un et l'autre."
            yield _Found("flag-disagrees", where, message)


def _thousands(o: Observation, where: str) -> Iterator[_Found]:
    """``224.000 /mm3`` is 224 000: read as a decimal, the patient would have no platelets left."""
    written = [(text, o.unit) for text in (o.value, o.low, o.high)]
    if o.alt is not None:
        written += [(text, o.alt.unit) for text in (o.alt.value, o.alt.low, o.alt.high)]
    written += [(earlier.value, earlier.unit or o.unit) for earlier in o.previous]
    kinds = {grouped_by_points(text, unit) for text, unit in written}
    if Count.PER_MM3 in kinds:
        message = (
            "Nombre par mm3 ou µL écrit avec trois chiffres après le point ou la virgule : séparateur de milliers lu "
            "comme une décimale ? Vérifier dans le SIL, puis régler la clé thousands (et decimal) d'un dialecte."
        )
        yield _Found("thousands-doubtful", where, message)
    elif Count.OTHER in kinds:
        message = (
            "Dénombrement écrit avec trois chiffres après le point ou la virgule : si c'est un séparateur de milliers, "
            "régler la clé thousands (et decimal) d'un dialecte."
        )
        yield _Found("thousands-possible", where, message)
