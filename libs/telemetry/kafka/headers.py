"""Trace context in record headers, and what all messaging spans and metrics carry."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanContext
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from telemetry.errors import ERROR_TYPE, type_of

Headers = list[tuple[str, bytes]]

PROPAGATOR: Final = TraceContextTextMapPropagator()
NO_PARENT: Final = Context()


def current_context_headers() -> dict[str, str]:
    """``traceparent`` (and ``tracestate``) of the current span; empty where there is none."""
    carrier: dict[str, str] = {}
    PROPAGATOR.inject(carrier)
    return carrier


def extract(headers: Iterable[tuple[str, bytes | None]] | None) -> SpanContext | None:
    """The span context in a record's headers, None where there is none that is valid.

    Of repeated headers the last one counts: setters of other programs append.
    """
    carrier: dict[str, str] = {}
    for name, value in headers or ():
        if name in ("traceparent", "tracestate") and isinstance(value, bytes):
            carrier[name] = value.decode("ascii", "replace")
    if "traceparent" not in carrier:
        return None
    extracted = PROPAGATOR.extract(carrier, context=NO_PARENT)
    context = trace.get_current_span(extracted).get_span_context()
    return context if context.is_valid else None


def key_attribute(key: bytes | None) -> dict[str, AttributeValue]:
    """The record's key as an attribute, bytes that are no text escaped; nothing without a key."""
    if key is None:
        return {}
    return {"messaging.kafka.message.key": key.decode("utf-8", "backslashreplace")}


@lru_cache(maxsize=256)
def _labels(operation: str, topic: str, group: str | None) -> dict[str, str]:
    labels = {
        "messaging.system": "kafka",
        "messaging.operation.name": operation,
        "messaging.destination.name": topic,
    }
    if group is not None:
        labels["messaging.consumer.group.name"] = group
    return labels


def metric_labels(
    operation: str, topic: str, group: str | None, error: BaseException | None
) -> dict[str, str]:
    """The attributes of the messaging metrics; shared between calls, not to be changed."""
    labels = _labels(operation, topic, group)
    return labels if error is None else labels | {ERROR_TYPE: type_of(error)}
