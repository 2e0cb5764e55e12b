"""The settings as they may be shown to a stranger: numbers, switches and choices stay, what is free text is masked.

Masked unless known to be harmless, so that a key added tomorrow is masked too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from dispatcher.settings.file import Settings

HARMLESS = frozenset(
    {
        "patterns",
        "ignore",
        "encoding",
        "done_suffix",
        "cron",
        "hours",
        "at",
        "default_channel",
        "channel",
        "signer",
        "profession",
    }
)
"""Keys whose text names neither a person, a place, a machine nor a secret."""
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
SHORTEST = 4
"""Characters of a text that is looked for elsewhere: shorter ones are words of every sentence."""


def masked(settings: Settings) -> dict[str, Any]:
    """By section, as the file has them."""
    return _section(settings, settings.folder)


def secrets(settings: Settings) -> tuple[str, ...]:
    """Every text that was masked, the longest first: to be masked wherever else it stands."""
    found = {text for text in _texts(settings) if len(text) >= SHORTEST}
    return tuple(sorted(found, key=lambda text: (-len(text), text)))


def _section(model: BaseModel, folder: Path) -> dict[str, Any]:
    return {
        name: _value(name, getattr(model, name), field.annotation, folder)
        for name, field in type(model).model_fields.items()
    }


def _value(name: str, value: Any, annotation: Any, folder: Path) -> Any:
    if isinstance(value, BaseModel):
        return _section(value, folder)
    if isinstance(value, Mapping):
        return {
            _key(key, number): _value(name, one, annotation, folder) for number, (key, one) in enumerate(value.items())
        }
    if isinstance(value, (list, tuple)):
        return [_value(name, one, annotation, folder) for one in value]
    if isinstance(value, Path):
        return _path(value, folder)
    if isinstance(value, str) and value and not _open(name, value, annotation):
        return f"(masqué, {len(value)} caractères)"
    return value


def _key(key: str, number: int) -> str:
    """Names of sources and channels stay; domains and codes do not."""
    return key if NAME.fullmatch(key) else f"(masqué {number + 1})"


def _path(value: Path, folder: Path) -> str:
    state = "présent" if value.exists() else "absent"
    known = value.is_relative_to(folder)
    return f"{value.relative_to(folder) if known else '(chemin masqué)'} ({state})"


def _open(name: str, value: str, annotation: Any) -> bool:
    return name in HARMLESS or value in _choices(annotation)


def _choices(annotation: Any) -> set[Any]:
    if get_origin(annotation) is Literal:
        return set(get_args(annotation))
    return {choice for part in get_args(annotation) for choice in _choices(part)}


def _texts(model: BaseModel) -> Iterator[str]:
    for name, field in type(model).model_fields.items():
        yield from _texts_of(name, getattr(model, name), field.annotation)


def _texts_of(name: str, value: Any, annotation: Any) -> Iterator[str]:
    if isinstance(value, BaseModel):
        yield from _texts(value)
    elif isinstance(value, Mapping):
        yield from (key for key in value if not NAME.fullmatch(key))
        for one in value.values():
            yield from _texts_of(name, one, annotation)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _texts_of(name, one, annotation)
    elif isinstance(value, str) and not _open(name, value, annotation):
        yield value
