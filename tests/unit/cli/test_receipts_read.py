"""``receipts read`` answers for every file it is given, readable or not."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from dispatcher.cli.cmd_receipts import group
from dispatcher.resources import sample


def test_a_missing_file_and_a_folder_have_their_entry_beside_a_sound_one(tmp_path: Path) -> None:
    sound = tmp_path / "avis.eml"
    sound.write_bytes(sample("receipts", "dsn_delivered.eml").read_bytes())
    missing = tmp_path / "absent.eml"
    result = CliRunner().invoke(group, ["read", "--json", str(missing), str(tmp_path), str(sound)])
    first, second, third = json.loads(result.stdout)["files"]
    assert result.exit_code == 1
    assert [entry["path"] for entry in (first, second, third)] == [str(missing), str(tmp_path), str(sound)]
    assert [problem["code"] for problem in first["problems"]] == ["unreadable-file"]
    assert [problem["code"] for problem in second["problems"]] == ["unreadable-file"]
    assert first["notices"] == second["notices"] == []
    assert third["notices"][0]["action"] == "delivered"
