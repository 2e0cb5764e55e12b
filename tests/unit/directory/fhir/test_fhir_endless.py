"""Paging that never ends is noticed long before the disk is full."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from dispatcher.clock import FrozenClock
from dispatcher.directory.fhir import client
from dispatcher.directory.fhir.client import FhirClient
from dispatcher.directory.syncing.web import Answer
from dispatcher.errors import DirectoryError
from dispatcher.settings.syncing import FhirSettings


@pytest.mark.parametrize(
    ("size", "limit", "most"),
    [(0, "MAX_RECORDS", 95), (10, "MAX_RECORDS", 95), (10, "MAX_SEARCH_BYTES", 20_000)],
    ids=["empty", "new records", "bytes"],
)
def test_pages_without_end_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, limit: str, most: int
) -> None:
    monkeypatch.setattr(client, limit, most)
    (tmp_path / "key").write_text("a-key-for-tests")
    one = FhirClient(FhirSettings(key_file=tmp_path / "key", url="https://fhir.test/v2"), FrozenClock())
    pages = itertools.count()

    def ask(path: str) -> Answer:
        number = next(pages)
        assert number < 50, "still going on"
        entries = [{"resource": {"resourceType": "Practitioner", "id": f"{number}-{n}"}} for n in range(size)]
        link = [{"relation": "next", "url": f"https://fhir.test/v2?page={number}"}]
        bundle = {"resourceType": "Bundle", "type": "searchset", "entry": entries, "link": link}
        return Answer(200, {}, json.dumps(bundle).encode())

    monkeypatch.setattr(one, "_ask", ask)
    with pytest.raises(DirectoryError, match="tourne en rond"):
        list(one.search("Practitioner", {}))
