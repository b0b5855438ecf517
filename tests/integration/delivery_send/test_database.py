"""A service's database from away to ready: what is refused meanwhile, and what is said of it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit

import asyncpg
import pytest

from delivery.postgres import Database, DatabaseAway, create_engine, migrate, pending
from embedded.postgres import Postgres
from embedded.testing import poll_until

APPS = ("delivery.sending.outbox_app.piccolo_app",)
Make = Callable[..., Database]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    """Makes databases, which are closed at the end."""
    made: list[Database] = []

    def make(url: str, *, migrate_at_start: bool = True) -> Database:
        database = Database(
            create_engine(url),
            APPS,
            name="test",
            pool_size=2,
            migrate_at_start=migrate_at_start,
            command="make migrate",
        )
        made.append(database)
        return database

    yield make
    for database in made:
        await database.close(1.0)


async def preparing(database: Database) -> asyncio.Task[None]:
    await database.open()
    return asyncio.create_task(database.prepare())


async def says(database: Database, reason: str) -> bool:
    return await database.why_unready() == reason


async def test_it_gets_ready_when_postgresql_comes(make: Make, tmp_path) -> None:
    with Postgres(fsync=False) as server:
        database = make(server.create_database("late"))
        server.stop()
        task = await preparing(database)
        await poll_until(lambda: says(database, "PostgreSQL does not answer"), what="the reason")
        with pytest.raises(DatabaseAway):
            database.pool()
        assert not task.done()
        server.start()
        await asyncio.wait_for(database.ready(), 30)
        assert await database.why_unready() is None
        assert await database.pool().fetchval("SELECT count(*) FROM outbox") == 0


async def test_who_does_not_migrate_waits_until_all_of_it_was_done(
    make: Make, postgres_url: str
) -> None:
    database = make(postgres_url, migrate_at_start=False)
    task = await preparing(database)
    missing = "the migrations have not run: make migrate"
    await poll_until(lambda: says(database, missing), what="the command")
    other = create_engine(postgres_url)
    assert len(await pending(other, APPS)) == 2
    await migrate(other, APPS)
    assert await pending(other, APPS) == []
    await asyncio.wait_for(task, 10)
    assert await database.why_unready() is None

    # The tables of an older version are not enough.
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("DELETE FROM migration WHERE name LIKE '%2'")
    await connection.close()
    assert await pending(other, APPS) == ["outbox 2026-11-23T06:00:00:000002"]
    behind = make(postgres_url, migrate_at_start=False)
    task = await preparing(behind)
    await poll_until(lambda: says(behind, missing), what="the command")
    task.cancel()


async def test_what_is_said_to_strangers_names_no_host_and_no_database(
    make: Make, postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    name = urlsplit(postgres_url).path.lstrip("/")
    database = make(postgres_url.replace(name, "nowhere"))
    with caplog.at_level(logging.WARNING, "delivery"):
        task = await preparing(database)
        reason = "PostgreSQL has no such database"
        await poll_until(lambda: says(database, reason), what="the reason")
        await asyncio.sleep(0)
    task.cancel()
    lines = [one.getMessage() for one in caplog.records if one.name.endswith("database")]
    assert len(lines) == 1
    assert reason in lines[0]
    assert "nowhere" in lines[0]
