"""The holder's own idea of its lease, on a clock of the test's."""

import pytest

from delivery.sending import lease
from delivery.sending.lease import MARGIN, TTL, Lease, LeaseLostError


class Clock:
    now = 100.0


class Answers:
    """A connection whose queries take a time and give what they are told to."""

    def __init__(self, clock: Clock, *answers: object, took: float = 0.0) -> None:
        self._clock, self._answers, self._took = clock, list(answers), took

    async def fetchval(self, *_: object) -> object:
        self._clock.now += self._took
        return self._answers.pop(0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(lease, "seconds", lambda: clock.now)
    return clock


async def test_a_lease_that_was_never_taken_is_not_held(clock: Clock) -> None:
    assert not Lease("outbox", "me").held
    assert not await Lease("outbox", "me").acquire(Answers(clock, None))


async def test_the_holder_stops_before_the_expiry(clock: Clock) -> None:
    mine = Lease("outbox", "me")
    assert await mine.acquire(Answers(clock, 1))
    clock.now += TTL - MARGIN - 0.01
    assert mine.held
    clock.now += 0.02
    assert not mine.held


async def test_time_counts_from_before_the_question(clock: Clock) -> None:
    mine = Lease("outbox", "me")
    assert await mine.acquire(Answers(clock, 1, took=4.0))
    assert mine.remaining == pytest.approx(TTL - MARGIN - 4.0)


async def test_a_renewal_puts_the_end_off(clock: Clock) -> None:
    mine = Lease("outbox", "me")
    await mine.acquire(Answers(clock, 1))
    clock.now += 2.0
    await mine.renew(Answers(clock, 1))
    assert mine.remaining == pytest.approx(TTL - MARGIN)


async def test_a_lease_in_other_hands_is_lost_at_once(clock: Clock) -> None:
    mine = Lease("outbox", "me")
    await mine.acquire(Answers(clock, 1))
    with pytest.raises(LeaseLostError):
        await mine.renew(Answers(clock, None))
    assert not mine.held
