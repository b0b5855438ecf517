"""What waits of a partition, how much is taken of it, and up to where it is done."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from delivery.receiving.partition import FULL_RECORDS, Partition, Stopping


def records(*offsets: int, value: bytes = b"{}") -> list[Any]:
    return [SimpleNamespace(offset=offset, value=value) for offset in offsets]


def offsets(taken: list[Any]) -> list[int]:
    return [raw.offset for raw in taken]


async def test_what_waits_is_taken_in_order_and_is_done_when_it_is_finished() -> None:
    partition = Partition("books[0]")
    assert (partition.position, partition.oldest) == (None, None)
    partition.feed(records(*range(300)))
    assert (partition.position, partition.oldest) == (None, 0)
    assert offsets(partition.take(128)) == list(range(128))
    assert partition.position == partition.oldest == 0
    partition.finish(*range(1, 128))
    assert partition.position == 0
    partition.finish(0)
    assert partition.position == 128
    assert offsets(partition.take(1000)) == list(range(128, 300))
    partition.feed(records(310, 311))
    partition.finish(*range(128, 300))
    partition.finish(*offsets(partition.take(2)))
    assert partition.position == 312


@pytest.mark.parametrize("value", [b"{}", b"x" * 20_000])
async def test_a_full_partition_takes_more_when_half_of_it_is_done(value: bytes) -> None:
    partition = Partition("books[0]")
    count = FULL_RECORDS if len(value) < 10 else 900
    partition.feed(records(*range(count), value=value))
    assert partition.full
    partition.take(count // 3)
    assert partition.full
    partition.take(count // 2)
    assert not partition.full


async def test_a_wait_ends_with_the_first_record_or_with_enough_of_them() -> None:
    partition = Partition("books[0]")
    waiting = asyncio.create_task(partition.wait(3, 30))
    await asyncio.sleep(0)
    partition.feed(records(1, 2))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    partition.feed(records(3))
    await asyncio.wait_for(waiting, 5)
    await asyncio.wait_for(partition.wait(100, 0), 5)
    await asyncio.wait_for(partition.wait(100, 0.01), 5)
    assert offsets(partition.take(100)) == [1, 2, 3]


async def test_a_stop_ends_every_wait_and_every_pause() -> None:
    partition = Partition("books[0]")
    waiting = asyncio.create_task(partition.wait(3, 30))
    pausing = asyncio.create_task(partition.pause(30, "a reason"))
    await asyncio.sleep(0)
    assert partition.trouble == "a reason"
    partition.stop()
    await asyncio.wait_for(waiting, 5)
    with pytest.raises(Stopping):
        await asyncio.wait_for(pausing, 5)
