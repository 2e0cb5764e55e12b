"""The log of a service, in both formats, of one process and of several: no patient, result or key, whatever arrives."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.integration.test_metrics_health import until
from tests.integration.test_stop_and_restart import HL7, Operator, laboratory, service, stop

FAMILY, GIVEN, BIRTH, RESULT = "VAUQUELINZ", "Zéphyrine", "19370219", "7313.37"


def report(number: str) -> str:
    text = HL7.format(number=number).replace("ESSAI^Zoé", f"{FAMILY}^{GIVEN}").replace("19800102", BIRTH)
    return text.replace("13.2", RESULT)


@pytest.mark.slow
@pytest.mark.parametrize(("form", "workers"), [("text", "1"), ("json", "1"), ("json", "2")])
def test_nobody_is_named(tmp_path: Path, form: str, workers: str) -> None:
    operator = Operator("never", tmp_path, tls=False)
    with laboratory(tmp_path, operator, count=0) as labo:
        file = labo.folder / "journal/dispatcher.log"
        with labo.config.open("a", encoding="utf-8") as config:
            config.write(f'\n[log]\nlevel = "DEBUG"\nformat = "{form}"\nfile = "journal/dispatcher.log"\n')
        contents = {
            "good": report("A1"),
            "nobody": report("A2").replace("R1^TEST^Ana", f"INCONNU^{FAMILY}^{GIVEN}"),
            f"{FAMILY}-cut": report("A3")[:-40],
            "strange": report("A4").replace("19370219", FAMILY),
            "empty": f"{FAMILY} {GIVEN} {RESULT}",
        }
        for name, content in contents.items():
            (labo.inbox / f"{name}.hl7").write_text(content, encoding="utf-8", newline="")
        process = service(labo, "--workers", workers)
        try:
            until(lambda: operator.taken >= 1, labo)
            until(lambda: not any(labo.inbox.iterdir()), labo)
            until(lambda: "dispatch D" in file.read_text(encoding="utf-8"), labo)
        finally:
            stop(process)
        text = file.read_text(encoding="utf-8")
        key = (labo.folder / "keys/master.key").read_text(encoding="utf-8").split()[-1]
        keys = [key, *(labo.folder / "labo.key").read_text(encoding="utf-8").splitlines()[1:3]]
        words = [FAMILY, GIVEN, BIRTH, RESULT, "19/02/1937", *keys]
        assert [word for word in words if re.search(re.escape(word), text, re.IGNORECASE)] == []
        assert len(text.splitlines()) > 5
        if form == "json":
            assert all(json.loads(line)["event"] for line in text.splitlines())
