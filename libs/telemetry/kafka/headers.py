"""Trace context in record headers, and what all messaging spans and metrics carry."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanContext, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from telemetry.bounds import MAX_TEXT, cut
from telemetry.errors import ERROR_TYPE, type_of

Headers = list[tuple[str, bytes]]

_propagator: Final = TraceContextTextMapPropagator()
_PLAIN: Final = re.compile("00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
NO_PARENT: Final = Context()


def context_headers(context: SpanContext) -> dict[str, str]:
    """``traceparent`` (and ``tracestate``) of a span; empty for one that is not valid."""
    if not context.is_valid:
        return {}
    flags = context.trace_flags
    headers = {"traceparent": f"00-{context.trace_id:032x}-{context.span_id:016x}-{flags:02x}"}
    if context.trace_state:
        headers["tracestate"] = context.trace_state.to_header()
    return headers


def current_context_headers() -> dict[str, str]:
    """``traceparent`` (and ``tracestate``) of the current span; empty where there is none."""
    return context_headers(trace.get_current_span().get_span_context())


def extract(headers: Iterable[tuple[str, bytes | None]] | None) -> SpanContext | None:
    """The span context in a record's headers, None where there is none that is valid.

    Of repeated headers the last one counts: setters of other programs append.
    """
    traceparent = tracestate = None
    for name, value in headers or ():
        if name == "traceparent" and isinstance(value, bytes):
            traceparent = value[:MAX_TEXT]
        elif name == "tracestate" and isinstance(value, bytes) and len(value) <= MAX_TEXT:
            tracestate = value
    if traceparent is None:
        return None
    return parse(
        traceparent.decode("ascii", "replace"), tracestate and tracestate.decode("ascii", "replace")
    )


# Kept for a moment, because a record's is asked for twice: for its span, and by its handler.
@lru_cache(maxsize=1024)
def parse(traceparent: str, tracestate: str | None) -> SpanContext | None:
    """The span context of two header values, None where they make none that is valid."""
    plain = None if tracestate else _PLAIN.fullmatch(traceparent)
    if plain is not None:  # nearly all; the propagator takes its time
        flags = TraceFlags(int(plain[3], 16))
        context = SpanContext(
            int(plain[1], 16), int(plain[2], 16), is_remote=True, trace_flags=flags
        )
    else:
        carrier = {"traceparent": traceparent}
        if tracestate is not None:
            carrier["tracestate"] = tracestate
        extracted = _propagator.extract(carrier, context=NO_PARENT)
        context = trace.get_current_span(extracted).get_span_context()
    return context if context.is_valid else None


def key_attribute(key: bytes | None) -> dict[str, AttributeValue]:
    """The record's key as an attribute, bytes that are no text escaped; nothing without a key."""
    if key is None:
        return {}
    return {"messaging.kafka.message.key": cut(key[:MAX_TEXT].decode("utf-8", "backslashreplace"))}


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
