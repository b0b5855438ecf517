"""What is put off is done: soon, in order, each once, whatever the others do."""

import asyncio
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from telemetry import Telemetry, TelemetrySettings, later


async def everything() -> None:
    """Wait until all that was put off so far is done."""
    done = asyncio.Event()
    later.soon(done.set)
    async with asyncio.timeout(5):
        await done.wait()


@pytest.fixture(autouse=True)
def _nothing_waits() -> Iterator[None]:
    later.drain()
    yield
    later.drain()


def test_outside_of_an_event_loop_it_is_done_at_once() -> None:
    done: list[int] = []
    later.soon(partial(done.append, 1))
    assert done == [1]


async def test_on_an_event_loop_it_is_done_soon_and_in_order() -> None:
    done: list[int] = []
    for number in range(5):
        later.soon(partial(done.append, number))
    assert done == []
    await everything()
    assert done == [0, 1, 2, 3, 4]


def test_an_event_loop_that_ended_leaves_nothing_that_the_next_one_does_not_do() -> None:
    done: list[int] = []

    async def put_off(number: int) -> None:
        later.soon(partial(done.append, number))

    async def put_off_and_wait() -> None:
        await put_off(2)
        await everything()

    asyncio.run(put_off(1))
    asyncio.run(put_off_and_wait())
    assert done == [1, 2]


async def test_only_so_many_wait() -> None:
    done: list[int] = []
    for number in range(later.AT_ONCE):
        later.soon(partial(done.append, number))
    assert done == list(range(later.AT_ONCE))


async def test_one_that_fails_is_logged_and_stops_no_other(caplog: Any) -> None:
    done: list[int] = []
    later.soon(partial(int, "no number"))
    later.soon(partial(done.append, 1))
    later.drain()
    assert done == [1]
    assert "could not finish a span" in caplog.text


async def test_each_is_done_once_when_threads_drain_together() -> None:
    done: list[int] = []
    ends = [threading.Thread(target=later.drain) for _ in range(4)]
    for number in range(later.AT_ONCE - 1):
        later.soon(partial(done.append, number))
    for thread in ends:
        thread.start()
    for thread in ends:
        thread.join()
    assert sorted(done) == list(range(later.AT_ONCE - 1))


async def test_a_shutdown_leaves_nothing_behind() -> None:
    done: list[str] = []
    telemetry = Telemetry(TelemetrySettings())
    telemetry._stops.append(lambda: done.append("stop"))
    later.soon(lambda: done.append("span"))
    telemetry.shutdown()
    assert done == ["span", "stop"]
