"""Ten thousand records as nobody should send them, on a real Kafka, to a real worker.

Each is applied or dead-lettered, byte for byte; none is lost; the worker lives. The records are
random and mutated, from a fixed seed: bits flipped, cut off, of other types, empty, null, huge,
under other keys, with garbage in their headers; and a part of them as they should be.
"""

import json
import random
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from contracts.codec import DecodeError, decode
from contracts.records import BookRecord, BookRemoved
from delivery.dead_letters.story import DeadLetter, original_headers, read_story
from embedded.native.kafka import Kafka
from embedded.ports import free_port
from embedded.postgres import Postgres
from embedded.processes import Process
from embedded.waiting import wait_until

RECORDS = 10_000
BOOKS = 800
HUGE = 1_048_000
"""Bytes of a value; a broker takes 1,048,588 in a batch unless told otherwise."""

TOPIC, DEAD_LETTERS = "book_ingestion", "book_ingestion.dlq"
TRACE = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

Headers = list[tuple[str, bytes | None]]
Sent = tuple[bytes | None, bytes | None, Headers]


# -- records


def a_record(draw: random.Random) -> dict[str, Any]:
    """One as it should be."""
    return {
        "type": draw.choice(["added", "updated", "removed"]),
        "event_id": str(uuid.UUID(int=draw.getrandbits(128), version=4)),
        "sequence": draw.randint(1, 50),
        "occurred_at": f"20{draw.randint(10, 29)}-01-01T00:00:00Z",
        "book": {
            "id": draw.randint(1, BOOKS) + 1_000_000,
            "title": "".join(draw.choices("abc é漢😀'\"\\-", k=draw.randint(1, 40))) + "t",
            "author": "Ursula K. Le Guin",
            "status": draw.choice(["available", "borrowed", "lost"]),
        },
    }


def flipped(draw: random.Random, value: bytes) -> bytes:
    changed = bytearray(value)
    for _ in range(draw.choice([1, 1, 1, 2, 8, 64])):
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def retyped(draw: random.Random, value: bytes) -> bytes:
    """With another type of value, or none, in one of its places."""
    record = json.loads(value)
    place = draw.choice([record, record["book"]])
    name = draw.choice(list(place))
    if draw.random() < 0.2:
        del place[name]
    else:
        odd = [None, True, -1, 0, 1.5, 1e300, 2**63, 10**400, "", " ", "\x00", "\ud800", [], {}]
        place[name] = draw.choice([*odd, [[]], "x" * 1001, "9" * 5000])
    return json.dumps(record).encode("utf-8", "surrogatepass")


def huge(draw: random.Random, value: bytes) -> bytes:
    """Up to the limit: a title that is too long, or a field that nobody knows."""
    record = json.loads(value)
    place, name = draw.choice([(record["book"], "title"), (record, "added_later")])
    place[name] = ""
    place[name] = "x" * (HUGE - len(json.dumps(record)))
    return json.dumps(record).encode()


MUTATIONS: list[tuple[int, Callable[[random.Random, bytes], bytes | None]]] = [
    (300, lambda draw, value: value),
    (200, flipped),
    (100, lambda draw, value: value[: draw.randrange(len(value))]),
    (150, retyped),
    (40, lambda draw, value: draw.randbytes(draw.randint(1, 500))),
    (20, lambda draw, value: b""),
    (20, lambda draw, value: None),
    (20, lambda draw, value: json.dumps(json.loads(value) | {"later": [1, {}]}).encode()),
    (10, lambda draw, value: value * 2),
    (10, lambda draw, value: b"\xef\xbb\xbf" + value),
    (10, lambda draw, value: value.decode().encode("utf-16")),
    (10, lambda draw, value: value.replace(b"{", b'{"type":"added",', 1)),
    (10, lambda draw, value: b'{"x":' + b"[" * draw.choice([10, 5_000, 200_000])),
    (10, lambda draw, value: b"[" + value + b"]"),
    (5, lambda draw, value: b"NaN"),
    (2, huge),
]


def a_key(draw: random.Random, value: bytes) -> bytes | None:
    """Nine times of ten the right one."""
    right = str(json.loads(value)["book"]["id"]).encode()
    if draw.random() < 0.9:
        return right
    return draw.choice([None, b"", b"0" + right, right + b" ", b"\xff\x00", b"1" * 10_000, b"-1"])


def some_headers(draw: random.Random) -> Headers:
    """Half of them none; the others as bad as a client can make them."""
    one = [
        (
            "traceparent",
            draw.choice([TRACE, None, b"", b"\xff" * 55, TRACE + b"-x", TRACE.upper()]),
        ),
        ("tracestate", draw.choice([None, b"a=1", b"=,;\xff", b"a=" + b"1" * 5_000])),
        ("", b"a header without a name"),
        ("é漢😀", "é".encode()),
        ("content-type", b"\x00\x01"),
        ("dead-letter-topic", b"not ours"),
        ("dead-letter-error-type", None),
        ("redriven-from", draw.choice([b"book_ingestion/0/0", b"\xff", None])),
        ("n" * 2_000, b"v" * draw.choice([0, 10, 20_000])),
    ]
    count = draw.choice([0, 0, 0, 1, 2, 4, 8])
    found = [draw.choice(one) for _ in range(count)]
    if draw.random() < 0.05:
        found += [("traceparent", TRACE), ("traceparent", draw.choice([None, b"other"]))]
    if draw.random() < 0.005:
        found += [(f"h{number}", b"x") for number in range(1_000)]
    return found


def records(seed: int) -> Iterator[Sent]:
    draw = random.Random(seed)
    weights = [weight for weight, _ in MUTATIONS]
    for _ in range(RECORDS):
        value = json.dumps(a_record(draw), ensure_ascii=draw.random() < 0.5).encode()
        [(_, mutate)] = draw.choices(MUTATIONS, weights)
        if mutate is huge:  # alone it reaches the limit
            yield str(json.loads(value)["book"]["id"]).encode(), huge(draw, value), []
        else:
            yield a_key(draw, value), mutate(draw, value), some_headers(draw)


# -- the system


@pytest.fixture(scope="module")
def broker() -> Iterator[Kafka]:
    """A Kafka whose topics nobody else writes to.

    The topic is one that an operator made, not compacted: a compacted one refuses null keys.
    """
    with Kafka() as running:
        admin = AdminClient({"bootstrap.servers": running.url})
        admin.create_topics([NewTopic(TOPIC, 4)])[TOPIC].result(20)
        yield running


class Backend:
    """A worker that gives up undecodable records as fast as it can."""

    def __init__(self, run_service: Any, database_url: str, kafka_url: str) -> None:
        port = free_port()
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False)
        self.process: Process = run_service(
            ["faust", "-A", "backend.app", "worker"],
            {
                "DATABASE_URL": database_url,
                "KAFKA_BROKER_URL": kafka_url,
                "BACKEND_PORT": str(port),
                "DEAD_LETTER_RATE": "100000",
                "LOG_LEVEL": "WARNING",
            },
            ready=f"http://127.0.0.1:{port}/health/ready",
            timeout=60,
            name="backend",
        )

    def entries(self, books: list[int]) -> dict[int, Any]:
        """What it has of these books."""
        found: dict[int, Any] = {}
        for start in range(0, len(books), 500):
            ids = ",".join(map(str, books[start : start + 500]))
            answer = self.client.get(f"/books?ids={ids}").raise_for_status()
            found |= {entry["book_id"]: entry for entry in answer.json()}
        return found


@pytest.fixture
def backend(run_service: Any, postgres_url: str, broker: Kafka) -> Iterator[Backend]:
    running = Backend(run_service, postgres_url, broker.url)
    yield running
    running.client.close()


def publish(url: str, sent: Iterator[Sent]) -> None:
    """Give the broker all of it, and wait for its acknowledgements."""
    large = {"message.max.bytes": HUGE + 20_000, "batch.size": 100_000}  # a huge one goes alone
    producer = Producer({"bootstrap.servers": url, "acks": "all", **large})
    refused: list[Any] = []
    for key, value, headers in sent:
        while True:
            try:
                producer.produce(
                    TOPIC, value, key, headers=headers, on_delivery=lambda e, _: refused.append(e)
                )
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    assert producer.flush(60) == 0
    assert [error for error in refused if error is not None] == []
    assert len(refused) == RECORDS


def read_all(url: str, topic: str) -> list[Message]:
    """Everything that is on a topic now."""
    consumer = Consumer(
        {
            "bootstrap.servers": url,
            "group.id": str(uuid.uuid4()),
            "enable.auto.commit": False,
            "fetch.message.max.bytes": 4_000_000,
        }
    )
    found: list[Message] = []
    try:
        partitions = consumer.list_topics(topic, 10).topics[topic].partitions
        ends = {p: consumer.get_watermark_offsets(TopicPartition(topic, p), 10) for p in partitions}
        consumer.assign([TopicPartition(topic, p, low) for p, (low, _) in ends.items()])
        waiting = sum(high - low for low, high in ends.values())
        while len(found) < waiting:
            some = consumer.consume(min(1_000, waiting - len(found)), 20)
            assert some, f"{topic}: {len(found)} of {waiting} records could be read"
            assert not [message.error() for message in some if message.error()]
            found += some
    finally:
        consumer.close()
    return found


def lag(url: str) -> int:
    """How many records of the topic the worker's group has not finished with."""
    consumer = Consumer({"bootstrap.servers": url, "group.id": "backend"})
    try:
        places = [TopicPartition(TOPIC, partition) for partition in range(4)]
        ends = [consumer.get_watermark_offsets(place, 10)[1] for place in places]
        done = [max(0, place.offset) for place in consumer.committed(places, 10)]
        return sum(ends) - sum(done)
    finally:
        consumer.close()


# -- what must have become of them


def judge(messages: list[Message]) -> tuple[dict[int, BookRecord], dict[tuple[int, int], Sent]]:
    """The newest record of each book, and those that must be dead letters, by where they lie."""
    newest: dict[int, BookRecord] = {}
    bad: dict[tuple[int, int], Sent] = {}
    for message in sorted(messages, key=lambda one: (one.partition(), one.offset())):
        try:
            record = decode(message.key(), message.value())
        except DecodeError:
            place = (message.partition(), message.offset())
            bad[place] = (message.key(), message.value(), message.headers() or [])
            continue
        known = newest.get(record.book.id)
        if known is None or known.sequence < record.sequence:
            newest[record.book.id] = record
    return newest, bad


def dead_letters(url: str) -> dict[tuple[int, int], tuple[DeadLetter, Sent]]:
    """By origin."""
    found = {}
    for message in read_all(url, DEAD_LETTERS):
        headers = message.headers() or []
        story = read_story(headers)
        assert story.topic == TOPIC
        record = (message.key(), message.value(), list(original_headers(headers)))
        found[story.partition, story.offset] = (story, record)
    return found


@pytest.mark.timeout(400)
def test_each_is_applied_or_dead_lettered_byte_for_byte(
    backend: Backend, broker: Kafka, postgres_server: Postgres, postgres_url: str
) -> None:
    publish(broker.url, records(seed=5))
    wait_until(lambda: lag(broker.url) == 0, 240, interval=0.5, what="the end of the records")

    newest, bad = judge(read_all(broker.url, TOPIC))
    assert len(bad) > RECORDS / 4
    assert len(newest) > BOOKS / 2

    buried = dead_letters(broker.url)
    assert buried.keys() == bad.keys()
    changed = [place for place, (_, record) in buried.items() if record != bad[place]]
    assert changed == []
    assert {story.attempts for story, _ in buried.values()} == {0}

    entries = backend.entries(list(newest))
    alive = {book: one for book, one in newest.items() if not isinstance(one, BookRemoved)}
    assert entries.keys() == alive.keys()
    for book, record in alive.items():
        shown = entries[book]
        told = {name: shown[name] for name in ("sequence", "title", "author", "status")}
        assert told == {
            "sequence": record.sequence,
            "title": record.book.title,
            "author": record.book.author,
            "status": record.book.status,
        }

    assert backend.process.running
    assert backend.client.get("/health/ready").status_code == 200
    assert not [line for line in backend.process.lines if "Traceback" in line]

    database = urlsplit(postgres_url).path.lstrip("/")
    count = "SELECT count(*) FROM backend.dead_letter"
    wait_until(
        lambda: postgres_server.execute(count, database) == str(len(bad)),
        60,
        what="a row for each dead letter",
    )
