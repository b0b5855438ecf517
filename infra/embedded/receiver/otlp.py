"""From OTLP's protobuf messages to the receiver's plain data."""

from collections.abc import Iterable, Iterator
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1 import metrics_pb2 as metrics_proto
from opentelemetry.proto.trace.v1 import trace_pb2 as trace_proto

from embedded.receiver.model import Attributes, Exemplar, Link, Log, Point, Span, SpanEvent

_KINDS = ["internal", "internal", "server", "client", "producer", "consumer"]
_STATUS = ["unset", "ok", "error"]


def value_of(value: AnyValue) -> Any:
    """The Python value; bytes become hexadecimal text so that JSON can carry them."""
    match value.WhichOneof("value"):
        case None:
            return None
        case "array_value":
            return [value_of(item) for item in value.array_value.values]
        case "kvlist_value":
            return attributes_of(value.kvlist_value.values)
        case "bytes_value":
            return value.bytes_value.hex()
        case str(kind):
            return getattr(value, kind)


def attributes_of(pairs: Iterable[KeyValue]) -> Attributes:
    return {pair.key: value_of(pair.value) for pair in pairs}


def spans_of(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for group in request.resource_spans:
        resource = attributes_of(group.resource.attributes)
        for scoped in group.scope_spans:
            for span in scoped.spans:
                yield _span(span, resource, scoped.scope.name)


def _span(span: trace_proto.Span, resource: Attributes, scope: str) -> Span:
    return Span(
        service=str(resource.get("service.name", "")),
        name=span.name,
        kind=_KINDS[span.kind] if span.kind < len(_KINDS) else "internal",
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        links=[
            Link(link.trace_id.hex(), link.span_id.hex(), attributes_of(link.attributes))
            for link in span.links
        ],
        attributes=attributes_of(span.attributes),
        status=_STATUS[span.status.code] if span.status.code < len(_STATUS) else "unset",
        status_message=span.status.message,
        start=span.start_time_unix_nano,
        end=span.end_time_unix_nano,
        events=[
            SpanEvent(event.name, event.time_unix_nano, attributes_of(event.attributes))
            for event in span.events
        ],
        trace_state=span.trace_state,
        flags=span.flags,
        scope=scope,
        resource=resource,
    )


def logs_of(request: ExportLogsServiceRequest) -> Iterator[Log]:
    for group in request.resource_logs:
        resource = attributes_of(group.resource.attributes)
        for scoped in group.scope_logs:
            for record in scoped.log_records:
                body = value_of(record.body)
                yield Log(
                    service=str(resource.get("service.name", "")),
                    level=record.severity_text,
                    message=body if isinstance(body, str) else repr(body),
                    trace_id=record.trace_id.hex(),
                    span_id=record.span_id.hex(),
                    time=record.time_unix_nano or record.observed_time_unix_nano,
                    attributes=attributes_of(record.attributes),
                    scope=scoped.scope.name,
                    resource=resource,
                )


def points_of(request: ExportMetricsServiceRequest) -> Iterator[Point]:
    for group in request.resource_metrics:
        resource = attributes_of(group.resource.attributes)
        for scoped in group.scope_metrics:
            for metric in scoped.metrics:
                kind = metric.WhichOneof("data")
                if kind is None or kind == "summary":
                    continue
                for point in getattr(metric, kind).data_points:
                    yield _point(metric, kind, point, resource, scoped.scope.name)


def _point(
    metric: metrics_proto.Metric, kind: str, point: Any, resource: Attributes, scope: str
) -> Point:
    histogram = "histogram" in kind
    return Point(
        service=str(resource.get("service.name", "")),
        name=metric.name,
        kind=kind,
        unit=metric.unit,
        description=metric.description,
        attributes=attributes_of(point.attributes),
        value=float(point.sum if histogram else point.as_double or point.as_int),
        count=point.count if histogram else 1,
        time=point.time_unix_nano,
        bounds=list(point.explicit_bounds) if kind == "histogram" else [],
        buckets=list(point.bucket_counts) if kind == "histogram" else [],
        exemplars=[
            Exemplar(
                exemplar.as_double or float(exemplar.as_int),
                exemplar.time_unix_nano,
                exemplar.trace_id.hex(),
                exemplar.span_id.hex(),
                attributes_of(exemplar.filtered_attributes),
            )
            for exemplar in point.exemplars
        ],
        scope=scope,
        resource=resource,
    )
