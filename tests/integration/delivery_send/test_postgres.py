"""A pool that fails fast when PostgreSQL is away, comes back by itself and loses no connection."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg
import pytest

from delivery.postgres import Engine, close_pool, create_engine, is_database_away, open_pool
from embedded.postgres import Postgres


@pytest.fixture
async def narrow(postgres_url: str) -> AsyncIterator[Engine]:
    """An engine whose pool has one connection: a leak shows at the next use."""
    engine = create_engine(postgres_url)
    await open_pool(engine, max_size=1, command_timeout=1.0)
    yield engine
    await close_pool(engine)


async def ask(engine: Engine) -> object:
    async with engine.transaction():
        connection = engine.current_transaction.get().connection
        return await connection.fetchval("SELECT 7")


async def seconds_until_away(engine: Engine) -> float:
    started = time.monotonic()
    with pytest.raises(Exception) as caught:
        await ask(engine)
    assert is_database_away(caught.value), repr(caught.value)
    return time.monotonic() - started


async def test_a_stopped_server_is_told_at_once_and_found_again(
    narrow: Engine, postgres_server: Postgres
) -> None:
    assert await ask(narrow) == 7
    postgres_server.stop()
    try:
        assert await seconds_until_away(narrow) < 2
        assert await seconds_until_away(narrow) < 2
    finally:
        postgres_server.start()
    assert await ask(narrow) == 7


async def test_a_silent_server_is_told_within_5_s_and_found_again(
    narrow: Engine, postgres_server: Postgres
) -> None:
    assert await ask(narrow) == 7
    postgres_server.pause()
    try:
        assert await seconds_until_away(narrow) < 5  # BEGIN on an open connection
        assert await seconds_until_away(narrow) < 5  # a new connection
    finally:
        postgres_server.resume()
    assert await ask(narrow) == 7


@asynccontextmanager
async def ends_are_not_passed_on(url: str) -> AsyncIterator[str]:
    """The database behind a proxy that passes on every byte, and no connection's end."""
    parts = urlsplit(url)
    writers: list[asyncio.StreamWriter] = []

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        while data := await reader.read(65_536):
            writer.write(data)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection(parts.hostname, parts.port)
        await asyncio.gather(copy(reader, there[1]), copy(there[0], writer))

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield url.replace(f":{parts.port}/", f":{port}/")
        for writer in writers:
            writer.close()


async def test_a_server_that_says_goodbye_to_an_idle_connection_is_away(
    postgres_url: str, sql: asyncpg.Connection
) -> None:
    """Between the farewell and the end of the connection, asyncpg is in a state of its own."""
    async with ends_are_not_passed_on(postgres_url) as url:
        engine = create_engine(url)
        await open_pool(engine, max_size=1, command_timeout=1.0)
        pid = await engine.pool.fetchval("SELECT pg_backend_pid()")
        await sql.execute("SELECT pg_terminate_backend($1, 5000)", pid)
        await asyncio.sleep(0.1)  # the farewell arrives
        await seconds_until_away(engine)
        assert await ask(engine) == 7  # the connection was given up
        await close_pool(engine)


async def test_a_server_that_lets_nobody_write_for_now_is_away(
    narrow: Engine, sql: asyncpg.Connection
) -> None:
    """A standby, until it is promoted."""
    await sql.execute("CREATE TABLE t (i int)")
    async with narrow.pool.acquire() as connection:
        await connection.execute("SET default_transaction_read_only = on")
    with pytest.raises(asyncpg.PostgresError) as caught:
        await narrow.pool.execute("INSERT INTO t VALUES (1)")
    assert is_database_away(caught.value)


async def test_a_server_that_refuses_the_password_from_now_on_is_away(
    postgres_url: str, sql: asyncpg.Connection
) -> None:
    parts = urlsplit(postgres_url)
    engine = create_engine(postgres_url.replace(f":{parts.password}@", ":another@"))
    await open_pool(engine, max_size=1)
    await seconds_until_away(engine)
    await close_pool(engine)


async def test_a_cancelled_statement_ends_as_cancelled_while_the_server_is_silent(
    narrow: Engine, postgres_server: Postgres
) -> None:
    """A time-out in its place is an error that passes: whoever tries for ever never ends."""
    assert await narrow.pool.fetchval("SELECT 7") == 7
    postgres_server.pause()
    try:
        asking = asyncio.create_task(narrow.pool.fetchval("SELECT 7", timeout=30))
        await asyncio.sleep(0.1)  # it has been sent
        asking.cancel()
        await asyncio.wait({asking}, timeout=5)
        assert asking.cancelled()
    finally:
        postgres_server.resume()
    assert await ask(narrow) == 7


async def test_a_pool_in_full_use_is_told_within_5_s(narrow: Engine) -> None:
    async with narrow.pool.acquire():
        assert await seconds_until_away(narrow) < 5
    assert await ask(narrow) == 7


async def test_a_transaction_that_loses_its_connection_leaves_nothing_behind(
    narrow: Engine, sql: asyncpg.Connection
) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT012 - the block is the transaction
        async with narrow.transaction() as transaction:
            pid = await transaction.connection.fetchval("SELECT pg_backend_pid()")
            await sql.execute("SELECT pg_terminate_backend($1, 5000)", pid)
    assert is_database_away(caught.value)  # COMMIT failed, and says so
    assert narrow.current_transaction.get() is None
    assert await ask(narrow) == 7


async def test_an_error_rolls_back_and_is_the_one_that_is_raised(
    narrow: Engine, sql: asyncpg.Connection
) -> None:
    await sql.execute("CREATE TABLE t (i int)")
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the block is the transaction
        async with narrow.transaction() as transaction:
            await transaction.connection.execute("INSERT INTO t VALUES (1)")
            raise ZeroDivisionError
    assert await sql.fetchval("SELECT count(*) FROM t") == 0


async def test_a_nested_transaction_is_part_of_the_outer_one(
    narrow: Engine, sql: asyncpg.Connection
) -> None:
    await sql.execute("CREATE TABLE t (i int)")
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the block is the transaction
        async with narrow.transaction():
            async with narrow.transaction() as inner:
                await inner.connection.execute("INSERT INTO t VALUES (1)")
            raise ZeroDivisionError
    assert await sql.fetchval("SELECT count(*) FROM t") == 0


async def test_a_connection_comes_back_without_a_round_trip(narrow: Engine) -> None:
    async with narrow.pool.acquire() as connection:
        before = await connection.fetchval("SELECT pg_backend_pid()")
        await connection.execute("SET application_name = 'kept'")
    async with narrow.pool.acquire() as connection:
        assert await connection.fetchval("SELECT pg_backend_pid()") == before
        assert await connection.fetchval("SHOW application_name") == "kept"


async def test_the_pool_opens_without_a_server() -> None:
    engine = create_engine("postgresql://nobody@127.0.0.1:1/none")
    await open_pool(engine)
    assert await seconds_until_away(engine) < 2
    await close_pool(engine)
