"""The schema: migrations and tables say the same, every released version is upgraded, a newer one is refused."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from dispatcher.clock import FrozenClock
from dispatcher.errors import StoreError
from dispatcher.outbox.pacing import per_minute
from dispatcher.outbox.states import FileState, State
from dispatcher.ports import DispatchFilter
from dispatcher.store import schema
from dispatcher.store.connect import make_engine, parse_url
from dispatcher.store.engine import SqlStore, open_store
from dispatcher.store.tables import metadata
from tests.contract.store_kit import LEASE, Database, Seed, make_cipher

RELEASES = Path(__file__).with_name("store_releases")
"""``<revision>.<engine>.sql``: a database as that version left it, with a few rows."""

MIGRATIONS = Path(schema.__file__).parent / "migrations"


@pytest.fixture(params=["sqlite", "postgresql"])
def make_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Gives the URL of an empty database, as often as it is called."""
    made: list[str] = []
    server = request.getfixturevalue("postgresql_server") if request.param == "postgresql" else None

    def make() -> str:
        if server is None:
            made.append(str(tmp_path / f"empty{len(made)}.sqlite3"))
            return f"sqlite:///{made[-1]}"
        made.append(server.create())
        return str(server.url(made[-1]))

    yield make
    if server is not None:
        for name in made:
            server.drop(name)


def catalogue(engine: Engine) -> dict[str, Any]:
    """Everything the database itself says about its tables."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            rows = connection.execute(text("SELECT type, name, tbl_name FROM sqlite_master")).all()
            found: dict[str, Any] = {"objects": {tuple(r) for r in rows if r.tbl_name != "alembic_version"}}
            sql = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql NOT LIKE 'CREATE TABLE%'"))
            found["sql"] = {(r.name, r.sql) for r in sql}
        else:
            queries = {
                "columns": "SELECT table_name, column_name, data_type, is_nullable, column_default, ordinal_position "
                "FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'",
                "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' "
                "AND tablename <> 'alembic_version'",
                "triggers": "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
                "constraints": "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
                "WHERE conrelid::regclass::text <> 'alembic_version'",
            }
            found = {name: {tuple(r) for r in connection.execute(text(q))} for name, q in queries.items()}
        look = inspect(connection)
        for table in metadata.tables:
            found[table] = (
                [(c["name"], str(c["type"]), c["nullable"]) for c in look.get_columns(table)],
                look.get_pk_constraint(table),
                sorted(str(u) for u in look.get_unique_constraints(table)),
                sorted(str(k) for k in look.get_foreign_keys(table)),
                sorted(str(c) for c in look.get_check_constraints(table)),
            )
        found["head"] = connection.execute(text("SELECT * FROM journal_head")).all()
        return found


def test_the_migrations_make_exactly_the_tables_of_the_program(make_url: Callable[[], str]) -> None:
    migrated, created = make_url(), make_url()
    assert schema.upgrade(migrated) == schema.REVISIONS[-1]
    by_migration, by_metadata = (make_engine(parse_url(url), create=True) for url in (migrated, created))
    metadata.create_all(by_metadata)
    try:
        assert catalogue(by_migration) == catalogue(by_metadata)
    finally:
        by_migration.dispose()
        by_metadata.dispose()


def test_every_migration_file_is_known_to_the_program() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    found = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(found)) == schema.REVISIONS


def test_upgrading_twice_changes_nothing(make_url: Callable[[], str]) -> None:
    url = make_url()
    assert schema.upgrade(url) == schema.upgrade(url) == schema.REVISIONS[-1]


def test_programs_that_start_together_make_one_schema(make_url: Callable[[], str]) -> None:
    url = make_url()
    faults: list[BaseException] = []
    start = threading.Barrier(3)

    def work() -> None:
        start.wait()
        try:
            store = open_store(url, make_cipher(), FrozenClock())
            with store.transaction() as uow:
                uow.journal.write("X", "y")
            store.close()
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert faults == []
    store = open_store(url, make_cipher(), FrozenClock())
    with store.reading() as uow:
        assert uow.journal.verify() == (3, "")
    store.close()


# ------------------------------------------------------------------------------------------------ releases


def files() -> list[Path]:
    return sorted(RELEASES.glob("*.sql"))


def test_every_released_version_is_kept_for_both_engines() -> None:
    assert [path.name for path in files()] == [
        f"{revision}.{engine}.sql" for revision in schema.REVISIONS for engine in ("postgresql", "sqlite")
    ]


@pytest.mark.parametrize("path", files(), ids=lambda p: p.name.removesuffix(".sql"))
def test_a_released_version_is_upgraded_and_read(path: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Everything a user had is there after the upgrade, and work goes on."""
    script = path.read_text(encoding="utf-8")
    if ".sqlite." in path.name:
        file = tmp_path / "old.sqlite3"
        connection = sqlite3.connect(file)
        connection.executescript(script)
        connection.close()
        check_released(f"sqlite:///{file}")
        return
    server = request.getfixturevalue("postgresql_server")
    name = server.create()
    server.run("\n".join(line for line in script.splitlines() if not line.startswith("\\")), name)
    check_released(server.url(name))
    server.drop(name)


BEFORE_0003 = """
UPDATE dispatches SET batch_id = 'L3', state = 'queued' WHERE id = 'D4';
UPDATE dispatches SET batch_id = 'L2', state = 'sent' WHERE id = 'D3';
INSERT INTO batches VALUES ('L2','mss','2026-03-11T10:00:00.000000+00:00','tick',2,2000);
INSERT INTO batches VALUES ('L3','mss','2026-03-11T11:00:00.000000+00:00','replay',1,1000);
INSERT INTO journal VALUES (9001,'2026-03-11T10:00:00.000000+00:00','D3','dispatch.queued','daemon',
 '{"batch_id":"L2","from":"ready"}','','');
INSERT INTO journal VALUES (9002,'2026-03-11T10:00:00.000000+00:00','D4','dispatch.queued','daemon',
 '{"batch_id":"L2","from":"ready"}','','');
INSERT INTO journal VALUES (9003,'2026-03-11T11:00:00.000000+00:00','D4','dispatch.replayed','daemon',
 '{"batch_id":"L3","from":"failed"}','','');
"""


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_members_of_past_batches_come_back_from_the_journal(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """A row of before knew its last batch only; the batch it was replayed from would not have reconciled."""
    script = (RELEASES / f"0002.{engine}.sql").read_text(encoding="utf-8")
    if engine == "sqlite":
        connection = sqlite3.connect(tmp_path / "old.sqlite3")
        connection.executescript(script + BEFORE_0003)
        connection.close()
        url = f"sqlite:///{tmp_path / 'old.sqlite3'}"
    else:
        server = request.getfixturevalue("postgresql_server")
        url = server.url(name := server.create())
        server.run("\n".join(line for line in script.splitlines() if not line.startswith("\\")), name)
        server.run(BEFORE_0003.replace("INTO ", "INTO public.").replace("UPDATE ", "UPDATE public."), name)
    store = open_store(url, make_cipher(), FrozenClock())
    with store.reading() as uow:
        found = {batch.id: batch for batch in uow.batches.list()}
        for batch_id, sent, queued in (("L2", 1, 1), ("L3", 0, 1)):
            counts = uow.dispatches.counts(batch_id=batch_id)
            assert (counts[State.SENT], counts[State.QUEUED], sum(counts.values())) == (sent, queued, sent + queued)
            assert sum(counts.values()) == found[batch_id].count
        assert {name: batch.state for name, batch in found.items()} == {"L1": "done", "L2": "open", "L3": "open"}
    store.close()
    if engine == "postgresql":
        server.drop(name)


def check_released(url: str) -> None:
    """A look does not upgrade; an upgrade loses nothing."""
    clock, before = FrozenClock(), schema.standing(url) or ""
    look_only(url)
    clock.advance(3600)
    store = open_store(url, make_cipher(), clock)
    with store.reading() as uow:
        file = uow.files.get("F1")
        assert file is not None and file.path == "/entree/DUPONT.hl7" and file.state is FileState.DONE
        assert uow.files.seen("sil", file.path, file.size, file.mtime_ns) == file
        assert uow.payloads.get("F1", "original") == b"MSH|^~\\&|" * 50
        assert uow.payloads.kinds("F1") == ("original", "sibling:DUPONT.pdf")
        sent, unknown, queued = uow.dispatches.list(DispatchFilter())
        assert (sent.state, unknown.state, queued.state) == (State.SENT, State.UNKNOWN, State.QUEUED)
        assert sent.reply == "250 2.0.0 accepté" and sent.sent_at is not None
        assert (sent.climb_at is not None) is (before >= "0004"), "of what left before the ladder nobody is reminded"
        assert [r.kind for r in uow.receipts.of_dispatch(sent.id)] == ["smtp"]
        assert uow.dispatches.list(DispatchFilter(recipient="helene", order="LAB-1", states=(State.SENT,))) == (sent,)
        checked, fault = uow.journal.verify()
        assert checked > 10 and fault == ""
        newest = uow.reference.newest("allowed-domains")
        assert newest is not None and newest[0] == "2026-03-01"
        assert uow.pace.paused("channel:autre", clock.now()) == "Mot de passe refusé"
        assert uow.pace.wait("channel:mss", per_minute(60, warm_up=((1, 1),))) > 3600, "what was sent today counts"
        assert uow.pace.wait("channel:autre", per_minute(60, warm_up=((1, 1),))) == 0
        assert uow.gaps.list()[0].code == "GLU"
        assert uow.tallies.drift() == ()
        assert uow.dispatches.counts()[State.SENT] == uow.files.counts()[FileState.DONE] == 1
    with store.transaction() as uow:
        (claimed,) = uow.dispatches.claim("mss", "w", 5, LEASE, clock.now())
        assert claimed.id == queued.id
    with store.reading() as uow:
        assert uow.journal.verify()[1] == ""
    store.close()


def look_only(url: str) -> None:
    """What is not the service refuses an older database, and leaves it as it is."""

    before = schema.standing(url)
    if before != schema.REVISIONS[-1]:
        with pytest.raises(StoreError, match=f"version {before}") as raised:
            open_store(url, make_cipher(), FrozenClock(), upgrade=False)
        assert raised.value.code == "schema-older" and "dispatcher upgrade" in raised.value.hint
    assert schema.standing(url) == before


# ------------------------------------------------------------------------------------------------ refusals


def test_a_database_newer_than_the_program_is_refused(
    database: Database, raw: Callable[[str], list[Any]], clock: FrozenClock
) -> None:
    raw("UPDATE alembic_version SET version_num = '9999'")
    try:
        for call in (
            lambda: database.open(make_cipher(), clock),
            lambda: database.open(make_cipher(), clock, create=False),
            lambda: schema.upgrade(database.url),
        ):
            with pytest.raises(StoreError, match="plus récente que ce programme : version 9999") as raised:
                call()
            assert raised.value.code == "schema-newer" and "Installer" in raised.value.hint
    finally:
        raw(f"UPDATE alembic_version SET version_num = '{schema.REVISIONS[-1]}'")


def test_without_create_nothing_is_made(make_url: Callable[[], str], tmp_path: Path) -> None:
    url = make_url()
    with pytest.raises(StoreError) as raised:
        open_store(url, make_cipher(), FrozenClock(), create=False)
    assert raised.value.code == ("missing" if url.startswith("sqlite") else "schema-missing")
    assert list(tmp_path.iterdir()) == []
    open_store(url, make_cipher(), FrozenClock()).close()
    open_store(url, make_cipher(), FrozenClock(), create=False).close()


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("n'importe quoi", "url"),
        ("mysql://a@b/c", "url"),
        ("sqlite://", "url"),
        ("sqlite:///:memory:", "url"),
        ("sqlite:////dev/null/x.sqlite3", "unavailable"),
    ],
)
def test_addresses_that_cannot_be(url: str, code: str) -> None:
    with pytest.raises(StoreError) as raised:
        open_store(url, make_cipher(), FrozenClock())
    assert raised.value.code == code and raised.value.hint


def test_a_password_never_shows() -> None:
    with pytest.raises(StoreError) as raised:
        open_store("postgresql://u:motdepasse@127.0.0.1:1/x", make_cipher(), FrozenClock())
    seen, error = "", raised.value
    while error is not None:
        seen, error = seen + str(error), error.__cause__
    assert "motdepasse" not in seen


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    path.write_bytes(b"Ceci n'est pas une base de donnees. " * 100)
    with pytest.raises(StoreError, match="abîmé") as raised:
        open_store(f"sqlite:///{path}", make_cipher(), FrozenClock())
    assert raised.value.code == "corrupt"


# ------------------------------------------------------------------------------------------------ plans


def test_sqlite_uses_the_indexes_made_for_it(tmp_path: Path, sqlite_template: Path) -> None:
    """A partial index is used only when the query says its condition in the same words: read what SQLite plans."""
    path = tmp_path / "plan.sqlite3"
    shutil.copy(sqlite_template, path)
    store = open_store(f"sqlite:///{path}", make_cipher(), FrozenClock())
    seed = Seed(store, FrozenClock())
    seed.dispatch()
    seed.dispatch(address="b@dest.test")
    with statements(store) as seen:
        work_once(store, seed)
    wanted = {
        "UPDATE dispatches SET": {"ix_dispatches_leased"},
        "SELECT": {"ix_dispatches_ready", "ix_dispatches_state", "ix_files_to_remove"},
        "due_at <=": {"ix_dispatches_deferred (channel=? AND due_at<?)"},
        "min(q.domain)": {
            "ix_dispatches_queued (channel=? AND lane=?)",
            "ix_dispatches_queued (channel=? AND lane=? AND domain>?)",
        },
        "min(q.address)": {
            "ix_dispatches_queued (channel=? AND lane=? AND domain=? AND address>?)",
            "ix_dispatches_queued (channel=? AND lane=? AND domain=? AND address=?)",
        },
        "ORDER BY dispatches.address, dispatches.created_at": {
            "ix_dispatches_queued (channel=? AND lane=? AND domain=?)"
        },
        "UPDATE files": {"ix_files_state"},
    }
    plans = plans_of(path, seen)
    for start, indexes in wanted.items():
        text_of = "\n".join(plan for sql, plan in plans if start in sql)
        assert "B-TREE" not in text_of or not start.startswith(("due_at", "ORDER BY dispatches.address")), text_of
        assert {index for index in indexes if index not in text_of} == set(), text_of
    scans = [(sql, plan) for sql, plan in plans if "SCAN dispatches" in plan and "COVERING" not in plan]
    assert scans == []
    store.close()


def statements(store: SqlStore) -> Any:
    """Collects (statement, parameters) while it is open."""
    from contextlib import contextmanager

    from sqlalchemy import event

    @contextmanager
    def collecting() -> Iterator[list[tuple[str, Any]]]:
        seen: list[tuple[str, Any]] = []

        def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
            seen.append((statement, parameters[0] if many else parameters))

        event.listen(store._engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(store._engine, "before_cursor_execute", note)

    return collecting()


def work_once(store: SqlStore, seed: Seed) -> None:
    now = seed.clock.now()
    with store.transaction() as uow:
        uow.dispatches.claim("mss", "w", 5, LEASE, now)
        uow.dispatches.extend_lease("w", now)
        uow.dispatches.expire_leases(now)
        uow.dispatches.batchable("mss")
        uow.dispatches.oldest_unfinished()
        uow.dispatches.counts(channel="mss")
        uow.dispatches.next_due("mss")
        uow.files.claim("w", 5, LEASE, now)
        uow.files.not_removed("sil")


def plans_of(path: Path, seen: list[tuple[str, Any]]) -> list[tuple[str, str]]:
    connection = sqlite3.connect(path)
    try:
        return [
            (sql, "\n".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)))
            for sql, parameters in seen
            if sql.startswith(("SELECT", "UPDATE", "WITH"))
        ]
    finally:
        connection.close()
