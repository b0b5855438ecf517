"""The worker as a real process: records in, entries out, and what it does when things are away."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg
import httpx
import pytest

from contracts.records import BookRecord, BookRemoved, BookUpdated
from embedded.broker import Broker
from embedded.ports import free_port
from embedded.postgres import Postgres
from embedded.services import bare_environment
from embedded.testing import poll_until

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = ("traceparent", f"00-{TRACE_ID}-b7ad6b7169203331-01".encode())

# What makes a client of the topic, and a backend, is in the conftest of this directory.
MakeRecord = Callable[..., BookRecord]


async def test_a_book_is_ingested_changed_and_removed(backend, topic, record: MakeRecord) -> None:
    backend.start()
    await topic.publish(record(7), headers=[TRACEPARENT])
    await backend.has(7)
    entry = (await backend.get("/books/7")).json()
    assert (entry["shelf_mark"], entry["trace_id"]) == (".A97 B66", TRACE_ID)

    await topic.publish(record(7, 2, BookUpdated, title="Emma"), record(8))
    await backend.has(7, 2)
    await backend.has(8)
    listed = (await backend.get("/books?ids=7,8,9")).json()
    assert [(book["book_id"], book["title"]) for book in listed] == [(7, "Emma"), (8, "Book 8")]

    await topic.publish(record(7, 3, BookRemoved), record(7, 2, BookUpdated), record(8, 2))
    await backend.has(8, 2)
    await poll_until(lambda: _gone(backend, 7), what="book 7 is gone")


async def _gone(backend, book_id: int) -> bool:
    return (await backend.get(f"/books/{book_id}")).status_code == httpx.codes.NOT_FOUND


async def test_what_somebody_elses_client_sends_is_applied_or_dead_lettered_byte_for_byte(
    backend, topic, record: MakeRecord
) -> None:
    backend.start()
    bad = [
        (b"7", b"nonsense"),
        (b"7", b""),
        (b"7", None),
        (None, b'{"type":"added"}'),
        (b"", b"\xff"),
    ]
    for key, value in bad:
        await topic.publish_bytes(key, value)
    await topic.publish(record(7), headers=[("traceparent", None), ("x", b"\xff")])
    await backend.has(7)
    # The embedded broker's and aiokafka's idea of "no value" meet in empty bytes or None.
    letters = await topic.dead_letters(len(bad))
    assert sorted((k or b"", v or b"") for k, v in letters) == sorted(
        (k or b"", v or b"") for k, v in bad
    )
    assert await backend.unready() == set()


async def test_without_kafka_it_serves_says_why_it_is_not_ready_and_goes_on_when_kafka_comes(
    backend, own_broker: Broker, topic, record: MakeRecord
) -> None:
    port = free_port()
    backend.env["KAFKA_BROKER_URL"] = f"127.0.0.1:{port}"
    backend.start(ready="/health/live")
    await poll_until(lambda: _is_unready(backend, {"kafka"}), what="only Kafka is missing")
    assert (await backend.get("/books/7")).status_code == httpx.codes.NOT_FOUND
    await topic.publish(record(7))
    async with _forwarded(port, own_broker.url):
        await backend.has(7, within=30)
        assert await backend.unready() == set()


async def _is_unready(backend, parts: set[str]) -> bool:
    return await backend.unready() == parts


@asynccontextmanager
async def _forwarded(port: int, target: str) -> AsyncIterator[None]:
    """A port behind which a broker comes up late: bytes go to ``target`` and back."""
    host, _, target_port = target.rpartition(":")

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(host, int(target_port))
        await asyncio.gather(
            pump(reader, there_writer), pump(there_reader, writer), return_exceptions=True
        )

    server = await asyncio.start_server(connected, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()


async def test_without_postgresql_it_starts_and_goes_on_when_it_comes(
    backend, postgres_server: Postgres, topic, record: MakeRecord
) -> None:
    await topic.publish(record(7))
    postgres_server.stop()
    try:
        backend.start(ready="/health/live")
        assert "database" in await backend.unready()
        response = await backend.get("/books/7")
        assert response.status_code == 503
        assert "retry-after" in response.headers
    finally:
        postgres_server.start()
    await backend.has(7, within=30)


@pytest.mark.parametrize("fault", ["kill", "pause"])
async def test_while_postgresql_is_away_requests_are_told_soon_and_no_record_is_lost(
    backend, postgres_server: Postgres, topic, record: MakeRecord, fault: str
) -> None:
    backend.start()
    await topic.publish(record(7))
    await backend.has(7)
    getattr(postgres_server, fault)()
    try:
        await topic.publish(record(8), record(7, 2))
        started = time.monotonic()
        response = await backend.get("/books/7")
        assert response.status_code == 503
        assert time.monotonic() - started < 5
        assert int(response.headers["retry-after"]) > 0
        assert "database" in await backend.unready()
        assert (await backend.get("/health/live")).status_code == httpx.codes.OK
    finally:
        postgres_server.resume() if fault == "pause" else postgres_server.start()
    await backend.has(8, within=45)
    await backend.has(7, 2)
    await poll_until(lambda: _is_unready(backend, set()), what="ready again")


async def test_a_killed_worker_is_replaced_and_nothing_is_lost(
    backend, another_backend, topic, record: MakeRecord
) -> None:
    backend.start()
    await topic.publish(*(record(n) for n in range(1, 20)))
    backend.process.kill()
    await topic.publish(*(record(n) for n in range(20, 40)))
    replacement = another_backend(backend.env)
    started = time.monotonic()
    replacement.start(ready=None)

    async def all_there() -> bool:
        try:
            response = await replacement.get("/books?ids=" + ",".join(map(str, range(1, 40))))
        except httpx.TransportError:
            return False
        return response.status_code == httpx.codes.OK and len(response.json()) == 39

    await poll_until(all_there, 25, what="all 39 books")
    assert time.monotonic() - started < 15


async def test_a_stop_finishes_the_record_in_flight(
    backend, postgres_url: str, topic, record: MakeRecord
) -> None:
    backend.start()
    connection = await asyncpg.connect(postgres_url)
    try:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("LOCK TABLE backend.book IN SHARE ROW EXCLUSIVE MODE")
        await topic.publish(record(8))
        await poll_until(lambda: _waits_for_the_lock(connection), what="the upsert waits")
        backend.process.signal(signal.SIGTERM)
        await backend_says(backend, "Signal received")
        await transaction.rollback()
        assert await asyncio.to_thread(backend.process.wait, 15) == 0
        assert await connection.fetchval("SELECT count(*) FROM backend.book") == 1
    finally:
        await connection.close()


async def test_a_stop_is_over_in_a_bounded_time_even_when_the_record_in_flight_is_not(
    backend, postgres_url: str, topic, record: MakeRecord
) -> None:
    backend.env["KAFKA_STOP_TIMEOUT"] = "1"
    backend.start()
    connection = await asyncpg.connect(postgres_url)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE backend.book IN SHARE ROW EXCLUSIVE MODE")
            await topic.publish(record(8))
            await poll_until(lambda: _waits_for_the_lock(connection), what="the upsert waits")
            backend.process.signal(signal.SIGTERM)
            assert await asyncio.to_thread(backend.process.wait, 12) == 0
    finally:
        await connection.close()
    backend.start()
    await backend.has(8)


async def _waits_for_the_lock(connection: asyncpg.Connection) -> bool:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    return await connection.fetchval(waiting) > 0


async def backend_says(backend, text: str) -> None:
    await poll_until(
        lambda: any(text in line for line in backend.process.lines), 5, what=f"a line with {text!r}"
    )


async def test_a_replica_without_the_consumer_serves_what_others_ingested(
    backend, another_backend, topic, record: MakeRecord
) -> None:
    replica = another_backend({**backend.env, "ENABLE_KAFKA_CONSUMER": "false"})
    replica.env["KAFKA_BROKER_URL"] = f"127.0.0.1:{free_port()}"
    replica.start()
    await topic.publish(record(7))
    assert await replica.sequence(7) is None
    backend.start()
    await backend.has(7)
    assert await replica.sequence(7) == 1


WORKER = ("faust", "-A", "backend.app", "worker")
MIGRATE = ("backend.migrate",)


async def run_to_end(env: dict[str, str], module: str, *arguments: str) -> tuple[int, list[str]]:
    """The exit status and the lines of a command that ends by itself."""
    command = [sys.executable, "-m", module, *arguments]
    env = {**bare_environment(os.environ), **env}
    done = await asyncio.to_thread(
        subprocess.run, command, env=env, capture_output=True, text=True, timeout=100, check=False
    )
    return done.returncode, (done.stdout + done.stderr).strip().splitlines()


async def test_a_port_in_use_is_one_line_that_says_what_to_do(backend) -> None:
    with socket.create_server(("127.0.0.1", backend.port)):
        status, (line,) = await run_to_end(backend.env, *WORKER)
    assert status != 0
    assert f"127.0.0.1:{backend.port} is in use" in line
    assert "BACKEND_PORT" in line


async def test_an_address_of_another_machine_is_one_line_that_says_what_to_do(backend) -> None:
    status, (line,) = await run_to_end({**backend.env, "BACKEND_HOST": "192.0.2.1"}, *WORKER)
    assert status != 0
    assert "192.0.2.1" in line
    assert "BACKEND_HOST" in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "mysql://user:s3cret@host/books"),
        ("KAFKA_BROKER_URL", "host:s3cret"),
        ("LOG_LEVEL", "s3cret"),
    ],
)
async def test_a_wrong_setting_is_one_line_with_its_name(backend, name: str, value: str) -> None:
    status, (line,) = await run_to_end({**backend.env, name: value}, *WORKER)
    assert status != 0
    assert name in line
    assert "s3cret" not in line


async def test_the_migrations_run_by_hand_and_the_worker_waits_for_them(
    backend, topic, record: MakeRecord
) -> None:
    backend.env["MIGRATE_AT_START"] = "false"
    backend.start(ready="/health/live")
    await poll_until(lambda: _says(backend, "backend.migrate"), what="ready names the command")
    await topic.publish(record(7))
    status, applied = await run_to_end(backend.env, *MIGRATE)
    assert status == 0
    assert [line.rpartition(" of ")[2] for line in applied] == ["backend"] * len(applied) != []
    assert await run_to_end(backend.env, *MIGRATE) == (0, [])
    await backend.has(7)


async def _says(backend, text: str) -> bool:
    return text in (await backend.get("/health/ready")).text


async def test_migrations_that_cannot_run_are_one_line(backend) -> None:
    unknown = backend.env["DATABASE_URL"].rpartition("/")[0] + "/nowhere"
    status, (line,) = await run_to_end({**backend.env, "DATABASE_URL": unknown}, *MIGRATE)
    assert status != 0
    assert "nowhere" in line


async def test_a_stop_while_kafka_is_away_is_over_in_a_bounded_time(
    backend, own_broker: Broker
) -> None:
    backend.start()
    own_broker.close()
    backend.process.signal(signal.SIGTERM)
    assert await asyncio.to_thread(backend.process.wait, 20) == 0
