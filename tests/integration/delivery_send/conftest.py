"""A migrated database with an outbox, relays on it, and a reader for what arrived on a topic."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from delivery.application import create_app
from delivery.kafka.settings import KafkaSettings
from delivery.postgres import Engine, close_pool, create_engine, migrate, open_pool
from delivery.sending.outbox import Outbox
from delivery.sending.relay import Relay
from delivery.topics import BytesSchema, TopicDescription

OUTBOX_APP = "delivery.sending.outbox_app.piccolo_app"


@pytest.fixture
async def engine(postgres_url: str) -> AsyncIterator[Engine]:
    """An engine with a pool, on an empty database with the outbox's tables."""
    engine = create_engine(postgres_url)
    await migrate(engine, [OUTBOX_APP])
    await open_pool(engine)
    yield engine
    await close_pool(engine)


@pytest.fixture
async def sql(postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the test's own."""
    connection = await asyncpg.connect(postgres_url)
    yield connection
    connection.terminate()


@pytest.fixture
def topic() -> str:
    return f"sent-{uuid.uuid4().hex[:8]}"


def described(topic: str) -> TopicDescription[bytes | None]:
    """A topic of this name, of any bytes."""
    return TopicDescription(name=topic, schema=BytesSchema())


MakeRelay = Callable[[str], Relay]


@pytest.fixture
async def make_relay(engine: Engine) -> AsyncIterator[MakeRelay]:
    """Makes relays that publish to the broker at the address; stopped when the test ends."""
    relays: list[Relay] = []

    def make(broker_url: str) -> Relay:
        kafka = KafkaSettings(kafka_broker_url=broker_url)
        relay = Relay(engine, create_app("sender", kafka, producer_only=True))
        relays.append(relay)
        return relay

    yield make
    for relay in relays:
        await relay.stop(1.0)


Add = Callable[..., Awaitable[None]]


@pytest.fixture
def add(engine: Engine, topic: str) -> Add:
    """Adds (key, value) pairs to the outbox, each pair in a transaction of its own."""

    async def add(*records: tuple[bytes, bytes]) -> None:
        outbox = Outbox(engine)
        for key, value in records:
            async with engine.transaction():
                await outbox.add(described(topic), value, key=key)

    return add


@pytest.fixture
def read_topic(topic: str, broker_url: str) -> Callable[..., Awaitable[list[ConsumerRecord]]]:
    """Reads a topic from its beginning until nothing comes for a moment, or enough has come."""

    async def read(
        at_least: int = 0, *, url: str = broker_url, name: str = topic
    ) -> list[ConsumerRecord]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=url, auto_offset_reset="earliest", enable_auto_commit=False
        )
        await consumer.start()
        records: list[ConsumerRecord] = []
        try:
            partitions = None
            while not partitions:
                await consumer._client.force_metadata_update()
                consumer._client.add_topic(name)
                partitions = consumer.partitions_for_topic(name)
            consumer.assign([TopicPartition(name, number) for number in sorted(partitions)])
            await consumer.seek_to_beginning()
            while True:
                page = await consumer.getmany(timeout_ms=8000 if len(records) < at_least else 500)
                if not page:
                    return records
                for some in page.values():
                    records.extend(some)
        finally:
            await consumer.stop()

    return read
