"""Spans as an OTLP trace request, straight to bytes.

Promise: ``SpanEncoder().encode(spans)`` equals
``encode_spans(spans).SerializeToString()`` of the stock encoder, for every kind of span.
Source of the format: opentelemetry-proto's trace.proto.
"""

import struct
from collections.abc import Sequence

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link, SpanContext, SpanKind
from opentelemetry.trace.status import Status, StatusCode

from telemetry.otlp.groups import Groups, OwnerEncoder
from telemetry.otlp.wire import AttributeEncoder, block, count, text, varint

MAX_NAMES = 1024
"""Distinct (name, kind) pairs kept; span names are templates, so a service has dozens."""
MAX_NAME_LENGTH = 256

_KINDS = {
    SpanKind.INTERNAL: b"\x30\x01",
    SpanKind.SERVER: b"\x30\x02",
    SpanKind.CLIENT: b"\x30\x03",
    SpanKind.PRODUCER: b"\x30\x04",
    SpanKind.CONSUMER: b"\x30\x05",
}
# SpanFlags: bit 8 says that bit 9 (the parent is remote) is meaningful.
_LOCAL, _REMOTE = (0x100).to_bytes(4, "little"), (0x300).to_bytes(4, "little")
_times = struct.Struct("<BQBQ").pack
_time = struct.Struct("<BQ").pack


def _timestamps(start: int | None, end: int | None) -> bytes:
    if start and end:
        return _times(0x39, start, 0x41, end)
    return (_time(0x39, start) if start else b"") + (_time(0x41, end) if end else b"")


def _status(status: Status | None) -> bytes:
    if status is None:
        return b""
    if status.status_code is StatusCode.UNSET and not status.description:
        return b"\x7a\x00"
    code = status.status_code.value
    return block(b"\x7a", text(b"\x12", status.description) + count(b"\x18", code))


def _remote(context: SpanContext | None) -> bytes:
    return _REMOTE if context and context.is_remote else _LOCAL


class SpanEncoder:
    """Encodes batches of ended spans; keeps what repeats between them."""

    def __init__(self) -> None:
        self._owners = OwnerEncoder()
        self._attributes = AttributeEncoder(b"\x4a")
        self._event_attributes = AttributeEncoder(b"\x1a")
        self._link_attributes = AttributeEncoder(b"\x22")
        self._names: dict[tuple[str, SpanKind], bytes] = {}

    def encode(self, spans: Sequence[ReadableSpan]) -> bytes:
        """An ExportTraceServiceRequest.

        Raises what the stock encoder would fail with: a name that is no text, an id or a time
        that does not fit.
        """
        groups = Groups(self._owners)
        for span in spans:
            body = self._span(span)
            groups.of(span.resource, span.instrumentation_scope).append(
                b"\x12" + varint(len(body)) + body
            )
        return groups.encode()

    def _span(self, span: ReadableSpan) -> bytes:
        context = span.context
        parent = span.parent
        parts = [
            b"\x0a\x10",
            context.trace_id.to_bytes(16, "big"),
            b"\x12\x08",
            context.span_id.to_bytes(8, "big"),
        ]
        if context.trace_state:
            state = ",".join([f"{key}={value}" for key, value in context.trace_state.items()])
            parts.append(text(b"\x1a", state))
        if parent:
            parts += (b"\x22\x08", parent.span_id.to_bytes(8, "big"))
        parts += (
            self._names.get((span.name, span.kind)) or self._name(span.name, span.kind),
            _timestamps(span.start_time, span.end_time),
            # copy() gives a plain dict: iterating the SDK's locked mapping is twice as dear.
            self._attributes((span.attributes or {}).copy()),  # type: ignore[attr-defined]  # a MappingProxyType, declared as Mapping
            count(b"\x50", span.dropped_attributes),
        )
        # Each look at events or links copies them.
        parts += [self._event(event) for event in span.events]
        parts.append(count(b"\x60", span.dropped_events))
        parts += [self._link(link) for link in span.links]
        parts += (
            count(b"\x70", span.dropped_links),
            _status(span.status),
            b"\x85\x01",
            _remote(parent),
        )
        return b"".join(parts)

    def _name(self, name: str, kind: SpanKind) -> bytes:
        encoded = text(b"\x2a", name) + _KINDS[kind]
        if len(name) <= MAX_NAME_LENGTH:
            if len(self._names) >= MAX_NAMES:
                self._names.clear()
            self._names[name, kind] = encoded
        return encoded

    def _event(self, event: Event) -> bytes:
        parts = (
            _time(0x09, event.timestamp) if event.timestamp else b"",
            text(b"\x12", event.name),
            self._event_attributes(event.attributes),
            count(b"\x20", event.dropped_attributes),
        )
        return block(b"\x5a", b"".join(parts))

    def _link(self, link: Link) -> bytes:
        context = link.context
        parts = (
            b"\x0a\x10",
            context.trace_id.to_bytes(16, "big"),
            b"\x12\x08",
            context.span_id.to_bytes(8, "big"),
            # A link's trace state is left out, because the stock encoder leaves it out.
            self._link_attributes(link.attributes),
            count(b"\x28", link.dropped_attributes),
            b"\x35",
            _remote(context),
        )
        return block(b"\x6a", b"".join(parts))
