"""SQL spans on a real PostgreSQL: each way to run a statement, and what is left out."""

import asyncio
import io
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from telemetry import later
from telemetry.database import TracedConnection, observe_pool

INSERT = "INSERT INTO books (title) VALUES ($1)"
SELECT = "SELECT title FROM books ORDER BY id"
exporter = InMemorySpanExporter()


@pytest.fixture(scope="module", autouse=True)
def _providers() -> None:
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider()
        trace.set_tracer_provider(provider)
    provider.add_span_processor(SimpleSpanProcessor(exporter))


@pytest.fixture
async def connection(postgres_url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(postgres_url, connection_class=TracedConnection)
    await connection.execute("CREATE TABLE books (id serial PRIMARY KEY, title text NOT NULL)")
    await connection.execute("INSERT INTO books (title) VALUES ('Emma'), ('Dune')")
    later.drain()
    exporter.clear()
    yield connection
    await connection.close()


async def in_a_trace(work: Callable[[], Awaitable[Any]]) -> list[ReadableSpan]:
    """The spans of SQL that some work in a request made."""
    with trace.get_tracer("test").start_as_current_span("request") as request:
        await work()
    await asyncio.sleep(0)  # a generator that was left ends in a callback
    later.drain()
    spans = [span for span in exporter.get_finished_spans() if span.kind is SpanKind.CLIENT]
    for span in spans:
        assert span.parent is not None
        assert span.parent.span_id == request.get_span_context().span_id
    return spans


async def iterate(connection: Any) -> None:
    async with connection.transaction():
        assert len([row async for row in connection.cursor(SELECT, prefetch=1)]) == 2


async def leave_an_iteration(connection: Any) -> None:
    async with connection.transaction():
        rows = connection.cursor(SELECT, prefetch=1).__aiter__()
        await anext(rows)
        await rows.aclose()


async def await_a_cursor(connection: Any) -> None:
    async with connection.transaction():
        cursor = await connection.cursor(SELECT)
        assert len(await cursor.fetch(1)) == 1
        assert (await cursor.fetchrow())["title"] == "Dune"


async def prepare(connection: Any, method: str, *args: Any) -> None:
    statement = await connection.prepare("SELECT title FROM books WHERE id = $1")
    assert statement.get_parameters()[0].name == "int4", "what is not wrapped is asyncpg's"
    await getattr(statement, method)(*args)


WAYS: dict[str, tuple[Callable[[Any], Awaitable[Any]], list[str]]] = {
    "execute": (lambda c: c.execute(INSERT, "x"), ["INSERT books"]),
    "executemany": (lambda c: c.executemany(INSERT, [("x",), ("y",)]), ["INSERT books"]),
    "fetch": (lambda c: c.fetch(SELECT), ["SELECT books"]),
    "fetchval": (lambda c: c.fetchval(SELECT, column=0, timeout=5), ["SELECT books"]),
    "fetchrow": (lambda c: c.fetchrow(SELECT, record_class=asyncpg.Record), ["SELECT books"]),
    "fetchmany": (lambda c: c.fetchmany(INSERT + " RETURNING id", [("x",)]), ["INSERT books"]),
    "statement.fetch": (lambda c: prepare(c, "fetch", 1), ["SELECT books"]),
    "statement.fetchval": (lambda c: prepare(c, "fetchval", 1), ["SELECT books"]),
    "statement.fetchrow": (lambda c: prepare(c, "fetchrow", 1), ["SELECT books"]),
    "statement.fetchmany": (lambda c: prepare(c, "fetchmany", [(1,)]), ["SELECT books"]),
    "statement.executemany": (lambda c: prepare(c, "executemany", [(1,)]), ["SELECT books"]),
    "cursor, iterated": (iterate, ["SELECT books", "COMMIT"]),
    "cursor, left": (leave_an_iteration, ["SELECT books", "COMMIT"]),
    "cursor, awaited": (await_a_cursor, ["SELECT books", "SELECT books", "COMMIT"]),
    "copy_records_to_table": (
        lambda c: c.copy_records_to_table("books", records=[("x",)], columns=["title"]),
        ["COPY books"],
    ),
    "copy_to_table": (
        lambda c: c.copy_to_table("books", source=io.BytesIO(b"x\n"), columns=["title"]),
        ["COPY books"],
    ),
    "copy_from_table": (
        lambda c: c.copy_from_table("books", output=io.BytesIO()),
        ["COPY books"],
    ),
    "copy_from_query": (
        lambda c: c.copy_from_query(SELECT, output=io.BytesIO()),
        ["COPY"],
    ),
}


@pytest.mark.parametrize("way", WAYS)
async def test_every_way_to_run_a_statement_has_one_span(connection: Any, way: str) -> None:
    run, names = WAYS[way]
    spans = await in_a_trace(lambda: run(connection))
    assert [span.name for span in spans] == names
    assert all(span.status.status_code is StatusCode.UNSET for span in spans)


async def test_a_span_has_the_text_and_no_values(connection: Any) -> None:
    (span,) = await in_a_trace(lambda: connection.execute(INSERT, "a secret title"))
    assert span.attributes["db.query.text"] == INSERT
    assert span.attributes["db.system.name"] == "postgresql"
    assert span.attributes["db.namespace"].startswith("test_")
    assert span.attributes["server.address"]
    assert "a secret title" not in span.to_json()


async def test_a_span_has_the_times_of_its_statement(connection: Any) -> None:
    times: list[int] = []

    async def work() -> None:
        times.append(time.time_ns())
        await connection.execute("SELECT pg_sleep(0.02)")
        times.append(time.time_ns())
        time.sleep(0.02)  # noqa: ASYNC251  # a loop that is busy: the span is made later

    (span,) = await in_a_trace(work)
    assert times[0] <= span.start_time < span.end_time <= times[1]
    assert span.end_time - span.start_time >= 20_000_000


async def test_a_batch_says_how_many(connection: Any) -> None:
    (span,) = await in_a_trace(lambda: connection.executemany(INSERT, [("x",)] * 3))
    assert span.attributes["db.operation.batch.size"] == 3


async def test_a_failed_statement_has_the_sqlstate_and_no_row(connection: Any) -> None:
    async def fail() -> None:
        with pytest.raises(asyncpg.NotNullViolationError):
            await connection.execute("INSERT INTO books (id, title) VALUES ($1, NULL)", 4711)

    (span,) = await in_a_trace(fail)
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["db.response.status_code"] == "23502"
    assert span.attributes["error.type"] == "asyncpg.exceptions.NotNullViolationError"
    assert "4711" not in span.to_json()
    assert not span.events, "the span around it records the exception"


async def test_a_transaction_s_commit_is_seen_and_its_begin_is_not(connection: Any) -> None:
    async def work() -> None:
        async with connection.transaction():
            await connection.execute(INSERT, "x")
            async with connection.transaction():
                await connection.fetch(SELECT)

    spans = await in_a_trace(work)
    assert [span.name for span in spans] == ["INSERT books", "SELECT books", "COMMIT"]


async def test_outside_of_a_trace_there_are_no_spans(connection: Any) -> None:
    await connection.fetch(SELECT)
    later.drain()
    assert not exporter.get_finished_spans()


async def test_a_pool_s_reset_has_no_span(postgres_url: str, connection: Any) -> None:
    async with asyncpg.create_pool(postgres_url, connection_class=TracedConnection) as pool:
        spans = await in_a_trace(lambda: pool.fetch(SELECT))
    assert [span.name for span in spans] == ["SELECT books"]


async def test_a_pool_s_connections_are_counted_until_it_closes(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: dict[str, Callable[[], Any]] = {}
    monkeypatch.setattr("telemetry.database.pool.observe", read.__setitem__)

    def counts() -> dict[str, float]:
        values = read["db.client.connection.count"]()
        return {labels["db.client.connection.state"]: value for value, labels in values}

    async with asyncpg.create_pool(postgres_url, min_size=2, max_size=3) as pool:
        observe_pool(pool, "books")
        assert counts() == {"idle": 2, "used": 0}
        async with pool.acquire():
            assert counts() == {"idle": 1, "used": 1}
        (most,) = read["db.client.connection.max"]()
        assert most == (3, {"db.client.connection.pool.name": "books"})
    assert counts() == {}
