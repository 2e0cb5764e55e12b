"""What ``init`` reads out of the certificates that lie in its folder."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from typer.testing import CliRunner

from dispatcher.cli.finding_out import filled_in, look
from dispatcher.cli.main import app
from dispatcher.settings import load

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def certificate(*units: str, address: str = "") -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    parts = [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit) for unit in units]
    name = x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, "labo.essai")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW, NOW + timedelta(days=900))
    if address:
        made = made.add_extension(x509.SubjectAlternativeName([x509.RFC822Name(address)]), critical=False)
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def test_finess_and_address_come_from_the_certificate(tmp_path: Path) -> None:
    folder = tmp_path / "labo"
    (folder / "certificates").mkdir(parents=True)
    (folder / "labo.pem").write_bytes(certificate("1290000012", address="Resultats@Labo.essai.test"))
    (folder / "certificates" / "autre.pem").write_bytes(certificate("1750000018", address="dr@autre.test"))
    told = CliRunner().invoke(app, ["init", str(folder)])
    assert (
        told.exit_code == 0 and "FINESS 290000012" in told.output and "autre" not in told.output.partition("prête")[0]
    )
    assert load(folder / "dispatcher.toml").laboratory.finess == "290000012"
    assert '# sender = "resultats@labo.essai.test"' in (folder / "dispatcher.toml").read_text(encoding="utf-8")


def test_two_that_differ_and_a_siret_give_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.pem").write_bytes(certificate("1290000012", address="a@labo.test"))
    (tmp_path / "b.pem").write_bytes(certificate("1750000018", address="b@labo.test"))
    (tmp_path / "c.pem").write_bytes(certificate("318751275100020"))
    (tmp_path / "d.pem").write_text("rien", encoding="utf-8")
    found = look(tmp_path, NOW)
    assert (found.finess, found.address, len(found.certificates)) == ("", "", 3)
    assert filled_in('finess = "990000010"\nsender = "x@y"', found) == 'finess = "990000010"\nsender = "x@y"'
    assert found.host and found.zone.startswith("UTC")
