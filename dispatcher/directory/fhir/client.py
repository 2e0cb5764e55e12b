"""Client of the FHIR API « Annuaire Santé » v2: searches, page by page, within the operator's rules.

Source: Annuaire Santé FHIR documentation, version 2, « Bases de l'API » and « Synchronisation des ressources »; HL7
FHIR R4 §3.1.1.4 (paging) and §2.39 (Bundle). The key goes with every request to the server of ``url`` and to no other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

from dispatcher.clock import Clock
from dispatcher.directory.fhir.key import read_key
from dispatcher.directory.fhir.pace import Pace
from dispatcher.directory.fhir.refusals import Refusals
from dispatcher.directory.syncing.web import Answer, ConnectionFault, Server, place, wait_asked
from dispatcher.errors import DirectoryError
from dispatcher.settings.syncing import FhirSettings

ACCEPT = "application/fhir+json, application/json;q=0.9"
MAX_BYTES = 40_000_000
"""One page, unpacked: 500 records are 2 to 4 MB."""
MAX_CONTAINERS = 2_000_000
"""Objects and lists in one page; more is no directory, and would swell in memory."""
MAX_PAGES = 200_000
MAX_RECORDS = 5_000_000
"""Of one kind: several times the whole directory."""
MAX_SEARCH_BYTES = 50_000_000_000
"""Of one search, all pages together: several times what the largest kind weighs."""
EMPTY_PAGES = 5
"""In a row: paging that leads nowhere."""
TRIES = 6
LONGEST_WAIT = 300.0
"""A server that asks for more than this gets no further try now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a search."""

    records: tuple[Mapping[str, Any], ...] = field(repr=False)
    """Resources of the kind asked for."""
    others: int
    """Entries that are something else, left out."""
    total: int | None
    """Of the whole search, when the server says."""
    server_at: datetime | None
    """The server's own clock when it searched, when it says."""


class FhirClient:
    """One client per run and key; threads may share it."""

    def __init__(
        self,
        settings: FhirSettings,
        clock: Clock,
        *,
        rest: Callable[[float], None] | None = None,
        tick: Callable[[], object] = lambda: None,
    ) -> None:
        """``rest`` waits, ``tick`` is called while an answer comes in; both may raise, to stop. Raises
        :class:`DirectoryError` when the key's file or ``ca_file`` is missing or unfit.
        """
        key = read_key(settings.key_file)
        self._clock, self._rest, self._tick = clock, rest or clock.sleep, tick
        self._pace = Pace(settings.calls_per_second, clock, self._rest)
        self._server = Server(settings.url, settings, clock, {"ESANTE-API-KEY": key})
        self._refusals = Refusals(settings, key)
        self._seconds = settings.timeout_seconds * 2

    def close(self) -> None:
        """Let go of open lines."""
        self._server.close()

    def search(self, kind: str, parameters: Mapping[str, str]) -> Iterator[Page]:
        """All pages of a search for one kind of record. Raises :class:`DirectoryError` for whatever is not right."""
        path: str | None = f"{self._server.path.rstrip('/')}/{kind}?{urlencode(parameters, safe=':,')}"
        seen, contents = set[str](), set[bytes]()
        received = empty = weight = 0
        while path is not None:
            if path in seen or len(seen) >= MAX_PAGES:
                raise self._refusals.loop(kind, len(seen))
            seen.add(path)
            answer = self._ask(path)
            bundle = self._bundle(answer)
            page = _page(bundle, kind, answer)
            digest = _digest(bundle)
            if page.records and digest in contents:
                raise self._refusals.loop(kind, len(seen))
            contents.add(digest)
            weight += len(answer.body)
            received, empty = received + len(page.records), 0 if page.records else empty + 1
            if received > MAX_RECORDS or weight > MAX_SEARCH_BYTES or empty >= EMPTY_PAGES:
                raise self._refusals.loop(kind, len(seen))
            yield page
            path = self._next(bundle)

    def _ask(self, path: str) -> Answer:
        """One good answer, with further tries where they make sense; each waits for the pace."""
        last: DirectoryError | None = None
        for number in range(TRIES):
            wait = float(2**number)
            try:
                with self._pace.call():
                    answer = self._server.get(
                        path, accept=ACCEPT, max_bytes=MAX_BYTES, seconds=self._seconds, tick=self._tick
                    )
            except ConnectionFault as error:
                last = error
            else:
                if answer.status == 200:
                    return answer
                last = self._refusals.told(answer)
                if answer.status not in {429, 500, 502, 503, 504}:
                    raise last
                asked = wait_asked(answer.headers, self._clock.now().timestamp())
                if asked is not None and asked > LONGEST_WAIT:
                    raise last
                wait = asked if asked is not None else wait
            if number < TRIES - 1:
                self._rest(wait)
        assert last is not None
        raise last

    def _bundle(self, answer: Answer) -> dict[str, Any]:
        body = answer.body
        if body.count(b"{") + body.count(b"[") > MAX_CONTAINERS:
            raise self._refusals.strange("structure démesurée")
        try:
            found = json.loads(body, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            kind = answer.headers.get("content-type", "").partition(";")[0].strip()[:60] or "sans type"
            raise self._refusals.strange(f"pas du JSON ({kind})") from error
        if not isinstance(found, dict) or found.get("resourceType") != "Bundle":
            raise self._refusals.strange("pas un Bundle FHIR")
        if found.get("type") != "searchset" or not isinstance(found.get("entry", []), list):
            raise self._refusals.strange("pas un résultat de recherche")
        return found

    def _next(self, bundle: Mapping[str, Any]) -> str | None:
        """Path of the next page, as the server wrote it; it must stay on the server of the base address."""
        links = bundle.get("link", [])
        if not isinstance(links, list):
            raise self._refusals.strange("liens de pagination illisibles")
        found = [link.get("url") for link in links if isinstance(link, dict) and link.get("relation") == "next"]
        if not found:
            return None
        if len(found) > 1 or not isinstance(found[0], str):
            raise self._refusals.strange("liens de pagination illisibles")
        try:
            where, path = place(found[0])
        except ValueError as error:
            raise self._refusals.strange("lien vers la page suivante illisible") from error
        if where != self._server.place:
            raise self._refusals.elsewhere(where.host)
        return path


def _page(bundle: Mapping[str, Any], kind: str, answer: Answer) -> Page:
    records = []
    entries = bundle.get("entry", [])
    for entry in entries:
        record = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(record, dict) and record.get("resourceType") == kind:
            records.append(record)
    total = bundle.get("total")
    return Page(
        records=tuple(records),
        others=len(entries) - len(records),
        total=total if isinstance(total, int) and not isinstance(total, bool) and total >= 0 else None,
        server_at=_server_at(bundle, answer),
    )


def _server_at(bundle: Mapping[str, Any], answer: Answer) -> datetime | None:
    """``Bundle.meta.lastUpdated``, else the header ``Date``."""
    meta = bundle.get("meta")
    told = meta.get("lastUpdated") if isinstance(meta, dict) else None
    try:
        found = datetime.fromisoformat(told) if isinstance(told, str) else None
        if found is None or found.tzinfo is None:
            found = parsedate_to_datetime(answer.headers.get("date", ""))
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _digest(bundle: Mapping[str, Any]) -> bytes:
    """Which records a page holds: a page that comes back under another address is noticed by it."""
    found = hashlib.sha256()
    for entry in bundle.get("entry", []):
        record = entry.get("resource") if isinstance(entry, dict) else None
        known = (record.get("resourceType"), record.get("id")) if isinstance(record, dict) else None
        found.update(repr(known).encode("utf-8", "surrogatepass"))
    return found.digest()


def _no_constant(text: str) -> None:
    raise ValueError(text)
