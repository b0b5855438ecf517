"""What the pump does when sending fails, against a producer that fails as Kafka's does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest
from aiokafka.errors import MessageSizeTooLargeError, NotEnoughReplicasError
from aiokafka.errors import OutOfOrderSequenceNumber as SequenceError
from aiokafka.structs import RecordMetadata, TopicPartition

from delivery.postgres import Engine
from delivery.sending import pump as pump_module
from delivery.sending.lease import Lease, LeaseLostError
from delivery.sending.publisher import HopelessError
from delivery.sending.pump import MAX_IN_FLIGHT, Pump
from delivery.sending.queue import Row
from embedded.waiting import poll_until

Judge = Callable[[Row], BaseException | None]


class FakeProducer:
    """Answers in batches, as a broker does: one record that it refuses fails its whole batch, and
    after a failure nothing is taken any more, until it is opened again. `log` is the topic."""

    reason = None

    def __init__(self, judge: Judge = lambda _: None, batch: int = 7) -> None:
        self.judge, self.batch = judge, batch
        self.log: list[tuple[bytes, bytes]] = []
        self.opened = 0
        self.most_waiting = 0
        self.silent = False
        self._waiting: list[tuple[Row, asyncio.Future[RecordMetadata]]] = []
        self._broken = False

    async def open(self) -> None:
        self.opened += 1
        self._waiting, self._broken = [], False

    async def abandon(self) -> None:
        self._waiting = []

    async def send(self, row: Row, headers: object) -> asyncio.Future[RecordMetadata]:
        if row.topic == "no such topic":
            raise HopelessError("no topic can have this name")
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((row, future))
        self.most_waiting = max(self.most_waiting, len(self._waiting))
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_later(0.002, self._answer)
        return future

    def _answer(self) -> None:
        if self.silent:
            return
        batch, self._waiting = self._waiting[: self.batch], self._waiting[self.batch :]
        errors = [error for row, _ in batch if (error := self.judge(row))]
        if self._broken:
            errors = [SequenceError()]
        self._broken = bool(errors)
        for row, future in batch:
            if errors:
                future.set_exception(errors[0])
            else:
                self.log.append((row.key, row.value))
                partition = TopicPartition(row.topic, 0)
                future.set_result(RecordMetadata(row.topic, 0, partition, len(self.log), 0, 0, 0))
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._answer)


@pytest.fixture
def lease() -> Lease:
    lease = Lease("outbox", "me")
    lease._deadline = float("inf")
    return lease


Start = Callable[[FakeProducer], Pump]


@pytest.fixture
async def start(engine: Engine, lease: Lease) -> AsyncIterator[Start]:
    """Starts a pump with a producer; its task is `.task`."""
    tasks: list[asyncio.Task[None]] = []

    def start(producer: FakeProducer) -> Pump:
        pump = Pump(engine.pool, producer, lease, asyncio.Event())
        pump.task = asyncio.create_task(pump.run())
        tasks.append(pump.task)
        return pump

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def fill(sql: asyncpg.Connection) -> Callable[..., Awaitable[None]]:
    """Puts so many rows into the outbox, with a few keys; the value is the row's number."""

    async def fill(number: int, topic: str = "t") -> None:
        await sql.execute(
            "INSERT INTO outbox (topic, key, value) SELECT $2, (i % 5)::text::bytea,"
            " i::text::bytea FROM generate_series(1, $1::int) i",
            number,
            topic,
        )

    return fill


def drained(sql: asyncpg.Connection) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return await sql.fetchval("SELECT NOT EXISTS (SELECT FROM outbox WHERE parked_at IS NULL)")

    return check


def in_order(log: list[tuple[bytes, bytes]]) -> bool:
    """Whether what came first of each record, by key, came in the order of the outbox."""
    first = list(dict.fromkeys(log))
    return all(
        (numbers := [int(value) for k, value in first if k == key]) == sorted(numbers)
        for key in {k for k, _ in first}
    )


async def test_everything_is_sent_once_and_in_order(start, fill, sql) -> None:
    await fill(5000)
    producer = FakeProducer(batch=100)
    start(producer)
    await poll_until(drained(sql))
    assert len(producer.log) == 5000
    assert in_order(producer.log)


async def test_no_more_than_the_limit_is_held(start, fill) -> None:
    await fill(MAX_IN_FLIGHT * 2)
    producer = FakeProducer()
    producer.silent = True
    start(producer)
    await poll_until(lambda: producer.most_waiting == MAX_IN_FLIGHT)
    await asyncio.sleep(0.1)
    assert producer.most_waiting == MAX_IN_FLIGHT


async def test_a_failure_that_passes_keeps_rows_and_order(start, fill, sql) -> None:
    await fill(300)
    failures = iter([None] * 40 + [NotEnoughReplicasError()] + [None] * 30 + [SequenceError()])
    producer = FakeProducer(lambda _: next(failures, None))
    pump = start(producer)
    await poll_until(lambda: pump.waiting, what="a reason")
    assert "NotEnoughReplicas" in pump.waiting
    await poll_until(drained(sql))
    assert in_order(producer.log)
    assert {int(value) for _, value in producer.log} == set(range(1, 301))
    assert pump.waiting is None


async def test_of_a_refused_batch_only_the_culprits_are_parked(start, fill, sql, caplog) -> None:
    await fill(60)
    culprits = {b"17", b"18", b"40"}
    producer = FakeProducer(
        lambda row: MessageSizeTooLargeError() if row.value in culprits else None
    )
    start(producer)
    await poll_until(drained(sql))
    parked = await sql.fetch("SELECT value, error FROM outbox")
    assert {row["value"] for row in parked} == culprits
    assert all("MessageSizeTooLarge" in row["error"] for row in parked)
    assert {value for _, value in producer.log} | culprits == {b"%d" % i for i in range(1, 61)}
    assert in_order(producer.log)
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 3


async def test_a_parked_row_is_sent_when_an_operator_says_so(start, fill, sql) -> None:
    await fill(1, topic="no such topic")
    await fill(3)
    producer = FakeProducer()
    start(producer)
    await poll_until(drained(sql))
    assert len(producer.log) == 3
    await sql.execute("UPDATE outbox SET parked_at = NULL, error = NULL, topic = 't'")
    await poll_until(drained(sql))
    assert len(producer.log) == 4


async def test_a_producer_that_gets_no_answers_is_replaced(start, fill, sql, monkeypatch) -> None:
    monkeypatch.setattr(pump_module, "STALL", 1.0)
    monkeypatch.setattr(pump_module, "SLOW", 0.3)
    await fill(20)
    producer = FakeProducer()
    producer.silent = True
    pump = start(producer)
    await poll_until(lambda: pump.waiting)
    assert "acknowledged nothing" in pump.waiting
    await poll_until(lambda: producer.opened > 1)
    producer.silent = False
    await poll_until(drained(sql))
    assert in_order(producer.log)


async def test_nothing_is_sent_without_the_lease(start, fill, sql, lease) -> None:
    producer = FakeProducer()
    pump = start(producer)
    await poll_until(lambda: pump.sending)
    lease._deadline = 0.0
    await fill(3)
    with pytest.raises(LeaseLostError):
        await asyncio.wait_for(pump.task, 5)
    assert producer.log == []


async def test_a_row_outlives_a_send_that_was_not_acknowledged(start, fill, sql) -> None:
    await fill(5)
    producer = FakeProducer()
    producer.silent = True
    pump = start(producer)
    await poll_until(lambda: producer.most_waiting == 5)
    pump.task.cancel()
    await asyncio.gather(pump.task, return_exceptions=True)
    assert await sql.fetchval("SELECT count(*) FROM outbox") == 5


async def test_a_stop_waits_for_what_is_in_flight(start, fill, sql) -> None:
    await fill(200)
    producer = FakeProducer(batch=20)
    pump = start(producer)
    await poll_until(lambda: producer.log)
    pump.stop()
    await asyncio.wait_for(pump.task, 5)
    left = await sql.fetchval("SELECT count(*) FROM outbox")
    assert len(producer.log) + left == 200
