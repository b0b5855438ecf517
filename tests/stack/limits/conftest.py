"""The whole system on a Kafka of these tests' own, which they fill, stop and starve."""

import contextlib
import json
import os
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

from embedded.native.kafka import Kafka
from embedded.services import bare_environment
from embedded.stack import DATABASE, Stack, StackSettings
from embedded.waiting import wait_until

TOPIC = "book_ingestion"
DEAD_LETTERS = "book_ingestion.dlq"
WITHIN = 120.0
"""Seconds; far more than it takes, for a machine that is busy."""


class Books:
    """The running system as its users and its operators see it."""

    def __init__(self, stack: Stack, broker: Kafka) -> None:
        self.stack = stack
        self.broker = broker
        self._http = httpx.Client(timeout=30, trust_env=False)

    def close(self) -> None:
        self._http.close()

    # -- its users

    def add(self, number: int) -> list[int]:
        """Add so many books; their ids."""
        body = [{"title": f"Book {n}", "author": "Anna Seghers"} for n in range(number)]
        answer = self.post("/books/bulk_add", body)
        assert answer.status_code == 201, answer.text
        ids: list[int] = answer.json()
        return ids

    def try_to_add(self) -> tuple[httpx.Response, float]:
        """Add a book if that goes; the answer, and after how many seconds it came."""
        began = time.monotonic()
        answer = self.post("/books/add", {"title": "T", "author": "A"})
        return answer, time.monotonic() - began

    def post(self, path: str, body: object) -> httpx.Response:
        """Whatever the answer."""
        return self._http.post(f"{self.stack.bookapp_url}{path}", json=body)

    def ingested(self, ids: list[int]) -> int:
        """How many of these books backend has."""
        query = {"ids": ",".join(map(str, ids))}
        answer = self._http.get(f"{self.stack.backend_url}/books", params=query)
        return len(answer.json()) if answer.status_code == 200 else 0

    def wait_ingested(self, ids: list[int], within: float = WITHIN) -> None:
        wait_until(lambda: self.ingested(ids) == len(ids), within, what="the ingestion")

    # -- its operators

    def unready(self) -> dict[str, str]:
        """What backend says it lacks, by part; empty when it is ready."""
        answer = self._http.get(f"{self.stack.backend_url}/health/ready")
        if answer.status_code == 200:
            return {}
        return {error["field"]: error["reason"] for error in answer.json()["errors"]}

    def bookapp_is_ready(self) -> bool:
        return self._http.get(f"{self.stack.bookapp_url}/health/ready").status_code == 200

    def sql(self, statement: str) -> str:
        return self.stack.postgres.execute(statement, DATABASE)

    def metric(self, name: str, **attributes: str) -> float | None:
        """The latest value of backend's metric; None when there is none yet."""
        assert self.stack.receiver is not None
        points = self.stack.receiver.metrics(service="backend", name=name)
        wanted = attributes.items()
        values = [point.value for point in points if wanted <= point.attributes.items()]
        return max((value for value in values if value is not None), default=None)

    def logged(self, text: str) -> bool:
        """Whether an error of backend's with this text has been received."""
        assert self.stack.receiver is not None
        found = self.stack.receiver.logs(service="backend")
        return any(text in log.message for log in found)

    def assignments(self) -> int:
        """How often the worker has been given partitions so far."""
        return sum("partitions: " in line for line in self.stack.backend.lines)

    # -- other clients of the topic

    def publish(self, *records: tuple[bytes | None, bytes | None]) -> None:
        """Send (key, value) pairs; waits for the broker's answers."""
        producer = Producer({"bootstrap.servers": self.broker.url})
        for key, value in records:
            producer.produce(TOPIC, value, key)
        assert producer.flush(60) == 0

    def dead_letters(self) -> int:
        """How many there are."""
        return sum(self._ends(DEAD_LETTERS).values())

    def read(self, topic: str) -> list[Message]:
        """Everything on a topic, partition by partition."""
        ends = self._ends(topic)
        found: list[Message] = []
        consumer = self._consumer()
        try:
            consumer.assign([TopicPartition(topic, partition, 0) for partition in ends])
            deadline = time.monotonic() + WITHIN
            while len(found) < sum(ends.values()) and time.monotonic() < deadline:
                found += [m for m in consumer.consume(10_000, 1.0) if m.error() is None]
        finally:
            consumer.close()
        return found

    def _ends(self, topic: str) -> dict[int, int]:
        consumer = self._consumer()
        try:
            partitions = consumer.list_topics(topic, 20).topics[topic].partitions
            return {
                number: consumer.get_watermark_offsets(TopicPartition(topic, number), 20)[1]
                for number in partitions
            }
        except KafkaException:
            return {}
        finally:
            consumer.close()

    def _consumer(self) -> Consumer:
        return Consumer({"bootstrap.servers": self.broker.url, "group.id": str(uuid.uuid4())})


def a_record(book_id: int, sequence: int = 1) -> tuple[bytes, bytes]:
    """The key and the bytes of a record that a client of another kind might send."""
    book = {"id": book_id, "title": "Elsewhere", "author": "Anyone", "status": "available"}
    record: dict[str, Any] = {
        "type": "added",
        "event_id": str(uuid.uuid4()),
        "sequence": sequence,
        "occurred_at": "2026-01-01T00:00:00Z",
        "book": book,
    }
    return str(book_id).encode(), json.dumps(record).encode()


@contextlib.contextmanager
def a_system(broker: Kafka) -> Iterator[Books]:
    """bookapp, backend and PostgreSQL on that Kafka."""
    settings = StackSettings(
        environment=bare_environment(os.environ), kafka_broker_url=broker.url, fsync=False
    )
    with Stack(settings) as stack, contextlib.closing(Books(stack, broker)) as running:
        # The first migration's books are behind us.
        wait_until(lambda: running.ingested(list(range(1, 101))) == 100, WITHIN)
        yield running


@pytest.fixture(scope="module")
def books() -> Iterator[Books]:
    """The system on a Kafka of this module's; a test leaves both as it found them."""
    with Kafka() as broker, a_system(broker) as running:
        yield running


class SmallDisk:
    """A file system of a few MB, in memory, that can be filled up."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self) -> None:
        """Leave no room."""
        with self._ballast.open("wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    continue

    def free(self) -> None:
        """Make room again."""
        self._ballast.unlink()


@pytest.fixture
def small_disk() -> Iterator[SmallDisk]:
    """64 MB; needs the right to mount."""
    path = Path(tempfile.mkdtemp(prefix="small-disk-", dir="/tmp"))
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m,mode=755", "tmpfs", str(path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        path.rmdir()
        pytest.skip("a small disk needs the right to mount one")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=False)
        path.rmdir()
