"""A process that stood still finds that out, and says it once."""

import asyncio

import pytest

from delivery.sending import stillness
from delivery.sending.stillness import Stillness


class Clock:
    now = 100.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that goes on by what is slept, and by what a test adds."""
    clock = Clock()

    async def sleep(seconds: float) -> None:
        clock.now += seconds
        await pause(0)

    pause = asyncio.sleep
    monkeypatch.setattr(stillness, "seconds", lambda: clock.now)
    monkeypatch.setattr(stillness.asyncio, "sleep", sleep)
    return clock


@pytest.mark.parametrize(
    ("asleep", "later", "said"),
    [(60.0, 0.0, "stood still for 60 s"), (1.0, 0.0, None), (60.0, 11.0, None)],
    ids=["long", "short", "long ago"],
)
async def test_a_gap_in_time_is_told_once_and_while_it_is_news(
    clock: Clock, asleep: float, later: float, said: str | None
) -> None:
    still = Stillness()
    looking = still.watch()
    step = looking.send(None)  # asleep for half a second
    del step
    clock.now += asleep
    looking.send(None)
    looking.close()
    clock.now += later
    found = still.take()
    assert (said is None and found is None) or (said in str(found))
    assert still.take() is None


def test_the_clock_goes_on_while_the_machine_sleeps() -> None:
    """As far as it can be seen awake: it is none that stands still then."""
    before = stillness.seconds()
    assert stillness.seconds() >= before
    assert stillness.seconds is not stillness.time.monotonic
