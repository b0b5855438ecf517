"""FastStream with its Kafka telemetry middleware: the usual consumer, one upsert a record.

The effect is backend's: the same columns, the same guard on the sequence, by SQLAlchemy-free
asyncpg, so that only the consuming differs. Run by
`faststream run loadtest.bench.peers.faststream_consumer:app`.
"""

import os

import asyncpg
from faststream import FastStream
from faststream.kafka import KafkaBroker
from faststream.kafka.opentelemetry import KafkaTelemetryMiddleware
from loadtest.bench.peers.catalogue import TABLE, UPSERT_ONE
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


@broker.subscriber(
    os.environ.get("BENCH_TOPIC", "book_ingestion"),
    group_id=os.environ.get("KAFKA_GROUP_ID", "peer-faststream"),
    auto_offset_reset="earliest",
)
async def ingest(record: Record) -> None:
    """Write one record's book."""
    assert pool is not None
    book = record.book
    await pool.execute(UPSERT_ONE, book.id, book.title, book.author, book.status, record.sequence)
