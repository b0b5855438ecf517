"""Work that is done now and then goes on for ever, whether or not the database is there."""

import asyncio

import pytest

from delivery.postgres import DatabaseAway
from delivery.postgres.recurring import do_now_and_then


async def test_it_is_done_again_and_again_also_after_the_database_was_away():
    done: list[int] = []
    enough = asyncio.Event()

    async def work() -> None:
        done.append(len(done))
        if len(done) == 2:
            raise DatabaseAway("refused")
        if len(done) == 5:
            enough.set()

    task = asyncio.create_task(do_now_and_then(work, 0.001))
    await asyncio.wait_for(enough.wait(), 30)
    task.cancel()
    assert done[:5] == [0, 1, 2, 3, 4]


async def test_it_waits_between_two_times():
    done: list[int] = []

    async def work() -> None:
        done.append(1)

    task = asyncio.create_task(do_now_and_then(work, 3600))
    await asyncio.sleep(0.05)
    task.cancel()
    assert done == [1]


async def test_a_mistake_of_ours_ends_it():
    async def work() -> None:
        raise LookupError("a mistake")

    with pytest.raises(LookupError, match="a mistake"):
        await do_now_and_then(work, 0.001)
