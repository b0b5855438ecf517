"""From records to their effects: decode, span, hook, handler, retry, circuit, dead letter.

Promises, for each record that is given to ``apply``: its effect has happened, or its dead letter is
acknowledged by the broker, when it is reported finished; and nothing is ever reported finished
otherwise. A failure that passes is tried for ever; one that does not, a few times; an error that
the handler calls permanent, not again.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final

from aiokafka import ConsumerRecord
from opentelemetry.trace import use_span

from delivery.dead_letters.rate import TokenBucket
from delivery.dead_letters.sender import DeadLetterSender
from delivery.kafka.app import KafkaApp
from delivery.kafka.availability import one_line
from delivery.kafka.records import Metadata, metadata_of
from delivery.kafka.topics import Topic
from delivery.receiving.circuit import Circuit
from delivery.receiving.processor import Processor
from delivery.receiving.records import BatchHandler, Handler, Hook, PermanentError
from delivery.receiving.retry import Classify, RetryPolicy
from telemetry.attributes import ATTEMPTS, OUTCOME
from telemetry.errors import type_of
from telemetry.kafka import ProcessSpan, batch_attributes, batch_span, start_process_span
from telemetry.metrics import counter
from telemetry.spans import put_attributes

_LOG: Final = logging.getLogger(__name__)
_AGAIN: Final[Mapping[str, str]] = {}


class Undecodable(Exception):
    """The schema gave nothing for a record's bytes, and no error either."""


class Delivery:
    """A record on its way, with its span."""

    __slots__ = ("attempts", "metadata", "raw", "record", "span")

    def __init__(self, raw: ConsumerRecord, record: Any, span: ProcessSpan) -> None:
        self.raw = raw
        self.record = record
        self.span: ProcessSpan | None = span
        self.metadata: Metadata = metadata_of(raw)
        self.attempts = 0


class Effects:
    """One topic's handlers and what is around them; the partitions share it."""

    def __init__(
        self,
        app: KafkaApp,
        topic: Topic,
        dead_letter_topic: Topic,
        handler: Handler,
        batch_handler: BatchHandler | None,
        before: Hook | None,
        policy: RetryPolicy,
        classify: Classify,
    ) -> None:
        self._app = app
        self._topic = topic
        self._handler = handler
        self._batch_handler = batch_handler
        self._before = before
        self._policy = policy
        self._classify = classify
        self.circuit = Circuit(topic.name, policy.circuit_threshold)
        self._undecodable = TokenBucket(policy.undecodable_rate, policy.undecodable_rate)
        self._dead_letters = DeadLetterSender(app, dead_letter_topic, policy.pauses)

    async def apply(self, batch: list[ConsumerRecord], partition: Processor) -> None:
        """Bring every record of the batch to its end, in order per key.

        Raises:
            Stopping: the partition is being given up.
        """
        deliveries = [self._open(raw) for raw in batch]
        good = [each for each in deliveries if not isinstance(each.record, Exception)]
        try:
            await self._apply_good(good, partition)
            for delivery in deliveries:
                if isinstance(delivery.record, Exception):
                    await self._bury_undecodable(delivery, delivery.record, partition)
        finally:
            for delivery in deliveries:
                _close(delivery)  # no-op, unless the partition is being given up

    def _open(self, raw: ConsumerRecord) -> Delivery:
        span = start_process_span(
            raw.topic,
            raw.partition,
            raw.offset,
            raw.key,
            raw.headers,
            group=self._app.conf.id,
            body_size=None if raw.value is None else len(raw.value),
        )
        try:
            record = self._topic.schema.loads_value(self._app, raw)
        except Exception as error:  # noqa: BLE001 - a schema may raise anything on wrong bytes
            record = error
        return Delivery(raw, Undecodable("no value") if record is None else record, span)

    async def _apply_good(self, left: list[Delivery], partition: Processor) -> None:
        """In order, as many at once as go through."""
        pauses = self._policy.pauses()
        while left:
            some, rest = left[: partition.at_once], left[partition.at_once :]
            alone = self._batch_handler is None or len(some) == 1 or self.circuit.is_open
            if not alone and (error := await self._together(some, partition)) is not None:
                if self._classify(error):
                    # Perhaps it was too much at once: the whole again might fail for ever.
                    partition.slow_down(len(some))
                    await self._try_again(some[0], error, next(pauses), partition)
                    continue
                alone = True
                _LOG.info(
                    "%s: %d records are taken one by one, together they fail: %s",
                    self._topic.name,
                    len(some),
                    one_line(error),
                )
            if alone:
                for delivery in some:
                    partition.check()
                    await self._alone(delivery, partition)
            partition.speed_up(len(some))
            pauses = self._policy.pauses()
            left = rest

    # -- all at once

    async def _together(self, some: list[Delivery], partition: Processor) -> Exception | None:
        """Call the batch handler once; its error, None when the records are done."""
        assert self._batch_handler is not None
        pairs = [(each.record, each.metadata) for each in some]
        spans = [each.span for each in some if each.span is not None]
        for each in some:
            each.attempts += 1
        try:
            with batch_span(self._topic.name, self._app.conf.id, spans) as span:
                if self._before is not None:
                    for record, metadata in pairs:
                        await self._before(record, metadata)
                await self._batch_handler(pairs)
        except Exception as error:  # noqa: BLE001 - a handler may raise anything
            return error
        self.circuit.success()
        told = {OUTCOME: "done", **batch_attributes(span)}
        for each in some:
            _close(each, told)
        partition.finish(*(each.raw.offset for each in some))
        return None

    # -- one by one

    async def _alone(self, delivery: Delivery, partition: Processor) -> None:
        assert delivery.span is not None
        failures = 0
        for pause in self._policy.pauses():
            delivery.attempts += 1
            try:
                with use_span(
                    delivery.span.span, record_exception=False, set_status_on_exception=False
                ):
                    if self._before is not None:
                        await self._before(delivery.record, delivery.metadata)
                    await self._handler(delivery.record, delivery.metadata)
            except Exception as error:  # noqa: BLE001 - a handler may raise anything
                failures += not self._classify(error)
                final = isinstance(error, PermanentError) or failures >= self._policy.attempts
                if final and not self.circuit.failure(one_line(error)):
                    await self._bury(delivery, error, partition)
                    return
                await self._try_again(delivery, error, pause, partition)
            else:
                break
        self.circuit.success()
        _close(delivery, {OUTCOME: "done"})
        partition.finish(delivery.raw.offset)

    async def _try_again(
        self, delivery: Delivery, error: BaseException, pause: float, partition: Processor
    ) -> None:
        raw = delivery.raw
        trouble = f"{raw.topic}[{raw.partition}]@{raw.offset} failed: {one_line(error)}"
        assert delivery.span is not None
        with use_span(delivery.span.span, record_exception=False, set_status_on_exception=False):
            _LOG.warning("%s; attempt %d, next in %.1f s", trouble, delivery.attempts, pause)
        counter("consumer.retries").add(
            1, {"messaging.destination.name": raw.topic, "error.type": type_of(error)}
        )
        await partition.pause(pause, trouble)

    # -- dead letters

    async def _bury_undecodable(
        self, delivery: Delivery, error: Exception, partition: Processor
    ) -> None:
        wait = self._undecodable.take()
        if wait:
            await partition.pause(wait, "many records cannot be decoded")
        await self._bury(delivery, error, partition)

    async def _bury(self, delivery: Delivery, error: Exception, partition: Processor) -> None:
        assert delivery.span is not None
        raw = delivery.raw
        with use_span(delivery.span.span, record_exception=False, set_status_on_exception=False):
            _LOG.error(
                "%s[%d]@%d goes to the dead letters, attempts: %d, last error: %s",
                raw.topic,
                raw.partition,
                raw.offset,
                delivery.attempts,
                one_line(error),
                exc_info=error if delivery.attempts else None,  # a decoder's own says no more
            )
        await self._dead_letters.send(raw, error, delivery.attempts, delivery.span, partition.pause)
        _close(delivery, {OUTCOME: "dead_letter"}, error)
        partition.finish(raw.offset)


def _close(
    delivery: Delivery, told: Mapping[str, str] = _AGAIN, error: BaseException | None = None
) -> None:
    """End the record's span, unless that was done; without an outcome it is delivered again."""
    process, delivery.span = delivery.span, None
    if process is None:
        return
    put_attributes(process.span, {ATTEMPTS: delivery.attempts, **told})
    process.finish(error)
