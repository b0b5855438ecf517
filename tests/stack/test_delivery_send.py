"""The relay on an Apache Kafka that is away, refuses, hangs and dies."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from delivery.application import create_app
from delivery.kafka.settings import KafkaSettings
from delivery.postgres import Engine, close_pool, create_engine, migrate, open_pool
from delivery.sending import pump
from delivery.sending.outbox import Outbox
from delivery.sending.relay import Relay
from delivery.topics import RecordSchema, TopicDescription
from embedded.native.kafka import Kafka
from embedded.waiting import poll_until

Sent = list[tuple[bytes, bytes]]


class Pairs(RecordSchema[tuple[bytes, bytes]]):
    """Records that are a key and a value, as bytes."""

    def encode(self, record: tuple[bytes, bytes]) -> bytes:
        return record[1]

    def key_of(self, record: tuple[bytes, bytes]) -> bytes:
        return record[0]


Declared = TopicDescription[tuple[bytes, bytes]]


def declared(name: str) -> Declared:
    return Declared(name=name, schema=Pairs(), config={"max.message.bytes": "100000"})


@pytest.fixture
def topic() -> Declared:
    return declared(f"sent-{uuid.uuid4().hex[:8]}")


@pytest.fixture
async def engine(postgres_url: str) -> AsyncIterator[Engine]:
    engine = create_engine(postgres_url)
    await migrate(engine, ["delivery.sending.outbox_app.piccolo_app"])
    await open_pool(engine)
    yield engine
    await close_pool(engine)


@pytest.fixture
async def relay(engine: Engine, kafka_url: str, topic: Declared) -> AsyncIterator[Relay]:
    settings = KafkaSettings(kafka_broker_url=kafka_url)
    relay = Relay(engine, create_app("sender", settings, producer_only=True, topics=[topic]))
    yield relay
    await relay.stop(1.0)


@pytest.fixture
async def left(postgres_url: str) -> AsyncIterator[Callable[[], Awaitable[int]]]:
    """How many rows wait; parked ones do not."""
    connection = await asyncpg.connect(postgres_url)

    async def left() -> int:
        return await connection.fetchval("SELECT count(*) FROM outbox WHERE parked_at IS NULL")

    yield left
    connection.terminate()


async def add(engine: Engine, topic: Declared, records: Sent) -> None:
    async with engine.transaction():
        await Outbox(engine).add_many(topic, records)


async def read(kafka_url: str, topic: Declared) -> Sent:
    """Everything on the topic, partition by partition in order."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka_url, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(partitions)
        records: Sent = []
        for partition, end in ends.items():
            while await consumer.position(partition) < end:
                page = await consumer.getmany(partition, timeout_ms=1000)
                records += [(r.key, r.value) for some in page.values() for r in some]
        return records
    finally:
        await consumer.stop()


def numbered(count: int) -> Sent:
    return [(b"%d" % (i % 50), b"%d" % i) for i in range(count)]


def assert_whole_and_in_order(arrived: Sent, written: Sent) -> None:
    """Nothing is missing; by key, what came first and what stands last are as written."""
    assert set(arrived) == set(written)
    for key in {key for key, _ in written}:
        mine = [int(value) for k, value in written if k == key]
        theirs = [int(value) for k, value in arrived if k == key]
        assert list(dict.fromkeys(theirs)) == mine
        assert theirs[-1] == mine[-1]


async def test_it_starts_without_kafka_and_catches_up(
    relay: Relay, engine: Engine, kafka: Kafka, topic: Declared, left
) -> None:
    kafka.stop()
    try:
        await relay.start()
        await add(engine, topic, numbered(1000))
        await poll_until(lambda: relay.status.state == "waiting for Kafka")
        assert relay.status.reason
    finally:
        kafka.start()
    await poll_until(lambda: _none(left), 30)
    assert_whole_and_in_order(await read(kafka.url, topic), numbered(1000))
    assert relay.status.state == "active"


@pytest.mark.parametrize("fault", ["restart", "kill", "suspend"])
async def test_a_fault_of_kafka_in_the_middle_loses_and_reorders_nothing(
    fault: str, relay: Relay, engine: Engine, kafka: Kafka, topic: Declared, left, monkeypatch
) -> None:
    monkeypatch.setattr(pump, "STALL", 5.0)
    written = numbered(30_000)
    await add(engine, topic, written)
    await relay.start()
    await poll_until(lambda: _fewer(left, 25_000), 30)
    if fault == "restart":
        kafka.restart()
    elif fault == "kill":
        kafka.kill()
        kafka.start()
    else:
        kafka.suspend()
        await poll_until(lambda: relay.status.state == "waiting for Kafka")
        await asyncio.sleep(3)  # past the stall: the producer is given up with all it holds
        kafka.resume()
    assert await left() > 0, "the fault came too late"
    await poll_until(lambda: _none(left), 60)
    assert_whole_and_in_order(await read(kafka.url, topic), written)


async def test_a_record_that_kafka_refuses_is_parked_and_stops_nobody(
    relay: Relay, engine: Engine, kafka: Kafka, topic: Declared, left, postgres_url: str
) -> None:
    written = numbered(500)
    await add(engine, topic, [*written[:250], (b"1", b"x" * 200_000), *written[250:]])
    await add(engine, declared("nobody-declared-this"), [(b"1", b"x"), (b"2", b"x")])
    await relay.start()
    await poll_until(lambda: _none(left), 30)
    assert_whole_and_in_order(await read(kafka.url, topic), written)
    connection = await asyncpg.connect(postgres_url)
    errors = [
        row["error"] for row in await connection.fetch("SELECT error FROM outbox ORDER BY id")
    ]
    connection.terminate()
    assert [error.split(":")[0] for error in errors] == [
        "MessageSizeTooLargeError",
        "HopelessError",
        "HopelessError",
    ]


async def _none(left: Callable[[], Awaitable[int]]) -> bool:
    return await left() == 0


async def _fewer(left: Callable[[], Awaitable[int]], number: int) -> bool:
    return await left() < number
