"""Where an agent's records come from: how they are read, and where they go that fail for good."""

import logging
from collections.abc import Sequence
from typing import Any, Final, Protocol

from aiokafka import ConsumerRecord
from opentelemetry.trace import use_span

from delivery.dead_letters.rate import TokenBucket
from delivery.dead_letters.sender import DeadLetterSender
from delivery.kafka.app import KafkaApp
from delivery.kafka.availability import one_line
from delivery.receiving.circuit import Circuit
from delivery.receiving.delivery import Delivery, Event
from delivery.receiving.partition import Partition
from delivery.receiving.retry import RetryPolicy
from telemetry.attributes import OUTCOME
from telemetry.kafka import BatchSpan, start_batch_span, start_process_span
from telemetry.metrics import counter

_LOG: Final = logging.getLogger(__name__)


class Undecodable(Exception):
    """The schema gave nothing for a record's bytes, and no error either."""


class Source(Protocol):
    """What an actor needs to know of its topic."""

    name: str
    channel: Any
    circuit: Circuit

    def open(self, raw: Any) -> Delivery:
        """Read one record. Never raises: the error stands in the record's place."""

    def batch(self, some: Sequence[Delivery]) -> BatchSpan | None:
        """The span of records that are applied together."""

    async def bury(self, delivery: Delivery, error: BaseException, partition: Partition) -> None:
        """Give the record up; returns when that is durable.

        Raises:
            Stopping: the partition is being given up before that.
        """


class TopicSource:
    """One topic of one agent, for all its partitions."""

    def __init__(
        self, app: KafkaApp, channel: Any, name: str, dead_letters: str, policy: RetryPolicy
    ) -> None:
        self._app = app
        self._schema = channel.schema
        self._keys = getattr(self._schema, "loads_key", None)
        self._undecodable = TokenBucket(policy.undecodable_rate, policy.undecodable_rate)
        self._dead_letters = DeadLetterSender(app, dead_letters, policy.pauses)
        self.name = name
        self.channel = channel
        self.circuit = Circuit(name, policy.circuit_threshold)
        for metric in ("consumer.dead_letters", "consumer.retries"):
            # There at 0 from the start: what begins with its first event has no increase.
            counter(metric).add(0, {"messaging.destination.name": name})

    def open(self, raw: ConsumerRecord) -> Delivery:
        """Start the record's span and decode key and value."""
        span = start_process_span(
            raw.topic,
            raw.partition,
            raw.offset,
            raw.key,
            raw.headers,
            group=self._app.conf.id,
            body_size=None if raw.value is None else len(raw.value),
        )
        key: Any = raw.key
        try:
            if self._keys is not None:
                key = self._keys(self._app, raw)
            record = self._schema.loads_value(self._app, raw)
            if record is None and not getattr(self._schema, "allow_empty", None):
                record = Undecodable("no value")
        except Exception as error:  # noqa: BLE001 - a schema may raise anything on wrong bytes
            record = error
        return Delivery(self._app, raw, key, record, span)

    def batch(self, some: Sequence[Delivery]) -> BatchSpan:
        """A root span, linked to each record's."""
        spans = [each.span for each in some if each.span is not None]
        return start_batch_span(self.name, self._app.conf.id, spans)

    async def bury(self, delivery: Delivery, error: BaseException, partition: Partition) -> None:
        """Send the record to the dead letters; what cannot be decoded, at a bounded rate."""
        raw, span = delivery.raw, delivery.span
        assert span is not None
        if not delivery.attempts and (wait := self._undecodable.take()):
            await partition.pause(wait, "many records cannot be decoded")
        with use_span(span.span, record_exception=False, set_status_on_exception=False):
            _LOG.error(
                "%s[%d]@%d goes to the dead letters, attempts: %d, last error: %s",
                raw.topic,
                raw.partition,
                raw.offset,
                delivery.attempts,
                one_line(error),
                exc_info=error if delivery.attempts else None,  # a decoder's own says no more
            )
        await self._dead_letters.send(raw, error, delivery.attempts, span, partition.pause)
        delivery.close({OUTCOME: "dead_letter"}, error)


class Parcel:
    """What came through a channel, numbered as if it were a partition's."""

    __slots__ = ("event", "offset")
    value = None

    def __init__(self, offset: int, event: Event[Any]) -> None:
        self.offset = offset
        self.event = event


class ChannelSource:
    """A channel in this process: nothing is durable in it, and nothing is decoded."""

    def __init__(self, channel: Any, name: str, policy: RetryPolicy) -> None:
        self.name = name
        self.channel = channel
        self.circuit = Circuit(name, policy.circuit_threshold)

    def open(self, raw: Parcel) -> Delivery:
        """The event as it was put into the channel."""
        return Delivery(None, raw, raw.event.key, raw.event.value, event=raw.event)

    def batch(self, some: Sequence[Delivery]) -> None:
        """No span: whoever sent it is in this process, and has one."""

    async def bury(self, delivery: Delivery, error: BaseException, partition: Partition) -> None:
        """A channel has no dead letters: the log has the error, and the agent goes on."""
        _LOG.error("%s: given up after %d attempts", self.name, delivery.attempts, exc_info=error)
