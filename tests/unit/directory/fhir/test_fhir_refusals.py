"""What is quoted of a server's own words never holds the key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dispatcher.directory.fhir.refusals import Refusals
from dispatcher.directory.syncing.web import Answer
from dispatcher.settings.syncing import FhirSettings


@pytest.mark.parametrize("written", ["SECRETKEY", "SECRET\u200bKEY", "SECRET\u00adKEY"])
def test_the_key_is_blackened_whatever_invisible_signs_stand_in_it(tmp_path: Path, written: str) -> None:
    body = json.dumps({"issue": [{"diagnostics": f"clé {written} refusée"}]}).encode()
    refusals = Refusals(FhirSettings(key_file=tmp_path / "key"), "SECRETKEY")
    message = refusals.told(Answer(401, {}, body)).message
    assert "SECRETKEY" not in message
    assert "clé … refusée" in message
