"""Spans, log lines and Sentry events as they are kept: their JSON, and what lists ask of them.

A span as Python objects takes 2.5 KB, as its JSON a third of that, and an answer needs no
encoding. A resource is kept once for all rows that share it.
"""

import sys
from typing import Any

import msgspec

from embedded.receiver.model import Log, SentryEvent, Span

_encode = msgspec.json.Encoder().encode

_ROW = 400
"""Bytes of a row's object, its ids and its places in dictionaries; measured, see the tests."""
TEXT = 200
"""Characters of a name that rows are grouped by: a service, a topic, a database."""
NO_TRACE = "0" * 32
"""Where spans are kept that came without the id of a trace."""


class Resource(msgspec.Struct, eq=False, gc=False):
    """A resource's attributes as JSON, and how many rows share them."""

    raw: bytes
    users: int = 0

    @property
    def size(self) -> int:
        return len(self.raw) + 200


class SpanRow(msgspec.Struct, eq=False, gc=False, kw_only=True):
    trace_id: str
    span_id: str
    parent_id: str
    service: str
    name: str
    kind: str
    status: str
    start: int
    end: int
    code: int
    """HTTP status, 0 for none."""
    links: tuple[tuple[str, str], ...]
    peer: str
    """The node of the map that it calls or takes from; empty for none."""
    topic: str
    """messaging.destination.name"""
    batch: tuple[str, str]
    """Trace and span of the batch that applied its record; empty ones for none."""
    replayed: bool
    dead_letter: bool
    marks: list[str]
    raw: bytes
    """Its JSON up to its marks."""
    resource: Resource
    size: int

    def json(self, also: list[str] | None = None) -> bytes:
        """The whole span; `also` are further marks."""
        marks = _encode([*self.marks, *(also or ())])
        return b'%b,"marks":%b,"resource":%b}' % (self.raw, marks, self.resource.raw)


class LogRow(msgspec.Struct, eq=False, gc=False, kw_only=True):
    number: int
    trace_id: str
    span_id: str
    service: str
    level: str
    message: str
    time: int
    raw: bytes
    """Its JSON but for the message and the resource."""
    resource: Resource
    size: int

    def json(self) -> bytes:
        message = _encode(self.message)
        return b'{"message":%b,%b,"resource":%b}' % (message, self.raw, self.resource.raw)


class SentryRow(msgspec.Struct, eq=False, gc=False, kw_only=True):
    number: int
    event_id: str
    trace_id: str
    span_id: str
    service: str
    level: str
    message: str
    time: int
    raw: bytes
    """All of its JSON."""
    size: int

    def json(self) -> bytes:
        return self.raw


def span_row(span: Span, resource: Resource) -> SpanRow:
    attributes = span.attributes
    trace_id = span.trace_id or NO_TRACE
    raw = _without(span, "marks", "resource", trace_id=trace_id)
    links = tuple((link.trace_id, link.span_id) for link in span.links)
    code = attributes.get("http.response.status_code", attributes.get("http.status_code", 0))
    topic = attributes.get("messaging.destination.name")
    return SpanRow(
        trace_id=trace_id,
        span_id=span.span_id,
        parent_id=span.parent_id,
        service=sys.intern(span.service[:TEXT]),
        name=sys.intern(span.name),
        kind=sys.intern(span.kind),
        status=sys.intern(span.status),
        start=span.start,
        end=max(span.end, span.start),
        code=code if isinstance(code, int) and 100 <= code <= 999 else 0,
        links=links,
        peer=sys.intern(_peer(span)[:TEXT]),
        topic=sys.intern(topic[:TEXT]) if isinstance(topic, str) else "",
        batch=_batch(attributes),
        replayed=attributes.get("delivery.replayed") is True,
        dead_letter=attributes.get("delivery.outcome") == "dead_letter",
        marks=[*span.marks, *_odd(span, links)],
        raw=raw,
        resource=resource,
        size=_ROW + len(raw) + 4 * len(span.name) + 230 * len(links),
    )


def log_row(log: Log, resource: Resource, number: int) -> LogRow:
    raw = _without(log, "message", "resource")[1:]
    return LogRow(
        number=number,
        trace_id=log.trace_id,
        span_id=log.span_id,
        service=sys.intern(log.service[:TEXT]),
        level=sys.intern(log.level),
        message=log.message,
        time=log.time,
        raw=raw,
        resource=resource,
        # A text with one character beyond Latin 1 takes two to four bytes for each.
        size=_ROW + len(raw) + sys.getsizeof(log.message),
    )


def sentry_row(event: SentryEvent, number: int) -> SentryRow:
    raw = _encode(event)
    return SentryRow(
        number=number,
        event_id=event.event_id,
        trace_id=event.trace_id,
        span_id=event.span_id,
        service=sys.intern(event.service[:TEXT]),
        level=sys.intern(event.level[:TEXT]),
        message=event.message,
        time=event.time,
        raw=raw,
        size=_ROW + len(raw) + sys.getsizeof(event.message),
    )


def _without(item: Any, *left_out: str, **changed: str) -> bytes:
    """JSON of all other fields, without the closing brace."""
    names = [name for name in item.__struct_fields__ if name not in left_out]
    return _encode({name: changed.get(name, getattr(item, name)) for name in names})[:-1]


def _odd(span: Span, links: tuple[tuple[str, str], ...]) -> list[str]:
    marks = []
    if not span.span_id or not span.trace_id:
        marks.append("no_id")
    if span.end < span.start or not span.start:
        marks.append("bad_time")
    if (span.trace_id, span.span_id) in links:
        marks.append("self_link")
    return marks


def _batch(attributes: dict[str, Any]) -> tuple[str, str]:
    trace_id, span_id = (attributes.get(f"delivery.batch.{part}_id") for part in ("trace", "span"))
    if isinstance(trace_id, str) and isinstance(span_id, str):
        return trace_id, span_id
    return "", ""


def _peer(span: Span) -> str:
    """The node of the map at the other end of the span; a called service is found by its span."""
    attributes = span.attributes
    if system := attributes.get("db.system.name", attributes.get("db.system")):
        name = attributes.get("db.namespace", attributes.get("db.name"))
        return f"database:{system}/{name}" if name else f"database:{system}"
    topic = attributes.get("messaging.destination.name")
    if topic and span.kind in ("producer", "consumer"):
        return f"topic:{topic}"
    if span.kind == "client":
        address = attributes.get("server.address", attributes.get("net.peer.name"))
        port = attributes.get("server.port", attributes.get("net.peer.port"))
        return f"external:{address}:{port}" if address and port else f"external:{address or '?'}"
    return ""
