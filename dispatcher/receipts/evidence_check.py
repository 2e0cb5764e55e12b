"""Checks a ZIP of evidence: every byte, every signature, every link. Bytes in; out French faults that name the place.

Whether the certificate that signed is the laboratory's is for people to compare, or for a root handed in elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dispatcher.errors import SealError
from dispatcher.receipts import archive
from dispatcher.receipts.anchor import parse
from dispatcher.receipts.evidence import FACTS, LABORATORY, LINKS, MAIL, RECIPIENT, SIGNATURE, SUMS, sha256
from dispatcher.receipts.tree import Step, climb
from dispatcher.sealing import proof

_LINK = re.compile(r"(\d{12}) ([0-9a-f]{64}) ([0-9a-f]{64}) (ancre-\d{12}-[0-9a-f]{8})")
_STEP = re.compile(r"(gauche|droite) ([0-9a-f]{64})")
_DIGEST = re.compile(r'"([0-9a-f]{64})"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found; no fault: everything fits."""

    faults: tuple[str, ...]
    dispatch: str = ""
    files: int = 0
    lines: int = 0
    kept_back: int = 0
    """Lines that only their digest stands for."""
    signer: str = ""
    """Subject of the certificate that signed."""
    fingerprint: str = ""


def check(content: bytes) -> Checked:
    """Look at everything; never raises."""
    packed, faults = archive.unpack(content)
    if not packed:
        return Checked(faults=faults or ("L'archive est vide.",))
    folder = next(iter(packed)).partition("/")[0]
    files = {name.removeprefix(f"{folder}/"): held for name, held in packed.items()}
    found = [*faults, *_file_faults(files)]
    signed = _signed(files)
    found += [signed] if isinstance(signed, str) else []
    found += _journal_faults(files)
    found += _fact_faults(files)
    given = sum(name.startswith("journal/ligne-") and name.endswith(".json") for name in files)
    return Checked(
        faults=tuple(dict.fromkeys(found)),
        dispatch=folder.removeprefix("preuve-"),
        files=len(files),
        lines=given,
        kept_back=len(_text(files, LINKS).splitlines()) - given,
        signer="" if isinstance(signed, str) else signed.subject,
        fingerprint="" if isinstance(signed, str) else signed.fingerprint,
    )


def _text(files: Mapping[str, bytes], name: str) -> str:
    return files.get(name, b"").decode("utf-8", "replace")


def _file_faults(files: Mapping[str, bytes]) -> Iterator[str]:
    """Against SHA256SUMS."""
    known: dict[str, str] = {}
    for line in _text(files, SUMS).splitlines():
        digest, _, name = line.partition("  ")
        known[name] = digest
    if not known:
        yield f"« {SUMS} » manque ou est vide."
    for name, digest in known.items():
        if name not in files:
            yield f"« {name} » manque."
        elif sha256(files[name]) != digest:
            yield f"« {name} » : contenu changé."
    yield from (f"« {name} » n'est pas de la preuve." for name in files if name not in {*known, SUMS, SIGNATURE})


def _signed(files: Mapping[str, bytes]) -> proof.Signed | str:
    """Who signed SHA256SUMS, or what is wrong with it."""
    try:
        signed = proof.verify(files.get(SUMS, b""), files.get(SIGNATURE, b""))
        shown = proof.fingerprint(proof.certificate(files.get(LABORATORY, b"")))
    except SealError:
        return f"« {SIGNATURE} » : la signature de « {SUMS} » n'est pas juste."
    if shown != signed.fingerprint:
        return f"« {LABORATORY} » n'est pas le certificat qui a signé « {SUMS} »."
    return signed


def _journal_faults(files: Mapping[str, bytes]) -> Iterator[str]:
    """Each line: its digest, its way to the root, the anchor that signs it."""
    roots: dict[str, tuple[int, int, str]] = {}
    for name in sorted(files):
        if name.startswith("journal/ancre-") and name.endswith(".txt"):
            told = parse(_text(files, name))
            anchor = name.removeprefix("journal/").removesuffix(".txt")
            if told is not None:
                roots[anchor] = (told.first, told.last, told.root)
            yield from _anchor_faults(files, name, known=told is not None)
    lines = _text(files, LINKS).splitlines()
    if not lines:
        yield f"« {LINKS} » manque ou est vide."
    for line in lines:
        match = _LINK.fullmatch(line)
        if match is None:
            yield f"« {LINKS} » : ligne illisible."
            continue
        yield from _line_faults(files, match, roots)


def _anchor_faults(files: Mapping[str, bytes], name: str, *, known: bool) -> Iterator[str]:
    if not known:
        yield f"« {name} » : ce n'est pas une ancre."
    signature, stamp = name.replace(".txt", ".p7s"), name.replace(".txt", ".tsr")
    try:
        proof.verify(files[name], files.get(signature, b""))
    except SealError:
        yield f"« {signature} » : la signature de l'ancre n'est pas juste."
    if stamp in files and proof.stamping():
        try:
            proof.check_stamp(files.get(signature, b""), files[stamp])
        except SealError as error:
            yield f"« {stamp} » : {error.message}"


def _line_faults(
    files: Mapping[str, bytes], link: re.Match[str], roots: Mapping[str, tuple[int, int, str]]
) -> Iterator[str]:
    number, before, digest, anchor = link.groups()
    name, way = f"journal/ligne-{number}.json", f"journal/ligne-{number}.chemin"
    told = name in files  # one that is not given, and not missing, is known by its digest alone
    if told and (
        sha256(before.encode() + b"\n" + files.get(name, b"")) != digest or _number(files.get(name, b"")) != int(number)
    ):
        yield f"Ligne {int(number)} du journal (« {name} ») : son contenu ou son lien a été changé."
    steps = [_STEP.fullmatch(step) for step in _text(files, way).splitlines()]
    first, last, root = roots.get(anchor, (0, 0, ""))
    root_reached = climb(digest, [Step(step[1], step[2]) for step in steps if step is not None])
    if None in steps or root_reached != root or not first <= int(number) <= last:
        yield f"Ligne {int(number)} du journal (« {way} ») : elle ne mène pas à son ancre « {anchor} »."


def _number(line: bytes) -> int | None:
    try:
        told = json.loads(line)
    except ValueError:
        return None
    number = told.get("number") if isinstance(told, dict) else None
    return number if isinstance(number, int) else None


def _fact_faults(files: Mapping[str, bytes]) -> Iterator[str]:
    """Every digest the facts give, and every receipt, document and mail, stands in a line of the journal."""
    journal = "\n".join(_text(files, name) for name in files if re.fullmatch(r"journal/ligne-\d{12}\.json", name))
    for digest in _DIGEST.findall(_text(files, FACTS)):
        if digest not in journal:
            yield f"« {FACTS} » : l'empreinte {digest[:16]}… n'est pas au journal."
    for name, content in files.items():
        told = name.startswith(("accuses/A", "contenu/")) or name == MAIL
        if told and sha256(content) not in journal:
            yield f"« {name} » : son empreinte n'est pas au journal."
    if RECIPIENT in files:
        try:
            shown = proof.fingerprint(proof.certificate(files[RECIPIENT]))
        except SealError:
            yield f"« {RECIPIENT} » : certificat illisible."
            return
        if shown not in journal:
            yield f"« {RECIPIENT} » : ce n'est pas le certificat que dit le journal."
