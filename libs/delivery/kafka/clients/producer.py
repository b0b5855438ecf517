"""The producer: idempotent, and done when all replicas have the record.

It waits for Kafka at its start instead of raising, makes sure that the topics exist, and replaces
itself when it can send no more.
"""

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from typing import Any, Final, cast

from aiokafka import AIOKafkaProducer
from faust.transport.drivers import aiokafka as driver
from faust.types import HeadersArg, RecordMetadata

from delivery.kafka.app import KafkaApp
from delivery.kafka.clients.exact import send_exact
from delivery.kafka.closing import start_whole
from delivery.kafka.topics import ensure_topics

_LOG: Final = logging.getLogger(__name__)
_STOP_TIMEOUT_S: Final = 5.0
_RESTART_TIMEOUT_S: Final = 10.0


class Producer(driver.Producer):
    """Sends with acks from all replicas and a sequence per partition, so that retries inside the
    client do not duplicate. ``send`` returns a future; a record is durable once that is done."""

    app: KafkaApp
    _renewing: asyncio.Lock | None = None

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}

    async def on_start(self) -> None:
        """Wait for Kafka, create missing topics, connect. Ends early when told to stop."""
        await self.add_runtime_dependency(self.buffer)
        await self.app.availability.wait(
            self.app.kafka, self._open, self.sleep, lambda: self.should_stop
        )

    async def _open(self) -> None:
        await ensure_topics(self.app.kafka, self.app.declared_topics)
        producer = self._new_producer()
        await start_whole(producer)
        self._producer = producer

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: HeadersArg | None,
        *,
        transactional_id: str | None = None,
    ) -> Awaitable[RecordMetadata]:
        """Enqueue one record; the future that this returns is done when the broker has it.

        Raises:
            ProducerSendError: it cannot be enqueued now. Whether an earlier record of a producer
                that failed was written is unknown.
        """
        if self._is_broken():
            await self._renew()
        if key is None and value is None:  # somebody's record, and a dead letter now
            given = cast(Any, headers)
            pairs = given.items() if isinstance(given, Mapping) else given or ()
            return await send_exact(self._ensure_producer(), topic, key, value, list(pairs))
        return await super().send(topic, key, value, partition, timestamp, headers)

    def _is_broken(self) -> bool:
        # aiokafka's sender task ends for good on an error it does not expect (a broker that lost
        # the producer's sequence is one), and every later send raises that error.
        producer = self._producer
        if producer is None:
            return False
        sender = producer._sender.sender_task
        return sender is not None and sender.done()

    async def _renew(self) -> None:
        self._renewing = self._renewing or asyncio.Lock()
        async with self._renewing:
            if not self._is_broken():
                return
            _LOG.warning("the Kafka producer can send no more; starting another")
            broken = cast(AIOKafkaProducer, self._producer)
            await asyncio.wait_for(self._open(), _RESTART_TIMEOUT_S)
            await self._close(broken)

    async def on_stop(self) -> None:
        """Send what is pending, within a bounded time."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await self._close(producer)

    async def _close(self, producer: AIOKafkaProducer) -> None:
        try:
            await asyncio.wait_for(producer.stop(), _STOP_TIMEOUT_S)
        except TimeoutError:
            # Its own stop waits for as long as Kafka is away.
            await producer._sender.close()
            await producer.client.close()

    async def flush(self) -> None:
        """Nothing is ever left to flush: whoever sends awaits the future, and Faust's own wait
        here would last for as long as Kafka is away."""
