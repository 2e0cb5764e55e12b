"""Kept answers about certificates, and bytes of any kind from servers and lists: told, never raised."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs7
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatcher.clock import FrozenClock
from dispatcher.directory.certificates import remote
from dispatcher.directory.certificates.cache import FORGET_AFTER, AnswerCache, Kept
from dispatcher.directory.certificates.chain import Revocation, anchors, revocation
from dispatcher.directory.certificates.judging import Judge, Standing
from dispatcher.directory.certificates.remote import ASKED, LdapCertificates
from dispatcher.directory.certificates.revocation_lists import parse
from dispatcher.directory.ldap.faults import LdapFault
from dispatcher.directory.ldap.link import Record, _record
from dispatcher.settings.ldap import LdapSettings
from tests.pki import BOB, pki

AT = datetime(2026, 11, 21, tzinfo=UTC)
DER = serialization.Encoding.DER
LEAF = pki().bob.certificate.public_bytes(DER)
BUNDLE = pkcs7.serialize_certificates([pki().bob.certificate, *pki().bob.chain], DER)
LIST = x509.load_pem_x509_crl(pki().authority.crl(AT - timedelta(days=1), (pki().bob, pki().carol))).public_bytes(DER)


def answer(address: str = BOB, *values: tuple[str, bytes], asked_at: datetime = AT, source: str = "ldap-x") -> Kept:
    return Kept(source=source, address=address, asked_at=asked_at, values=values)


def server(cache: AnswerCache, **other: object) -> LdapCertificates:
    plain = {"url": "ldaps://annuaire.test", "base": "dc=test", "attributes": {"address": "mail"}, **other}
    return LdapCertificates("x", LdapSettings.model_validate(plain), cache, FrozenClock())


def test_an_answer_is_kept_in_the_place_of_the_one_before(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path / "deep" / "answers.sqlite3")
    assert cache.get("ldap-x", BOB) is None
    first = answer(BOB, ("userCertificate", LEAF), ("userSMIMECertificate", BUNDLE))
    cache.put(first)
    cache.put(answer("autre@dest.test"))
    assert AnswerCache(tmp_path / "deep" / "answers.sqlite3").get("ldap-x", BOB) == first
    assert cache.get("ldap-y", BOB) is None
    none = answer(BOB, asked_at=AT + timedelta(hours=1))
    cache.put(none)
    assert cache.get("ldap-x", BOB) == none, "the values of before are gone"
    assert [one.address for one in cache.everything()] == ["autre@dest.test", BOB]


def test_what_nobody_asks_for_any_more_is_forgotten(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path / "answers.sqlite3")
    cache.put(answer("vieux@dest.test", ("userCertificate", LEAF)))
    cache.put(answer(BOB, asked_at=AT + FORGET_AFTER + timedelta(days=1)))
    assert [one.address for one in cache.everything()] == [BOB]


@pytest.mark.parametrize(
    "other",
    [
        {"url": "ldaps://autre.test"},
        {"base": "dc=autre"},
        {"filter": "(objectClass=person)"},
        {"attributes": {"address": "otherMailbox"}},
    ],
)
def test_answers_of_another_server_behind_the_name_are_not_this_one_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: dict[str, object]
) -> None:
    cache = AnswerCache(tmp_path / "answers.sqlite3")
    before = server(cache)
    cache.put(answer(BOB, ("userCertificate", LEAF), source=before.key))
    assert len(before.ask(BOB, AT, lambda _: True).found) == 1
    changed, asked = server(cache, **other), []
    monkeypatch.setattr(changed, "_values", lambda address: asked.append(address) or ())
    assert changed.ask(BOB, AT, lambda _: True).found == ()
    assert asked == [BOB]
    assert [len(one.found) for one in changed.kept(cache.everything())] == [0]
    assert server(cache, url="ldaps://annuaire.test/").key == before.key


@pytest.mark.parametrize("content", [b"", b"rien du tout" * 400, b"SQLite format 3\x00" + bytes(5000)])
def test_a_damaged_file_is_begun_anew(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "answers.sqlite3"
    path.write_bytes(content)
    cache = AnswerCache(path)
    assert cache.get("ldap-x", BOB) is None
    cache.put(answer(BOB, ("userCertificate", LEAF)))
    assert cache.get("ldap-x", BOB) == answer(BOB, ("userCertificate", LEAF))


def test_a_place_that_cannot_be_written_costs_no_mail(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache = AnswerCache(tmp_path / "file" / "answers.sqlite3")
    cache.put(answer())
    assert cache.get("ldap-x", BOB) is None


def test_many_at_once(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite3"

    def work(number: int) -> None:
        cache = AnswerCache(path)
        for turn in range(10):
            cache.put(answer(f"p{number}-{turn}@dest.test", ("userCertificate", LEAF)))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(AnswerCache(path).everything()) == 40


def test_both_spellings_of_both_attributes_are_asked_for_and_are_one() -> None:
    assert set(ASKED) == {
        *("userCertificate", "userCertificate;binary", "userSMIMECertificate", "userSMIMECertificate;binary")
    }
    record = _record({"dn": "x", "raw_attributes": {"userCertificate;binary": [b"a"], "usercertificate": [b"b"]}})
    assert sorted(record.get("userCertificate")) == sorted(record.get("USERCERTIFICATE;binary")) == [b"a", b"b"]


def damaged(whole: bytes, place: int, value: int, cut: int) -> bytes:
    place %= len(whole)
    changed = whole[:place] + bytes([value]) + whole[place + 1 :]
    return changed[: len(changed) - cut % len(changed)] if cut else changed


ANY = {"place": st.integers(0, 10_000), "value": st.integers(0, 255), "cut": st.sampled_from([0, 0, 0, 1, 700])}
FAST = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.filterwarnings("ignore:PKCS#7 certificates could not be parsed as DER")  # damaged, read leniently
@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")  # of a serial
@FAST
@given(**ANY)
def test_a_damaged_value_of_a_server_is_told_not_raised(tmp_path: Path, place: int, value: int, cut: int) -> None:
    judge = Judge(pinned=anchors([pki().authority.root.certificate]), policy="soft")
    for attribute, whole in (("userCertificate", LEAF), ("userSMIMECertificate", BUNDLE)):
        kept = answer(BOB, (attribute, damaged(whole, place, value, cut)))
        understood = server(AnswerCache(tmp_path / "none"))._understood(kept)
        assert understood.found or understood.unusable or understood.between
        for one in understood.found:
            judge.judge(one, understood.between, AT)


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")  # of a serial
@FAST
@given(**ANY)
def test_a_damaged_list_is_refused_or_clears_nobody(place: int, value: int, cut: int) -> None:
    content = damaged(LIST, place, value, cut)
    try:
        lists = parse(content)
    except ValueError:
        return
    said = revocation(pki().alice.certificate, pki().authority.intermediate.certificate, lists, AT)
    assert said is not Revocation.GOOD or content == LIST


def test_a_version_nobody_knows_is_told_not_raised(tmp_path: Path) -> None:
    """The library's own error for it is no ``ValueError``."""
    place = LIST.index(b"\x02\x01\x01") + 2
    with pytest.raises(ValueError, match="unknown kind"):
        parse(damaged(LIST, place, 47, 0))
    place = BUNDLE.index(b"\xa0\x03\x02\x01\x02") + 4
    kept = answer(BOB, ("userSMIMECertificate", damaged(BUNDLE, place, 47, 0)))
    assert len(server(AnswerCache(tmp_path / "none"))._understood(kept).unusable) == 1


def test_a_certificate_of_a_kept_answer_is_judged_like_any_other(tmp_path: Path) -> None:
    kept = answer(BOB, ("userSMIMECertificate", BUNDLE))
    understood = server(AnswerCache(tmp_path / "none"))._understood(kept)
    judge = Judge(pinned=anchors([pki().authority.root.certificate]), policy="require")
    (one,) = understood.found
    assert judge.judge(one, understood.between, AT).standing is Standing.NOT_ESTABLISHED
    lists = (*parse(LIST), *parse(pki().authority.crl(AT - timedelta(days=1), of_root=True)))
    judge = Judge(pinned=judge.pinned, policy="require", crls=lists)
    assert judge.judge(one, understood.between, AT).standing is Standing.REVOKED


@pytest.mark.parametrize(("code", "asked"), [("ldap-refused", 2), ("ldap-limit", 2), ("ldap-unreachable", 1)])
def test_an_address_the_server_refuses_does_not_silence_it_for_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, asked: int
) -> None:
    questions: list[str] = []

    class Link:
        @classmethod
        @contextmanager
        def open(cls, *_: object) -> Iterator[Link]:
            yield cls()

        def search(self, wanted: str, *_: object) -> Iterator[Record]:
            questions.append(wanted)
            if "bad" in wanted:
                raise LdapFault("Recherche refusée.", code=code)
            return iter(())

    monkeypatch.setattr(remote, "LdapLink", Link)
    one = server(AnswerCache(tmp_path / "answers"))
    assert one.ask("bad@labo.test", AT, lambda _: False).silent
    assert bool(one.ask("good@labo.test", AT, lambda _: False).silent) is (asked == 1)
    assert len(questions) == asked
