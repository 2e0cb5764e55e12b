"""What a ZIP of evidence holds, and how: lines of the journal with their way to a signed root, receipts, digests.

In: values and bytes that the use case gathered. Out: files by name. Pure; the same input gives the same bytes.
Everything can be checked with ``openssl`` and ``sha256sum`` (:mod:`.evidence_guide` says how, for people).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from dispatcher.outbox.dispatch import JournalLine
from dispatcher.receipts.anchor import digest as statement_digest
from dispatcher.receipts.tree import Step

SUMS, SIGNATURE, FACTS, GUIDE, SUMMARY = "SHA256SUMS", "SHA256SUMS.p7s", "envoi.json", "LISEZMOI.txt", "resume.pdf"
LABORATORY, RECIPIENT = "certificats/laboratoire.pem", "certificats/destinataire.pem"
LINKS = "journal/liens.txt"
MAIL = "courrier.eml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """An anchor as it goes into the ZIP."""

    last: int
    statement: str
    signature: bytes = field(repr=False)
    stamp: bytes | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """File name without its ending."""
        return f"ancre-{self.last:012d}-{statement_digest(self.statement)[:8]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """A line of the journal, its way up the tree, and the anchor that signs its root."""

    line: JournalLine
    way: tuple[Step, ...]
    anchor: Anchor
    given: bool = True
    """False: only its digest goes in; a person typed a reason there, and people name patients."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A receipt: as it was received where that may be given, else its extract."""

    id: str
    kind: str
    at: str
    said: str
    digest: str
    """SHA-256 of what was received, hex."""
    content: bytes | None = field(default=None, repr=False)
    extract: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        """Path in the ZIP; empty when nothing of it is given."""
        if self.content is not None:
            return f"accuses/{self.id}-{self.kind}{'.txt' if self.kind == 'smtp' else '.eml'}"
        return f"accuses/extraits/{self.id}-{self.kind}.txt" if self.extract else ""


def sha256(content: bytes) -> str:
    """Hex."""
    return hashlib.sha256(content).hexdigest()


_FREE = ("reason", "note", "why")
"""What of a line's detail is text, ours or somebody's."""
_ENOUGH = 60
"""Characters a typed text is known again by: others may be put before and behind."""


def typed(lines: Iterable[JournalLine]) -> tuple[str, ...]:
    """The texts that people typed."""
    by_people = (text for line in lines if line.actor != "daemon" for text in _texts(line))
    return tuple(dict.fromkeys(text[:_ENOUGH] for text in by_people))


def repeats(text: str, typed_texts: Iterable[str]) -> bool:
    """Whether it holds what a person typed."""
    return any(one in text for one in typed_texts)


def names_nobody(line: JournalLine, typed_texts: Sequence[str]) -> bool:
    """The line can be given to anybody: no person wrote any of it."""
    return not any(repeats(text, typed_texts) for text in _texts(line))


def _texts(line: JournalLine) -> list[str]:
    return [text for key in _FREE if (text := str(line.detail.get(key) or "").strip())]


def journal_files(lines: Sequence[Proved]) -> dict[str, bytes]:
    """Each line as its digest covers it where that is given, its way, its anchor; and one table of them all."""
    files: dict[str, bytes] = {}
    table = []
    for proved in sorted(lines, key=lambda one: one.line.number):
        number = f"{proved.line.number:012d}"
        if proved.given:
            files[f"journal/ligne-{number}.json"] = proved.line.text.encode()
        files[f"journal/ligne-{number}.chemin"] = "".join(f"{s.side} {s.digest}\n" for s in proved.way).encode()
        table.append(f"{number} {proved.line.previous} {proved.line.digest} {proved.anchor.name}\n")
        for ending, content in _parts(proved.anchor):
            files[f"journal/{proved.anchor.name}{ending}"] = content
    files[LINKS] = "".join(table).encode()
    return files


def _parts(anchor: Anchor) -> Iterable[tuple[str, bytes]]:
    yield ".txt", anchor.statement.encode()
    yield ".p7s", anchor.signature
    if anchor.stamp is not None:
        yield ".tsr", anchor.stamp


def receipt_files(receipts: Sequence[Receipt]) -> dict[str, bytes]:
    """What is given of each."""
    return {one.name: one.content or one.extract.encode() for one in receipts if one.name}


def sums(files: Mapping[str, bytes]) -> bytes:
    """In the form of ``sha256sum``: what is signed."""
    return "".join(f"{sha256(files[name])}  {name}\n" for name in sorted(files)).encode()


def facts_json(facts: Mapping[str, object]) -> bytes:
    """For programs."""
    return (json.dumps(facts, ensure_ascii=False, indent=2) + "\n").encode()
