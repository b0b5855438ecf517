"""The send span: from handing a record to the producer to the broker's answer."""

import time
from collections.abc import Mapping, Sequence
from functools import lru_cache

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind
from opentelemetry.util.types import AttributeValue

from telemetry import metrics
from telemetry.errors import add_exception, mark_failed
from telemetry.kafka.headers import Headers, key_attribute, metric_labels
from telemetry.propagation import NO_CONTEXT, active
from telemetry.spans import put_attributes, start_span

_tracer = trace.get_tracer("telemetry.kafka")
_sent = metrics.counter("messaging.client.sent.messages")
_duration = metrics.histogram("messaging.client.operation.duration")


class SendSpan:
    """One record on its way to the broker; ``span`` is OpenTelemetry's, ``cause`` the context that
    it was sent in, whose baggage goes along."""

    __slots__ = ("cause", "span", "started", "topic")

    def __init__(self, span: Span, topic: str, cause: Context) -> None:
        self.span = span
        self.cause = cause
        self.topic = topic
        self.started = time.perf_counter()


@lru_cache(maxsize=256)
def _send_attributes(topic: str) -> dict[str, AttributeValue]:
    return {
        "messaging.system": "kafka",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": topic,
    }


def start_send_span(
    topic: str,
    key: bytes | None,
    *,
    parent: Mapping[str, str] | None,
    links: Sequence[Link] = (),
    attributes: Mapping[str, AttributeValue] | None = None,
) -> SendSpan:
    """Start ``send {topic}``, a child of the span whose headers were stored with the record.

    ``parent`` is what ``current_context_headers`` returned in the request; None or an invalid one
    makes a root span. End it with ``end_send_span``, in any task or thread.
    """
    context = active().context_of(parent) if parent else NO_CONTEXT
    own = {**_send_attributes(topic), **key_attribute(key)}
    span = start_span(_tracer, f"send {topic}", SpanKind.PRODUCER, own, context, links)
    if attributes:
        span.set_attributes(attributes)
    return SendSpan(span, topic, context)


def end_send_span(
    sent: SendSpan, *, partition: int | None, offset: int | None, error: BaseException | None
) -> None:
    """End the span with what the broker answered, and count the record."""
    span, labels = sent.span, metric_labels("send", sent.topic, None, error)
    if partition is not None:
        put_attributes(span, {"messaging.destination.partition.id": str(partition)})
    if offset is not None:
        put_attributes(span, {"messaging.kafka.offset": offset})
    if error is not None:
        add_exception(span, error)
        mark_failed(span, error)
    _duration.record(time.perf_counter() - sent.started, labels, span.get_span_context())
    _sent.add(1, labels)
    span.end()


def inject(span: "SendSpan", headers: Headers) -> Headers:
    """A copy of the headers whose trace context is the span's, whatever was there before."""
    propagation = active()
    carrier = propagation.headers_of(trace.set_span_in_context(span.span, span.cause))
    kept = [pair for pair in headers if pair[0] not in propagation.names]
    return kept + [(name, value.encode()) for name, value in carrier.items()]
