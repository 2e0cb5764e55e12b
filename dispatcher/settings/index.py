"""Settings of a source that brings PDFs: a part of :mod:`dispatcher.settings`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class IndexSettings(BaseModel):
    """How a source says whose its PDFs are, where the shipped names of columns and tags do not fit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file_name: str = ""
    """Template ``{dossier}_{nom_naissance}_{prenom}_{date_naissance:%Y%m%d}.pdf``, or a regular expression with named
    groups: the name of a PDF says whose it is."""
    fields: dict[str, str] = Field(default_factory=dict)
    """Column or tag name of this source to the field it stands for."""
    columns: list[str] = Field(default_factory=list)
    """Fields of a CSV without a header line, in order; ``-`` for a column that is not read."""
