"""How much of what is there a partition's processor takes at once."""

import asyncio
from itertools import chain
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition

from delivery.receiving.processor import BATCH_SIZE, Processor
from embedded.waiting import poll_until


class Effects:
    """Finishes what it is given, and keeps the offsets."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    async def apply(self, batch: list[Any], partition: Processor) -> None:
        self.batches.append([raw.offset for raw in batch])
        await asyncio.sleep(0)
        partition.finish(*self.batches[-1])


def records(*offsets: int) -> list[Any]:
    return [SimpleNamespace(offset=offset, value=b"{}") for offset in offsets]


async def test_what_is_there_is_taken_at_once_as_far_as_a_batchs_span_has_links() -> None:
    effects: Any = Effects()
    processor = Processor(TopicPartition("books", 0), effects)
    processor.feed(records(*range(300)))
    await poll_until(lambda: processor.position == 300)
    processor.feed(records(310, 311))
    await poll_until(lambda: processor.position == 312)
    await processor.stop(1)
    assert BATCH_SIZE == 128
    assert list(map(len, effects.batches)) == [128, 128, 44, 2]
    assert list(chain(*effects.batches)) == [*range(300), 310, 311]
