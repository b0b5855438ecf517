"""One leader among the workers of a group, for what only one of them is to do.

Whoever holds the one partition of the topic ``{group}.leader`` is leader; Kafka gives it to one
member of a consumer group at a time. That group is one of its own, so that leadership does not
depend on what a worker consumes. Its members are dynamic ones, whatever those of the application's
group are: a leader that stops says so, and another follows at once. Nothing is ever on the topic.

Promises: at no moment are there two leaders. A worker that was stopped, or cut off from Kafka, is
none any more once its session has run out, which it tells by its own clock, not by what it hears. A
leader stays leader while it lives, whoever joins; when it is gone, another one follows within the
session's time-out. In between there is none. Nobody leads in a worker without a consumer
(ENABLE_KAFKA_CONSUMER=false).
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from mode import Service

from delivery.kafka.app import KafkaApp
from delivery.kafka.availability import KAFKA_ERRORS
from delivery.kafka.closing import start_whole
from delivery.kafka.topics import ensure_topics
from delivery.topics import BytesSchema, TopicDescription

_LOG: Final = logging.getLogger(__name__)
_ASK_EVERY_MS: Final = 500
_STOP_TIMEOUT_S: Final = 5.0
_PAUSE_AFTER_FAILURE_S: Final = 1.0


class Leader(Service):
    """Stands for election once somebody asks whether this worker is leader, and while it runs."""

    def __init__(self, app: KafkaApp) -> None:
        super().__init__()
        self._app = app
        self._wanted = asyncio.Event()
        self._known = asyncio.Event()
        self._holds_partition = False
        self._heard_at = float("-inf")  # when the last heartbeat that Kafka answered was sent
        self._consumer: AIOKafkaConsumer | None = None

    def stand(self) -> None:
        """Take part from now on, or from the start."""
        self._wanted.set()

    @property
    def is_leader(self) -> bool:
        """Whether this worker leads now."""
        session = float(self._app.conf.broker_session_timeout)
        return self._holds_partition and time.monotonic() - self._heard_at < session

    async def elected(self) -> bool:
        """Whether this worker leads, once the group has decided for the first time."""
        self.stand()
        await self._known.wait()
        return self.is_leader

    @Service.task
    async def _lead(self) -> None:
        await self.wait_for_stopped(self._wanted.wait())
        while not self.should_stop:
            if not await self._app.availability.wait(
                self._app.kafka, self._join, self.sleep, lambda: self.should_stop
            ):
                return
            try:
                while not self.should_stop:
                    # Nothing comes. Asking is what tells Kafka that this worker is alive.
                    await self._consumer.getmany(timeout_ms=_ASK_EVERY_MS)  # type: ignore[union-attr]
            except KAFKA_ERRORS as error:
                if not self.should_stop:
                    _LOG.warning("this worker stands for leader again: %s", type(error).__name__)
            finally:
                await self._leave()
            await self.sleep(_PAUSE_AFTER_FAILURE_S)

    async def _join(self) -> None:
        name = f"{self._app.conf.id}.leader"
        topic = TopicDescription[Any](name=name, schema=BytesSchema(), partitions=1)
        await ensure_topics(self._app.kafka, [topic])
        conf = self._app.conf
        consumer = AIOKafkaConsumer(
            **self._app.kafka.aiokafka(),
            group_id=name,
            client_id=conf.broker_client_id,
            enable_auto_commit=False,
            auto_offset_reset="latest",
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
            # A leader keeps the partition when others join.
            partition_assignment_strategy=(StickyPartitionAssignor,),
        )
        consumer.subscribe([name], listener=_Listener(self))
        await start_whole(consumer)
        coordinator = consumer._coordinator
        coordinator._do_heartbeat = self._noting(coordinator._do_heartbeat)
        self._consumer = consumer

    def _noting(
        self, heartbeat: Callable[[], Coroutine[Any, Any, bool]]
    ) -> Callable[[], Coroutine[Any, Any, bool]]:
        async def noted() -> bool:
            sent_at = time.monotonic()
            answered = await heartbeat()
            if answered:
                self._heard_at = sent_at
            return answered

        return noted

    async def _leave(self) -> None:
        self.lose()
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            try:
                await asyncio.wait_for(consumer.stop(), _STOP_TIMEOUT_S)
            except KAFKA_ERRORS:
                await consumer._client.close()

    async def on_stop(self) -> None:
        """Leave the group, so that another may follow at once."""
        self._known.set()
        await self._leave()

    def take(self, partitions: set[TopicPartition]) -> None:
        """The group has decided."""
        self._holds_partition = bool(partitions)
        self._heard_at = time.monotonic()
        self._known.set()
        if partitions:
            _LOG.info("this worker is the leader of %s", self._app.conf.id)

    def lose(self) -> None:
        """Until the group decides again, nobody leads."""
        self._holds_partition = False


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, leader: Leader) -> None:
        self._leader = leader

    def on_partitions_revoked(self, revoked: Any) -> None:
        self._leader.lose()

    def on_partitions_assigned(self, assigned: Any) -> None:
        self._leader.take(set(assigned))
