"""The read model on a real PostgreSQL: what records do to it, in whatever order they come."""

import asyncio
import datetime as dt
import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest
from piccolo.apps.migrations.commands.new import AutoMigrationManager

from backend.api.schemas import CatalogueEntry
from backend.api.store import CatalogueStore
from backend.database import APPS
from backend.ingestion import IgnoredChanges, Ingestion
from backend.piccolo_app import APP_CONFIG
from contracts.records import BookRecord, BookRemoved, BookUpdated, key_of
from delivery.kafka.records import Metadata
from delivery.postgres import Engine, close_pool, create_engine, migrate, open_pool
from embedded.services import bare_environment
from telemetry.metrics import counter

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01".encode()


def delivered(
    record: BookRecord, *headers: tuple[str, bytes | None]
) -> tuple[BookRecord, Metadata]:
    now = dt.datetime.now(dt.UTC)
    return record, Metadata("book_ingestion", 0, 0, key_of(record), now, headers)


@pytest.fixture
async def engine(postgres_url: str) -> AsyncIterator[Engine]:
    """A migrated database with its pool."""
    engine = create_engine(postgres_url, schema="backend")
    await migrate(engine, APPS)
    await open_pool(engine)
    yield engine
    await close_pool(engine)


@pytest.fixture
def ingestion(engine: Engine) -> Ingestion:
    return Ingestion(lambda: engine.pool, ignored=IgnoredChanges())


@pytest.fixture
def reader(engine: Engine) -> CatalogueStore:
    return CatalogueStore()


def read_counter(name: str) -> float:
    return sum(value for value, _ in counter(name)._read())


async def entries(reader: CatalogueStore, ids: list[int]) -> list[CatalogueEntry]:
    return await reader.entries(ids)


async def rows(engine: Engine) -> list[Any]:
    return await engine.pool.fetch("SELECT * FROM backend.book ORDER BY book_id")


async def test_an_added_book_has_its_entry_and_the_trace_that_caused_it(
    ingestion: Ingestion, reader: CatalogueStore, record: Callable[..., BookRecord]
) -> None:
    added = record(7, 3, title="The Left Hand of Darkness", author="Ursula K. Le Guin")
    await ingestion.handle(*delivered(added, ("traceparent", TRACEPARENT)))
    entry = await reader.entry(7)
    assert entry is not None
    assert (entry.title, entry.author, entry.status) == (
        "The Left Hand of Darkness",
        "Ursula K. Le Guin",
        "available",
    )
    assert (entry.shelf_mark, entry.sequence, entry.trace_id) == (".L44 L44", 3, TRACE_ID)
    assert abs(dt.datetime.now(dt.UTC) - entry.ingested_at) < dt.timedelta(minutes=1)


@pytest.mark.parametrize(
    "headers", [(), (("traceparent", None),), (("traceparent", b"\xff"),), (("traceparent", b""),)]
)
async def test_a_record_without_a_trace_has_none(
    ingestion: Ingestion,
    reader: CatalogueStore,
    record: Callable[..., BookRecord],
    headers: tuple[tuple[str, bytes | None], ...],
) -> None:
    await ingestion.handle(*delivered(record(7), *headers))
    entry = await reader.entry(7)
    assert entry is not None
    assert entry.trace_id is None


async def test_a_repeat_changes_nothing_not_even_the_time(
    engine: Engine, ingestion: Ingestion, record: Callable[..., BookRecord]
) -> None:
    added = delivered(record(7, 2))
    await ingestion.handle(*added)
    before = await rows(engine)
    await ingestion.handle(*added)
    await ingestion.handle_many([added, added])
    assert await rows(engine) == before


async def test_an_older_record_never_comes_after_a_newer_one(
    ingestion: Ingestion, reader: CatalogueStore, record: Callable[..., BookRecord]
) -> None:
    await ingestion.handle(*delivered(record(7, 5, BookUpdated, title="new")))
    await ingestion.handle(*delivered(record(7, 4, BookUpdated, title="old")))
    entry = await reader.entry(7)
    assert entry is not None
    assert (entry.title, entry.sequence) == ("new", 5)


async def test_a_removed_book_is_gone_and_a_late_repeat_does_not_bring_it_back(
    engine: Engine, ingestion: Ingestion, reader: CatalogueStore, record: Callable[..., BookRecord]
) -> None:
    added = delivered(record(7, 1))
    await ingestion.handle(*added)
    await ingestion.handle(*delivered(record(7, 2, BookRemoved)))
    await ingestion.handle(*added)
    assert await reader.entry(7) is None
    assert await reader.entries([7]) == []
    (row,) = await rows(engine)
    assert (row["removed"], row["sequence"]) == (True, 2)


async def test_a_removal_that_comes_before_the_book_keeps_it_away(
    ingestion: Ingestion, reader: CatalogueStore, record: Callable[..., BookRecord]
) -> None:
    await ingestion.handle(*delivered(record(7, 2, BookRemoved)))
    await ingestion.handle(*delivered(record(7, 1)))
    assert await reader.entry(7) is None


async def ignored(engine: Engine) -> list[tuple[int, int]]:
    listed = await engine.pool.fetch("SELECT book_id, sequence FROM backend.ignored_change")
    return sorted(map(tuple, listed))


async def test_no_repeat_is_taken_for_a_lost_change_in_whatever_order_it_comes(
    engine: Engine, ingestion: Ingestion, record: Callable[..., BookRecord]
) -> None:
    """A rebalance, a relay that woke up, a redrive: old records come again, alone or in batches."""
    chance = random.Random(2)
    history = [record(book, n, BookUpdated) for book in range(1, 6) for n in range(1, 9)]
    await ingestion.handle_many([delivered(one) for one in history])
    for _ in range(50):
        some = chance.sample(history, chance.randint(1, 40))
        await ingestion.handle_many([delivered(one) for one in some])
    assert await ignored(engine) == []


@pytest.mark.parametrize("together", [False, True])
async def test_a_change_of_a_restored_database_is_listed_and_not_lost_in_silence(
    engine: Engine,
    ingestion: Ingestion,
    record: Callable[..., BookRecord],
    caplog: pytest.LogCaptureFixture,
    together: bool,
) -> None:
    """Books 1 and 2 were at 5 and 1; after the restore, book 1 is changed from 2 on, and another
    book is the second to get the id 2."""
    before = [record(1, 5, BookUpdated), record(2, 1), record(3, 1)]
    await ingestion.handle_many([delivered(one) for one in before])
    after = [record(1, n, BookUpdated, title=f"Title {n}") for n in (3, 4, 5)]
    after += [record(2, 1, title="Another"), record(3, 2, BookUpdated)]
    counted = read_counter("read_model.ignored_changes")
    for _ in range(2):  # delivered at least once
        for batch in [after] if together else [[one] for one in after]:
            await ingestion.handle_many([delivered(one) for one in batch])
    # In one batch, 3 and 4 came before 5: the last of them speaks for them.
    assert set(await ignored(engine)) >= {(1, 5), (2, 1)}
    assert set(await ignored(engine)) <= {(1, 3), (1, 4), (1, 5), (2, 1)}
    assert read_counter("read_model.ignored_changes") - counted == len(await ignored(engine))
    assert len([line for line in caplog.messages if "no repeats" in line]) == 1


async def test_changes_are_found_within_the_batch_that_holds_both(
    engine: Engine, ingestion: Ingestion, record: Callable[..., BookRecord]
) -> None:
    batch = [record(1, 2, BookUpdated), record(1, 2, BookUpdated), record(1, 1)]
    await ingestion.handle_many([delivered(one) for one in batch])
    assert await ignored(engine) == [(1, 1), (1, 2)]


async def test_a_row_that_was_written_before_events_were_kept_says_nothing(
    engine: Engine, ingestion: Ingestion, record: Callable[..., BookRecord]
) -> None:
    await ingestion.handle(*delivered(record(7, 2)))
    await engine.pool.execute("UPDATE backend.book SET event_id = NULL, occurred_at = NULL")
    await ingestion.handle(*delivered(record(7, 2)))
    assert await ignored(engine) == []


async def test_of_a_batch_each_book_keeps_its_highest_sequence(
    ingestion: Ingestion, reader: CatalogueStore, record: Callable[..., BookRecord]
) -> None:
    batch = [record(1, 1), record(2, 4), record(1, 3, BookUpdated), record(1, 2), record(2, 3)]
    await ingestion.handle_many([delivered(one) for one in batch])
    found = await entries(reader, [2, 1, 3])
    assert [(entry.book_id, entry.sequence) for entry in found] == [(1, 3), (2, 4)]


async def test_a_range_has_the_entries_above_its_beginning_up_to_its_end(
    ingestion: Ingestion, reader: CatalogueStore, record: Callable[..., BookRecord]
) -> None:
    await ingestion.handle_many([delivered(record(number)) for number in (1, 2, 3, 5, 6)])
    await ingestion.handle(*delivered(record(3, 2, BookRemoved)))
    found = {
        asked: [entry.book_id for entry in await reader.between(*asked)]
        for asked in ((1, 6, 9), (1, 5, 9), (0, 6, 2), (6, 9, 9), (5, 1, 9))
    }
    assert list(found.values()) == [[2, 5, 6], [2, 5], [1, 2], [], []]
    assert await reader.between(1, 2, 1) == [await reader.entry(2)]


async def test_many_entries_say_what_one_does(
    ingestion: Ingestion, reader: CatalogueStore, record: Callable[..., BookRecord]
) -> None:
    titles = {1: 'Żółw "and" \\ \u2028 the hare', 2: "Tab\there"}
    for number, title in titles.items():
        await ingestion.handle(*delivered(record(number, title=title)))
    found = await entries(reader, [2, 1, 2])
    assert found == [await reader.entry(1), await reader.entry(2)]
    assert [entry.title for entry in found] == list(titles.values())


async def test_any_order_any_batches_and_any_repeats_end_in_the_same_state(
    engine: Engine, ingestion: Ingestion, record: Callable[..., BookRecord]
) -> None:
    """Several workers at once, too: each statement guards itself, and none deadlocks."""
    chance = random.Random(1)
    history = [
        record(book_id, sequence, BookRemoved if sequence == 9 and book_id % 2 else BookUpdated)
        for book_id in range(1, 21)
        for sequence in range(1, 10)
    ]

    async def worker() -> None:
        todo = history + chance.sample(history, 60)
        chance.shuffle(todo)
        while todo:
            size = chance.randint(1, 50)
            await ingestion.handle_many([delivered(one) for one in todo[:size]])
            todo = todo[size:]

    await asyncio.gather(*(worker() for _ in range(4)))
    state = [(row["book_id"], row["sequence"], row["removed"]) for row in await rows(engine)]
    assert state == [(book_id, 9, bool(book_id % 2)) for book_id in range(1, 21)]


async def test_a_batch_is_one_statement(
    engine: Engine, ingestion: Ingestion, record: Callable[..., BookRecord]
) -> None:
    statements: list[str] = []
    async with engine.pool.acquire() as connection:
        ingestion = Ingestion(lambda: connection)
        await ingestion.handle(*delivered(record(1)))  # asyncpg asks for the types once
        connection.add_query_logger(lambda query: statements.append(query.query))
        await ingestion.handle_many([delivered(record(n)) for n in range(1, 201)])
    await asyncio.sleep(0)  # the logger is called by the event loop
    (statement,) = statements
    assert statement.startswith("INSERT INTO")
    assert len(await rows(engine)) == 200


async def test_the_longest_and_oddest_texts_are_stored(
    ingestion: Ingestion, reader: CatalogueStore, record: Callable[..., BookRecord]
) -> None:
    odd = "\ufdfa" * 1_000  # each decomposes into eighteen characters
    await ingestion.handle(*delivered(record(7, title=odd, author="\U0001f600" * 1_000)))
    entry = await reader.entry(7)
    assert entry is not None
    assert entry.title == odd


async def test_the_tables_are_those_of_the_migrations(engine: Engine) -> None:
    """Piccolo would have nothing to add to the migrations."""
    for table in APP_CONFIG.table_classes:
        table._meta.schema = None  # as in the migrations, which run in the service's
    changes = await AutoMigrationManager().get_alter_statements(APP_CONFIG)
    assert [change.statements for change in changes if change.statements] == []


async def test_migrations_by_several_processes_at_once_run_once(postgres_url: str) -> None:
    environment = {**bare_environment(os.environ), "DATABASE_URL": postgres_url}
    command = (sys.executable, "-m", "backend.migrate")
    processes = [
        await asyncio.create_subprocess_exec(*command, env=environment, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    said = await asyncio.gather(*(process.communicate() for process in processes))
    assert [process.returncode for process in processes] == [0, 0, 0], said
    connection = await asyncpg.connect(postgres_url)
    try:
        ran = await connection.fetch(
            "SELECT name FROM backend.migration WHERE app_name = 'backend'"
        )
    finally:
        await connection.close()
    names = [row["name"] for row in ran]
    assert names
    assert len(names) == len(set(names))
