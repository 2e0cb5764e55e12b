"""How the LIS of a source is answered: a part of ``[sources.NOM]``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from dispatcher.settings.sections import PathSection

AnswerFormat = Literal["hl7", "hprim", "csv", "json"]
AnswerEvent = Literal[
    "taken",
    "duplicate",
    "refused",
    "sent",
    "delivered",
    "read",
    "unread",
    "failed",
    "paper",
    "withdrawn",
    "closed",
    "held-long",
]
EVENTS: tuple[AnswerEvent, ...] = (
    "taken",
    "duplicate",
    "refused",
    "sent",
    "delivered",
    "read",
    "unread",
    "failed",
    "paper",
    "withdrawn",
    "closed",
    "held-long",
)


class MllpSettings(PathSection):
    """The server of the LIS that takes HL7 answers."""

    host: str
    port: int = Field(ge=1, le=65535)
    tls: bool = False
    ca_file: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    server_name: str = ""
    timeout_seconds: float = Field(default=10, gt=0, le=120)
    """For one message and its acknowledgement."""


class AnswersSettings(PathSection):
    """What the LIS is told, in which formats and where."""

    folder: Path | None = None
    """Return folder; it must exist."""
    formats: list[AnswerFormat] = Field(default=["csv"], min_length=1)
    events: list[AnswerEvent] = Field(default=list(EVENTS))
    statements: bool = True
    """A statement of every batch and of every day, in CSV and JSON."""
    held_hours: float = Field(default=24, gt=0)
    """A dispatch that waits for a person for longer is told."""
    file_names: bool = False
    """Tell the names of source files; only where they hold no patient."""
    done_suffix: str = Field(default="", pattern=r"^(\.[A-Za-z0-9]{1,10})?$")
    """Of an empty file put beside each answer, after it."""
    retry_minutes: float = Field(default=10, gt=0, le=24 * 60)
    """Longest wait between two tries; the first is a few seconds."""
    mllp: MllpSettings | None = None

    @field_validator("formats", "events")
    @classmethod
    def _each_once(cls, value: list[str]) -> list[str]:
        if len(set(value)) != len(value):
            raise ValueError("chaque valeur une seule fois")
        return value

    @model_validator(mode="after")
    def _a_way(self) -> AnswersSettings:
        if self.mllp is not None and "hl7" not in self.formats:
            raise ValueError('« mllp » porte des messages HL7 : ajouter "hl7" à « formats »')
        by_folder = self.statements or self.mllp is None or any(one != "hl7" for one in self.formats)
        if self.folder is None and by_folder:
            raise ValueError(
                "« folder » manque : sans lui, seul HL7 par « mllp » est possible, avec « statements = false »"
            )
        return self
