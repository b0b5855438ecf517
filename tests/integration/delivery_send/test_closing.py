"""Whoever is cancelled while a client of Kafka starts, sends or closes ends, and leaves nothing."""

import asyncio
import contextlib
import gc
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import create_conn
from aiokafka.errors import KafkaError, UnknownError

from delivery.application import create_app
from delivery.kafka import closing
from delivery.kafka.settings import KafkaSettings
from delivery.sending.publisher import Publisher
from delivery.sending.queue import Row
from delivery.topics import BytesSchema, TopicDescription

# A warning that is an error would end the destructor before it has complained to the event loop.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

Complaints = list[dict[str, Any]]


@pytest.fixture
async def complaints() -> AsyncIterator[Complaints]:
    """What the event loop would log as an error: clients, connections and tasks left behind."""
    found: Complaints = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: found.append(context))
    yield found
    loop.set_exception_handler(None)


@pytest.fixture
def publisher(broker_url: str, topic: str) -> Publisher:
    declared = TopicDescription(name=topic, schema=BytesSchema())
    kafka = KafkaSettings(kafka_broker_url=broker_url)
    return Publisher(create_app("sender", kafka, producer_only=True, topics=[declared]))


async def all_is_collected() -> None:
    for _ in range(2):
        gc.collect()
        await asyncio.sleep(0.01)


async def cancel_at_any_moment(live: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Live so once, then cancelled at 60 moments; a life that goes on then fails the test."""
    loop = asyncio.get_running_loop()
    await live()
    began = loop.time()
    await live()
    whole = loop.time() - began
    for _ in range(60):
        living = asyncio.create_task(live())
        await asyncio.sleep(whole * random.random())
        living.cancel()
        _, late = await asyncio.wait({living}, timeout=30)
        assert not late
        with contextlib.suppress(asyncio.CancelledError):
            await living
        del living
    await all_is_collected()


Life = Callable[[Publisher, Row], Awaitable[None]]


async def opens(publisher: Publisher, _: Row) -> None:
    await publisher.open()


async def opens_and_sends(publisher: Publisher, row: Row) -> None:
    await publisher.open()
    for _ in range(20):
        answer = await publisher.send(row, [])
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.sleep(0.0005)


@pytest.mark.parametrize("life", [opens, opens_and_sends])
async def test_cancelled_at_any_moment_it_ends_and_leaves_nothing(
    publisher: Publisher, topic: str, complaints: Complaints, life: Life
) -> None:
    row = Row(1, topic, b"k", b"v", None)

    async def live() -> None:
        try:
            await life(publisher, row)
        finally:
            await publisher.abandon()

    await cancel_at_any_moment(live)
    assert complaints == []


async def test_a_consumer_that_is_cancelled_while_it_starts_leaves_nothing(
    broker_url: str, topic: str, complaints: Complaints
) -> None:
    async def live() -> None:
        consumer = AIOKafkaConsumer(bootstrap_servers=broker_url, group_id=topic)
        await closing.start_whole(consumer)
        await closing.close_whole(consumer.stop())

    await cancel_at_any_moment(live)
    assert complaints == []


async def test_a_connection_that_is_made_while_it_is_given_up_is_closed(
    publisher: Publisher, topic: str, complaints: Complaints
) -> None:
    row = Row(1, topic, b"k", b"v", None)
    for turns in range(12):
        await publisher.open()
        await (await publisher.send(row, []))
        connections = publisher._producer._producer.client._conns
        for connection in connections.values():
            await connection.close()
        answer = await publisher.send(row, [])
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())
        for _ in range(turns):
            await asyncio.sleep(0)
        await publisher.abandon()
        assert not [one for one in connections.values() if one.connected()], turns
    await all_is_collected()
    assert complaints == []


@pytest.mark.parametrize(
    ("client", "last", "error"),
    [
        (AIOKafkaAdminClient, "list_topics", None),
        # What it would be tried again for.
        (AIOKafkaAdminClient, "list_topics", UnknownError()),
        (AIOKafkaProducer, "start", UnknownError()),
    ],
)
async def test_a_cancellation_while_a_client_closes_is_not_lost(
    publisher: Publisher,
    monkeypatch: pytest.MonkeyPatch,
    client: type[Any],
    last: str,
    error: KafkaError | None,
) -> None:
    does_last, closes = getattr(client, last), AIOKafkaClient.close
    ends: AIOKafkaClient | None = None

    async def does_and_fails(self: Any) -> Any:
        nonlocal ends
        ends = ends or (self._client if client is AIOKafkaAdminClient else self.client)
        done = await does_last(self)
        if error is not None:
            raise error
        return done

    async def closes_and_is_cancelled(self: AIOKafkaClient) -> None:
        if self is ends:
            asyncio.get_running_loop().call_soon(opening.cancel)
        await closes(self)

    monkeypatch.setattr(client, last, does_and_fails)
    monkeypatch.setattr(AIOKafkaClient, "close", closes_and_is_cancelled)
    opening = asyncio.create_task(publisher.open())
    await asyncio.wait({opening}, timeout=5)
    was_cancelled = opening.cancelled()
    opening.cancel()
    await asyncio.wait({opening})
    await publisher.abandon()
    assert was_cancelled


async def test_a_connection_that_a_client_keeps_is_still_an_error_when_nobody_closes_it(
    publisher: Publisher, broker_url: str, complaints: Complaints
) -> None:
    host, _, port = broker_url.rpartition(":")
    kept = await create_conn(host, int(port), on_close=lambda *_: None)
    with pytest.warns(ResourceWarning, match="Unclosed AIOKafkaConnection"):
        del kept
    assert [each["message"] for each in complaints] == ["Unclosed AIOKafkaConnection"]


@pytest.mark.parametrize(
    ("takes", "cancelled", "ends"),
    [(0.05, 1, "closed"), (60.0, 1, "cut off"), (60.0, 2, "cut off")],
)
async def test_what_closes_is_awaited_and_the_cancellation_comes_then(
    monkeypatch: pytest.MonkeyPatch, takes: float, cancelled: int, ends: str
) -> None:
    monkeypatch.setattr(closing, "GRACE", 0.5 if cancelled == 1 else 60.0)
    ended = []

    async def close() -> None:
        try:
            await asyncio.sleep(takes)
            ended.append("closed")
        except asyncio.CancelledError:
            ended.append("cut off")
            raise

    task = asyncio.create_task(closing.close_whole(close()))
    for _ in range(cancelled):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
    await asyncio.wait({task}, timeout=30)
    await asyncio.sleep(0)
    assert task.cancelled()
    assert ended == [ends]


@pytest.mark.parametrize("cancelled", [False, True])
async def test_the_error_of_what_closes_is_raised_or_else_the_cancellation(
    complaints: Complaints, cancelled: bool
) -> None:
    async def close() -> None:
        await asyncio.sleep(0.01)
        raise KafkaError("at the end")

    task = asyncio.create_task(closing.close_whole(close()))
    await asyncio.sleep(0)
    if cancelled:
        task.cancel()
    await asyncio.wait({task})
    assert task.cancelled() if cancelled else isinstance(task.exception(), KafkaError)
    del task
    await all_is_collected()
    assert complaints == []
