"""Sends records again: the exact key and value, and the headers but for the trace context.

Each has a send span of its own, the root of a trace, which says that it is a replay and links to
the span that first sent the record and to the current one, the operator's. Whoever consumes it
links to this send span, so that the way leads back to both.
"""

from collections.abc import Awaitable, Iterable
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from aiokafka import AIOKafkaProducer
from opentelemetry import trace
from opentelemetry.trace import Link

from delivery.kafka.availability import reach
from delivery.kafka.clients.exact import send_exact
from delivery.kafka.closing import start_whole
from delivery.kafka.settings import KafkaSettings
from telemetry.attributes import REPLAYED
from telemetry.kafka import SendSpan, end_send_span, extract, inject, start_send_span
from telemetry.metrics import counter

RawHeaders = Iterable[tuple[str, bytes | None]]

_LARGEST: Final = 16 * 1024 * 1024
_TIMEOUT_MS: Final = 15_000


class Position(NamedTuple):
    """Where a record is in its topic."""

    partition: int
    offset: int


class Publisher:
    """An idempotent producer that waits for all replicas. Raises KafkaError, OSError on entry when
    Kafka is away."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._producer: Any = None

    async def __aenter__(self) -> Self:
        await reach(self._kafka)
        self._producer = AIOKafkaProducer(
            **self._kafka.aiokafka(),
            acks="all",
            enable_idempotence=True,
            max_request_size=_LARGEST,
            request_timeout_ms=_TIMEOUT_MS,
        )
        await start_whole(self._producer)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._producer.stop()

    async def send(
        self, topic: str, key: bytes | None, value: bytes | None, headers: RawHeaders
    ) -> "Pending":
        """Hand over one record; it is sent once ``settle`` of what this returns has returned.

        Hand over records of one key in their order.
        """
        headers = list(headers)
        first = extract(headers)
        links = [Link(trace.get_current_span().get_span_context())]
        if first is not None:
            links.insert(0, Link(first))
        span = start_send_span(topic, key, parent=None, links=links, attributes={REPLAYED: True})
        try:
            sent = await send_exact(
                self._producer,
                topic,
                key,
                value,
                inject(span, headers),  # type: ignore[arg-type]  # null values are Kafka's
            )
        except BaseException as error:
            end_send_span(span, partition=None, offset=None, error=error)
            raise
        return Pending(span, topic, sent)


class Pending:
    """A record on its way."""

    def __init__(self, span: SendSpan, topic: str, sent: Awaitable[Any]) -> None:
        self._span = span
        self._topic = topic
        self._sent = sent

    async def settle(self) -> Position:
        """Where the record is now. Raises KafkaError: it may or may not be there."""
        try:
            written = await self._sent
        except BaseException as error:
            end_send_span(self._span, partition=None, offset=None, error=error)
            raise
        end_send_span(self._span, partition=written.partition, offset=written.offset, error=None)
        counter("consumer.replayed").add(1, {"messaging.destination.name": self._topic})
        return Position(written.partition, written.offset)
