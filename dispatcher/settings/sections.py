"""What every section of the file shares: frozen, no unknown key, paths relative to the file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
Address = Annotated[str, Field(pattern=r"^[^@\s<>]+@[^@\s<>]+$")]

SendingFormat = Literal["cda", "cda-n1", "hprim-medecins", "hprim-sante", "pdf"]
"""What a report can be sent as (``routing/delivery.py``; a test compares)."""

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""Names of this machine."""


class Section(BaseModel):
    """A section of the file: frozen, no unknown key."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _under(value: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder")
    return value if value.is_absolute() or folder is None else Path(folder) / value


class PathSection(Section):
    """A section whose ``Path`` values, defaults too, are relative to the configuration file."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    @field_validator("*", mode="after")
    @classmethod
    def _resolve(cls, value: Any, info: ValidationInfo) -> Any:
        return _under(value, info) if isinstance(value, Path) else value
