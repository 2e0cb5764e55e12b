"""Our mailbox by IMAP4rev1 (RFC 3501) over TLS. Mails are moved to subfolders; what nobody understood is never removed.

A uid is told as ``<UIDVALIDITY>.<UID>``: after the server renumbers a folder, old uids mean nothing and are let be.
Bodies are fetched by PEEK, so a mail stays unread for people until it is filed.
"""

from __future__ import annotations

import imaplib
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial

from dispatcher.errors import OurFault
from dispatcher.ports import Fetched, Fill
from dispatcher.transport.imap_line import ImapLine, ImapOptions, must, plain
from dispatcher.transport.imap_names import quote
from dispatcher.transport.maildir import COPY_MARGIN, TO_EXAMINE, UNDERSTOOD

_STORAGE = re.compile(r"STORAGE (\d+) (\d+)", re.I)
_ARRIVED = re.compile(r'INTERNALDATE "([ \d]?\d)-(\w{3})-(\d{4} \d\d:\d\d:\d\d [+-]\d{4})"')
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class ImapMailbox(ImapLine):
    """A :class:`dispatcher.ports.Mailbox`. Connects when first asked, and again when the line was lost."""

    def __init__(self, options: ImapOptions) -> None:
        super().__init__(options)
        self._made: set[str] = set()

    # -------------------------------------------------------------------------------------- the port

    def fetch(self, limit: int = 200) -> Iterator[Fetched]:
        """New mails, oldest first. Raises :class:`OurFault` or :class:`TryLater`."""
        for uid in self._steady(_new)[:limit]:
            content = self._steady(partial(_body, uid=uid))
            if content is not None:
                yield Fetched(uid=f"{self._validity}.{uid}", content=content)

    def settle(self, uids: Iterable[str], *, understood: bool) -> None:
        """Move them to the subfolder of the understood, or of those to examine. Raises as :meth:`fetch`.

        What was understood is removed instead where the options say so.
        """
        wanted = tuple(uids)
        if wanted:
            self._steady(lambda line: self._file(line, wanted, understood=understood))

    def fill(self) -> Fill:
        """By QUOTA (RFC 9208) where the server offers it, else by the sizes in our folders. Raises as :meth:`fetch`."""
        return self._steady(self._fill)

    def relieve(self, before: datetime, kept: Callable[[bytes], bool], limit: int = 200) -> int:
        """Remove from the folder of the understood what came before that day. Raises as :meth:`fetch`."""
        return self._steady(lambda line: self._relieve(line, before, kept, limit))

    def bring_back(self, since: datetime) -> int | None:
        """By the day the server received them. Raises as :meth:`fetch`."""
        count = self._steady(lambda line: self._bring_back(line, since - COPY_MARGIN))
        return None if self._options.removes else count

    def sent(self, message_ids: Iterable[str], *, since: datetime) -> frozenset[str]:
        """Asks the server (RFC 3501 §6.4.4) in the Sent folder, opened for reading only. Raises as :meth:`fetch`."""
        wanted = tuple(dict.fromkeys(message_ids))
        if not self._options.sent or not wanted:
            return frozenset()
        return self._steady(lambda line: self._ask_sent(line, wanted, since))

    def _ask_sent(self, line: imaplib.IMAP4, wanted: tuple[str, ...], since: datetime) -> frozenset[str]:
        kind, _ = line.select(quote(self._options.sent), readonly=True)
        try:
            if kind != "OK":
                raise OurFault(
                    "IMAP : le dossier des courriers envoyés n'existe pas ou n'est pas accessible.",
                    stage="mailbox",
                    hint="Vérifier « mailbox.sent », ou l'enlever.",
                )
            return frozenset(one for one in wanted if _has_copy(line, one, since))
        finally:
            self._select(line)

    # -------------------------------------------------------------------------------------- filing

    def _file(self, line: imaplib.IMAP4, wanted: tuple[str, ...], *, understood: bool) -> None:
        there = set(_search(line, "ALL"))
        numbers = [uid for validity, _, uid in (one.partition(".") for one in wanted) if validity == self._validity]
        ours = [uid for uid in numbers if uid in there]
        if not ours:
            return
        if understood and self._options.removes:
            _remove(line, ours)
            return
        chosen = ",".join(ours)
        if understood:  # an operator counts the days of unread mail
            must(line.uid("STORE", chosen, "+FLAGS.SILENT", r"(\Seen)"), "marquage")
        _move(line, ours, self._folder(line, UNDERSTOOD if understood else TO_EXAMINE))

    def _bring_back(self, line: imaplib.IMAP4, since: datetime) -> int:
        count = 0
        try:
            for name in (UNDERSTOOD, TO_EXAMINE):
                kind, _ = line.select(_named(line, name))
                found = _search(line, f"{_since(since)} UNDELETED") if kind == "OK" else []
                if found:
                    _move(line, found, quote(self._options.folder))
                    count += len(found)
        finally:
            self._select(line)
        return count

    def _folder(self, line: imaplib.IMAP4, name: str) -> str:
        """The subfolder, quoted; made when it is not there."""
        quoted = _named(line, name)
        if quoted not in self._made:
            kind, _ = line.create(quoted)
            if kind == "OK":
                line.subscribe(quoted)
            self._made.add(quoted)
        return quoted

    # -------------------------------------------------------------------------------------- fill and age

    def _fill(self, line: imaplib.IMAP4) -> Fill:
        told = _quota(line, quote(self._options.folder))
        places = {"": quote(self._options.folder)}
        places |= {name: _named(line, name) for name in (UNDERSTOOD, TO_EXAMINE)}
        mails: dict[str, list[tuple[int, datetime | None]]] = {}
        try:
            for name, folder in places.items():
                kind, _ = line.select(folder, readonly=True)
                mails[name] = _sizes(line) if kind == "OK" else []
        finally:
            self._select(line)
        waiting = mails[""] + mails[TO_EXAMINE]
        used, limit = told or (sum(size for found in mails.values() for size, _ in found), None)
        return Fill(
            used=used, limit=limit, waiting=len(waiting), oldest=min((at for _, at in waiting if at), default=None)
        )

    def _relieve(self, line: imaplib.IMAP4, before: datetime, kept: Callable[[bytes], bool], limit: int) -> int:
        kind, _ = line.select(_named(line, UNDERSTOOD))
        try:
            if kind != "OK":
                return 0
            old = _search(line, f"BEFORE {_day(before)} UNDELETED")[:limit]
            gone = [uid for uid in old if (content := _body(line, uid)) is not None and kept(content)]
            if gone:
                _remove(line, gone)
            return len(gone)
        finally:
            self._select(line)


def _named(line: imaplib.IMAP4, name: str) -> str:
    """A subfolder, quoted. Its prefix follows the server's namespace (RFC 2342)."""
    prefix = ""
    if "NAMESPACE" in line.capabilities:
        _, told = line.namespace()
        match = re.match(r'\(\("((?:[^"\\]|\\.)*)"', plain(told[0]) if told and told[0] else "")
        prefix = match[1].replace('\\"', '"') if match else ""
    return quote(prefix + name)


def _quota(line: imaplib.IMAP4, folder: str) -> tuple[int, int] | None:
    """Bytes used and allowed (RFC 9208 §3.1.1: in units of 1024), or None when the server does not say."""
    if not any(one == "QUOTA" or one.startswith("QUOTA=") for one in line.capabilities):
        return None
    kind, told = line.getquotaroot(folder)
    answers = [plain(one) for part in told if part for one in part if one] if kind == "OK" else []
    found = [(int(used), int(limit)) for one in answers for used, limit in _STORAGE.findall(one)]
    tightest = max(found, key=lambda pair: pair[0] / max(pair[1], 1), default=None)
    return (tightest[0] * 1024, tightest[1] * 1024) if tightest else None


def _sizes(line: imaplib.IMAP4) -> list[tuple[int, datetime | None]]:
    """Size and time of arrival of every mail of the folder that is open."""
    kind, data = line.uid("FETCH", "1:*", "(RFC822.SIZE INTERNALDATE)")
    must((kind, data), "lecture")
    found = [plain(one) for one in data if isinstance(one, bytes)]
    return [(int(size[1]), _moment(one)) for one in found if (size := re.search(r"RFC822\.SIZE (\d+)", one))]


def _moment(told: str) -> datetime | None:
    found = _ARRIVED.search(told)
    if found is None or found[2].capitalize() not in _MONTHS:
        return None
    month = _MONTHS.index(found[2].capitalize()) + 1
    return datetime.strptime(f"{found[1].strip()} {month} {found[3]}", "%d %m %Y %H:%M:%S %z")


def _new(line: imaplib.IMAP4) -> list[str]:
    """Numbers of the mails there, those marked deleted left out. NOOP first: a search sees what was there before."""
    must(line.noop(), "NOOP")
    return _search(line, "UNDELETED")


def _search(line: imaplib.IMAP4, what: str) -> list[str]:
    kind, data = line.uid("SEARCH", what)
    must((kind, data), "recherche")
    return sorted(plain(data[0]).split() if data and data[0] else [], key=int)


def _has_copy(line: imaplib.IMAP4, message_id: str, since: datetime) -> bool:
    """A search finds parts of a header too, so the header itself is looked at."""
    text = message_id.replace("\\", "\\\\").replace('"', '\\"')
    for uid in _search(line, f'{_since(since - COPY_MARGIN)} HEADER Message-ID "{text}"'):
        kind, data = line.uid("FETCH", uid, "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")
        must((kind, data), "lecture")
        headers = b"".join(part[1] for part in data if isinstance(part, tuple) and len(part) > 1)
        if message_id in plain(headers).split():
            return True
    return False


def _since(moment: datetime) -> str:
    """A search key by the day the server took the mail in; its days may be those of another zone."""
    return f"SINCE {_day(moment)}"


def _day(moment: datetime) -> str:
    return f"{moment.day}-{_MONTHS[moment.month - 1]}-{moment.year}"


def _body(line: imaplib.IMAP4, uid: str) -> bytes | None:
    """The whole mail, or None when it is gone meanwhile."""
    kind, data = line.uid("FETCH", uid, "(BODY.PEEK[])")
    must((kind, data), "lecture")
    return next((bytes(part[1]) for part in data if isinstance(part, tuple) and len(part) > 1), None)


def _move(line: imaplib.IMAP4, ours: list[str], folder: str) -> None:
    """Just these, from the folder that is open to another (quoted)."""
    chosen = ",".join(ours)
    if "MOVE" in line.capabilities:
        must(line.uid("MOVE", chosen, folder), "déplacement")
        return
    must(line.uid("COPY", chosen, folder), "copie")
    _remove(line, ours)


def _remove(line: imaplib.IMAP4, ours: list[str]) -> None:
    """Expunge just these of the folder that is open."""
    chosen = ",".join(ours)
    must(line.uid("STORE", chosen, "+FLAGS.SILENT", r"(\Deleted)"), "marquage")
    if "UIDPLUS" in line.capabilities:
        must(line.uid("EXPUNGE", chosen), "retrait")
    else:
        _expunge_only(line, set(ours))


def _expunge_only(line: imaplib.IMAP4, ours: set[str]) -> None:
    """Without UIDPLUS, EXPUNGE takes every mail marked deleted: unmark the others meanwhile (RFC 4549 §4.2.4)."""
    others = ",".join(uid for uid in _search(line, "DELETED") if uid not in ours)
    if others:
        must(line.uid("STORE", others, "-FLAGS.SILENT", r"(\Deleted)"), "marquage")
    must(line.expunge(), "retrait")
    if others:
        must(line.uid("STORE", others, "+FLAGS.SILENT", r"(\Deleted)"), "marquage")
