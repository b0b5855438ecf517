"""What is there at the end: the other side of the comparison, read by plain clients.

Tables through asyncpg, the topic through aiokafka and `json`, the read model also through backend's
HTTP API. A trigger in the campaign's own database notes every effect when it happens; nothing else
could tell afterwards in which order they came.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
import httpx
import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

TOPIC = "book_ingestion"
DEAD_LETTERS = "book_ingestion.dlq"
GROUP = "chaos"
_IDS_A_REQUEST = 500

AUDIT = """
CREATE SCHEMA chaos;
CREATE TABLE chaos.applied (
    id bigserial PRIMARY KEY, at timestamptz DEFAULT clock_timestamp(),
    book_id bigint, sequence bigint
);
CREATE FUNCTION chaos.note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO chaos.applied (book_id, sequence) VALUES (NEW.book_id, NEW.sequence);
    RETURN NULL;
END $$;
LOCK TABLE backend.book IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO chaos.applied (book_id, sequence) SELECT book_id, sequence FROM backend.book;
CREATE TRIGGER note AFTER INSERT OR UPDATE ON backend.book
    FOR EACH ROW EXECUTE FUNCTION chaos.note();
"""
"""An effect holds its row's lock, so the numbers of one book's effects are in their order."""


class State(msgspec.Struct, frozen=True):
    """A book at one sequence."""

    title: str
    author: str
    status: str
    sequence: int
    removed: bool = False


class Record(msgspec.Struct, frozen=True):
    """A record of the topic. ``event_id`` tells a repeat of an event from another event."""

    book_id: int
    kind: str
    event_id: str
    state: State


class Applied(msgspec.Struct, frozen=True):
    """An effect on the read model; ``at`` is in seconds since 1970."""

    book_id: int
    sequence: int
    at: float


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """``topic`` is in the order of each partition. ``waiting`` says what was still under way when
    the wait for an end was over: lines for a human, empty when all had come through."""

    books: Mapping[int, State]
    topic: Sequence[Record]
    read_model: Mapping[int, State]
    api: Mapping[int, State]
    applied: Sequence[Applied]
    dead_letters: int
    parked: int
    waiting: Sequence[str] = ()


async def install_audit(database_url: str) -> None:
    """Note every effect from now on; those that were there count as the first."""
    async with _connected(database_url) as connection:
        await connection.execute(AUDIT)


async def books_there(database_url: str) -> list[int]:
    """The ids of the books that are there already."""
    async with _connected(database_url) as connection:
        return [row[0] for row in await connection.fetch("SELECT id FROM books")]


async def under_way(database_url: str, kafka_url: str) -> list[str]:
    """What has not come through yet: rows in the outbox, records that are not committed."""
    async with _connected(database_url) as connection:
        rows = await connection.fetchval("SELECT count(*) FROM outbox WHERE parked_at IS NULL")
    found = [f"{rows} rows in the outbox"] if rows else []
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka_url)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_url)
    try:
        await consumer.start()
        await admin.start()
        committed = await admin.list_consumer_group_offsets(GROUP)
        for partition, end in (await _ends(consumer, kafka_url, TOPIC)).items():
            done = max(0, committed[partition].offset) if partition in committed else 0
            if done < end:
                found.append(f"{end - done} records of partition {partition.partition}")
    finally:
        await admin.close()
        await consumer.stop()
    return found


async def gather(
    database_url: str, kafka_url: str, backend_url: str, waiting: Sequence[str] = ()
) -> Evidence:
    """Read everything. Everything must be up."""
    async with _connected(database_url) as connection:
        books = await connection.fetch(
            "SELECT id, title, author, status, sequence, false AS removed FROM books"
        )
        entries = await connection.fetch(
            "SELECT book_id, title, author, status, sequence, removed FROM backend.book"
        )
        applied = await connection.fetch(
            "SELECT book_id, sequence, extract(epoch FROM at)::float8"
            " FROM chaos.applied ORDER BY id"
        )
        parked = await connection.fetchval(
            "SELECT count(*) FROM outbox WHERE parked_at IS NOT NULL"
        )
    topic = [_record(value) for value in await _read(kafka_url, TOPIC)]
    return Evidence(
        books={row[0]: State(*row[1:]) for row in books},
        topic=topic,
        read_model={row[0]: State(*row[1:]) for row in entries},
        api=await _ask_api(backend_url, sorted({record.book_id for record in topic})),
        applied=[Applied(*row) for row in applied],
        dead_letters=len(await _read(kafka_url, DEAD_LETTERS)),
        parked=parked,
        waiting=waiting,
    )


class _connected:
    """A connection of one's own, for a moment."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def __aenter__(self) -> asyncpg.Connection:
        self._connection = await asyncpg.connect(self._url, timeout=30, command_timeout=60)
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        self._connection.terminate()


async def _ends(
    consumer: AIOKafkaConsumer, kafka_url: str, topic: str
) -> dict[TopicPartition, int]:
    """The partitions of a topic, each with its end."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_url)
    await admin.start()
    try:
        (found,) = await admin.describe_topics([topic])
    finally:
        await admin.close()
    partitions = [TopicPartition(topic, each["partition"]) for each in found["partitions"]]
    ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
    return ends


async def _read(kafka_url: str, topic: str) -> list[bytes | None]:
    """The values of a whole topic."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka_url, enable_auto_commit=False)
    values: list[bytes | None] = []
    try:
        await consumer.start()
        ends = await _ends(consumer, kafka_url, topic)
        consumer.assign(list(ends))
        await consumer.seek_to_beginning()
        for partition, end in ends.items():
            while await consumer.position(partition) < end:
                pages = await consumer.getmany(partition, timeout_ms=1000)
                values += [raw.value for page in pages.values() for raw in page]
    finally:
        await consumer.stop()
    return values


def _record(value: bytes | None) -> Record:
    content: dict[str, Any] = json.loads(value or b"null")
    book = content["book"]
    return Record(
        book["id"],
        content["type"],
        content["event_id"],
        State(
            book["title"],
            book["author"],
            book["status"],
            content["sequence"],
            content["type"] == "removed",
        ),
    )


async def _ask_api(backend_url: str, book_ids: list[int]) -> dict[int, State]:
    found: dict[int, State] = {}
    async with httpx.AsyncClient(base_url=backend_url, timeout=60, trust_env=False) as client:
        for start in range(0, len(book_ids), _IDS_A_REQUEST):
            ids = ",".join(map(str, book_ids[start : start + _IDS_A_REQUEST]))
            answer = (await client.get("/books", params={"ids": ids})).raise_for_status()
            for entry in answer.json():
                fields = (entry[name] for name in ("title", "author", "status", "sequence"))
                found[entry["book_id"]] = State(*fields)
    return found
