"""What the receiver keeps: spans, log records, metric points and Sentry events, as plain data.

Ids are lower-case hexadecimal text ("" when there is none), times nanoseconds since the epoch.
These Structs are the JSON of the query API, the input of the trace page and of the demo's report.
"""

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
    attributes: Attributes = {}


class Span(msgspec.Struct, kw_only=True):
    service: str
    name: str
    kind: str
    """internal, server, client, producer or consumer."""
    trace_id: str
    span_id: str
    parent_id: str
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


class Exemplar(msgspec.Struct, frozen=True):
    value: float
    time: int
    trace_id: str
    span_id: str
    attributes: Attributes


class Point(msgspec.Struct, kw_only=True):
    """The latest point of one series: of one metric, service and set of attributes."""

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
    bounds: list[float]
    buckets: list[int]
    exemplars: list[Exemplar]
    scope: str
    resource: Attributes
    """What distinguishes two processes of one service: service.instance.id is in it."""


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


class TraceSummary(msgspec.Struct, kw_only=True):
    """One row of the list of traces."""

    trace_id: str
    service: str
    name: str
    """Of the root span, or of the earliest one while the root has not come."""
    start: int
    duration: int
    spans: int
    logs: int
    sentry: int
    errors: int
    services: list[str]
    linked: list[str]
    """Ids of the traces that this one links to or is linked from."""


class BackLink(msgspec.Struct, frozen=True):
    """A link seen from its target: the span `span_id` is linked to by span `from_span_id`."""

    span_id: str
    from_trace_id: str
    from_span_id: str


class Trace(msgspec.Struct, kw_only=True):
    """Everything that is kept of one trace."""

    trace_id: str
    spans: list[Span]
    logs: list[Log]
    sentry: list[SentryEvent]
    linked_from: list[BackLink]
