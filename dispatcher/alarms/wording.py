"""How messages read, in French: subjects a secretary understands, and the body of a mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dispatcher.alarms.alarm import Level
from dispatcher.alarms.incident import Incident, Kind, Message
from dispatcher.clock import paris
from dispatcher.french import counted

_TAGS = {
    Kind.START: "Alarme",
    Kind.WORSE: "Aggravation",
    Kind.REMINDER: "Rappel",
    Kind.END: "Fin",
    Kind.TEST: "Essai",
}
_FOREWORD = {
    Kind.START: "Une alarme commence.",
    Kind.WORSE: "Une alarme s'aggrave.",
    Kind.REMINDER: "Ces alarmes durent, et personne ne les a prises en charge.",
    Kind.END: "Cette alarme est finie ; il n'y a plus rien à faire pour elle.",
    Kind.TEST: "Ceci est un essai. Il n'y a rien à faire.",
}
_ACK = "Prise en charge, sans plus de rappel : « dispatcher alarms ack CLÉ --why … ». État : « dispatcher status »."
SHOWN = 30
"""Alarms of one message that are written out."""


def body_of(message: Message) -> dict[str, Any]:
    """What is kept of a message until every way has carried it."""
    return {"kind": str(message.kind), "alarms": [_facts(one) for one in message.incidents]}


def _facts(one: Incident) -> dict[str, Any]:
    return {
        "key": one.key,
        "code": one.code,
        "level": str(one.level),
        "title": one.title,
        "subject": one.subject,
        "text": one.text,
        "hint": one.hint,
        "count": one.count,
        "since": one.began_at.isoformat(),
        "until": one.over_at.isoformat() if one.over_at is not None else None,
    }


def subject(bodies: Sequence[Mapping[str, Any]], laboratory: str) -> str:
    """Of one message, or of several in one."""
    if len(bodies) > 1:
        tag = "Alarmes" if any(one["kind"] != Kind.END for one in bodies) else "Fin"
        return f"[{tag}] {counted(len(bodies), 'message')} – {laboratory}"
    (body,) = bodies
    kind, alarms = Kind(body["kind"]), body["alarms"]
    if kind is Kind.TEST:
        return f"[{_TAGS[kind]}] essai des alarmes – {laboratory}"
    if kind is Kind.REMINDER and len(alarms) > 1:
        return f"[{_TAGS[kind]}] {counted(len(alarms), 'alarme')} en cours – {laboratory}"
    (first, *_) = alarms
    about = f" ({first['subject']})" if first["subject"] and len(first["subject"]) <= 40 else ""
    urgent = " URGENT" if first["level"] == Level.URGENT and kind is not Kind.END else ""
    return f"[{_TAGS[kind]}{urgent}] {first['title']}{about} – {laboratory}"


def text(bodies: Sequence[Mapping[str, Any]]) -> str:
    """The whole message."""
    parts = []
    for body in bodies:
        kind = Kind(body["kind"])
        lines = [_FOREWORD[kind], ""]
        for one in body["alarms"][:SHOWN]:
            lines += _lines(one, over=kind is Kind.END)
        if len(body["alarms"]) > SHOWN:
            lines.append(f"Et {len(body['alarms']) - SHOWN} autres : « dispatcher status ».")
        parts.append("\n".join(lines).rstrip())
    foot = "" if all(body["kind"] in {Kind.END, Kind.TEST} for body in bodies) else f"\n\n{_ACK}"
    return "\n\n".join(parts) + foot + "\n"


def line(body: Mapping[str, Any]) -> str:
    """All on one line, for logs of systems."""
    tag = _TAGS[Kind(body["kind"])]
    return f"{tag}: " + (" | ".join(f"{one['key']}: {one['text']}" for one in body["alarms"][:SHOWN]) or "essai")


def _lines(one: Mapping[str, Any], *, over: bool) -> list[str]:
    since = f"  Depuis le {_moment(one['since'])}"
    until = f", jusqu'au {_moment(one['until'])}." if over and one["until"] else "."
    hint = [f"  Que faire : {one['hint']}"] if one["hint"] and not over else []
    return [f"• {one['text']}", since + until, *hint, f"  Clé : {one['key']}", ""]


def _moment(value: str) -> str:
    return paris(datetime.fromisoformat(value)).strftime("%d/%m/%Y à %H:%M")
