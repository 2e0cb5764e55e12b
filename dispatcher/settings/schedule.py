"""When batches are formed, as it stands in the file: hours, days, regions of public holidays, cron lines."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, time
from typing import Literal
from zoneinfo import ZoneInfo

Day = Literal["lun", "mar", "mer", "jeu", "ven", "sam", "dim"]
DAYS: tuple[Day, ...] = ("lun", "mar", "mer", "jeu", "ven", "sam", "dim")
Region = Literal[
    "metropole",
    "alsace-moselle",
    "guadeloupe",
    "martinique",
    "guyane",
    "reunion",
    "mayotte",
    "saint-barthelemy",
    "saint-martin",
    "saint-pierre-et-miquelon",
    "nouvelle-caledonie",
    "polynesie-francaise",
    "wallis-et-futuna",
]
PARIS = ZoneInfo("Europe/Paris")
SAMPLE = datetime(2026, 1, 1, tzinfo=PARIS)
_HOURS = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")


def hours(text: str) -> tuple[time, time]:
    """« 08:00-18:30 »; an end at or before the beginning is on the next day; « 00:00-24:00 » is always.

    Raises ValueError, in French.
    """
    found = _HOURS.fullmatch(text.strip())
    wrong = ValueError(f"heures « {text} » : attendu « 08:00-18:30 »")
    if found is None:
        raise wrong
    first, second, third, fourth = (int(part) for part in found.groups())
    try:
        opens, closes = time(first, second), time(0 if (third, fourth) == (24, 0) else third, fourth)
    except ValueError:
        raise wrong from None
    if opens == closes and (third, fourth) != (24, 0):
        raise ValueError(f"heures « {text} » : le début et la fin sont les mêmes")
    return opens, closes


def cron(text: str) -> Callable[[datetime], datetime]:
    """Gives the first moment of this cron line after an aware one, by the clock on the wall in Europe/Paris.

    Five fields as in crontab(5): 0 and 7 are Sunday; a day of the month and a day of the week together mean either. An
    hour that a change of clocks leaves out comes at its end. Raises ValueError, in French.
    """
    from croniter import CroniterError, croniter  # used by few, and slow to load

    if len(text.split()) != 5:
        raise ValueError(f"cron « {text} » : cinq champs attendus (minute heure jour mois jour-de-semaine)")
    try:
        croniter(text, SAMPLE).get_next(datetime)
    except CroniterError as error:
        raise ValueError(f"cron « {text} » : aucune heure ne lui correspond, ou un champ est fautif") from error

    def after(moment: datetime) -> datetime:
        found: datetime = croniter(text, moment.astimezone(PARIS)).get_next(datetime)
        return found

    return after
