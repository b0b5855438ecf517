"""aiokafka's consumer in Faust's consumer thread, so that no record is handed over twice or missed
around a rebalance.

Everything here runs on the thread's own event loop. Records fetched carry the epoch of the
assignment that they belong to: a fetch is cancelled before partitions are given up, and none begins
until the new assignment is in place, so a record of an old assignment can never be taken for one
of the new, whose position may be lower.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any, Final, Protocol, cast

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import ConsumerStoppedError
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread

from delivery.kafka.availability import KAFKA_ERRORS
from delivery.kafka.clients.positions import Positions, Records, count_nothing
from delivery.kafka.clients.static import StaticMember
from delivery.kafka.closing import start_whole
from delivery.kafka.settings import READ_COMMITTED

# How long a broker waits for new records before it answers that there are none. aiokafka asks a
# broker one question at a time: while one about empty partitions (the dead letters') is open, none
# about the others can be asked, and with Faust's 1.5 s a busy worker stands still most of the time.
_BROKER_WAIT_MS: Final = 50
_FETCH_TIMEOUT_MS: Final = 500
_PAUSED_POLL_S: Final = 0.05
_STOP_TIMEOUT_S: Final = 5.0


class Member(Protocol):
    """Who gets the partitions; both are awaited on the application's loop."""

    async def assign(self, partitions: set[TopicPartition], epoch: int) -> None:
        """These partitions are ours. Called at each rebalance, after ``revoke``."""

    async def revoke(self) -> None:
        """Finish what is in flight, commit it, and let the partitions go."""


class GroupThread(AIOKafkaConsumerThread):
    """The thread that is a member of the group, on behalf of a ``Member``."""

    _epoch = 0
    _assigned: asyncio.Event
    _positions: Positions
    _fetching: asyncio.Task[Any] | None = None
    _static: StaticMember | None = None

    @property
    def member(self) -> Member:
        """On whose behalf; Faust gave it to us as its consumer."""
        return cast(Member, self.consumer)

    async def on_start(self) -> None:
        """Nothing yet: ``open`` connects, once Kafka is there."""
        self._assigned = asyncio.Event()
        instance = self.consumer.app.conf.consumer_group_instance_id
        self._static = StaticMember(instance) if instance else None

    async def on_thread_stop(self) -> None:
        """Leave the group, within a bounded time."""
        if self._method_queue is not None:
            await self._method_queue.stop()
        await self.shut()

    async def open(self, topics: Iterable[str]) -> None:
        """Connect and join the group for these topics.

        Raises:
            KafkaError, OSError, TimeoutError: Kafka is away, or refuses.
        """
        consumer = self._create_consumer(loop=self.thread_loop)
        consumer._fetch_max_wait_ms = _BROKER_WAIT_MS
        consumer._isolation_level = READ_COMMITTED  # Faust has no setting for it
        positions = Positions(consumer)
        await start_whole(consumer)
        self._consumer, self._positions = consumer, positions
        if self._static is not None:
            self._static.go_on_in(consumer)
        consumer.subscribe(topics, listener=_Listener(self))

    async def shut(self) -> None:
        """Leave the group and close; bounded, and quiet when Kafka is away."""
        consumer, self._consumer = self._consumer, None
        await self.halt()
        if consumer is not None:
            try:
                await asyncio.wait_for(consumer.stop(), _STOP_TIMEOUT_S)
            # aiokafka cancels what it waits for when it is stopped while it cannot reach Kafka.
            except (*KAFKA_ERRORS, asyncio.CancelledError):
                await consumer._client.close()

    async def halt(self) -> None:
        """Fetch no more until there is another assignment."""
        self._assigned.clear()
        self._epoch += 1
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait({self._fetching})
            self._fetching = None

    async def fetch(self, full: set[TopicPartition]) -> tuple[int, Records]:
        """Records of the partitions that are not full, with the epoch of their assignment.

        Waits for at most half a second. Counts as a sign of life for ``max_poll_interval`` also
        when every partition is full: a retry that lasts for hours keeps its partition.

        Raises:
            KafkaError: this consumer is of no more use.
        """
        consumer = self._usable()
        epoch = self._epoch
        with consumer._subscription.fetch_context():
            wanted = consumer.assignment() - full
            if not self._assigned.is_set() or not wanted:
                await asyncio.sleep(_PAUSED_POLL_S)
                return epoch, {}
        timeout = _PAUSED_POLL_S * 1000 if full else _FETCH_TIMEOUT_MS
        self._fetching = self.thread_loop.create_task(self._positions.fetch(wanted, int(timeout)))
        done, _ = await asyncio.wait({self._fetching})
        task = done.pop()
        if task.cancelled():
            return epoch, {}
        return epoch, cast(Records, task.result())

    def _usable(self) -> AIOKafkaConsumer:
        consumer = self._consumer
        if consumer is None or consumer._closed:
            raise ConsumerStoppedError
        consumer._coordinator.check_errors()
        # Nobody in aiokafka looks at this task: when it ends, fetches just return nothing.
        if consumer._fetcher._fetch_task.done():
            consumer._fetcher._fetch_task.result()
            raise ConsumerStoppedError
        return consumer

    async def commit_offsets(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Commit. Raises KafkaError when the group has moved on, or Kafka refuses."""
        consumer = self._usable()
        assignment = consumer.assignment()
        mine = {tp: offset for tp, offset in offsets.items() if tp in assignment}
        if mine:
            await consumer.commit(mine)

    async def ends(self, partitions: set[TopicPartition]) -> dict[TopicPartition, tuple[int, int]]:
        """For each partition its end and the next offset to be fetched.

        Raises:
            KafkaError, TimeoutError: Kafka is away.
        """
        consumer = self._usable()
        mine = partitions & consumer.assignment()
        if not mine:
            return {}
        ends = await consumer.end_offsets(list(mine))
        return {tp: (end, await consumer.position(tp)) for tp, end in ends.items()}

    async def in_application(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something on the application's loop, and wait for it here."""
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.parent_loop))

    async def assigned(self, partitions: set[TopicPartition]) -> None:
        """The group has given us these partitions."""
        count_nothing(partitions)
        await self.in_application(self.member.assign(partitions, self._epoch))
        self._assigned.set()


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """What aiokafka calls around a rebalance; heartbeats go on while it waits here."""

    def __init__(self, thread: GroupThread) -> None:
        self._thread = thread

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        await self._thread.halt()
        await self._thread.in_application(self._thread.member.revoke())

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        await self._thread.assigned(assigned)
