"""Reads what is in a topic, and ends.

By a plain consumer that belongs to no group: it commits nothing and no worker notices it. Where to
end is settled at the start, so that a topic which grows meanwhile (a replay into the same topic
makes it grow) has an end all the same.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaTimeoutError

from delivery.kafka.availability import reach
from delivery.kafka.settings import READ_COMMITTED, KafkaSettings
from delivery.replay.selection import Selection

Ranges = Mapping[int, range]
"""For each partition the offsets to be read. Not each of them need have a record: a topic may be
compacted."""

_STALLED_S: Final = 20.0
_POLL_MS: Final = 500
_BATCH: Final = 2_000
_FETCH_BYTES: Final = 4 * 1024 * 1024


class Missing(LookupError):
    """There is no such topic, partition or record; says what there is."""


class Reader:
    """Reads one topic; see ``open_reader``."""

    def __init__(self, consumer: AIOKafkaConsumer, topic: str, partitions: set[int]) -> None:
        self._consumer = consumer
        self.topic = topic
        self.partitions = sorted(partitions)

    async def ranges(self, selection: Selection) -> dict[int, range]:
        """The offsets among which the selected records are, ending where the topic ends now.

        Raises:
            Missing: a partition does not exist.
            KafkaError, TimeoutError: Kafka is away.
        """
        if absent := selection.partitions - set(self.partitions):
            raise Missing(
                f"{self.topic} has no partition {min(absent)}: its partitions are"
                f" {self.partitions[0]} to {self.partitions[-1]}"
            )
        parts = [self._tp(p) for p in sorted(selection.partitions) or self.partitions]
        ends = await self._consumer.end_offsets(parts)
        firsts = await self._consumer.beginning_offsets(parts)
        if selection.since is not None:
            firsts = await self._firsts_at(int(selection.since.timestamp() * 1000), firsts, ends)
        last = selection.last_offset
        return {
            tp.partition: range(
                max(firsts[tp], selection.first_offset),
                ends[tp] if last is None else min(ends[tp], last + 1),
            )
            for tp in parts
        }

    async def _firsts_at(
        self, at: int, firsts: dict[TopicPartition, int], ends: dict[TopicPartition, int]
    ) -> dict[TopicPartition, int]:
        """Where the first records as late as this are: all before them are earlier, whatever comes
        after them."""
        times = await self._consumer.offsets_for_times(dict.fromkeys(firsts, max(0, at)))
        # librdkafka's in-process broker knows no times, and says that there is nothing so late.
        known = await self._consumer.offsets_for_times(dict.fromkeys(firsts, 0))
        return {
            tp: found.offset if found else ends[tp] if known[tp] else firsts[tp]
            for tp, found in times.items()
        }

    async def since(self, ranges: Ranges) -> dict[int, range]:
        """What has come behind these ranges until now."""
        ends = await self._consumer.end_offsets([self._tp(p) for p in ranges])
        return {p: range(was.stop, ends[self._tp(p)]) for p, was in ranges.items()}

    async def read(self, ranges: Ranges) -> AsyncIterator[list[ConsumerRecord]]:
        """The records of these ranges, partition by partition, by offset.

        Raises:
            KafkaError: Kafka went away, or sent nothing for 20 s.
        """
        for partition, offsets in sorted(ranges.items()):
            if offsets:
                async for batch in self._read(self._tp(partition), offsets):
                    yield batch

    async def _read(
        self, tp: TopicPartition, offsets: range
    ) -> AsyncIterator[list[ConsumerRecord]]:
        consumer = self._consumer
        consumer.assign([tp])
        consumer.seek(tp, offsets.start)
        heard, position = time.monotonic(), offsets.start
        # The position, and not the records: the last offsets of a range need not have one.
        while position < offsets.stop:
            fetched = await consumer.getmany(tp, timeout_ms=_POLL_MS, max_records=_BATCH)
            batch = fetched.get(tp, [])
            if batch and batch[-1].offset >= offsets.stop:
                batch = [raw for raw in batch if raw.offset < offsets.stop]
            if batch:
                yield batch
            before, position = position, await consumer.position(tp)
            if position != before:
                heard = time.monotonic()
            elif time.monotonic() - heard > _STALLED_S:
                raise KafkaTimeoutError(f"{tp.topic}[{tp.partition}] sent nothing for 20 s")

    def _tp(self, partition: int) -> TopicPartition:
        return TopicPartition(self.topic, partition)


@asynccontextmanager
async def open_reader(kafka: KafkaSettings, topic: str) -> AsyncIterator[Reader]:
    """A reader of this topic.

    Raises:
        Missing: there is no such topic.
        KafkaError, OSError: Kafka is away, or refuses.
    """
    await reach(kafka)
    arguments: dict[str, Any] = kafka.aiokafka()
    consumer = AIOKafkaConsumer(
        **arguments,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level=READ_COMMITTED,
        max_partition_fetch_bytes=_FETCH_BYTES,
        request_timeout_ms=10_000,
    )
    try:
        await consumer.start()
        cluster = await asyncio.wait_for(consumer._client.fetch_all_metadata(), _STALLED_S)
        partitions = cluster.partitions_for_topic(topic)
        if not partitions:
            there = ", ".join(sorted(cluster.topics()))
            raise Missing(f"there is no topic {topic}; there are {there}")
        yield Reader(consumer, topic, partitions)
    finally:
        await consumer.stop()
