"""An Apache Kafka, a database and a worker of their own, and the command line beside them."""

import datetime as dt
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import asyncpg
import pytest
from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from contracts.codec import encode
from contracts.records import (
    Book,
    BookAdded,
    BookRecord,
    BookStatus,
    key_of,
)
from embedded.native.kafka import Kafka
from embedded.ports import free_port
from embedded.postgres import Postgres
from embedded.processes import Process
from embedded.receiver import Receiver
from embedded.services import bare_environment, start_service
from embedded.testing import poll_until

TOPIC = "book_ingestion"
DLQ = "book_ingestion.dlq"


def make_record(
    book_id: int, sequence: int = 1, kind: type[BookRecord] = BookAdded, **book: Any
) -> BookRecord:
    fields = {"title": f"Book {book_id}", "author": "Jane Austen", **book}
    return kind(
        event_id=uuid.uuid4(),
        sequence=sequence,
        occurred_at=dt.datetime.now(dt.UTC),
        book=Book(id=book_id, status=BookStatus.available, **fields),
    )


class System:
    """Kafka, a database and a worker; and the command line beside them."""

    def __init__(self, kafka: Kafka, database_url: str, receiver: Receiver) -> None:
        self.kafka = kafka
        self.receiver = receiver
        self.database_url = database_url
        self.port = free_port()
        self.env = {
            **bare_environment(os.environ),
            "DATABASE_URL": database_url,
            "KAFKA_BROKER_URL": kafka.url,
            "BACKEND_PORT": str(self.port),
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }
        self.producer = Producer(
            {"bootstrap.servers": kafka.url, "partitioner": "murmur2_random", "acks": "all"}
        )
        self.worker: Process

    def start_worker(self) -> None:
        ready = f"http://127.0.0.1:{self.port}/health/ready"
        self.worker = start_service(
            "backend", ["faust", "-A", "backend.app", "worker"], self.env, ready=ready, timeout=60
        )

    def begin(
        self, *arguments: str, program: Sequence[str] = ("-m", "faust"), **options: Any
    ) -> "subprocess.Popen[str]":
        """Start a command; ``program`` is what Python runs."""
        command = [sys.executable, *program, "-A", "backend.app", *arguments]
        return subprocess.Popen(command, text=True, **{"env": self.env, **options})

    def run(
        self,
        *arguments: str,
        env: Mapping[str, str] = {},
        program: Sequence[str] = ("-m", "faust"),
        typed: str = "",
    ) -> "subprocess.CompletedProcess[str]":
        """A command's end, with what it said; nobody is there to be asked."""
        pipe = subprocess.PIPE
        streams = {"stdin": pipe, "stdout": pipe, "stderr": pipe}
        process = self.begin(*arguments, program=program, env={**self.env, **env}, **streams)
        try:
            said, complained = process.communicate(typed, timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return subprocess.CompletedProcess(process.args, process.returncode, said, complained)

    def publish(self, *records: BookRecord, headers: Any = None) -> list[tuple[int, int]]:
        return [self.send(key_of(one), encode(one), headers) for one in records]

    def send(self, key: bytes | None, value: bytes | None, headers: Any = None) -> tuple[int, int]:
        """The record's partition and offset."""
        placed: list[Message] = []
        self.producer.produce(
            TOPIC,
            value,
            key,
            headers=headers,
            on_delivery=lambda _, message: placed.append(message),
        )
        assert self.producer.flush(30) == 0
        return placed[0].partition(), placed[0].offset()

    def start_publishing(self, first: int) -> Callable[[], int]:
        """Publish books from this id on, until what is returned is called: it says the last."""
        ended = threading.Event()
        last = [first - 1]

        def publish() -> None:
            while not ended.wait(0.002):
                one = make_record(last[0] + 1)
                self.producer.produce(TOPIC, encode(one), key_of(one))
                last[0] += 1
            assert self.producer.flush(30) == 0

        thread = threading.Thread(target=publish, daemon=True)
        thread.start()

        def stop() -> int:
            ended.set()
            thread.join(60)
            return last[0]

        return stop

    def read(self, topic: str) -> list[Message]:
        """All of a topic."""
        consumer = Consumer({"bootstrap.servers": self.kafka.url, "group.id": str(uuid.uuid4())})
        try:
            partitions = consumer.list_topics(topic, 10).topics[topic].partitions
            ends = {
                p: consumer.get_watermark_offsets(TopicPartition(topic, p), 10) for p in partitions
            }
            consumer.assign([TopicPartition(topic, p, 0) for p in partitions])
            left = sum(high - low for low, high in ends.values())
            found: list[Message] = []
            while len(found) < left:
                message = consumer.poll(10)
                assert message is not None
                assert message.error() is None
                found.append(message)
            return found
        finally:
            consumer.close()

    def offsets(self) -> dict[tuple[str, int], int]:
        """The group's committed offsets."""
        admin = AdminClient({"bootstrap.servers": self.kafka.url})
        asked = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions("backend")])
        return {
            (tp.topic, tp.partition): tp.offset
            for tp in asked["backend"].result(10).topic_partitions
        }

    async def fetch(self, sql: str, *arguments: Any) -> list[dict[str, Any]]:
        connection = await asyncpg.connect(self.database_url)
        try:
            return [dict(row) for row in await connection.fetch(sql, *arguments)]
        finally:
            await connection.close()

    async def book(self, book_id: int) -> dict[str, Any] | None:
        rows = await self.fetch("SELECT * FROM backend.book WHERE book_id = $1", book_id)
        return rows[0] if rows else None

    async def has(self, book_id: int, sequence: int = 1) -> None:
        async def there() -> bool:
            book = await self.book(book_id)
            return book is not None and book["sequence"] == sequence

        await poll_until(there, 30, what=f"book {book_id} at its change {sequence}")

    async def settled(self) -> dict[tuple[str, int], int]:
        """The committed offsets, once everything is processed and committed."""
        ends: dict[tuple[str, int], int] = {}
        consumer = Consumer({"bootstrap.servers": self.kafka.url, "group.id": str(uuid.uuid4())})
        try:
            for topic in (TOPIC, DLQ):
                for p in range(4):
                    ends[topic, p] = consumer.get_watermark_offsets(TopicPartition(topic, p), 10)[1]
        finally:
            consumer.close()

        def all_committed() -> bool:
            committed = self.offsets()
            return all(end == 0 or committed.get(tp, 0) == end for tp, end in ends.items())

        await poll_until(all_committed, 30, what="all is committed")
        return self.offsets()

    async def letter(self, place: tuple[int, int]) -> dict[str, Any]:
        """The row of the dead letter whose origin this is, once there is one."""
        letter_id = f"{TOPIC}/{place[0]}/{place[1]}"

        async def there() -> list[dict[str, Any]]:
            return await self.fetch("SELECT * FROM backend.dead_letter WHERE id = $1", letter_id)

        (row,) = await poll_until(there, 30, what=f"the dead letter {letter_id}")
        return row


@pytest.fixture
def record() -> Callable[..., BookRecord]:
    """A function that makes a record: ``record(book_id, sequence, kind, title=…)``."""
    return make_record


@pytest.fixture
def headers_for() -> Callable[[str], list[tuple[str, bytes]]]:
    """A function that makes headers as a sender of this trace would, and one that is no text."""

    def make(trace: str) -> list[tuple[str, bytes]]:
        return [("traceparent", f"00-{trace}-b7ad6b7169203331-01".encode()), ("x", b"\xff")]

    return make


@pytest.fixture(scope="package")
def system(postgres_server: Postgres, receiver_process: Receiver) -> Iterator[System]:
    name = f"operator_{os.getpid()}"
    url = postgres_server.create_database(name)
    with Kafka() as kafka:
        made = System(kafka, url, receiver_process)
        made.start_worker()
        yield made
        made.worker.stop()
    postgres_server.drop_database(name)
