"""What a long outage of Kafka leaves behind is sent at full speed, and the process stays small."""

import threading
import time
import uuid
from collections.abc import Iterator

import psutil
import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from embedded.waiting import wait_until

from .conftest import Books

ROWS = 100_000
KEYS = 1_000
MEMORY_MB = 120
"""How much bookapp may grow meanwhile: what it holds is bounded by rows, whatever the backlog."""
SLOWEST = 500
"""Records a second. Tens of times fewer than it does, for a machine that is busy; an outbox sent
one by one, or read again from its start for each page, is slower."""


@pytest.fixture
def topic(books: Books) -> str:
    """A topic that nobody consumes, so that the sending alone is measured."""
    name = f"backlog-{uuid.uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": books.broker.url})
    admin.create_topics([NewTopic(name, 4, 1)])[name].result(30)
    return name


class Peak:
    """The most memory of a process while the block lasts, in MB."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self.before = self.now = self._megabytes()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _megabytes(self) -> float:
        return self._process.memory_info().rss / 2**20

    def _watch(self) -> None:
        while not self._ended.wait(0.1):
            self.now = max(self.now, self._megabytes())

    def __enter__(self) -> "Peak":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


@pytest.fixture
def kafka_away(books: Books) -> Iterator[None]:
    """Kafka is down; a test starts it."""
    books.broker.kill()
    yield
    if not books.broker.process.running:
        books.broker.start()


@pytest.mark.timeout(400)
def test_the_outbox_of_a_long_outage_drains_fast_in_bounded_memory_and_in_order(
    books: Books, topic: str, kafka_away: None
) -> None:
    books.sql(f"""
        INSERT INTO outbox (topic, key, value, trace_context)
        SELECT '{topic}', (n % {KEYS})::text::bytea, (n || repeat(' padding', 40))::bytea,
               '{{"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}'
        FROM generate_series(0, {ROWS - 1}) AS n
    """)

    def left() -> int:
        return int(books.sql("SELECT count(*) FROM outbox WHERE parked_at IS NULL"))

    with Peak(books.stack.bookapp.pid) as memory:
        assert books.try_to_add()[0].status_code == 201
        books.broker.start()
        wait_until(lambda: left() < ROWS, 60, what="the first rows are sent")
        began, slowest = time.monotonic(), 0.0
        while (waiting := left()) > 0:
            answer, seconds = books.try_to_add()  # requests go on meanwhile
            assert answer.status_code == 201
            slowest = max(slowest, seconds)
            assert time.monotonic() - began < ROWS / SLOWEST, f"{waiting} rows are left"
            time.sleep(0.1)
        took = time.monotonic() - began
    print(
        f"{ROWS:,} rows in {took:.1f} s, {ROWS / took:,.0f} a second;"
        f" {memory.before:.0f} MB before, {memory.now:.0f} MB at most; slowest add {slowest:.1f} s"
    )
    assert memory.now - memory.before < MEMORY_MB
    assert slowest < 5

    sent: dict[bytes, list[int]] = {}
    for message in books.read(topic):
        sent.setdefault(message.key(), []).append(int(message.value().split()[0]))
    assert sum(len(set(values)) for values in sent.values()) == ROWS
    for values in sent.values():
        first = list(dict.fromkeys(values))
        assert first == sorted(first)
