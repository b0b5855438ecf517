"""The process span: one for each record that is consumed, and one more for a batch of them."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Literal

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind
from opentelemetry.util.types import AttributeValue

from telemetry import attributes as ours
from telemetry import metrics
from telemetry.errors import add_exception, mark_failed
from telemetry.kafka.headers import carrier_of, key_attribute, metric_labels
from telemetry.propagation import NO_CONTEXT, active
from telemetry.spans import start_span

_tracer = trace.get_tracer("telemetry.kafka")
_consumed = metrics.counter("messaging.client.consumed.messages")
_duration = metrics.histogram("messaging.process.duration")

_relation: Literal["link", "parent"] = "link"


def relate_records_by(relation: Literal["link", "parent"]) -> None:
    """How process spans refer to send spans, for this process; ``configure()`` calls it."""
    global _relation
    _relation = relation


class ProcessSpan:
    """One record being processed; ``span`` is OpenTelemetry's. ``finish`` ends it, once."""

    __slots__ = ("_carrier", "_group", "_started", "_topic", "span")

    def __init__(self, span: Span, topic: str, group: str, carrier: Mapping[str, str]) -> None:
        self.span = span
        self._topic = topic
        self._group = group
        self._carrier = carrier
        self._started = time.perf_counter()

    @property
    def context(self) -> Context:
        """The span's, with the baggage that the record brought; made when somebody asks."""
        return trace.set_span_in_context(self.span, active().context_of(self._carrier))

    def finish(self, error: BaseException | None = None) -> None:
        """End the span, failed if there is an error, and record how long the record took."""
        if error is not None:
            add_exception(self.span, error)
            mark_failed(self.span, error)
        _duration.record(
            time.perf_counter() - self._started,
            metric_labels("process", self._topic, self._group, error),
            self.span.get_span_context(),
        )
        self.span.end()


@lru_cache(maxsize=256)
def _process_attributes(topic: str, partition: int, group: str) -> dict[str, AttributeValue]:
    return {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": topic,
        "messaging.destination.partition.id": str(partition),
        "messaging.consumer.group.name": group,
    }


def start_process_span(
    topic: str,
    partition: int,
    offset: int,
    key: bytes | None,
    headers: Iterable[tuple[str, bytes | None]] | None,
    *,
    group: str,
    body_size: int | None,
    links: Sequence[Link] = (),
    attributes: Mapping[str, AttributeValue] | None = None,
) -> ProcessSpan:
    """Start ``process {topic}`` for one record, and count the record as consumed.

    There is one per record: retries happen inside. ``body_size`` is the value's length in bytes,
    None for a tombstone. ``links`` are further ones, behind the one to the send span. The span is
    not made current: see ``process_span``.
    """
    carrier = carrier_of(headers)
    sender = active().sender_of(carrier)
    context = NO_CONTEXT
    if sender is not None and _relation == "link":
        links = (Link(sender), *links)
    elif sender is not None:
        context = active().context_of(carrier)
    own = {**_process_attributes(topic, partition, group), **key_attribute(key)}
    own["messaging.kafka.offset"] = offset
    if body_size is None:
        own["messaging.kafka.message.tombstone"] = True
    else:
        own["messaging.message.body.size"] = body_size
    span = start_span(_tracer, f"process {topic}", SpanKind.CONSUMER, own, context, links)
    if attributes:
        span.set_attributes(attributes)
    _consumed.add(1, metric_labels("process", topic, group, None))
    return ProcessSpan(span, topic, group, carrier)


@contextmanager
def process_span(
    topic: str,
    partition: int,
    offset: int,
    key: bytes | None,
    headers: Iterable[tuple[str, bytes | None]] | None,
    *,
    group: str,
    body_size: int | None,
    links: Sequence[Link] = (),
    attributes: Mapping[str, AttributeValue] | None = None,
) -> Iterator[Span]:
    """``start_process_span``, current in a block; an error ends it as failed and is raised on."""
    process = start_process_span(
        topic,
        partition,
        offset,
        key,
        headers,
        group=group,
        body_size=body_size,
        links=links,
        attributes=attributes,
    )
    with trace.use_span(process.span, record_exception=False, set_status_on_exception=False):
        try:
            yield process.span
        except BaseException as error:
            process.finish(error)
            raise
        process.finish()


class BatchSpan:
    """Several records being applied at once; ``span`` is OpenTelemetry's. ``finish`` ends it.

    Each record's own process span is still the caller's to finish, with the ``attributes`` of this
    one where it went well.
    """

    __slots__ = ("span",)

    def __init__(self, span: Span) -> None:
        self.span = span

    def attributes(self) -> dict[str, str]:
        """What leads from a record's process span to the batch's in which it was applied."""
        context = self.span.get_span_context()
        return {
            ours.BATCH_TRACE_ID: trace.format_trace_id(context.trace_id),
            ours.BATCH_SPAN_ID: trace.format_span_id(context.span_id),
        }

    def finish(self, error: BaseException | None = None) -> None:
        """End the span, failed if there is an error."""
        if error is not None:
            add_exception(self.span, error)
            mark_failed(self.span, error)
        self.span.end()


def start_batch_span(topic: str, group: str, records: Sequence[ProcessSpan]) -> BatchSpan:
    """Start the root span of what applies several records at once, linked to each record's span.

    OpenTelemetry keeps the last 128 links, unless OTEL_SPAN_LINK_COUNT_LIMIT says otherwise. The
    span is not made current.
    """
    return BatchSpan(
        _tracer.start_span(
            f"process {topic} batch",
            context=NO_CONTEXT,
            kind=SpanKind.INTERNAL,
            links=[Link(record.span.get_span_context()) for record in records],
            attributes={
                "messaging.system": "kafka",
                "messaging.operation.name": "process",
                "messaging.destination.name": topic,
                "messaging.consumer.group.name": group,
                "messaging.batch.message_count": len(records),
            },
        )
    )
