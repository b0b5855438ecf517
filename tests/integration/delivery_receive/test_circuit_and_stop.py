"""When everything fails, and when it is time to stop."""

import asyncio
from typing import Any

import pytest
from faust.types import Message

from delivery.receiving import RetryPolicy
from embedded.waiting import poll_until
from telemetry.metrics import gauge

QUICK = RetryPolicy(attempts=2, first_pause=0.01, longest_pause=0.05, circuit_threshold=5)


async def test_a_handler_that_fails_for_everything_stops_consumption_until_it_works(
    lab: Any,
) -> None:
    broken = True
    seen: list[Any] = []

    async def handler(record: Any, message: Message) -> None:
        if broken:
            raise ZeroDivisionError("a bad deployment")
        seen.append((message.partition, record))

    app, agent = lab.app(lab.each(handler), policy=QUICK)
    lab.send(*range(10), partition=0)
    lab.send(*range(10), partition=1)
    await app.start()
    await poll_until(lambda: agent.status.state == "stopped")
    assert not agent.status.ready
    assert "a bad deployment" in (agent.status.reason or "")
    letters = await lab.dead_letters(20, seconds=3)
    assert len(letters) == 4  # one less than the threshold
    broken = False
    await poll_until(lambda: len(seen) == 16)
    assert agent.status.state == "consuming"
    for partition in (0, 1):
        mine = [record for p, record in seen if p == partition]
        assert mine == sorted(mine)


async def test_the_lag_counts_what_is_not_done_also_of_a_partition_that_is_stuck(
    lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("delivery.receiving.consumer._OBSERVE_EVERY_S", 0.2)
    away = True

    async def handler(record: Any, message: Message) -> None:
        if away:
            raise ConnectionRefusedError("away")

    app, _ = lab.app(lab.each(handler))
    labels = {"messaging.destination.name": lab.topic.name}

    def lag() -> list[float]:
        values = {frozenset(at.items()): value for value, at in gauge("consumer.lag")._read()}
        partitions = [labels | {"messaging.destination.partition.id": str(p)} for p in range(2)]
        return [values.get(frozenset(at.items()), -1) for at in partitions]

    lab.send(1, 2, 3)
    await app.start()
    await poll_until(lambda: lag() == [3, 0])
    lab.send(4)
    await poll_until(lambda: lag() == [4, 0])
    away = False
    await poll_until(lambda: lag() == [0, 0])
    await app.stop()
    assert lag() == [-1, -1]


async def test_a_stop_finishes_and_commits_the_record_in_work(lab: Any) -> None:
    """Faust acknowledges it unfinished, or waits for ever (field notes, 6)."""
    done: list[Any] = []
    entered = asyncio.Event()

    async def handler(record: Any, message: Message) -> None:
        entered.set()
        await asyncio.sleep(0.5)  # the work
        done.append(record)

    app, _ = lab.app(lab.each(handler))
    lab.send(*range(10))
    await app.start()
    await entered.wait()
    await app.stop()
    assert done == [0]
    assert await lab.committed() == 1


async def test_a_record_that_a_stop_does_not_wait_for_is_delivered_again(lab: Any) -> None:
    entered = asyncio.Event()

    async def stuck(record: Any, message: Message) -> None:
        entered.set()
        await asyncio.Event().wait()

    app, _ = lab.app(lab.each(stuck), settings={"kafka_stop_timeout": 0.5})
    lab.send("one")
    await app.start()
    await entered.wait()
    started = asyncio.get_running_loop().time()
    await app.stop()
    assert asyncio.get_running_loop().time() - started < 5
    assert await lab.committed() < 1

    seen: list[Any] = []

    async def handler(record: Any, message: Message) -> None:
        seen.append(record)

    another, _ = lab.app(lab.each(handler))
    await another.start()
    await poll_until(lambda: seen == ["one"])


async def test_a_retry_keeps_its_partition_for_longer_than_the_poll_interval(lab: Any) -> None:
    """A consumer that does not ask for records for that long leaves its group."""
    tries: list[Any] = []

    async def handler(record: Any, message: Message) -> None:
        tries.append(record)
        raise ConnectionRefusedError("away")

    app, agent = lab.app(lab.each(handler))
    app.conf.broker_max_poll_interval = 2.0
    for partition in range(4):
        lab.send("a record", partition=partition)
    await app.start()
    await poll_until(lambda: agent.status.state == "retrying")
    for actor in app.consumer.actors_of(agent):
        actor.partition.full = True  # nothing more is asked for, as after a long time of this
    assignments = app.consumer.actors_of(agent)
    started = len(tries)
    await asyncio.sleep(5)  # more than twice the interval
    assert len(tries) > started
    assert app.consumer.actors_of(agent) == assignments
