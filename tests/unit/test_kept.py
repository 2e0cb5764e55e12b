"""What is made of files is made anew when one changes, comes or goes, or when ten minutes are over; else kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dispatcher.wiring.kept import SECONDS, Kept

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("change", ["none", "content", "rights", "new", "gone", "later", "other"])
def test_made_anew_only_when_it_must_be(tmp_path: Path, change: str) -> None:
    folder, alone = tmp_path / "keys", tmp_path / "master.key"
    (folder / "mss").mkdir(parents=True)
    one = folder / "mss/key.pem"
    one.write_text("a", encoding="utf-8")
    kept: Kept[int] = Kept()
    made: list[int] = []

    def make() -> int:
        made.append(1)
        return len(made)

    assert kept.get("keys", (folder, alone, None), NOW, make) == 1
    if change == "content":
        one.write_text("another", encoding="utf-8")
    if change == "rights":
        one.chmod(0o600)
    if change == "new":
        alone.write_text("x", encoding="utf-8")
    if change == "gone":
        one.unlink()
    now = NOW + timedelta(seconds=SECONDS) if change == "later" else NOW
    name = "other" if change == "other" else "keys"
    assert kept.get(name, (folder, alone, None), now, make) == (1 if change == "none" else 2)
