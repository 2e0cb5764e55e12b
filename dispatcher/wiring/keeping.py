"""How long what is kept."""

from __future__ import annotations

from datetime import timedelta

from dispatcher.service.purge import Retention
from dispatcher.settings import RetentionSettings


def retention(settings: RetentionSettings) -> Retention:
    """The settings as the use case takes them."""
    return Retention(
        contents=timedelta(days=settings.contents_days),
        unmatched=timedelta(days=settings.unmatched_days),
        answers=timedelta(days=settings.answers_days),
        proof=timedelta(days=settings.proof_days),
    )
