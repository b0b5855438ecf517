"""A rebuild step by step, and what may come in between."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from backend.commands.rebuild import Apply
from backend.database import APPS
from backend.ingestion import Ingestion
from contracts.records import BookRecord
from contracts.topics import BOOK_INGESTION
from delivery.kafka.records import Metadata
from delivery.kafka.settings import KafkaSettings
from delivery.postgres import Engine, close_pool, create_engine, migrate, open_pool
from delivery.replay.reading import Reader, open_reader
from delivery.replay.rebuild import Empty, Rebuild
from delivery.replay.selection import Selection
from delivery.replay.shadow import Busy, Changed, ShadowTable
from embedded.testing import poll_until

MakeRecord = Callable[..., BookRecord]
NOWHERE = Metadata("", 0, 0, None, dt.datetime.now(dt.UTC), ())


class Lab:
    """A topic, a migrated database, and a live table that a worker would have filled."""

    def __init__(self, reader: Reader, engine: Engine, topic: Any) -> None:
        self.reader = reader
        self.engine = engine
        self.topic = topic
        self.live = Ingestion(lambda: engine.pool)

    async def process(self, *records: BookRecord) -> None:
        """Publish them, and do what the worker does."""
        await self.topic.publish(*records)
        for record in records:
            await self.live.handle(record, NOWHERE)

    async def sequences(self) -> dict[int, int]:
        rows = await self.engine.pool.fetch("SELECT book_id, sequence FROM backend.book")
        return {row["book_id"]: row["sequence"] for row in rows}

    @asynccontextmanager
    async def rebuild(self, shadow_table: type[ShadowTable] = ShadowTable) -> AsyncIterator[Any]:
        connection = await asyncpg.connect(self.engine.url)
        try:
            shadow = shadow_table(connection, "backend", "book")
            yield Rebuild(self.reader, connection, shadow, Apply(connection), lambda *_: None)
        finally:
            await connection.close()


@pytest.fixture
async def lab(own_broker: Any, topic: Any, postgres_url: str) -> AsyncIterator[Lab]:
    engine = create_engine(postgres_url, schema="backend")
    await migrate(engine, APPS)
    await open_pool(engine)
    async with open_reader(
        KafkaSettings(kafka_broker_url=own_broker.url), BOOK_INGESTION.name
    ) as r:
        yield Lab(r, engine, topic)
    await close_pool(engine)


async def test_what_is_wrong_missing_or_too_much_is_put_right(lab: Lab, record: MakeRecord) -> None:
    await lab.process(record(1), record(2), record(2, 2), record(3))
    await lab.topic.publish_bytes(b"4", b"nonsense")
    await lab.engine.pool.execute("DELETE FROM backend.book WHERE book_id = 1")
    await lab.engine.pool.execute("UPDATE backend.book SET sequence = 9 WHERE book_id = 3")
    await lab.live.handle(record(99), NOWHERE)  # of a book that the topic does not know
    async with lab.rebuild() as rebuild:
        filled = await rebuild.fill()
        assert (filled.read, filled.undecodable, filled.rows) == (5, 1, 3)
        assert await lab.sequences() == {2: 2, 3: 9, 99: 1}
        await rebuild.swap()
    assert await lab.sequences() == {1: 1, 2: 2, 3: 1}


async def test_what_the_worker_did_up_to_the_last_moment_is_not_lost(
    lab: Lab, record: MakeRecord
) -> None:
    await lab.process(record(1))

    class LateShadow(ShadowTable):
        async def lock(self, wait_s: float) -> None:
            await lab.process(record(1, 2), record(2))
            await super().lock(wait_s)

    async with lab.rebuild(LateShadow) as rebuild:
        await rebuild.fill()
        await rebuild.swap()
    assert await lab.sequences() == {1: 2, 2: 1}


async def test_a_write_that_waits_for_the_swap_goes_to_the_new_table(
    lab: Lab, record: MakeRecord
) -> None:
    await lab.process(record(1))
    waiting: list[asyncio.Task[None]] = []

    class BusyTable(ShadowTable):
        async def swap(self) -> None:
            waiting.append(asyncio.create_task(lab.process(record(1, 2), record(2))))
            await blocked(lab.engine)
            await super().swap()

    async with lab.rebuild(BusyTable) as rebuild:
        await rebuild.fill()
        await rebuild.swap()
    await waiting[0]
    assert await lab.sequences() == {1: 2, 2: 1}


async def blocked(engine: Engine) -> None:
    """Until some statement waits for a lock."""
    sql = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    connection = await asyncpg.connect(engine.url)
    try:
        await poll_until(lambda: connection.fetchval(sql), what="a write that waits")
    finally:
        await connection.close()


async def test_an_end_before_the_swap_leaves_the_live_table_and_nothing_in_the_way(
    lab: Lab, record: MakeRecord
) -> None:
    await lab.process(record(1), record(2))
    before = await lab.engine.pool.fetch("SELECT * FROM backend.book ORDER BY 1")

    class Interrupted(ShadowTable):
        async def swap(self) -> None:
            await super().swap()
            raise asyncio.CancelledError

    async with lab.rebuild(Interrupted) as rebuild:
        await rebuild.fill()
        with pytest.raises(asyncio.CancelledError):
            await rebuild.swap()
    assert await lab.engine.pool.fetch("SELECT * FROM backend.book ORDER BY 1") == before
    async with lab.rebuild() as rebuild:
        await rebuild.fill()
        await rebuild.swap()
    assert await lab.sequences() == {1: 1, 2: 1}


async def test_two_at_once_an_empty_topic_and_a_migration_in_between_are_refused(
    lab: Lab, record: MakeRecord
) -> None:
    await lab.live.handle(record(1), NOWHERE)
    async with lab.rebuild() as rebuild:
        with pytest.raises(Empty):
            await rebuild.fill()
    await lab.process(record(1))
    async with lab.rebuild() as rebuild, lab.rebuild() as another:
        await rebuild.fill()
        with pytest.raises(Busy):
            await another.fill()
        await lab.engine.pool.execute("ALTER TABLE backend.book ADD COLUMN later int")
        with pytest.raises(Changed):
            await rebuild.swap()
    assert await lab.sequences() == {1: 1}


async def test_the_reader_reads_ranges_and_ends_where_the_topic_ended(
    lab: Lab, record: MakeRecord
) -> None:
    await lab.topic.publish(*(record(7, n) for n in range(1, 6)))
    ranges = await lab.reader.ranges(Selection())
    await lab.topic.publish(record(7, 6))
    read = [raw.offset async for batch in lab.reader.read(ranges) for raw in batch]
    assert read == [0, 1, 2, 3, 4]
    (partition,) = [p for p, offsets in ranges.items() if offsets]
    some = Selection(partitions=frozenset({partition}), first_offset=1, last_offset=2)
    read = [
        raw.offset
        async for batch in lab.reader.read(await lab.reader.ranges(some))
        for raw in batch
    ]
    assert read == [1, 2]
