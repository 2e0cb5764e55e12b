"""How each source of the directories stands: what is there, how old it is, and what its absence means."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dispatcher.directory.directories import Directories
from dispatcher.directory.snapshots import soundness
from dispatcher.directory.snapshots.reading import SnapshotInfo
from dispatcher.errors import DirectoryError
from dispatcher.routing import sources
from dispatcher.settings.directory import DirectorySettings

_IMPORT = "« dispatcher directory import FICHIER »"
_WHY = {
    sources.MSSANTE: "aucune boîte MSSanté ne vient de l'extraction nationale",
    sources.PEOPLE: "une personne sans boîte reste inconnue : son nom ne peut pas être comparé à celui du compte rendu",
    sources.STRUCTURES: "une structure sans boîte reste inconnue à la recherche",
    sources.ADELI: "un ancien numéro ADELI ne mène pas au RPPS de la personne",
}
"""What it means that a source is not there."""
_NO_BOXES = "aucune source de boîtes : un RPPS ou un FINESS ne mène à aucune adresse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One source."""

    name: str
    title: str
    """French."""
    info: SnapshotInfo | None
    """``None``: nothing is held, or it cannot be read."""
    age_days: float | None
    max_age_days: float | None
    """``None``: its data does not age."""
    problem: str = ""
    """What is wrong (French), empty when all is well or the source is merely absent."""
    missing: str = ""
    """What its absence means (French), empty when it is there."""
    hint: str = ""
    unused: bool = False
    """Its source left the settings: it lies there and answers nothing."""


def standings(directories: Directories, settings: DirectorySettings, now: datetime) -> tuple[Standing, ...]:
    """The national files, every configured source, then what lies unused in the folder. Raises nothing for a damaged
    snapshot: it is told as a problem.
    """
    there = {one.name for one in directories.snapshots()}
    limits = expected(settings)
    names = sorted({*there, *limits}, key=sources.place)
    boxes = any(sources.has_boxes(name) for name in there)
    found = [_standing(directories, name, limits.get(name, settings.max_age_days), boxes, now) for name in names]
    return (*found, *(_unused(name) for name in directories.unused()))


def _unused(name: str) -> Standing:
    return Standing(
        name=name,
        title=sources.label(name),
        info=None,
        age_days=None,
        max_age_days=None,
        missing="ses données sont encore là, mais la configuration ne nomme plus cette source : elles ne servent pas",
        hint=f"Remettre la source dans la configuration, ou supprimer « {name}.sqlite3 » du dossier des annuaires.",
        unused=True,
    )


def _standing(directories: Directories, name: str, limit: float | None, boxes: bool, now: datetime) -> Standing:
    problem = missing = hint = ""
    info, age = None, None
    try:
        info = directories.snapshot(name).info()
        soundness.check(directories.snapshot(name).path)
    except DirectoryError as error:
        problem, hint = error.message, error.hint
    else:
        if info is None:
            missing = _WHY.get(name, "ses données ne sont pas encore là") if boxes else _no_boxes(name)
            hint = _IMPORT if name in _WHY else f"« dispatcher directory sync {name} »"
        else:
            age = info.age_days(now)
            if limit is not None and age > limit:
                problem = f"données vieilles de {age:.0f} jours (limite {limit:g})"
                hint = "Reprendre le fichier du jour, ou « dispatcher directory sync »."
    return Standing(
        name=name,
        title=sources.label(name),
        info=info,
        age_days=age,
        max_age_days=limit,
        problem=problem,
        missing=missing,
        hint=hint,
    )


def _no_boxes(name: str) -> str:
    return _NO_BOXES if sources.has_boxes(name) else _WHY.get(name, "")


def expected(settings: DirectorySettings) -> dict[str, float | None]:
    """Every source that may answer, with its age limit: what is in the settings, and the files a person imports.

    The ADELI register is closed: its pairs do not age.
    """
    found: dict[str, float | None] = {
        sources.MSSANTE: settings.max_age_days,
        sources.PEOPLE: settings.people_max_age_days,
        sources.STRUCTURES: settings.structures_max_age_days,
        sources.ADELI: None,
    }
    found |= {name: download.max_age_days for name, download in settings.downloads.items()}
    if settings.fhir is not None:
        found[sources.FHIR] = settings.fhir.max_age_days
    entries = {name: server for name, server in settings.ldap.items() if "entries" in server.use}
    return found | {f"{sources.LDAP}{name}": server.max_age_days for name, server in entries.items()}


def faults(found: Iterable[Standing]) -> tuple[Standing, ...]:
    """Those a person must see to: damaged or too old data, or no source of boxes at all."""
    return tuple(one for one in found if one.problem or one.missing == _NO_BOXES)
