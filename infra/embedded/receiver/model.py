"""What the receiver keeps and answers with: plain data, times in nanoseconds since the epoch."""

from typing import Any

import msgspec

Attributes = dict[str, Any]


class Link(msgspec.Struct, frozen=True):
    trace_id: str
    span_id: str
    attributes: Attributes = {}


class SpanEvent(msgspec.Struct, frozen=True):
    name: str
    time: int
    attributes: Attributes


class Span(msgspec.Struct, kw_only=True):
    service: str
    name: str
    kind: str
    """internal, server, client, producer or consumer."""
    trace_id: str
    span_id: str
    parent_id: str
    """Empty for a root."""
    links: list[Link]
    attributes: Attributes
    status: str
    """unset, ok or error."""
    status_message: str
    start: int
    end: int
    events: list[SpanEvent]
    trace_state: str
    flags: int
    scope: str
    """Name of the instrumentation scope."""
    marks: list[str] = []
    """What is odd about it; docs/receiver-api.md lists them."""
    resource: Attributes


class Log(msgspec.Struct, kw_only=True):
    service: str
    level: str
    message: str
    trace_id: str
    span_id: str
    time: int
    attributes: Attributes
    scope: str
    resource: Attributes


class SentryEvent(msgspec.Struct, kw_only=True):
    """A Sentry event, with what the page shows taken out of it."""

    event_id: str
    service: str
    level: str
    message: str
    trace_id: str
    span_id: str
    time: int
    tags: dict[str, str]
    environment: str
    release: str
    payload: dict[str, Any]
    """The whole event as it was sent."""


class Exemplar(msgspec.Struct, frozen=True):
    value: float
    time: int
    trace_id: str
    span_id: str
    attributes: Attributes


class Exponential(msgspec.Struct, frozen=True, gc=False):
    """The buckets of an exponential histogram, as OTLP has them."""

    scale: int
    zero_count: int
    positive_offset: int
    positive: tuple[int, ...]
    negative_offset: int
    negative: tuple[int, ...]


class Point(msgspec.Struct, kw_only=True):
    """A point of one series: of one metric, service, process and set of attributes."""

    service: str
    name: str
    kind: str
    """gauge, sum, histogram or exponential_histogram."""
    unit: str
    description: str
    attributes: Attributes
    value: float
    """A gauge's or sum's value; a histogram's sum."""
    count: int
    """A histogram's count; 1 otherwise."""
    time: int
    start: int = 0
    """Since when a sum or histogram counts; 0 when it was not said."""
    temporality: str = ""
    """delta, cumulative or, for a gauge, empty."""
    monotonic: bool = False
    """A sum that never falls."""
    bounds: tuple[float, ...] = ()
    buckets: tuple[int, ...] = ()
    exponential: Exponential | None = None
    exemplars: list[Exemplar] = []
    scope: str
    resource: Attributes
    """What distinguishes two processes of one service: service.instance.id is in it."""


class TraceSummary(msgspec.Struct, kw_only=True):
    """One row of the list of traces."""

    trace_id: str
    service: str
    name: str
    """Of the root span, or of the earliest one while the root has not come."""
    title: str
    """The name, or more where the name alone says little."""
    status: str
    code: int
    """The root's HTTP status, 0 where there is none."""
    status_text: str
    start: int
    duration: int
    spans: int
    logs: int
    sentry: int
    errors: int
    services: list[str]
    linked: list[str]
    """Ids of the traces that this one links to or is linked from."""
    replayed: bool
    dead_letter: bool
    complete: bool
    """The root has come."""
    dropped: int
    """Spans and lines beyond what one trace may have."""
    version: int


class TraceList(msgspec.Struct, frozen=True):
    """A page of the list of traces, and how many fit its filters in all."""

    total: int
    traces: list[TraceSummary]


class BackLink(msgspec.Struct, frozen=True):
    """A link seen from its target: the span `span_id` is linked to by span `from_span_id`."""

    span_id: str
    from_trace_id: str
    from_span_id: str


class Trace(msgspec.Struct, kw_only=True):
    """Everything that is kept of one trace."""

    trace_id: str
    version: int = 0
    dropped: int = 0
    spans: list[Span]
    logs: list[Log]
    sentry: list[SentryEvent]
    linked_from: list[BackLink]


class Edge(msgspec.Struct, kw_only=True):
    """From a cause to its effect in another trace, or another place of the same one."""

    kind: str
    """topic, batch, replay or link."""
    topic: str
    from_trace_id: str
    from_span_id: str
    to_trace_id: str
    to_span_id: str
    wait_start: int
    wait_end: int
    wait: int
    """Nanoseconds that a record waited in the topic; never negative."""
    replayed: bool
    dead_letter: bool
    marks: list[str]
    """self: the span links to itself; back: the effect begins before its cause ended."""


class LinkedTrace(msgspec.Struct, kw_only=True):
    """A trace in the linked waterfall."""

    trace_id: str
    role: str
    """request, process, batch, replay or other."""
    distance: int
    """Links between it and the trace that was asked for."""
    service: str
    title: str
    start: int
    end: int
    replayed: bool
    dead_letter: bool
    spans: list[Span]
    logs: list[Log]
    sentry: list[SentryEvent]


class Linked(msgspec.Struct, kw_only=True):
    """A trace with what caused it and what it led to, on one time axis."""

    trace_id: str
    start: int
    end: int
    traces: list[LinkedTrace]
    edges: list[Edge]
    missing: list[str]
    left_out: int
