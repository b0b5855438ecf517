"""A pool that fails fast when PostgreSQL is away, comes back by itself and loses no connection."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg
import pytest
from piccolo.columns import Integer
from piccolo.table import Table

from delivery.postgres import (
    DatabaseBusy,
    Engine,
    UnfitDatabase,
    close_pool,
    create_engine,
    is_database_away,
    open_pool,
    retry_conflicts,
)
from delivery.postgres.dicts import dicts_of
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


@asynccontextmanager
async def cancelled_in_silence(
    narrow: Engine, server: Postgres
) -> AsyncIterator[asyncio.Task[object]]:
    """A statement that was sent to a silent server and cancelled; all is well again afterwards."""
    assert await narrow.pool.fetchval("SELECT 7") == 7
    server.pause()
    try:
        asking = asyncio.create_task(narrow.pool.fetchval("SELECT 7", timeout=30))
        await asyncio.sleep(0.1)  # it has been sent
        asking.cancel()
        yield asking
        assert asking.cancelled()
    finally:
        server.resume()
    assert await ask(narrow) == 7


async def test_a_cancelled_statement_ends_as_cancelled_while_the_server_is_silent(
    narrow: Engine, postgres_server: Postgres
) -> None:
    """A time-out in its place is an error that passes: whoever tries for ever never ends."""
    async with cancelled_in_silence(narrow, postgres_server) as asking:
        await asyncio.wait({asking}, timeout=5)


async def test_a_release_that_is_cancelled_gives_its_place_in_the_pool_back(
    narrow: Engine, postgres_server: Postgres
) -> None:
    async with cancelled_in_silence(narrow, postgres_server) as asking:
        await asyncio.sleep(0.1)  # the release waits for the statement's end
        assert not asking.done()
        asking.cancel()
        await asyncio.wait({asking}, timeout=0.2)


async def test_a_pool_in_full_use_is_busy_within_5_s(narrow: Engine) -> None:
    started = time.monotonic()
    async with narrow.pool.acquire():
        with pytest.raises(DatabaseBusy):
            await ask(narrow)
        with pytest.raises(DatabaseBusy):
            await narrow.pool.fetchval("SELECT 7")
    assert time.monotonic() - started < 10
    assert await ask(narrow) == 7


async def test_a_pool_in_full_use_of_a_silent_server_is_away(
    narrow: Engine, postgres_server: Postgres
) -> None:
    async with narrow.pool.acquire():
        postgres_server.pause()
        try:
            assert await seconds_until_away(narrow) < 5
        finally:
            postgres_server.resume()
    assert await ask(narrow) == 7


@pytest.mark.parametrize("way", ["the pool", "Piccolo", "a transaction"])
async def test_a_statement_that_waits_for_a_lock_is_busy_and_not_away(
    narrow: Engine, sql: asyncpg.Connection, way: str
) -> None:
    class Thing(Table, tablename="thing", db=narrow):
        i = Integer()

    async def change() -> None:
        if way == "the pool":
            await narrow.pool.execute("UPDATE thing SET i = 2")
        elif way == "Piccolo":
            await Thing.update(i=2, force=True)
        else:
            async with narrow.transaction():
                await Thing.update(i=2, force=True)

    await sql.execute("CREATE TABLE thing (id serial, i int); INSERT INTO thing (i) VALUES (1)")
    async with sql.transaction():
        await sql.execute("UPDATE thing SET i = 3")
        with pytest.raises(DatabaseBusy):
            await change()
    await change()
    assert await sql.fetchval("SELECT i FROM thing") == 2


@pytest.mark.parametrize("level", ["serializable", "repeatable read"])
async def test_transactions_state_their_level_and_single_statements_have_it(
    postgres_url: str, sql: asyncpg.Connection, level: str
) -> None:
    name = urlsplit(postgres_url).path[1:]
    await sql.execute(f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = '{level}'")
    engine = create_engine(postgres_url)
    await open_pool(engine, max_size=1)
    show = "SHOW transaction_isolation"
    async with engine.transaction() as transaction:
        assert await transaction.connection.fetchval(show) == "read committed"
    assert await engine.pool.fetchval(show) == "read committed"
    own = await engine.connect()
    assert await own.fetchval(show) == "read committed"
    own.terminate()
    await close_pool(engine)


async def test_a_deadlock_is_undone_and_tried_again(
    postgres_url: str, sql: asyncpg.Connection
) -> None:
    """Two transactions that lock two rows in opposite orders: both are done in the end."""
    await sql.execute("CREATE TABLE t (id int, n int); INSERT INTO t VALUES (1, 0), (2, 0)")
    engine = create_engine(postgres_url)
    await open_pool(engine, max_size=2, command_timeout=30.0)
    first_locks = asyncio.Barrier(2)
    tries = 0

    @retry_conflicts
    async def change(first: int, then: int) -> None:
        nonlocal tries
        tries += 1
        async with engine.transaction() as transaction:
            update = "UPDATE t SET n = n + 1 WHERE id = $1"
            await transaction.connection.execute(update, first)
            if tries <= 2:
                await first_locks.wait()
            await transaction.connection.execute(update, then)

    await asyncio.gather(change(1, 2), change(2, 1))
    assert tries == 3
    assert [row["n"] for row in await sql.fetch("SELECT n FROM t")] == [2, 2]
    await close_pool(engine)


async def test_a_database_that_cannot_hold_every_title_is_refused(
    postgres_server: Postgres,
) -> None:
    for encoding in ("LATIN1", "SQL_ASCII"):
        name = f"in_{encoding.lower()}"
        postgres_server.execute(
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}'"
            " LOCALE_PROVIDER libc LOCALE 'C'"
        )
        engine = create_engine(postgres_server.url(name))
        with pytest.raises(UnfitDatabase, match=f"encoding is {encoding}.* has to be UTF8"):
            await engine.connect()
        await open_pool(engine, max_size=1)
        with pytest.raises(UnfitDatabase):
            await engine.pool.fetchval("SELECT 1")
        await close_pool(engine)
        postgres_server.drop_database(name)


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


async def test_the_pool_s_statements_are_planned_once(
    narrow: Engine, sql: asyncpg.Connection
) -> None:
    """PostgreSQL would plan this one anew at each run: it finds the smaller page cheaper."""
    await sql.execute("CREATE TABLE many AS SELECT n FROM generate_series(1, 10000) AS n")
    await sql.execute("CREATE INDEX ON many (n)")
    await sql.execute("ANALYZE many")
    for after in range(10):
        page = await narrow.pool.fetch(
            "SELECT n FROM many WHERE n > $1 ORDER BY n LIMIT $2", after, 3
        )
        assert [row["n"] for row in page] == [after + 1, after + 2, after + 3]
    looking = "SELECT custom_plans FROM pg_prepared_statements WHERE statement LIKE '%FROM many%'"
    assert await narrow.pool.fetchval(looking) == 0


async def test_rows_become_the_dicts_that_they_are(sql: asyncpg.Connection) -> None:
    names = ["id", "it's", "lambda", "\\ {}\n", "ü", "id"]
    columns = ", ".join(f'n + {more} AS "{name}"' for more, name in enumerate(names))
    for query in (f"SELECT {columns} FROM generate_series(1, 3) AS n", "SELECT FROM pg_database"):
        rows = await sql.fetch(query)
        assert dicts_of(rows) == [dict(row) for row in rows]
    assert dicts_of([]) == []
