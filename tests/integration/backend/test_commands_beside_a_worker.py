"""Dead letters are listed by the worker, and the operator's commands work on the embedded parts."""

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Any

import asyncpg
from confluent_kafka import Producer

from contracts.records import BookRecord
from contracts.topics import BOOK_INGESTION
from embedded.services import bare_environment, start_service
from embedded.testing import poll_until


async def run(backend, *arguments: str) -> tuple[int, str]:
    """A command's exit status and its output; it has the worker's settings."""
    env = {**bare_environment(os.environ), **backend.env}
    command = [sys.executable, "-m", "faust", "-A", "backend.app", *arguments]
    process = start_service("command", command, env)
    code = await asyncio.to_thread(process.wait, 60)
    return code, "\n".join(process.lines)


def publish_nothing(broker_url: str) -> None:
    """A record with neither key nor value; aiokafka's producer refuses it, Kafka does not."""
    producer = Producer({"bootstrap.servers": broker_url})
    producer.produce(BOOK_INGESTION.name, None, None, headers=[("x", None)])
    assert producer.flush(10) == 0


async def fetch(url: str, sql: str) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(sql))
    finally:
        await connection.close()


async def test_what_is_given_up_is_listed_can_be_replayed_and_goes_back(
    backend, topic, record: Callable[..., BookRecord], postgres_url: str
) -> None:
    backend.start()
    await topic.publish(record(7))
    await topic.publish_bytes(b"8", b"nonsense")
    publish_nothing(backend.env["KAFKA_BROKER_URL"])
    await backend.has(7)

    async def listed() -> bool:
        return len(await fetch(postgres_url, "SELECT 1 FROM backend.dead_letter")) == 2

    await poll_until(listed, 30, what="two dead letters in the list")
    code, said = await run(backend, "dead-letters", "list")
    assert code == 0
    assert said.count("DecodeError") == 2

    code, said = await run(backend, "replay", "--since", "10m")
    assert code == 0
    assert said.count("undecodable") == 2
    assert " added " in said

    code, said = await run(backend, "dead-letters", "redrive", "--all", "--yes")
    assert (code, "2 dead letters redriven, 0 failed" in said) == (0, True), said

    async def back() -> bool:
        return len(await fetch(postgres_url, "SELECT 1 FROM backend.dead_letter")) == 4

    await poll_until(back, 30, what="they fail again, as new dead letters")
    assert await backend.unready() == set()


async def test_the_read_model_can_be_rebuilt_beside_the_worker(
    backend, topic, record: Callable[..., BookRecord], postgres_url: str
) -> None:
    backend.start()
    await topic.publish(record(7), record(8))
    await backend.has(7)
    await backend.has(8)
    await fetch(postgres_url, "DELETE FROM backend.book WHERE book_id = 7")
    await fetch(postgres_url, "UPDATE backend.book SET sequence = 9 WHERE book_id = 8")
    code, said = await run(backend, "replay", "--rebuild", "--yes")
    assert (code, "is the rebuilt one" in said) == (0, True), said
    await backend.has(7)
    await backend.has(8)
    # The worker's prepared statements go on with the new table.
    await topic.publish(record(8, 2), record(9))
    await backend.has(8, 2)
    await backend.has(9)
