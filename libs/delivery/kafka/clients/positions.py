"""Where reading goes on when the group's place in a partition is not there any more.

aiokafka goes on at the oldest record and says so to nobody. Here records that were removed before
the group had read them are counted and said, once for each time that it happens. A group that has
no place yet begins where it was told to.
"""

import logging
from collections.abc import Mapping
from typing import Final, cast

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.consumer.fetcher import OffsetResetStrategy
from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError

from telemetry.metrics import counter

_LOG: Final = logging.getLogger(__name__)
_METRIC: Final = "consumer.lost_records"

Records = Mapping[TopicPartition, list[ConsumerRecord]]


class Positions:
    """Reads from a consumer that is not started yet, in place of its own policy."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._first = OffsetResetStrategy.from_str(consumer._auto_offset_reset)
        consumer._auto_offset_reset = "none"  # it raises then, and leaves the place to us

    async def fetch(self, partitions: set[TopicPartition], timeout_ms: int) -> Records:
        """Records of these partitions, or none when there are none in time.

        Raises:
            KafkaError: Kafka is away, or refuses.
        """
        consumer = self._consumer
        while True:
            try:
                found = await consumer.getmany(*partitions, timeout_ms=timeout_ms)
                return cast(Records, found)
            except NoOffsetForPartitionError as error:
                (tp,) = error.args
                consumer._fetcher.request_offset_reset([tp], self._first)
            except OffsetOutOfRangeError as error:
                ((tp, offset),) = error.args[0].items()
                await self._move(tp, offset)

    async def _move(self, tp: TopicPartition, offset: int) -> None:
        """Go from this offset, at which there is nothing, to where there is something."""
        consumer = self._consumer
        start = (await consumer.beginning_offsets([tp]))[tp]
        end = (await consumer.end_offsets([tp]))[tp]
        if await consumer.position(tp) != offset or start <= offset <= end:
            return  # it has been moved, or there is something by now
        consumer.seek(tp, start)
        if offset < start:
            counter(_METRIC).add(start - offset, labels(tp))
            _LOG.warning(
                "%s records of %s[%s] are lost, offsets %s to %s: they were removed from the topic"
                " before this group had read them",
                *(start - offset, tp.topic, tp.partition, offset, start - 1),
            )
        else:
            _LOG.warning(
                "%s[%s] ends at offset %s, and this group had read up to %s: its brokers have lost"
                " records, or the topic was made anew; reading begins again at %s",
                *(tp.topic, tp.partition, end, offset, start),
            )


def count_nothing(partitions: set[TopicPartition]) -> None:
    """Have the counter there at 0 for these: what begins with its first loss has no increase."""
    for tp in partitions:
        counter(_METRIC).add(0, labels(tp))


def labels(tp: TopicPartition) -> dict[str, str]:
    """A partition in a metric's attributes."""
    return {
        "messaging.destination.name": tp.topic,
        "messaging.destination.partition.id": str(tp.partition),
    }
