"""Who commits: the consumer, a member of the group that fetches and hands over.

Faust's way from a record to an agent (conductor, queue, stream) costs about 70 µs a record and
acknowledges what it should not: a record in flight at a stop or on an error, and past holes. So
records leave Faust at its consumer. They are fetched in lists and handed to the actors of their
partition, one for each agent on the topic, and the offset committed is the one up to which the
effects of all of them are durable.

aiokafka stays in Faust's consumer thread: heartbeats go on when the application's loop is busy.
"""

import asyncio
import logging
import time
from collections.abc import Coroutine, Iterable
from typing import Any, Final, TypeVar, cast

from aiokafka import TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode import Service

from delivery.kafka.app import KafkaApp
from delivery.kafka.availability import KAFKA_ERRORS, one_line, reach
from delivery.kafka.clients.group import GroupThread
from delivery.kafka.clients.positions import labels
from delivery.receiving.actor import Actor
from delivery.receiving.agent import Agent
from delivery.receiving.counting import GroupCounting
from telemetry.metrics import gauge

_T = TypeVar("_T")
_LOG: Final = logging.getLogger(__name__)
_REQUEST_TIMEOUT_S: Final = 5.0
_OBSERVE_EVERY_S: Final = 5.0
_PAUSE_AFTER_FAILURE_S: Final = 5.0
_ADMITTED_AFTER_S: Final = 1.0
"""Of fetches without a refusal: a broker that answers for one partition may refuse another."""


class Consumer(driver.Consumer):
    """Receives for the application's agents.

    Promises: an offset is committed only when everything before it in its partition is durable; a
    partition that goes elsewhere, or a stop, lets its records in flight finish for a bounded time
    and commits them; what is not finished is delivered again. Kafka may go and come back.
    """

    app: KafkaApp
    _thread: GroupThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.actors: dict[TopicPartition, list[Actor]] = {}
        self.joined = False
        self._counting = GroupCounting(self.app, self)
        self._epoch = -1
        self._committed: dict[TopicPartition, int] = {}
        self._membership = asyncio.Lock()
        self._committing = asyncio.Lock()

    def _new_consumer_thread(self) -> GroupThread:
        return GroupThread(self, loop=self.loop, beacon=self.beacon)

    async def _in_thread(self, work: Coroutine[Any, Any, _T]) -> _T:
        return await asyncio.wrap_future(
            asyncio.run_coroutine_threadsafe(work, self._thread.thread_loop)
        )

    def actors_of(self, agent: Agent[Any]) -> list[Actor]:
        """Its bodies at work, one for each partition."""
        every = (actor for actors in self.actors.values() for actor in actors)
        return [actor for actor in every if actor.agent is agent]

    def _agents(self) -> dict[str, list[Agent[Any]]]:
        """The agents on each topic."""
        found: dict[str, list[Agent[Any]]] = {}
        for agent in self.app.agents.values():
            for topic in agent.get_topic_names():
                found.setdefault(topic, []).append(cast(Agent[Any], agent))
        return found

    # -- fetching

    @Service.task
    async def _receive(self) -> None:
        """Join, fetch, hand over; begin again with another client when this one is broken."""
        topics = sorted(self._agents())
        while topics and not self.should_stop:
            if not await self.app.availability.wait(
                self.app.kafka,
                lambda: self._in_thread(self._thread.open(topics)),
                self.sleep,
                lambda: self.should_stop,
            ):
                return
            try:
                await self._pump()
            except KAFKA_ERRORS as error:
                if self.should_stop:
                    return
                self.joined = False
                if not self.app.availability.refused(error):
                    self.app.availability.lost(error)
                await self.revoke()
                await self._in_thread(self._thread.shut())
                await self.sleep(_PAUSE_AFTER_FAILURE_S)

    async def _pump(self) -> None:
        since: float | None = None
        while not self.should_stop:
            full = {
                tp
                for tp, actors in self.actors.items()
                if any(actor.partition.full for actor in actors)
            }
            epoch, records = await self._in_thread(self._thread.fetch(full))
            if epoch != self._epoch:
                since = None
                continue  # fetched before a rebalance: they will come again, maybe elsewhere
            now = time.monotonic()
            since = now if since is None else since
            if now - since >= _ADMITTED_AFTER_S:
                self.app.availability.admitted()
            for tp, some in records.items():
                for actor in self.actors[tp]:
                    actor.partition.feed(some)

    # -- the group

    async def assign(self, partitions: set[TopicPartition], epoch: int) -> None:
        """Start processing these partitions. Called at each rebalance, after ``revoke``."""
        async with self._membership:
            if self.should_stop:
                return
            self._epoch = epoch
            self.joined = True
            _LOG.info("partitions: %s", ", ".join(f"{t}[{p}]" for t, p in sorted(partitions)))
            await self._signal(self.app.on_partitions_assigned, _tps(partitions))
            agents = self._agents()
            for tp in partitions:
                self.actors[tp] = [
                    agent.actor(tp, counts_messages=number == 0)
                    for number, agent in enumerate(agents[tp.topic])
                ]
            self._counting.rebalance_ends()
            await self._signal(self.app.on_rebalance_complete)

    async def revoke(self) -> None:
        """Finish what is in flight, within a bounded time, commit it, and let the rest go."""
        async with self._membership:
            self._epoch = -1
            if not self.should_stop:
                self._counting.rebalance_begins()
            if self.actors:
                timeout = self.app.kafka.kafka_stop_timeout
                every = [actor for actors in self.actors.values() for actor in actors]
                await asyncio.gather(*(actor.stop(timeout) for actor in every))
                await self.commit()
                await self._signal(self.app.on_partitions_revoked, _tps(self.actors))
            for tp in self.actors:
                gauge("consumer.lag").remove(labels(tp))
            self.actors.clear()
            self._committed.clear()

    async def on_stop(self) -> None:
        """What ``revoke`` does; the thread leaves the group afterwards."""
        await self.revoke()

    async def _signal(self, signal: Any, *told: Any) -> None:
        """Tell who asked to be told; what they raise is theirs."""
        try:
            await signal.send(*told)
        except Exception:  # noqa: BLE001 - anything, and no reason to keep the group waiting
            _LOG.exception("a handler of %s failed", signal.name)

    # -- commits

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commit what is durable and not yet committed; called on a timer as well.

        Never raises for Kafka's sake: what is not committed now is committed later, or delivered
        again.
        """
        async with self._committing:
            offsets = {
                tp: position
                for tp, actors in self.actors.items()
                if (position := _position(actors)) is not None
                and position != self._committed.get(tp)
            }
            if not offsets:
                return False
            state = self._counting.commit_begins()
            try:
                await asyncio.wait_for(
                    self._in_thread(self._thread.commit_offsets(offsets)), _REQUEST_TIMEOUT_S
                )
            except KAFKA_ERRORS as error:
                _LOG.warning("offsets not committed now: %s", one_line(error))
                return False
            self._committed |= offsets
            self._counting.committed(offsets, state)
            return True

    async def verify_all_partitions_active(self) -> None:
        """Faust's own check looks at its streams, of which there are none."""

    # -- observation

    @Service.task
    async def _observe(self) -> None:
        """Measure the lag, and notice by it that Kafka is away."""
        lag = gauge("consumer.lag")
        while not self.should_stop:
            await self.sleep(_OBSERVE_EVERY_S)
            if not self.joined or self.should_stop:
                continue
            try:
                if not self.actors:
                    await reach(self.app.kafka)
                ends = await asyncio.wait_for(
                    self._in_thread(self._thread.ends(set(self.actors))), _REQUEST_TIMEOUT_S
                )
            except KAFKA_ERRORS as error:
                self.app.availability.lost(error)
                continue
            self.app.availability.found()
            for tp, (end, fetched) in ends.items():
                self._counting.end_of(tp, end)
                if tp in self.actors:
                    oldest = (actor.partition.oldest for actor in self.actors[tp])
                    reached = min(
                        (offset for offset in oldest if offset is not None), default=fetched
                    )
                    lag.set(max(0, end - reached), labels(tp))


def _tps(partitions: Iterable[TopicPartition]) -> set[TP]:
    return {TP(*tp) for tp in partitions}


def _position(actors: list[Actor]) -> int | None:
    """Up to where all of them are done; None while one of them has not begun."""
    positions = [actor.partition.position for actor in actors]
    known = [position for position in positions if position is not None]
    return min(known) if known and len(known) == len(positions) else None
