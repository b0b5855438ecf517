"""The embedded PostgreSQL and Kafka broker are the real thing, under faults as well."""

import asyncio

import asyncpg
import psutil
import pytest
from confluent_kafka import Consumer, Producer

from embedded.broker import Broker
from embedded.ports import accepts, free_port
from embedded.postgres import Postgres
from embedded.processes import StartError


@pytest.fixture(scope="module")
def server():
    with Postgres(fsync=False) as postgres:
        yield postgres


async def test_a_database_is_reached_by_its_url(postgres_url):
    connection = await asyncpg.connect(postgres_url)
    assert (await connection.fetchval("SHOW server_version")).startswith("18.")
    assert await connection.fetchval("SHOW server_encoding") == "UTF8"
    assert await connection.fetch("SELECT * FROM pg_tables WHERE schemaname = 'public'") == []
    await connection.close()


async def test_a_password_is_needed(server):
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(
            host="127.0.0.1", port=server.port, user="postgres", password="guess", ssl=False
        )


@pytest.mark.parametrize("fault", ["kill", "stop"])
def test_what_was_committed_survives(server, fault):
    server.execute(f"CREATE TABLE kept_{fault} AS SELECT 42 AS answer")
    getattr(server, fault)()
    assert not accepts(server.port)
    server.start()
    assert server.execute(f"SELECT answer FROM kept_{fault}") == "42"


async def test_a_paused_server_answers_when_resumed(server):
    connection = await asyncpg.connect(server.url())
    server.pause()
    query = asyncio.ensure_future(connection.fetchval("SELECT 1"))
    done, _ = await asyncio.wait([query], timeout=0.3)
    assert not done
    server.resume()
    assert await asyncio.wait_for(query, 5) == 1
    await connection.close()


def test_close_leaves_no_process_and_no_data():
    postgres = Postgres(fsync=False)
    family = postgres._family()
    postgres.close()
    assert not psutil.wait_procs(family, timeout=5)[1]
    assert not postgres._directory.exists()


def test_a_port_in_use_is_one_line(server):
    with pytest.raises(StartError, match=rf"^Port {server.port} for PostgreSQL is in use"):
        Postgres(server.port)


def test_a_given_port_is_taken():
    port = free_port()
    with Postgres(port, fsync=False) as postgres:
        assert f"127.0.0.1:{port}/" in postgres.url()


def test_a_setting_that_postgres_refuses_is_one_line():
    with pytest.raises(StartError, match=r"^PostgreSQL ended at its start: .*nonsense") as raised:
        Postgres(settings={"nonsense": "1"})
    assert "\n" not in str(raised.value)


def test_topics_are_made_with_four_partitions():
    with Broker(["some_topic"]) as broker:
        metadata = Producer({"bootstrap.servers": broker.url}).list_topics(timeout=10)
        assert len(metadata.topics["some_topic"].partitions) == 4


def test_a_record_goes_through_the_broker(broker_url):
    producer = Producer({"bootstrap.servers": broker_url})
    producer.produce("through", b"value", b"key", headers=[("name", b"header")])
    assert producer.flush(10) == 0
    consumer = Consumer(
        {"bootstrap.servers": broker_url, "group.id": "g", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe(["through"])
    message = consumer.poll(20)
    assert (message.key(), message.value()) == (b"key", b"value")
    assert message.headers() == [("name", b"header")]
    consumer.close()
