"""Spans as an OTLP trace request, straight to bytes.

Promise: ``SpanEncoder().encode(spans)`` equals
``encode_spans(spans).SerializeToString()`` of the stock encoder, for every kind of span.
Source of the format: opentelemetry-proto's trace.proto.
"""

import logging
import struct
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util import BoundedList
from opentelemetry.trace import Link, SpanKind
from opentelemetry.trace.status import Status, StatusCode

from telemetry.otlp.groups import Groups, OwnerEncoder
from telemetry.otlp.wire import AttributeEncoder, block, count, text

logger = logging.getLogger(__name__)

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
_FLAGS = b"\x85\x01"
_LOCAL, _REMOTE = (0x100).to_bytes(4, "little"), (0x300).to_bytes(4, "little")
_LOCAL_LINK, _REMOTE_LINK = b"\x35" + _LOCAL, b"\x35" + _REMOTE
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


_Parts = tuple[Mapping[str, Any], int, Collection[Event], int, Collection[Link], int]


def inside(span: ReadableSpan) -> _Parts:
    """Attributes, events and links, each followed by how many the limits left out.

    An ended span changes no more, but its accessors copy what they give: dearer than encoding it.
    """
    kept, events, links = span._attributes, span._events, span._links
    if (
        type(kept) is BoundedAttributes
        and type(events) is BoundedList
        and type(links) is BoundedList
    ):
        event_list, link_list = events._dq, links._dq  # type: ignore[attr-defined]  # not in the stub
        return kept._dict, kept.dropped, event_list, events.dropped, link_list, links.dropped
    return (
        span.attributes or {},
        span.dropped_attributes,
        span.events,
        span.dropped_events,
        span.links,
        span.dropped_links,
    )


class Queued:
    """An ended span on its way to the exporter, and its bytes as soon as somebody has made them.

    Whoever makes them, the thread where it ended or the exporter's, they are the same.
    """

    __slots__ = ("field", "held", "resource", "scope", "span")

    def __init__(self, span: ReadableSpan) -> None:
        self.resource = span._resource
        self.scope = span._instrumentation_scope
        self.span: ReadableSpan | None = span
        self.field = b""
        self.held: int | None = 0
        """Bytes that it counts for in the queue; None once it has left."""

    def encode(self, encoder: "SpanEncoder") -> bytes:
        """The span's field of a request; empty, after a line in the log, if there can be none."""
        span = self.span
        if span is not None:
            try:
                self.field = encoder.one(span)
            except Exception:
                logger.exception("Left out the span %r, which cannot be encoded", span.name)
            self.span = None
        return self.field

    def leave(self) -> int:
        """The bytes that it counted for; it counts for none from now on."""
        held, self.held = self.held, None
        return held or 0


class SpanEncoder:
    """Encodes batches of ended spans; keeps what repeats between them."""

    def __init__(self) -> None:
        self._owners = OwnerEncoder()
        self._attributes = AttributeEncoder(b"\x4a")
        self._event_attributes = AttributeEncoder(b"\x1a")
        self._link_attributes = AttributeEncoder(b"\x22")
        self._names: dict[tuple[str, SpanKind], bytes] = {}

    def encode(self, spans: Iterable[ReadableSpan | Queued]) -> bytes:
        """An ExportTraceServiceRequest. Raises as ``one`` does."""
        groups = Groups(self._owners)
        for span in spans:
            if isinstance(span, Queued):
                groups.of(span.resource, span.scope).append(span.encode(self))
            else:
                groups.of(span._resource, span._instrumentation_scope).append(self.one(span))
        return groups.encode()

    def one(self, span: ReadableSpan) -> bytes:
        """One span's field of a request.

        Raises what the stock encoder would fail with: a name that is no text, an id or a time
        that does not fit.
        """
        assert span._context is not None  # it is an SDK's span, which has one
        trace_id, span_id, _, _, trace_state, _ = span._context
        attributes, dropped_attributes, events, dropped_events, links, dropped_links = inside(span)
        name, parent, flags = (span._name, span._kind), span._parent, _LOCAL
        parts = [b"\x0a\x10", trace_id.to_bytes(16, "big"), b"\x12\x08", span_id.to_bytes(8, "big")]
        if trace_state:
            state = ",".join([f"{key}={value}" for key, value in trace_state.items()])
            parts.append(text(b"\x1a", state))
        if parent:
            parts += (b"\x22\x08", parent.span_id.to_bytes(8, "big"))
            if parent.is_remote:
                flags = _REMOTE
        parts += (
            self._names.get(name) or self._name(*name),
            _timestamps(span._start_time, span._end_time),
            self._attributes(attributes),
        )
        if dropped_attributes:
            parts.append(count(b"\x50", dropped_attributes))
        if events:
            parts += map(self._event, events)
        if dropped_events:
            parts.append(count(b"\x60", dropped_events))
        if links:
            parts += map(self._link, links)
        if dropped_links:
            parts.append(count(b"\x70", dropped_links))
        parts += (_status(span._status), _FLAGS, flags)
        return block(b"\x12", b"".join(parts))

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
        # A link's trace state is left out, because the stock encoder leaves it out.
        trace_id, span_id, is_remote, _, _, _ = link._context
        ids = trace_id.to_bytes(16, "big"), b"\x12\x08", span_id.to_bytes(8, "big")
        flags = _REMOTE_LINK if is_remote else _LOCAL_LINK
        kept = link._attributes
        if type(kept) is BoundedAttributes and not kept._dict and not kept.dropped:
            return b"".join((b"\x6a\x21\x0a\x10", *ids, flags))  # nearly all; one length
        attributes = self._link_attributes(kept) + count(b"\x28", link.dropped_attributes)
        return block(b"\x6a", b"".join((b"\x0a\x10", *ids, attributes, flags)))
