"""Where reading goes on when a partition does not have the group's place any more."""

from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import OffsetResetStrategy
from aiokafka.errors import (
    KafkaConnectionError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)

from delivery.kafka.clients.positions import Positions, count_nothing, labels
from telemetry.metrics import counter

TP = TopicPartition("t", 3)


class Consumer:
    """As aiokafka's, told by a list of what each fetch finds: errors are raised."""

    def __init__(self, *finds: Any, position: int = 0, start: int = 0, end: int = 0) -> None:
        self._auto_offset_reset = "latest"
        self._finds = list(finds)
        self._at, self._start, self._end = position, start, end
        self._fetcher = self
        self.moves: list[Any] = []

    async def getmany(self, *_: TopicPartition, timeout_ms: int) -> Any:
        found = self._finds.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    async def beginning_offsets(self, _: Any) -> Any:
        if self._start < 0:
            raise KafkaConnectionError
        return {TP: self._start}

    async def end_offsets(self, _: Any) -> Any:
        return {TP: self._end}

    async def position(self, _: Any) -> int:
        return self._at

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self.moves.append((tp, offset))

    def request_offset_reset(self, tps: Any, strategy: int) -> None:
        self.moves.append((tps, strategy))


async def fetch(consumer: Any) -> Any:
    return await Positions(consumer).fetch({TP}, 10)


def lost() -> float:
    return counter("consumer.lost_records")._values[frozenset(labels(TP).items())]


async def test_records_that_were_removed_unread_are_counted_and_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    count_nothing({TP})
    before = lost()
    consumer = Consumer(
        OffsetOutOfRangeError({TP: 10}), {TP: ["records"]}, position=10, start=60, end=80
    )
    assert await fetch(consumer) == {TP: ["records"]}
    assert consumer.moves == [(TP, 60)]
    assert lost() - before == 50
    assert "50 records of t[3] are lost, offsets 10 to 59:" in caplog.text


async def test_a_partition_that_ends_before_the_place_is_read_from_its_start(
    caplog: pytest.LogCaptureFixture,
) -> None:
    count_nothing({TP})
    before = lost()
    consumer = Consumer(OffsetOutOfRangeError({TP: 500}), {}, position=500, start=0, end=7)
    assert await fetch(consumer) == {}
    assert consumer.moves == [(TP, 0)]
    assert lost() == before
    assert "t[3] ends at offset 7, and this group had read up to 500" in caplog.text


@pytest.mark.parametrize(
    ("position", "start", "end"),
    [(60, 60, 80), (10, 0, 80)],
    ids=["moved meanwhile", "there again"],
)
async def test_a_place_that_is_there_by_now_is_kept(
    position: int, start: int, end: int, caplog: pytest.LogCaptureFixture
) -> None:
    error = OffsetOutOfRangeError({TP: 10})
    consumer = Consumer(error, {}, position=position, start=start, end=end)
    assert await fetch(consumer) == {}
    assert consumer.moves == []
    assert caplog.text == ""


async def test_a_group_without_a_place_begins_where_it_was_told_to() -> None:
    consumer = Consumer(NoOffsetForPartitionError(TP), {})
    await fetch(consumer)
    assert consumer.moves == [([TP], OffsetResetStrategy.LATEST)]
    assert consumer._auto_offset_reset == "none"


async def test_nothing_is_moved_or_said_while_kafka_does_not_say_what_is_there(
    caplog: pytest.LogCaptureFixture,
) -> None:
    consumer = Consumer(OffsetOutOfRangeError({TP: 10}), position=10, start=-1)
    with pytest.raises(KafkaConnectionError):
        await fetch(consumer)
    assert consumer.moves == []
    assert caplog.text == ""
