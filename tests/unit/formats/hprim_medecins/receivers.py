"""The programs that receive HPRIM Médecins, each by the rules it publishes (shared notes "HPRIM" §1.9).

Bytes in, the list of faults that program would find out; an empty list: filed, and nothing of it lost. Each judge is
written from what the program does, not with our own reader, so that a misunderstanding of ours cannot hide in both.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

Judge = Callable[[bytes], list[str]]


def _text(data: bytes) -> str:
    return data.decode("iso-8859-1")


def _calendar(text: str, form: str = "%d/%m/%Y") -> bool:
    """The date exists, and is written exactly so."""
    try:
        return datetime.strptime(text, form).strftime(form) == text  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return False


def freehealth(data: bytes) -> list[str]:
    """Twelve lines; name, first name and birth date (dd/MM/yyyy or dd/MM/yy, untrimmed); both marks in order, only
    blanks between and behind them; coded lines begin with ``RES|`` after ``****LAB****``."""
    lines = _text(data).replace("\r\n", "\n").split("\n")
    faults = [] if len(lines) > 12 else ["moins de 12 lignes"]
    faults += [f"ligne {number} vide" for number in (2, 3) if not lines[number - 1]]
    if not (_calendar(lines[6]) or _calendar(lines[6], "%d/%m/%y")):
        faults.append("date de naissance")
    content = "\n".join(lines[12:])
    first = content.find("****FIN****")
    second = content.find("****FINFICHIER****", first + 11)
    if first < 0 or second < 0:
        return [*faults, "marqueurs"]
    if content[first + 11 : second].strip() or content[second + 18 :].strip():
        faults.append("texte entre ou après les marqueurs")
    return faults


def episodus(data: bytes) -> list[str]:
    """A slashed date on line 10 and on line 7; the two marks, trimmed; coded lines of ``RES`` with a decimal point."""
    lines = _text(data).split("\r\n")
    faults = [f"ligne {n} sans JJ/MM/AAAA" for n in (7, 10) if not re.search(r"\d\d/\d\d/\d{4}", lines[n - 1])]
    stripped = [line.strip() for line in lines]
    faults += [mark for mark in ("****FIN****", "****FINFICHIER****") if stripped.count(mark) != 1]
    for line in stripped:
        if line.startswith("RES|"):
            fields = line.split("|")
            if fields[3] == "N" and not re.fullmatch(r"[+-]?\d+(\.\d+)?", fields[4]):
                faults.append("valeur numérique")
            faults += ["normale" for place in (6, 7, 12, 13) if not re.fullmatch(r"([+-]?\d+(\.\d+)?)?", fields[place])]
    return faults


def medshake(data: bytes) -> list[str]:
    """Its recognition score, test by test: ten points and the mail is a result."""
    lines = _text(data).split("\r\n")
    score = 3 if re.fullmatch(r"[A-z0-9\-_/]*", lines[0][:10].strip()) else -1
    score += 1 if lines[1][:50].strip() not in ("", "0") else -1
    score += 1 if lines[2][:50].strip() not in ("", "0") else -1
    score += 1 if re.fullmatch(r"[0-9][1-9][0-9]{3}", lines[5][:5]) else -1
    score += 8 if _calendar(lines[6].strip()) else -8
    social = r"[123478][0-9]{2}[01][0-9][0-9][0-9AB][0-9]{6}[0-9]{0,2}"
    score += 3 if re.fullmatch(social, lines[7].strip()) else -3
    score += 4 if _calendar(lines[9][:15].strip()) else -4
    faults = [] if score >= 10 else [f"indice {score}"]
    if "****LAB****" in _text(data):
        coded = _text(data).split("****LAB****")[1]
        faults += ["libellé vide" for line in coded.split("\n") if line.startswith("RES|") and not line.split("|")[1]]
    return faults


def mediboard(data: bytes) -> list[str]:
    """The mail is HPRIM when lines 7 and 10 are nothing but a date; line 12 must not be empty; thirteen lines are
    hidden; what stands before ``****LAB****`` is shown, and of the coded lines those with fourteen pipes."""
    if b"\x8e" in data:
        return ["lu comme MacRoman"]
    lines = re.split(r"\r\n|\n", _text(data), maxsplit=12)
    faults = [f"ligne {n}" for n in (7, 10) if not re.fullmatch(r"\d\d/\d\d/\d{4}", lines[n - 1])]
    faults += [f"ligne {n} sans libellé" for n in (11, 12) if len(re.split(r"\s", lines[n - 1], maxsplit=1)) < 2]
    rest = lines[12]
    if rest.partition("\r\n")[0].strip():
        faults.append("treizième ligne cachée")
    at, end = rest.find("****LAB****"), rest.find("****FIN****")
    if at < 0 or not rest[:at].strip():
        return [*faults, "rien d’affiché"]
    faults += ["RES caché" for line in rest[at:end].split("\r\n") if line.startswith("RES") and line.count("|") != 14]
    return faults


def web_practice(data: bytes) -> list[str]:
    """Line 10 a date or blank, ``****FIN****`` there; the first word of lines 11 and 12 is dropped; a coded line needs
    a label or a value."""
    lines = [line.strip() for line in _text(data).split("\r\n")]
    faults = [] if re.match(r"\d\d/\d\d/", lines[9]) or not lines[9] else ["ligne 10"]
    faults += [] if "****FIN****" in lines else ["FIN absent"]
    faults += [f"ligne {n} sans libellé" for n in (11, 12) if not lines[n - 1].partition(" ")[2].strip()]
    faults += [
        "RES muet" for line in lines if line.startswith("RES|") and not any(line.split("|")[place] for place in (1, 4))
    ]
    return faults


def mail_splitter(data: bytes) -> list[str]:
    """After decryption: everything before the first line that holds FINFICHIER, cut at each line that holds FIN."""
    kept = _text(data).partition("****FINFICHIER****")[0]
    return [] if kept.count("****FIN****") == 1 and kept.rstrip().endswith("****FIN****") else ["découpe"]


def charter(data: bytes) -> list[str]:
    """What the operator's charter asks of a body: name, first name, birth date, in plain text of one character set."""
    lines = _text(data).split("\r\n")
    faults = [] if all(any(c.isalpha() for c in lines[n]) for n in (1, 2)) and lines[6] else ["identité"]
    faults += ["caractère de commande"] if re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", data) else []
    return faults + (["fin de ligne"] if re.search(rb"(?<!\r)\n|\r(?!\n)", data) else [])


JUDGES: dict[str, Judge] = {
    "FreeHealth": freehealth,
    "Episodus": episodus,
    "MedShake": medshake,
    "Mediboard": mediboard,
    "web": web_practice,
    "découpe des messages": mail_splitter,
    "charte": charter,
}
