"""The consumer: membership in the group, fetching, and commits of what is durable.

Faust's way from a record to a handler (conductor, stream, agent) costs about 70 µs a record and
acknowledges what it should not: a record in flight at a stop or on an error, and past holes. So
records leave Faust at its consumer. They are fetched in lists and handed to one processor per
partition, and the offset committed is the one up to which that processor's effects are durable.

aiokafka stays in Faust's consumer thread: heartbeats go on when the application's loop is busy.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from aiokafka import TopicPartition
from faust.transport.drivers import aiokafka as driver
from mode import Service

from delivery.kafka.app import KafkaApp
from delivery.kafka.availability import KAFKA_ERRORS, one_line, reach
from delivery.kafka.group import GroupThread
from delivery.receiving.processor import Processor
from telemetry.metrics import gauge

_T = TypeVar("_T")
_LOG: Final = logging.getLogger(__name__)
_REQUEST_TIMEOUT_S: Final = 5.0
_OBSERVE_EVERY_S: Final = 5.0
_PAUSE_AFTER_FAILURE_S: Final = 5.0


class Consumer(driver.Consumer):
    """Receives for the application's consumptions.

    Promises: an offset is committed only when everything before it in its partition is durable; a
    partition that goes elsewhere, or a stop, lets its records in flight finish for a bounded time
    and commits them; what is not finished is delivered again. Kafka may go and come back.
    """

    app: KafkaApp
    _thread: GroupThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.processors: dict[TopicPartition, Processor] = {}
        self.joined = False
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

    # -- fetching

    @Service.task
    async def _receive(self) -> None:
        """Join, fetch, hand over; begin again with another client when this one is broken."""
        topics = sorted(self.app.consumptions)
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
                self.app.availability.lost(error)
                await self.revoke()
                await self._in_thread(self._thread.shut())
                await self.sleep(_PAUSE_AFTER_FAILURE_S)

    async def _pump(self) -> None:
        while not self.should_stop:
            full = {tp for tp, processor in self.processors.items() if processor.full}
            epoch, records = await self._in_thread(self._thread.fetch(full))
            if epoch != self._epoch:
                continue  # fetched before a rebalance: they will come again, maybe elsewhere
            for tp, some in records.items():
                self.processors[tp].feed(some)

    # -- the group

    async def assign(self, partitions: set[TopicPartition], epoch: int) -> None:
        """Start processing these partitions. Called at each rebalance, after ``revoke``."""
        async with self._membership:
            if self.should_stop:
                return
            self._epoch = epoch
            self.joined = True
            for tp in partitions:
                consumption = self.app.consumptions[tp.topic]
                self.processors[tp] = Processor(tp, consumption.effects)
            _LOG.info("partitions: %s", ", ".join(f"{t}[{p}]" for t, p in sorted(partitions)))

    async def revoke(self) -> None:
        """Finish what is in flight, within a bounded time, commit it, and let the rest go."""
        async with self._membership:
            self._epoch = -1
            if self.processors:
                timeout = self.app.kafka.kafka_stop_timeout
                await asyncio.gather(*(p.stop(timeout) for p in self.processors.values()))
                await self.commit()
            for tp in self.processors:
                gauge("consumer.lag").remove(_labels(tp))
            self.processors.clear()
            self._committed.clear()

    async def on_stop(self) -> None:
        """What ``revoke`` does; the thread leaves the group afterwards."""
        await self.revoke()

    # -- commits

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commit what is durable and not yet committed; called on a timer as well.

        Never raises for Kafka's sake: what is not committed now is committed later, or delivered
        again.
        """
        async with self._committing:
            offsets = {
                tp: processor.position
                for tp, processor in self.processors.items()
                if processor.position is not None and processor.position != self._committed.get(tp)
            }
            if not offsets:
                return False
            try:
                await asyncio.wait_for(
                    self._in_thread(self._thread.commit_offsets(offsets)), _REQUEST_TIMEOUT_S
                )
            except KAFKA_ERRORS as error:
                _LOG.warning("offsets not committed now: %s", one_line(error))
                return False
            self._committed |= offsets
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
                if not self.processors:
                    await reach(self.app.kafka)
                ends = await asyncio.wait_for(
                    self._in_thread(self._thread.ends(set(self.processors))), _REQUEST_TIMEOUT_S
                )
            except KAFKA_ERRORS as error:
                self.app.availability.lost(error)
                continue
            self.app.availability.found()
            for tp, (end, fetched) in ends.items():
                processor = self.processors.get(tp)
                if processor is not None:
                    reached = fetched if processor.oldest is None else processor.oldest
                    lag.set(max(0, end - reached), _labels(tp))


def _labels(tp: TopicPartition) -> dict[str, str]:
    return {
        "messaging.destination.name": tp.topic,
        "messaging.destination.partition.id": str(tp.partition),
    }
