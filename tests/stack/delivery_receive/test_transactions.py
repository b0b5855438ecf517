"""What a transaction sends is read once it is committed, and never when it is aborted."""

import asyncio
import json
from typing import Any

from confluent_kafka import Producer

from delivery.kafka.settings import KafkaSettings
from delivery.replay.reading import open_reader
from delivery.replay.selection import Selection
from embedded.waiting import wait_until


def effects(worker: Any) -> list[str]:
    return [record for _, _, record in worker.effects()]


async def reread(lab: Any) -> list[Any]:
    """The records that a replay, or a rebuild, reads of the topic."""
    async with open_reader(KafkaSettings(kafka_broker_url=lab.kafka.url), lab.topic) as reader:
        ranges = await reader.ranges(Selection())
        return [json.loads(raw.value) async for batch in reader.read(ranges) for raw in batch]


def test_only_what_is_committed_is_applied_and_read_again(lab: Any) -> None:
    worker = lab.worker()
    lab.wait_until_owned(worker)
    producer = Producer(
        {"bootstrap.servers": lab.kafka.url, "transactional.id": f"{lab.topic}.sender"}
    )
    producer.init_transactions(30)

    def begin(*records: int) -> None:
        producer.begin_transaction()
        for record in records:
            producer.produce(lab.topic, json.dumps(record), b"1", partition=0)
        assert producer.flush(30) == 0

    begin(101, 102)
    producer.abort_transaction(30)
    begin(201, 202)
    producer.commit_transaction(30)
    begin(301)
    wait_until(lambda: effects(worker) == ["201", "202"], 30)
    assert asyncio.run(reread(lab)) == [201, 202]

    producer.abort_transaction(30)
    assert asyncio.run(reread(lab)) == [201, 202]  # and ends, behind records that nobody may see
    lab.send(1)
    lab.wait_for_all()
    assert effects(worker) == ["201", "202", "0"]
