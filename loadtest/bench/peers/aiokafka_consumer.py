"""A bare aiokafka loop with batches of 500 and no telemetry: the limit of what Python can read.

The same effect as backend's batches, one multi-row upsert each.
"""

import contextlib
import json
import os

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import CommitFailedError
from loadtest.bench.peers.catalogue import TABLE, UPSERT_MANY


async def main() -> None:
    """Read, write, commit, until the process is stopped."""
    pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1, max_size=2)
    await pool.execute(TABLE)
    consumer = AIOKafkaConsumer(
        os.environ.get("BENCH_TOPIC", "book_ingestion"),
        bootstrap_servers=os.environ["KAFKA_BROKER_URL"],
        group_id=os.environ.get("KAFKA_GROUP_ID", "peer-aiokafka"),
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        while True:
            pages = await consumer.getmany(timeout_ms=500, max_records=500)
            newest: dict[int, tuple[str, str, str, int]] = {}
            for messages in pages.values():
                for message in messages:
                    record = json.loads(message.value)
                    book = record["book"]
                    newest[book["id"]] = (
                        book["title"],
                        book["author"],
                        book["status"],
                        record["sequence"],
                    )
            if newest:
                columns = list(zip(*newest.values(), strict=True))
                await pool.execute(UPSERT_MANY, list(newest), *map(list, columns))
                with contextlib.suppress(CommitFailedError):  # another worker came: read again
                    await consumer.commit()
    finally:
        await consumer.stop()


if __name__ == "__main__":
    uvloop.run(main())
