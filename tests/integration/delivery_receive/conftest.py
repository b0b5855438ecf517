"""A topic of the test's own on the embedded broker, and a receiving application in this process."""

import asyncio
import itertools
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import faust
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka import Message as Read
from faust.types import Message

from delivery.application import App, create_app
from delivery.dead_letters.story import DeadLetter, original_headers, read_story
from delivery.kafka.settings import KafkaSettings
from delivery.receiving import Agent, RetryPolicy, Stream
from delivery.topics.description import TopicDescription, dead_letters_of

_numbers = itertools.count(1)
PARTITIONS = 4  # the embedded broker's


class JsonSchema(faust.Schema):  # type: ignore[type-arg]
    """Any JSON; raises on anything else, as a careless schema would."""

    def loads_value(self, app: Any, message: Any, **_: Any) -> Any:
        return json.loads(message.value)


Body = Callable[[Stream[Any]], Any]


def each(handler: Callable[[Any, Message], Awaitable[None]]) -> Body:
    """An agent's body that gives this its records one by one, with their messages."""

    async def body(records: Stream[Any]) -> None:
        async for event in records.events():
            await handler(event.value, event.message)

    return body


class Lab:
    """One topic, one group; records are sent and dead letters read with another client."""

    def __init__(self, url: str) -> None:
        name = f"receive-{os.getpid()}-{next(_numbers)}"
        self.url = url
        self.topic: TopicDescription[Any] = TopicDescription(
            name=name,
            schema=JsonSchema(),
            partitions=PARTITIONS,
            dead_letter=dead_letters_of(name, PARTITIONS),
        )
        # Long enough for records sent in one go to be fetched in one go: the embedded broker
        # answers with one set of records as it came.
        self._producer = Producer({"bootstrap.servers": url, "linger.ms": 1000})
        # Records of a topic that it does not know yet it sends in bits, as soon as it does.
        self._producer.list_topics(name, 10)
        self._apps: list[App] = []

    each = staticmethod(each)

    def app(
        self, body: Body, *, settings: Mapping[str, Any] | None = None, **options: Any
    ) -> tuple[App, Agent[Any]]:
        """An application with an agent on the topic, not started. Retries are quick in tests."""
        kafka = KafkaSettings(kafka_broker_url=self.url, **(settings or {}))
        app = create_app(self.topic.name, kafka)
        options.setdefault("policy", RetryPolicy(first_pause=0.01, longest_pause=0.05))
        agent = app.agent(app.topic(self.topic), name="under_test", **options)(body)
        self._apps.append(app)
        return app, agent

    async def stop(self) -> None:
        for app in self._apps:
            await app.stop()

    def send(
        self,
        *values: Any,
        partition: int = 0,
        key: bytes | None = b"1",
        headers: Any = None,
    ) -> None:
        """Send records, in one go; what is not bytes or None goes as JSON."""
        for value in values:
            ready = value is None or isinstance(value, bytes)
            raw = value if ready else json.dumps(value).encode()
            self._producer.produce(self.topic.name, raw, key, partition, headers=headers)
        assert self._producer.flush(10) == 0

    async def dead_letters(self, count: int, seconds: float = 10) -> list[Read]:
        """The first dead letters of all partitions, at most ``count``, in no order."""
        return await asyncio.to_thread(self._dead_letters, count, seconds)

    def _dead_letters(self, count: int, seconds: float) -> list[Read]:
        assert self.topic.dead_letter is not None
        consumer = Consumer({"bootstrap.servers": self.url, "group.id": "reader"})
        found: list[Read] = []
        try:
            name = self.topic.dead_letter.name
            consumer.assign([TopicPartition(name, p, 0) for p in range(PARTITIONS)])
            deadline = time.monotonic() + seconds
            while len(found) < count and time.monotonic() < deadline:
                message = consumer.poll(0.2)
                if message is not None and message.error() is None:
                    found.append(message)
        finally:
            consumer.close()
        return found

    async def committed(self, partition: int = 0) -> int:
        """The group's committed offset, -1001 (librdkafka's "none") before the first commit."""
        return await asyncio.to_thread(self._committed, partition)

    def _committed(self, partition: int) -> int:
        consumer = Consumer({"bootstrap.servers": self.url, "group.id": self.topic.name})
        try:
            (found,) = consumer.committed([TopicPartition(self.topic.name, partition)], 10)
            return int(found.offset)
        finally:
            consumer.close()

    @staticmethod
    def story(message: Read) -> DeadLetter:
        return read_story(message.headers() or [])

    @staticmethod
    def kept_headers(message: Read) -> list[tuple[str, bytes | None]]:
        return list(original_headers(message.headers() or []))


@pytest.fixture
async def lab(broker_url: str) -> AsyncIterator[Lab]:
    made = Lab(broker_url)
    yield made
    await made.stop()
