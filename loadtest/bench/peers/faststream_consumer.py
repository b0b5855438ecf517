"""FastStream with its Kafka telemetry middleware: the usual consumer, one upsert a record.

With BENCH_BATCHES=true it is in its batch mode, with one upsert and one span a batch.

The effect is backend's: the same columns, the same guard on the sequence, by SQLAlchemy-free
asyncpg, so that only the consuming differs. Run by
`faststream run loadtest.bench.peers.faststream_consumer:app`.
"""

import os

import asyncpg
from faststream import FastStream
from faststream.kafka import KafkaBroker
from faststream.kafka.opentelemetry import KafkaTelemetryMiddleware
from loadtest.bench.peers.catalogue import TABLE, UPSERT_MANY, UPSERT_ONE
from loadtest.bench.peers.telemetry import configure
from pydantic import BaseModel


class Book(BaseModel):
    """The state in a record."""

    id: int
    title: str
    author: str
    status: str


class Record(BaseModel):
    """The part of a record that the effect needs."""

    type: str
    sequence: int
    book: Book


shut_down_telemetry = configure("peer-faststream")
broker = KafkaBroker(
    os.environ["KAFKA_BROKER_URL"],
    middlewares=[KafkaTelemetryMiddleware()] if shut_down_telemetry else [],
)
app = FastStream(broker)
pool: asyncpg.Pool | None = None


@app.on_startup
async def connect() -> None:
    """Open the pool, make the table."""
    global pool
    pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=2, max_size=10)
    await pool.execute(TABLE)
    if shut_down_telemetry:
        from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor

        AsyncPGInstrumentor().instrument()


@app.after_shutdown
async def shut_down() -> None:
    """Send what is still buffered."""
    if shut_down_telemetry:
        shut_down_telemetry()


async def ingest(record: Record) -> None:
    """Write one record's book."""
    assert pool is not None
    book = record.book
    await pool.execute(UPSERT_ONE, book.id, book.title, book.author, book.status, record.sequence)


async def ingest_batch(records: list[Record]) -> None:
    """Write the newest state of each book of a batch."""
    assert pool is not None
    newest: dict[int, Record] = {}
    for record in records:
        known = newest.get(record.book.id)
        if known is None or known.sequence < record.sequence:
            newest[record.book.id] = record
    rows = [
        (r.book.id, r.book.title, r.book.author, r.book.status, r.sequence) for r in newest.values()
    ]
    await pool.execute(UPSERT_MANY, *map(list, zip(*rows, strict=True)))


batches = os.environ.get("BENCH_BATCHES") == "true"
broker.subscriber(
    os.environ.get("BENCH_TOPIC", "book_ingestion"),
    group_id=os.environ.get("KAFKA_GROUP_ID", "peer-faststream"),
    auto_offset_reset="earliest",
    batch=batches,
)(ingest_batch if batches else ingest)
