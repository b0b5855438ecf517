"""Spans out of an ExportTraceServiceRequest."""

from collections.abc import Iterator

from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from embedded.receiver import limits
from embedded.receiver.intake.groups import groups
from embedded.receiver.intake.shrink import shrunk
from embedded.receiver.intake.values import Cuts, id_of, time_of
from embedded.receiver.intake.wire import Budget
from embedded.receiver.model import Attributes, Link, Span, SpanEvent

_KINDS = ("internal", "internal", "server", "client", "producer", "consumer")
_STATUS = ("unset", "ok", "error")
_ATTRIBUTES = 9


def spans_of(body: bytes) -> Iterator[Span]:
    """Each span as it is decoded.

    Raises Malformed, DecodeError or TooMuch; what came before is good.
    """
    budget = Budget()
    for data, resource, scope in groups(body, budget):
        large = len(data) > limits.PIECE_BYTES
        message = SpanMessage.FromString(shrunk(data, budget, pairs=_ATTRIBUTES) if large else data)
        yield _span(message, resource, scope, large)


def _span(span: SpanMessage, resource: Attributes, scope: str, large: bool) -> Span:
    cuts = Cuts()
    made = Span(
        service=str(resource.get("service.name", "")),
        name=cuts.text(span.name, limits.TEXT // 16),
        kind=_KINDS[span.kind] if 0 <= span.kind < len(_KINDS) else "internal",
        trace_id=id_of(span.trace_id, 16),
        span_id=id_of(span.span_id, 8),
        parent_id=id_of(span.parent_span_id, 8),
        links=[
            Link(id_of(link.trace_id, 16), id_of(link.span_id, 8), cuts.attributes(link.attributes))
            for link in cuts.first(span.links, limits.LINKS)
        ],
        attributes=cuts.attributes(span.attributes),
        status=_STATUS[span.status.code] if 0 <= span.status.code < len(_STATUS) else "unset",
        status_message=cuts.text(span.status.message),
        start=time_of(span.start_time_unix_nano),
        end=time_of(span.end_time_unix_nano),
        events=[
            SpanEvent(
                cuts.text(event.name, limits.TEXT // 16),
                time_of(event.time_unix_nano),
                cuts.attributes(event.attributes),
            )
            for event in cuts.first(span.events)
        ],
        trace_state=cuts.text(span.trace_state),
        flags=span.flags,
        scope=scope,
        resource=resource,
    )
    if large or cuts.happened:
        made.marks.append("cut")
    return made
