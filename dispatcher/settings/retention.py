"""How long what is kept: contents early, proof late, what is unfinished always."""

from __future__ import annotations

from pydantic import Field, model_validator

from dispatcher.settings.sections import Section


class RetentionSettings(Section):
    """Counted from the last thing that happened to a file and to everything made of it."""

    contents_days: int = Field(default=90, ge=60)
    """Source files, documents, sealed mails, notices as received. For 60 days order numbers are compared with them."""
    unmatched_days: int = Field(default=90, ge=1)
    """Notices that belong to no dispatch."""
    answers_days: int = Field(default=90, ge=1)
    """Answers the LIS has, or will never have."""
    proof_days: int = Field(default=3650, ge=365)
    """Dispatches, digests, receipts: ten years (Code de la santé publique, article L1142-28)."""
    daily: bool = True
    """The service purges once a day; else only « dispatcher purge » does."""

    @model_validator(mode="after")
    def _proof_outlives_contents(self) -> RetentionSettings:
        if self.proof_days < max(self.contents_days, self.unmatched_days, self.answers_days):
            raise ValueError("« proof_days » : la preuve se garde au moins aussi longtemps que les contenus")
        return self
