"""A record on its way through an agent (what was fetched, what it says, its span), and its source:
how records are read, and where they go that fail for good."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final, Generic, Protocol, TypeVar

import faust
from aiokafka import ConsumerRecord
from faust.types import TP, Message
from opentelemetry.trace import use_span

from delivery.dead_letters.rate import TokenBucket
from delivery.dead_letters.sender import DeadLetterSender
from delivery.kafka.app import KafkaApp
from delivery.kafka.availability import one_line
from delivery.receiving.partition import Partition
from delivery.receiving.retry import Circuit, RetryPolicy
from delivery.refused import Refused
from telemetry.attributes import ATTEMPTS, OUTCOME
from telemetry.kafka import BatchSpan, ProcessSpan, start_batch_span, start_process_span
from telemetry.metrics import counter
from telemetry.spans import put_attributes

T = TypeVar("T")
_LOG: Final = logging.getLogger(__name__)
_NOT_FINISHED: Final[Mapping[str, str]] = {}


class Event(faust.Event, Generic[T]):
    """Faust's event, which knows the type of its record, and acknowledges nothing."""

    value: T

    def ack(self) -> bool:
        """Refused, and so is ``async with event``, which would acknowledge at its end."""
        raise Refused("event.ack(): come back for the next record, which acknowledges the last")

    async def __aenter__(self) -> Any:
        self.ack()


class Delivery:
    """One record for one agent. ``record`` is the error when it cannot be decoded; ``value`` is
    what the stream's processors made of it. ``span`` is None once it has ended, or where there is
    none (a channel's)."""

    __slots__ = ("_app", "_event", "attempts", "key", "raw", "record", "span", "value")

    def __init__(
        self,
        app: Any,
        raw: Any,
        key: Any,
        record: Any,
        span: ProcessSpan | None = None,
        event: Event[Any] | None = None,
    ) -> None:
        self._app = app
        self._event = event
        self.raw = raw
        self.key = key
        self.record = record
        self.value = record
        self.span = span
        self.attempts = 0

    def event(self) -> Event[Any]:
        """As Faust shows a record; made when somebody asks. ``event.headers`` is a dict, in which
        the last of equal names stays; ``event.message.headers`` has them all, as they were sent."""
        if self._event is None:
            raw = self.raw
            message = Message(
                raw.topic,
                raw.partition,
                raw.offset,
                timestamp=raw.timestamp / 1000,
                timestamp_type=raw.timestamp_type,
                headers=raw.headers,
                key=raw.key,
                value=raw.value,
                checksum=None,
                tp=TP(raw.topic, raw.partition),
            )
            self._event = Event(self._app, self.key, self.record, raw.headers, message)
        return self._event

    def close(
        self, told: Mapping[str, str] = _NOT_FINISHED, error: BaseException | None = None
    ) -> None:
        """End the record's span, unless that was done; without an outcome it is delivered again."""
        process, self.span = self.span, None
        if process is not None:
            put_attributes(process.span, {ATTEMPTS: self.attempts, **told})
            process.finish(error)


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
        self._group: str = app.conf.id  # Faust makes a setting's value anew at each look
        self._schema = channel.schema
        self._keys = getattr(self._schema, "loads_key", None)
        self._allows_empty = bool(getattr(self._schema, "allow_empty", False))
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
            group=self._group,
            body_size=None if raw.value is None else len(raw.value),
        )
        key: Any = raw.key
        try:
            if self._keys is not None:
                key = self._keys(self._app, raw)
            record = None
            if raw.value is not None or not self._allows_empty:
                record = self._schema.loads_value(self._app, raw)
        except Exception as error:  # noqa: BLE001 - a schema may raise anything on wrong bytes
            record = error
        return Delivery(self._app, raw, key, record, span)

    def batch(self, some: Sequence[Delivery]) -> BatchSpan:
        """A root span, linked to each record's."""
        spans = [each.span for each in some if each.span is not None]
        return start_batch_span(self.name, self._group, spans)

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
