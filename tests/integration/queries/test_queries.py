"""Every query that the code can build, against a freshly migrated PostgreSQL.

Each function that sends SQL is called once here, or its statement is prepared; and a search through
the source says whether one was forgotten.
"""

import datetime as dt
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml
from piccolo.apps.migrations.commands.new import AutoMigrationManager

import backend.database
import bookapp.database
from backend import dead_letters
from backend.api.store import CatalogueStore
from backend.commands.replay_modes import _SEQUENCES
from backend.ingestion import IgnoredChanges, Ingestion
from backend.ingestion.ignored import listed
from backend.ingestion.tables import Book as Entry
from backend.ingestion.upsert import upsert
from backend.injection import ErrorInjectionConfig as BackendRule
from backend.piccolo_app import APP_CONFIG
from bookapp.books import idempotency
from bookapp.books.lift import Lifted, lift
from bookapp.books.schemas import BookChange, NewBook
from bookapp.books.store import BookStore
from bookapp.injection import ErrorInjectionConfig as BookappRule
from contracts.records import Book, BookAdded, BookStatus
from delivery.dead_letters.store import Filter, Store, insert
from delivery.kafka.records import Metadata
from delivery.postgres import Engine, close_pool, create_engine, migrate, open_pool, pending
from delivery.postgres.connecting import _LOOK
from delivery.postgres.migrations import bind_tables
from delivery.replay.shadow import ShadowTable, shadow_of
from delivery.sending import parked, queue
from delivery.sending.lease import Lease
from delivery.sending.outbox import Outbox
from delivery.sending.parked import Parked
from delivery.topics import json_topic
from embedded.testing import poll_until
from error_injection import Rules, RuleStore
from error_injection.rule import RuleBody

from .call_sites import CallSite, Recording, in_the_source

ROOT = Path(__file__).parents[3]
APPS = (*bookapp.database.APPS, *backend.database.APPS)


def elsewhere() -> dict[CallSite, str]:
    """What is sent where it cannot be called here: its statement."""
    return {
        # These need Kafka to be called; what they send is checked without them.
        ("delivery.dead_letters.indexer", "_list"): insert(dead_letters.table()),
        ("delivery.sending.relay", "_notify"): "SELECT pg_notify($1, $2)",
        # Whatever connects sends it, before there is anybody to note it.
        ("delivery.postgres.connecting", "_settle"): _LOOK,
    }


def of_backend(engine: Engine) -> Engine:
    """backend's engine for the same database: its tables are in a schema of their own."""
    return create_engine(engine.url, Recording, schema="backend")


@pytest.fixture
async def engine(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Engine]:
    """A freshly migrated database of both services, on connections that note their callers."""
    Recording.sites.clear()
    engine = create_engine(postgres_url, Recording)

    async def connect(**settings: Any) -> asyncpg.Connection:
        return await asyncpg.connect(postgres_url, connection_class=Recording, **settings)

    await migrate(engine, bookapp.database.APPS)
    await migrate(of_backend(engine), backend.database.APPS)
    for table in APP_CONFIG.table_classes:
        table._meta.db = engine  # whose pool notes the callers
    monkeypatch.setattr(engine, "connect", connect)
    await open_pool(engine)
    yield engine
    await close_pool(engine)


async def test_every_query_is_accepted_by_a_freshly_migrated_database(engine: Engine) -> None:
    await use_bookapp(engine)
    await use_outbox(engine)
    await use_backend(engine)
    await use_dead_letters(engine)
    await use_shadow_table(engine)
    for table in (BookappRule, BackendRule):
        await use_rules(engine, table)
    assert await pending(engine, bookapp.database.APPS) == []
    assert await pending(of_backend(engine), backend.database.APPS) == []
    prepared = elsewhere()
    for statement in prepared.values():
        async with engine.pool.acquire() as connection:
            await connection.prepare(statement)
    assert in_the_source() - Recording.sites - set(prepared) == set()


async def use_bookapp(engine: Engine) -> None:
    database = bookapp.database.Database(
        engine, bookapp.database.APPS, name="x", pool_size=1, migrate_at_start=False, command=""
    )
    database._missing = None
    assert await database.why_unready() is None
    store = BookStore(engine, Outbox(engine))
    book = NewBook("Dune", "Frank Herbert", BookStatus.available)
    added = await store.add(book)
    assert await store.add_many([book, book]) == [added + 1, added + 2]
    token = idempotency.token("key", "add", [book])
    assert await store.add_many([book], token) == await store.add_many([book], token)
    await idempotency.expire()
    assert await store.get(added)
    assert await store.page(0, 10)
    assert await store.change(added, BookChange(title="Dune Messiah"))
    assert await store.remove(added)
    now = dt.datetime.now(dt.UTC)
    newest = {
        number: BookAdded(
            event_id=uuid.uuid4(),
            sequence=9,
            occurred_at=now,
            book=Book(id=number, title="Dune", author="F", status=BookStatus.lost),
        )
        for number in (added + 1, added + 1_000)
    }
    assert await lift(engine, Outbox(engine), newest) == Lifted(changed=1, removed=1)
    assert await store.add(book) > added + 1_000


async def use_outbox(engine: Engine) -> None:
    outbox = Outbox(engine)
    topic = json_topic("topic", int, key=int)
    async with engine.transaction():
        await outbox.add(topic, 1)
        await outbox.add_many(topic, [2])
    first, second, *_ = await queue.read(engine.pool, [], 10)
    await queue.delete(engine.pool, [first.id])
    await queue.park(engine.pool, second.id, "too large")
    assert (await queue.observe(engine.pool)).records > 0
    assert [row["id"] for row in await parked.find(engine.pool, Parked(), 10)] == [second.id]
    wanted = Parked(ids=[second.id], topic=second.topic, error="too large")
    assert await parked.count(engine.pool, wanted) == 1
    assert await parked.ids(engine.pool, wanted) == [second.id]
    assert await parked.get(engine.pool, second.id)
    assert await parked.retry(engine.pool, [second.id]) == [second.id]
    assert await parked.discard(engine.pool, [second.id]) == []
    lease = Lease("outbox", "me")
    async with engine.pool.acquire() as connection:
        assert await lease.acquire(connection)
        await lease.renew(connection)
        await lease.release(connection)


async def use_backend(engine: Engine) -> None:
    now = dt.datetime.now(dt.UTC)
    book = Book(id=1, title="Dune", author="Frank Herbert", status=BookStatus.lost)
    record = BookAdded(event_id=uuid.uuid4(), sequence=1, occurred_at=now, book=book)
    metadata = Metadata("book_ingestion", 0, 0, b"1", now, ())
    for statement in (upsert(), upsert(guarded=False)):
        await Ingestion(lambda: engine.pool, statement).handle(record, metadata)
    other = BookAdded(event_id=uuid.uuid4(), sequence=1, occurred_at=now, book=book)
    await IgnoredChanges().check([other])
    for over in (True, False):
        assert [row["event_id"] for row in await listed(10, over=over)] == [other.event_id]
    catalogue = CatalogueStore()
    assert await catalogue.entry(1)
    assert await catalogue.entries([1, 2])
    assert await catalogue.between(0, 2, 10)
    assert await _SEQUENCES(book_ids=[1, 2]) == [{"book_id": 1, "sequence": 1}]


async def use_dead_letters(engine: Engine) -> None:
    store = Store(dead_letters.table())
    async with engine.pool.acquire() as connection:
        for wanted in (Filter(), Filter(ids=["a/0/1"], error_type="DecodeError", state="new")):
            assert await store.find(connection, wanted, 10) == []
            assert await store.count(connection, wanted) == 0
            assert await store.ids(connection, wanted) == []
        assert await store.get(connection, "a/0/1") is None
        assert await store.claim(connection, ["a/0/1"]) == []
        await store.redriven(connection, [("a/0/1", "a/0/2")])
        assert await store.discard(connection, ["a/0/1"]) == 0
        assert await store.restore(connection, ["a/0/1"]) == 0


async def use_shadow_table(engine: Engine) -> None:
    connection = await engine.connect()
    try:
        await connection.execute("CREATE ROLE reader")
        await connection.execute("GRANT SELECT ON backend.book TO reader")
        shadow = ShadowTable(connection, "backend", "book")
        await shadow.create()
        assert await upsert(shadow_of(Entry)).count(connection, rows=[]) == 0
        await shadow.analyze()
        assert await shadow.count() == (1, 0)
        async with connection.transaction():
            await shadow.lock(1.0)
            await shadow.swap()
        await shadow.drop()
        await connection.execute("DROP OWNED BY reader; DROP ROLE reader")
    finally:
        connection.terminate()


async def use_rules(engine: Engine, table: Any) -> None:
    store = RuleStore(table)
    body = RuleBody(endpoint_pattern="/books/{id}", http_method="GET", error_rate=0.5)
    rule = await store.add(body)
    assert await store.all() == [rule]
    rules = Rules(table, engine.connect)
    rules.start()
    await poll_until(lambda: rules.active)
    await rules.stop()
    assert await store.get(rule.id) == rule
    assert await store.replace(rule.id, body) == rule
    assert await store.remove(rule.id)


@pytest.mark.parametrize("app", APPS)
async def test_the_models_need_no_further_migration(engine: Engine, app: str) -> None:
    """What `piccolo migrations new --auto` would write: nothing."""
    config = next(
        each for each in bind_tables(engine, [app]).app_configs.values() if each.table_classes
    )
    for table in config.table_classes:
        table._meta.schema = None  # as in the migrations, which run in the service's
    changes = await AutoMigrationManager(auto_input="y").get_alter_statements(config)
    assert [one for change in changes for one in change.statements] == []


async def test_what_the_collector_asks_the_database_is_accepted(
    engine: Engine, postgres_url: str
) -> None:
    collector = yaml.safe_load((ROOT / "infra/collector/collector.yaml").read_text())
    queries = collector["receivers"]["sqlquery"]["queries"]
    assert queries
    connection = await asyncpg.connect(postgres_url)
    for query in queries:
        prepared = await connection.prepare(query["sql"])
        answered = {attribute.name for attribute in prepared.get_attributes()}
        assert {metric["value_column"] for metric in query["metrics"]} <= answered
    await connection.close()
