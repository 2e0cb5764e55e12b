"""What every mailbox promises: a Maildir on disk and IMAP on a real Dovecot. Nothing unknown is ever deleted."""

from __future__ import annotations

import imaplib
import os
import smtplib
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dispatcher.errors import OurFault, TryLater
from dispatcher.ports import Mailbox
from dispatcher.settings import MailboxSettings
from dispatcher.transport.open import open_listener, open_mailbox
from tests.pki import pki
from tests.servers.dovecot import PASSWORD, dovecot
from tests.servers.process import free_port

USER = "resultats@labo.test"
SENT_BY_IMAP = '"Envoy&AOk-s"'
"""« Envoyés » in modified UTF-7 (RFC 3501 §5.1.3)."""


@dataclass(frozen=True)
class Case:
    """A mailbox under test."""

    mailbox: Mailbox
    deliver: Callable[[bytes], None]
    filed: Callable[[str], list[bytes]]
    """Mails in the subfolder of that name."""
    again: Callable[[], Mailbox]
    """Another connection to the same mailbox."""
    keep: Callable[[bytes], None]
    """The operator puts a copy into the Sent folder."""
    settings: MailboxSettings
    root: Path
    """Where the server has it."""


def read_maildir(folder: Path) -> list[bytes]:
    files = [file for place in ("cur", "new") if (folder / place).is_dir() for file in (folder / place).iterdir()]
    return [file.read_bytes() for file in sorted(files)]


@contextmanager
def maildir(folder: Path) -> Iterator[Case]:
    path = folder / "box"
    (path / "new").mkdir(parents=True)
    count = 0

    def deliver(content: bytes) -> None:
        nonlocal count
        count += 1
        file = path / "new" / f"{count:04d}.host"
        file.write_bytes(content)
        os.utime(file, (1_000_000 + count, 1_000_000 + count))

    settings = MailboxSettings(kind="maildir", path=path, sent="Envoyes")
    (path / ".Envoyes" / "cur").mkdir(parents=True)

    def keep(content: bytes) -> None:
        nonlocal count
        count += 1
        (path / ".Envoyes" / "cur" / f"{count:04d}.host:2,S").write_bytes(content)

    yield Case(
        mailbox=open_mailbox(settings),
        deliver=deliver,
        filed=lambda name: read_maildir(path / f".{name}"),
        again=lambda: open_mailbox(settings),
        keep=keep,
        settings=settings,
        root=path,
    )


@contextmanager
def imap(folder: Path, quota: str = "") -> Iterator[Case]:
    made = pki()
    for name, content in (
        ("ca.pem", made.authority.trust_pem()),
        ("labo.pem", made.labo.chain_pem()),
        ("labo.key", made.labo.key_pem()),
        ("password", PASSWORD.encode() + b"\n"),
    ):
        (folder / name).write_bytes(content)
    with dovecot(made, [USER], plain_smtp=free_port(), quotas={USER: quota} if quota else {}) as server:
        settings = MailboxSettings(
            kind="imap",
            host="127.0.0.1",
            port=server.imap_port,
            server_name="localhost",
            ca_file=folder / "ca.pem",
            client_cert=folder / "labo.pem",
            client_key=folder / "labo.key",
            user=USER,
            password_file=folder / "password",
            sent="Envoyés",
        )

        def deliver(content: bytes) -> None:
            with smtplib.LMTP("127.0.0.1", server.lmtp_port) as line:
                line.sendmail("x@dest.test", [USER], content)

        def keep(content: bytes) -> None:
            """As a mail program does: by a connection of its own."""
            context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
            context.load_cert_chain(folder / "labo.pem", folder / "labo.key")
            with imaplib.IMAP4("127.0.0.1", server.imap_port) as line:
                line.host = "localhost"
                line.starttls(context)
                line.login(USER, PASSWORD)
                line.create(SENT_BY_IMAP)
                line.append(SENT_BY_IMAP, r"(\Seen)", None, content)  # type: ignore[arg-type]

        mailboxes = [open_mailbox(settings)]
        yield Case(
            mailbox=mailboxes[0],
            deliver=deliver,
            filed=lambda name: read_maildir(server.maildir(USER) / f".{name}"),
            again=lambda: mailboxes.append(open_mailbox(settings)) or mailboxes[-1],
            keep=keep,
            settings=settings,
            root=server.maildir(USER),
        )
        for mailbox in mailboxes:
            mailbox.close()


MAKERS: dict[str, Callable[[Path], AbstractContextManager[Case]]] = {"maildir": maildir, "imap": imap}


@pytest.fixture(params=["maildir", pytest.param("imap", marks=pytest.mark.real_server("dovecot"))])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    with MAKERS[request.param](tmp_path) as made:
        yield made


def note(number: int) -> bytes:
    return f"From: x@dest.test\r\nSubject: {number}\r\n\r\nmail {number} caf\u00e9\r\n".encode()


def contents(case: Case, **options: int) -> list[bytes]:
    return [fetched.content for fetched in case.mailbox.fetch(**options)]


def test_an_empty_mailbox_gives_nothing(case: Case) -> None:
    assert contents(case) == []


def test_mails_come_whole_and_oldest_first(case: Case) -> None:
    for number in range(1, 4):
        case.deliver(note(number))
    found = contents(case)
    assert len(found) == 3
    assert all(mail.endswith(note(number)) for number, mail in enumerate(found, 1))


def test_the_limit_leaves_the_rest_for_later(case: Case) -> None:
    for number in range(1, 4):
        case.deliver(note(number))
    assert len(contents(case, limit=2)) == 2
    assert len(contents(case)) == 3


def test_what_was_understood_is_filed_and_not_seen_again(case: Case) -> None:
    case.deliver(note(1))
    case.deliver(note(2))
    first, second = case.mailbox.fetch()
    case.mailbox.settle([first.uid], understood=True)
    assert [fetched.uid for fetched in case.mailbox.fetch()] == [second.uid]
    [filed] = case.filed("Traites")
    assert filed.replace(b"\r\n", b"\n").endswith(note(1).replace(b"\r\n", b"\n"))


def test_what_was_not_understood_is_set_aside_and_kept(case: Case) -> None:
    case.deliver(note(1))
    [fetched] = case.mailbox.fetch()
    case.mailbox.settle([fetched.uid], understood=False)
    assert contents(case) == []
    assert len(case.filed("A-examiner")) == 1
    assert case.filed("Traites") == []


def test_what_was_settled_can_be_brought_back_by_its_time(case: Case) -> None:
    for number in (1, 2, 3):
        case.deliver(note(number))
    first, second, third = case.mailbox.fetch()
    case.mailbox.settle([first.uid], understood=True)
    case.mailbox.settle([second.uid], understood=False)
    assert case.mailbox.bring_back(datetime.now(UTC) + timedelta(days=5)) == 0
    assert case.again().bring_back(datetime(1970, 1, 3, tzinfo=UTC)) == 2
    assert sorted(contents(case)) == sorted((first.content, second.content, third.content))
    assert not case.filed("Traites") and not case.filed("A-examiner")


def test_a_mail_may_be_settled_while_others_are_still_being_fetched(case: Case) -> None:
    for number in range(1, 4):
        case.deliver(note(number))
    seen = 0
    for fetched in case.mailbox.fetch():
        case.mailbox.settle([fetched.uid], understood=True)
        seen += 1
    assert seen == 3
    assert len(case.filed("Traites")) == 3


def test_settling_twice_or_a_mail_that_is_gone_is_no_fault(case: Case) -> None:
    case.deliver(note(1))
    [fetched] = case.mailbox.fetch()
    case.mailbox.settle([fetched.uid], understood=True)
    case.mailbox.settle([fetched.uid, "999.999", "nothing"], understood=False)
    case.mailbox.settle([], understood=True)
    assert len(case.filed("Traites")) == 1
    assert case.filed("A-examiner") == []


def test_a_mail_not_settled_is_seen_again_by_another_reader(case: Case) -> None:
    case.deliver(note(1))
    assert len(contents(case)) == 1
    assert len(list(case.again().fetch())) == 1


def test_new_mail_is_seen_on_the_next_look(case: Case) -> None:
    assert contents(case) == []
    case.deliver(note(1))
    assert len(contents(case)) == 1


def test_closing_twice_is_no_fault_and_a_closed_mailbox_opens_again(case: Case) -> None:
    case.deliver(note(1))
    case.mailbox.close()
    case.mailbox.close()
    assert len(contents(case)) == 1


# ------------------------------------------------------------------------------------------------ Maildir alone


def test_the_same_name_twice_never_overwrites(tmp_path: Path) -> None:
    with maildir(tmp_path) as case:
        for text in (b"one\r\n", b"two\r\n"):
            (tmp_path / "box" / "new" / "same").write_bytes(text)
            [fetched] = case.mailbox.fetch()
            case.mailbox.settle([fetched.uid], understood=True)
        assert sorted(case.filed("Traites")) == [b"one\r\n", b"two\r\n"]


def test_mails_another_reader_has_seen_are_read_and_trashed_ones_are_not(tmp_path: Path) -> None:
    with maildir(tmp_path) as case:
        (tmp_path / "box" / "cur").mkdir()
        (tmp_path / "box" / "cur" / "1.host:2,S").write_bytes(b"seen")
        (tmp_path / "box" / "cur" / "2.host:2,ST").write_bytes(b"trashed")
        (tmp_path / "box" / "new" / ".hidden").write_bytes(b"hidden")
        assert contents(case) == [b"seen"]


def test_a_missing_maildir_is_our_fault(tmp_path: Path) -> None:
    with pytest.raises(OurFault):
        list(open_mailbox(MailboxSettings(kind="maildir", path=tmp_path / "nowhere")).fetch())


# ------------------------------------------------------------------------------------------------ IMAP alone


@pytest.mark.real_server("dovecot")
def test_imap_without_move_or_uidplus_expunges_only_its_own(tmp_path: Path) -> None:
    with imap(tmp_path) as case:
        for number in range(1, 4):
            case.deliver(note(number))
        first, second, third = case.mailbox.fetch()
        line = case.mailbox._connected()
        line.uid("STORE", third.uid.partition(".")[2], "+FLAGS.SILENT", r"(\Deleted)")
        line.capabilities = tuple(name for name in line.capabilities if name not in {"MOVE", "UIDPLUS"})
        case.mailbox.settle([first.uid], understood=True)
        assert [fetched.uid for fetched in case.mailbox.fetch()] == [second.uid]
        kind, data = line.uid("SEARCH", "DELETED")
        assert (kind, data[0].decode()) == ("OK", third.uid.partition(".")[2])
        assert len(case.filed("Traites")) == 1


@pytest.mark.real_server("dovecot")
def test_imap_ignores_uids_of_an_older_numbering(tmp_path: Path) -> None:
    with imap(tmp_path) as case:
        case.deliver(note(1))
        [fetched] = case.mailbox.fetch()
        case.mailbox.settle([f"1.{fetched.uid.partition('.')[2]}"], understood=True)
        assert len(contents(case)) == 1


@pytest.mark.real_server("dovecot")
def test_imap_connects_again_after_the_line_was_lost(tmp_path: Path) -> None:
    with imap(tmp_path) as case:
        case.deliver(note(1))
        assert len(contents(case)) == 1
        case.mailbox._connected().sock.shutdown(2)
        assert len(contents(case)) == 1


@pytest.mark.real_server("dovecot")
@pytest.mark.parametrize(
    ("change", "stage"),
    [
        ({"client_cert": None, "client_key": None}, "login"),
        ({"password_file": "wrong"}, "login"),
        ({"password_file": "missing"}, "login"),
        ({"folder": "Nulle part"}, "login"),
        ({"ca_file": "labo.pem"}, "tls"),
        ({"server_name": "autre.test"}, "tls"),
    ],
)
def test_imap_faults_of_ours_are_told_as_ours(tmp_path: Path, change: dict[str, str | None], stage: str) -> None:
    with imap(tmp_path) as case:
        (tmp_path / "wrong").write_text("not the password")
        options = case.mailbox._options
        settings = MailboxSettings(
            kind="imap",
            host="127.0.0.1",
            port=options.port,
            server_name="localhost",
            ca_file=tmp_path / "ca.pem",
            client_cert=tmp_path / "labo.pem",
            client_key=tmp_path / "labo.key",
            user=USER,
            password_file=tmp_path / "password",
        )
        files = {"password_file", "ca_file"}
        values = {name: tmp_path / value if name in files else value for name, value in change.items()}
        with pytest.raises(OurFault) as fault:
            list(open_mailbox(settings.model_copy(update=values)).fetch())
        assert fault.value.stage == stage
        assert PASSWORD not in str(fault.value)


def test_imap_out_of_reach_is_to_be_tried_later() -> None:
    settings = MailboxSettings(kind="imap", host="127.0.0.1", port=free_port(), user="x")
    start = time.monotonic()
    with pytest.raises(TryLater):
        list(open_mailbox(settings).fetch())
    assert time.monotonic() - start < 5


# ------------------------------------------------------------------------------------------------ the Sent folder


def copy(message_id: str) -> bytes:
    return f"From: {USER}\r\nTo: x@dest.test\r\nMessage-ID:\r\n {message_id}\r\nSubject: a\r\n\r\nb\r\n".encode()


def lately() -> datetime:
    return datetime.now(UTC) - timedelta(hours=1)


def test_a_copy_in_the_sent_folder_is_found_by_its_whole_message_id(case: Case) -> None:
    case.keep(copy("<D1@labo.test>"))
    case.keep(copy("<D22@labo.test>"))
    asked = ["<D1@labo.test>", "<D2@labo.test>", "<D22@labo.test>", "<1@labo.test>", "D1"]
    assert case.mailbox.sent(asked, since=lately()) == {"<D1@labo.test>", "<D22@labo.test>"}
    assert case.mailbox.sent([], since=lately()) == frozenset()


def test_asking_the_sent_folder_leaves_the_notices_to_be_read(case: Case) -> None:
    case.keep(copy("<D1@labo.test>"))
    case.deliver(note(1))
    assert case.mailbox.sent(["<D1@labo.test>"], since=lately())
    (fetched,) = case.mailbox.fetch()
    assert case.mailbox.sent(["<D1@labo.test>"], since=lately())
    case.mailbox.settle([fetched.uid], understood=True)
    assert list(case.mailbox.fetch()) == []
    assert len(case.filed("Traites")) == 1
    assert case.again().sent(["<D1@labo.test>"], since=lately()), "the copy itself is never filed away"


def test_a_copy_of_another_time_is_not_looked_for(case: Case) -> None:
    case.keep(copy("<D1@labo.test>"))
    assert case.mailbox.sent(["<D1@labo.test>"], since=datetime.now(UTC) + timedelta(days=3)) == frozenset()


def test_a_sent_folder_that_is_not_there_is_our_fault_and_harms_nothing(case: Case) -> None:
    case.deliver(note(1))
    if (gone := getattr(case.mailbox, "_path", None)) is not None:
        (gone / ".Envoyes" / "cur").rmdir()
    with pytest.raises(OurFault):
        case.mailbox.sent(["<D1@labo.test>"], since=lately())
    assert len(list(case.mailbox.fetch())) == 1


# ------------------------------------------------------------------------------------------------ fill, age, relief


def aged(folder: Path, days: float) -> None:
    """What stands there arrived so long ago."""
    for file in (file for place in ("cur", "new") if (folder / place).is_dir() for file in (folder / place).iterdir()):
        moment = time.time() - days * 86400
        os.utime(file, (moment, moment))


def everything(content: bytes) -> bool:
    return bool(content)


def test_the_fill_counts_all_we_filed_and_the_age_only_what_nobody_settled(case: Case) -> None:
    assert (case.mailbox.fill().waiting, case.mailbox.fill().oldest) == (0, None)
    for number in range(1, 4):
        case.deliver(note(number))
    first, second, _ = case.mailbox.fetch()
    case.mailbox.settle([first.uid], understood=True)
    case.mailbox.settle([second.uid], understood=False)
    aged(case.root / ".Traites", 40)
    aged(case.root / ".A-examiner", 30)
    aged(case.root, 1)
    fill = case.again().fill()
    assert fill.waiting == 2
    assert fill.used >= 3 * len(note(1))
    assert fill.oldest is not None
    assert timedelta(days=29) < datetime.now(UTC) - fill.oldest < timedelta(days=31), "the filed one does not count"
    assert len(contents(case)) == 1, "looking changed nothing"


def test_old_notices_are_removed_only_from_those_understood_and_only_when_kept_elsewhere(case: Case) -> None:
    for number in range(1, 6):
        case.deliver(note(number))
    mails = list(case.mailbox.fetch())
    case.mailbox.settle([one.uid for one in mails[:3]], understood=True)
    case.mailbox.settle([mails[3].uid], understood=False)
    for folder in (".Traites", ".A-examiner", "."):
        aged(case.root / folder, 40)
    other = case.again()
    before = datetime.now(UTC) - timedelta(days=20)
    assert other.relieve(before - timedelta(days=60), everything) == 0, "none is that old"
    assert other.relieve(before, lambda content: False) == 0
    assert other.relieve(before, lambda content: content.endswith(note(2))) == 1
    left = case.filed("Traites")
    assert len(left) == 2 and not any(one.endswith(note(2)) for one in left)
    assert other.relieve(before, everything, limit=1) == 1
    assert other.relieve(before, everything) == 1
    assert case.filed("Traites") == []
    assert len(case.filed("A-examiner")) == 1, "never what nobody understood"
    assert len(list(other.fetch())) == 1, "nor what nobody looked at"


def test_what_was_understood_is_removed_where_the_settings_say_so(case: Case) -> None:
    for number in range(1, 4):
        case.deliver(note(number))
    mailbox = open_mailbox(case.settings.model_copy(update={"settled": "remove"}))
    first, second, third = mailbox.fetch()
    mailbox.settle([first.uid], understood=True)
    mailbox.settle([second.uid], understood=False)
    assert [one.uid for one in mailbox.fetch()] == [third.uid]
    mailbox.close()
    assert case.filed("Traites") == []
    assert len(case.filed("A-examiner")) == 1


@pytest.mark.real_server("dovecot")
def test_imap_marks_what_it_files_as_seen_and_leaves_the_rest_unread(tmp_path: Path) -> None:
    with imap(tmp_path) as case:
        case.deliver(note(1))
        case.deliver(note(2))
        first, second = case.mailbox.fetch()
        case.mailbox.settle([first.uid], understood=True)
        case.mailbox.settle([second.uid], understood=False)
        (filed,) = (case.root / ".Traites" / "cur").iterdir()
        assert filed.name.endswith("S")
        (aside,) = (file for place in ("cur", "new") for file in (case.root / ".A-examiner" / place).iterdir())
        assert not aside.name.endswith("S")


@pytest.mark.real_server("dovecot")
def test_imap_tells_used_and_limit_by_quota(tmp_path: Path) -> None:
    with imap(tmp_path, quota="*:storage=1M") as case:
        case.deliver(note(1) * 2000)
        fill = case.mailbox.fill()
        assert fill.limit == 1024 * 1024
        assert 40_000 < fill.used < 200_000


@pytest.mark.real_server("dovecot")
def test_imap_reads_a_folder_anew_that_the_server_renumbered(tmp_path: Path) -> None:
    """UIDVALIDITY changes when a server restores or rebuilds a mailbox: old numbers then name other mails."""
    with imap(tmp_path) as case:
        case.deliver(note(1))
        case.deliver(note(2))
        old = list(case.mailbox.fetch())
        case.mailbox._connected().sock.shutdown(2)
        for index in case.root.glob("dovecot*"):
            index.unlink()
        validity, first = 77777, ""
        names = sorted((f for place in ("cur", "new") for f in (case.root / place).iterdir()), reverse=True)
        lines = [f"{uid} :{file.name.partition(':')[0]}" for uid, file in enumerate(names, 1)]
        first = f"3 V{validity} N{len(names) + 1} G0123456789abcdef0123456789abcdef"
        (case.root / "dovecot-uidlist").write_text("\n".join([first, *lines]) + "\n")
        os.chown(case.root / "dovecot-uidlist", *_owner(case.root))
        new = list(case.mailbox.fetch())
        assert all(one.uid.startswith(f"{validity}.") for one in new)
        assert {one.content for one in new} == {one.content for one in old}
        case.mailbox.settle([old[0].uid], understood=True)
        assert case.filed("Traites") == [], "a number of before names nothing any more"
        (one,) = (mail for mail in new if mail.content == old[0].content)
        case.mailbox.settle([one.uid], understood=True)
        assert case.filed("Traites") == [old[0].content.replace(b"\r\n", b"\n")]


def _owner(folder: Path) -> tuple[int, int]:
    found = folder.stat()
    return found.st_uid, found.st_gid


# ------------------------------------------------------------------------------------------------ IDLE


def never() -> bool:
    return False


@pytest.mark.real_server("dovecot")
def test_imap_tells_of_a_new_mail_by_itself(tmp_path: Path) -> None:
    with imap(tmp_path) as case, closing(open_listener(case.settings)) as listener:
        assert listener.wait(5, never) is True, "a new line: what came before it is to be looked for"
        assert listener.wait(0.7, never) is False
        begun = time.monotonic()
        threading.Timer(0.5, case.deliver, (note(1),)).start()
        assert listener.wait(60, never) is True
        print(f"IDLE told after {time.monotonic() - begun - 0.5:.2f} s")
        assert time.monotonic() - begun < 30
        assert len(contents(case)) == 1
        for number in range(2, 5):  # between two calls nothing is lost
            case.deliver(note(number))
            assert listener.wait(10, never) is True


@pytest.mark.real_server("dovecot")
def test_a_listener_hears_a_stop_and_comes_back_after_a_lost_line(tmp_path: Path) -> None:
    with imap(tmp_path) as case, closing(open_listener(case.settings)) as listener:
        assert listener.wait(5, never) is True
        begun = time.monotonic()
        threading.Timer(0.5, lambda: listener._line.sock.shutdown(2)).start()
        with pytest.raises(TryLater):
            listener.wait(60, never)
        assert listener.wait(5, never) is True, "a new line"
        assert listener.wait(60, lambda: True) is False
        assert time.monotonic() - begun < 30


def test_only_imap_is_listened_to(tmp_path: Path) -> None:
    assert open_listener(MailboxSettings(kind="maildir", path=tmp_path)) is None
    assert open_listener(MailboxSettings(kind="imap", host="x.test", idle=False)) is None


@pytest.mark.parametrize(
    ("kind", "tls", "port"),
    [("imap", "starttls", 143), ("imap", "tls", 993), ("pop3", "starttls", 110), ("pop3", "tls", 995)],
)
def test_the_usual_port_follows_kind_and_tls(kind: str, tls: str, port: int) -> None:
    assert MailboxSettings.model_validate({"kind": kind, "tls": tls, "host": "x.test"}).real_port == port
