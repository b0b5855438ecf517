"""A record is in the outbox if and only if its transaction committed."""

import asyncpg
import msgspec
import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from delivery.postgres import Engine
from delivery.sending import queue
from delivery.sending.outbox import NoKeyError, NoTransactionError, Outbox
from delivery.topics import BytesSchema, TopicDescription, json_topic

TOPIC = TopicDescription(name="t", schema=BytesSchema())
KEYED = json_topic("t", int, key=lambda number: number * 7919 % 1000)


async def rows(sql: asyncpg.Connection) -> list[tuple[object, ...]]:
    return [
        tuple(row) for row in await sql.fetch("SELECT topic, key, value FROM outbox ORDER BY id")
    ]


async def test_a_record_commits_with_the_transaction(
    engine: Engine, sql: asyncpg.Connection
) -> None:
    async with engine.transaction():
        await Outbox(engine).add(TOPIC, b"v", key=b"k")
        assert await rows(sql) == []
    assert await rows(sql) == [("t", b"k", b"v")]


async def test_a_record_goes_with_a_transaction_that_fails(
    engine: Engine, sql: asyncpg.Connection
) -> None:
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the block is the transaction
        async with engine.transaction():
            await Outbox(engine).add(TOPIC, b"v", key=b"k")
            raise ZeroDivisionError
    assert await rows(sql) == []


async def test_a_record_outside_of_a_transaction_is_refused(engine: Engine) -> None:
    with pytest.raises(NoTransactionError):
        await Outbox(engine).add(TOPIC, b"v", key=b"k")


async def test_a_record_without_a_key_is_refused_before_the_database_sees_it(
    engine: Engine,
) -> None:
    async with engine.transaction():
        with pytest.raises(NoKeyError, match=r"a record of t needs a key"):
            await Outbox(engine).add(TOPIC, b"v")


async def test_many_records_keep_their_order(engine: Engine, sql: asyncpg.Connection) -> None:
    async with engine.transaction():
        await Outbox(engine).add_many(KEYED, range(1000))
        await Outbox(engine).add_many(KEYED, [])
    assert await rows(sql) == [("t", b"%d" % (i * 7919 % 1000), b"%d" % i) for i in range(1000)]


async def test_the_request_is_remembered(engine: Engine, sql: asyncpg.Connection) -> None:
    request = NonRecordingSpan(SpanContext(0xABC, 0xDEF, False, TraceFlags(1)))
    async with engine.transaction():
        with trace.use_span(request):
            await Outbox(engine).add(TOPIC, b"v", key=b"k")
            await Outbox(engine).add_many(KEYED, [1])
        await Outbox(engine).add(TOPIC, b"v", key=b"k")
    stored = [row[0] for row in await sql.fetch("SELECT trace_context FROM outbox ORDER BY id")]
    expected = {"traceparent": f"00-{0xABC:032x}-{0xDEF:016x}-01"}
    assert [msgspec.json.decode(context) for context in stored[:2]] == [expected, expected]
    assert stored[2] is None


async def test_a_row_that_shows_late_comes_before_what_follows_it(
    engine: Engine, sql: asyncpg.Connection
) -> None:
    """The order of ids is not the order of commits: no cursor may pass over a gap."""
    slow = sql.transaction()
    await slow.start()
    insert = "INSERT INTO outbox (topic, key, value) VALUES ('t', $1, '') RETURNING id"
    late = await sql.fetchval(insert, b"late")
    early = await engine.pool.fetchval(insert, b"early")
    assert [row.id for row in await queue.read(engine.pool, [], 10)] == [early]
    await slow.commit()
    after = await engine.pool.fetchval(insert, b"late")
    being_sent = [early]
    assert [row.id for row in await queue.read(engine.pool, being_sent, 10)] == [late, after]


async def test_the_backlog_is_counted_and_its_age_told(
    engine: Engine, sql: asyncpg.Connection
) -> None:
    assert await queue.observe(engine.pool) == queue.Waiting(0, 0.0)
    await sql.execute(
        "INSERT INTO outbox (topic, key, value, created_at) SELECT 't', '', '',"
        " now() - make_interval(secs => 100 - i) FROM generate_series(1, 50) i"
    )
    await queue.park(engine.pool, 1, "never")
    waiting = await queue.observe(engine.pool)
    assert waiting.records == 49
    assert 98 <= waiting.oldest_age < 110
