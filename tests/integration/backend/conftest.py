"""The backend on a database and a broker of its own, and records to give it."""

import datetime as dt
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from contracts.codec import encode
from contracts.records import Book, BookAdded, BookRecord, BookStatus, key_of
from contracts.topics import BOOK_INGESTION, BOOK_INGESTION_DLQ
from embedded.broker import Broker
from embedded.ports import free_port
from embedded.processes import Process
from embedded.testing import RunService, poll_until

WORKER = ["faust", "-A", "backend.app", "worker", "-l", "info"]

MakeRecord = Callable[..., BookRecord]


@pytest.fixture
def record() -> MakeRecord:
    """A function that makes a record: ``record(book_id, sequence, kind=…, title=…)``."""

    def make(
        book_id: int, sequence: int = 1, kind: type[BookRecord] = BookAdded, **book: Any
    ) -> BookRecord:
        fields = {"title": f"Book {book_id}", "author": "Jane Austen", **book}
        return kind(
            event_id=uuid.uuid4(),
            sequence=sequence,
            occurred_at=dt.datetime.now(dt.UTC),
            book=Book(id=book_id, status=BookStatus.available, **fields),
        )

    return make


@pytest.fixture
def own_broker() -> Iterator[Broker]:
    """A broker whose ``book_ingestion`` nobody else writes to."""
    with Broker([BOOK_INGESTION.name, BOOK_INGESTION_DLQ.name]) as broker:
        yield broker


class Topic:
    """The topic as any client sees it: publishes, and reads dead letters."""

    def __init__(self, broker_url: str) -> None:
        self._broker_url = broker_url
        self._producer = AIOKafkaProducer(bootstrap_servers=broker_url, acks="all")

    async def __aenter__(self) -> "Topic":
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()

    async def publish(self, *records: BookRecord, headers: Sequence[Any] = ()) -> None:
        """Send records, and wait until the broker has them."""
        for record in records:
            await self.publish_bytes(key_of(record), encode(record), headers)

    async def publish_bytes(
        self, key: bytes | None, value: bytes | None, headers: Sequence[Any] = ()
    ) -> None:
        await self._producer.send_and_wait(
            BOOK_INGESTION.name, value, key=key, headers=list(headers)
        )

    async def dead_letters(self, count: int, within: float = 20.0) -> list[tuple[Any, Any]]:
        """The first ``count`` dead letters, as (key, value)."""
        consumer = AIOKafkaConsumer(
            BOOK_INGESTION_DLQ.name,
            bootstrap_servers=self._broker_url,
            auto_offset_reset="earliest",
        )
        await consumer.start()
        found: list[tuple[Any, Any]] = []

        async def enough() -> bool:
            for some in (await consumer.getmany(timeout_ms=100)).values():
                found.extend((one.key, one.value) for one in some)
            return len(found) >= count

        try:
            await poll_until(enough, within, what=f"{count} dead letters")
        finally:
            await consumer.stop()
        return found


@pytest.fixture
async def topic(own_broker: Broker) -> AsyncIterator[Topic]:
    """A client of ``book_ingestion`` on the test's own broker."""
    async with Topic(own_broker.url) as topic:
        yield topic


class Backend:
    """A real worker process and its HTTP API."""

    def __init__(self, run: RunService, env: dict[str, str]) -> None:
        self._run = run
        self.port = free_port()
        self.env = {**env, "BACKEND_PORT": str(self.port)}
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: Process

    def start(self, *, ready: str | None = "/health/ready") -> Process:
        url = None if ready is None else self.url + ready
        self.process = self._run(WORKER, self.env, ready=url, name="backend")
        return self.process

    async def get(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self.url, timeout=10) as client:
            return await client.get(path)

    async def unready(self) -> set[str]:
        """The parts that ``/health/ready`` names; empty when it says 200."""
        response = await self.get("/health/ready")
        if response.status_code == httpx.codes.OK:
            return set()
        return {error["field"] for error in response.json()["errors"]}

    async def sequence(self, book_id: int) -> int | None:
        """The sequence of the book's entry; None when there is none, or the database is away."""
        response = await self.get(f"/books/{book_id}")
        return response.json()["sequence"] if response.status_code == httpx.codes.OK else None

    async def has(self, book_id: int, sequence: int = 1, within: float = 20.0) -> None:
        """Wait until the book's entry shows this change."""

        async def there() -> bool:
            return await self.sequence(book_id) == sequence

        await poll_until(there, within, what=f"book {book_id} at its change {sequence}")


@pytest.fixture
def backend(own_broker: Broker, postgres_url: str, run_service: RunService) -> Backend:
    """A backend that is not started yet; change its ``env`` before.

    The processes come last, and so end first, while what they talk to is still there.
    """
    return Backend(run_service, {"DATABASE_URL": postgres_url, "KAFKA_BROKER_URL": own_broker.url})


@pytest.fixture
def another_backend(run_service: RunService) -> Callable[[dict[str, str]], Backend]:
    """A function that makes a further backend, with the environment it is given."""
    return lambda env: Backend(run_service, env)
