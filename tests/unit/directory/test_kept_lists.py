"""Kept lists of allowed domains: how long, what changes between two, and what a person put aside."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dispatcher.directory.trust.allowed_domains import Verdict
from dispatcher.directory.trust.content import Content, read_content
from dispatcher.directory.trust.kept import KIND, Retention, difference, import_list, load_list
from tests.unit.directory.list_builder import GENERATED, NOW, Kept, good, trust, unsigned

DAY = timedelta(days=1)


def take(kept: Kept, name: str, days: int, **options: object) -> Verdict:
    """A list made ``days`` after the first, taken an hour later."""
    content = good([f"{name}.test"], GENERATED + days * DAY)
    return import_list(content, trust(), kept, now=GENERATED + days * DAY + timedelta(hours=1), **options)  # type: ignore[arg-type]


def names(kept: Kept) -> list[str]:
    return [row.version[:10] for row in kept.versions(KIND)]


def test_lists_are_kept_for_a_number_of_versions_or_months_whichever_is_more() -> None:
    kept = Kept()
    keep = Retention(versions=2, months=1)
    for days in (0, 10, 20, 30, 60):
        assert take(kept, f"d{days}", days, retention=keep).accepted
    assert names(kept) == ["2027-01-19", "2026-12-20"], "two versions at least, and 31 days"
    assert take(kept, "d61", 61, retention=keep).accepted
    assert names(kept) == ["2027-01-20", "2027-01-19", "2026-12-20"]


def test_the_list_in_force_is_never_dropped() -> None:
    kept = Kept()
    assert take(kept, "d0", 0).accepted
    assert take(kept, "d900", 900, retention=Retention(versions=1, months=0)).accepted
    assert len(names(kept)) == 1


def test_a_list_a_person_put_aside_is_not_taken_again_by_itself() -> None:
    kept = Kept()
    for days in (0, 1):
        assert take(kept, f"d{days}", days).accepted
    first = kept.versions(KIND)[1].version
    kept.put(KIND, first, kept.get(KIND, first) or b"", NOW, actor="operator:x", reason="retour")
    again = take(kept, "d1", 1)
    assert not again.accepted
    assert again.reasons[0].startswith("Une personne est revenue à la liste du 20/11/2026 à 06:00 : celle du 21/11")
    assert load_list(trust(), kept, now=NOW).allows("d0.test")
    assert take(kept, "d1", 1, actor="operator:x").accepted, "a person may"
    kept.put(KIND, first, kept.get(KIND, first) or b"", NOW, actor="operator:x", reason="retour")
    assert take(kept, "d2", 2).accepted, "a newer one is taken"
    assert load_list(trust(), kept, now=NOW + DAY).allows("d2.test")


def said(*rows: tuple[str, str]) -> Content:
    root = unsigned([name for name, _ in rows])
    for row, (_, operator) in zip(root[1], rows, strict=True):
        row[2].text = operator
    return read_content(root)[0]


@pytest.mark.parametrize(
    ("added", "removed", "words"),
    [
        (0, 0, "0 domaine ajouté, 0 retiré"),
        (1, 1, "1 domaine ajouté, 1 retiré"),
        (12, 3, "12 domaines ajoutés, 3 retirés"),
    ],
)
def test_a_difference_is_told_in_a_line(added: int, removed: int, words: str) -> None:
    both = [("a.test", "CN=a")]
    before = said(*both, *((f"old{number}.test", "CN=x") for number in range(removed)))
    after = said(*both, *((f"new{number}.test", "CN=x") for number in range(added)))
    assert difference(before, after).in_words() == words


def test_rows_are_keyed_on_domain_and_certificate_name() -> None:
    """A domain stands once per operator certificate; another spelling of a name is no change, another name is."""
    before = said(("a.test", "CN=a, O=X"), ("A.test", "CN=b,O=X"), ("b.test", "CN=b"))
    same = said(("a.test", "cn=B,o=x"), ("a.test", "CN=a,O=X"), ("b.test", "CN = b"))
    assert difference(before, same) == difference(before, before)
    other = said(("a.test", "CN=a,O=X"), ("b.test", "CN=b"))
    assert difference(before, other).operators == ("a.test",)
