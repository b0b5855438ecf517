"""Spans, log lines, metrics and Sentry events over the wire, as a service would send them."""

import json
import secrets
import time

import httpx
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

KINDS = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
MS = 1_000_000


def _value(into, value):
    if isinstance(value, bool):
        into.bool_value = value
    elif isinstance(value, int):
        into.int_value = value
    else:
        into.string_value = str(value)


def _attributes(into, attributes):
    for name, value in attributes.items():
        pair = into.add()
        pair.key = name
        _value(pair.value, value)


def new_trace():
    return secrets.token_bytes(16).hex()


class Span:
    """One span; times in milliseconds since the sender's beginning."""

    def __init__(self, name, *, service="bookapp", kind="internal", trace=None, parent="", start=0,
                 ms=5, links=(), status=0, attributes=None, span_id=None):  # fmt: skip
        self.name, self.service, self.kind, self.status = name, service, kind, status
        self.trace = trace or new_trace()
        self.id = secrets.token_bytes(8).hex() if span_id is None else span_id
        self.parent, self.start, self.ms = parent, start, ms
        self.links, self.attributes = links, attributes or {}


class Sender:
    def __init__(self, url):
        self.url = url
        self._http = httpx.Client(base_url=url, timeout=60, trust_env=False)
        self.begun = time.time_ns() - 30_000 * MS

    def close(self):
        self._http.close()

    def _post(self, path, message):
        headers = {"content-type": "application/x-protobuf"}
        body = message.SerializeToString()
        self._http.post(path, content=body, headers=headers).raise_for_status()

    def spans(self, *spans):
        request = ExportTraceServiceRequest()
        for service in dict.fromkeys(span.service for span in spans):
            group = request.resource_spans.add()
            _attributes(group.resource.attributes, {"service.name": service})
            scope = group.scope_spans.add()
            for span in spans:
                if span.service == service:
                    self._span(scope.spans.add(), span)
        self._post("/v1/traces", request)

    def _span(self, made, span):
        made.name, made.kind = span.name, KINDS[span.kind]
        made.trace_id, made.span_id = bytes.fromhex(span.trace), bytes.fromhex(span.id)
        made.parent_span_id = bytes.fromhex(span.parent)
        made.start_time_unix_nano = self.begun + int(span.start * MS)
        made.end_time_unix_nano = self.begun + int((span.start + span.ms) * MS)
        made.status.code = span.status
        _attributes(made.attributes, span.attributes)
        for target in span.links:
            link = made.links.add()
            link.trace_id, link.span_id = bytes.fromhex(target.trace), bytes.fromhex(target.id)

    def log(self, message, *, span=None, level="INFO", service="bookapp", at=0):
        request = ExportLogsServiceRequest()
        group = request.resource_logs.add()
        _attributes(group.resource.attributes, {"service.name": service})
        record = group.scope_logs.add().log_records.add()
        record.body.string_value = message
        record.severity_text = level
        record.severity_number = {"INFO": 9, "WARN": 13, "ERROR": 17}[level]
        record.time_unix_nano = self.begun + at * MS
        if span is not None:
            record.trace_id, record.span_id = bytes.fromhex(span.trace), bytes.fromhex(span.id)
        self._post("/v1/logs", request)

    def histogram(self, name, counts, bounds, *, unit="s", service="bookapp", attributes=None,
                  exemplar=None, at=0, cumulative=True):  # fmt: skip
        request, metric = self._metric(name, unit, service)
        metric.histogram.aggregation_temporality = 2 if cumulative else 1
        point = metric.histogram.data_points.add()
        point.explicit_bounds.extend(bounds)
        point.bucket_counts.extend(counts)
        point.count, point.sum = sum(counts), float(sum(counts)) * bounds[0]
        self._when(point, at)
        _attributes(point.attributes, attributes or {})
        if exemplar is not None:
            dot = point.exemplars.add()
            dot.as_double, dot.time_unix_nano = bounds[0], point.time_unix_nano
            dot.trace_id, dot.span_id = bytes.fromhex(exemplar.trace), bytes.fromhex(exemplar.id)
        self._post("/v1/metrics", request)

    def gauge(self, name, value, *, unit="1", service="bookapp", attributes=None, at=0):
        request, metric = self._metric(name, unit, service)
        point = metric.gauge.data_points.add()
        point.as_double = value
        self._when(point, at)
        _attributes(point.attributes, attributes or {})
        self._post("/v1/metrics", request)

    def counter(self, name, value, *, unit="1", service="bookapp", attributes=None, at=0,
                cumulative=True):  # fmt: skip
        request, metric = self._metric(name, unit, service)
        metric.sum.aggregation_temporality = 2 if cumulative else 1
        metric.sum.is_monotonic = True
        point = metric.sum.data_points.add()
        point.as_int = value
        self._when(point, at)
        _attributes(point.attributes, attributes or {})
        self._post("/v1/metrics", request)

    def _metric(self, name, unit, service):
        request = ExportMetricsServiceRequest()
        group = request.resource_metrics.add()
        _attributes(group.resource.attributes, {"service.name": service})
        metric = group.scope_metrics.add().metrics.add()
        metric.name, metric.unit = name, unit
        return request, metric

    def _when(self, point, at):
        point.start_time_unix_nano = self.begun - 60_000 * MS
        point.time_unix_nano = self.begun + at * MS

    def sentry(self, message, *, span, service="bookapp"):
        event = {
            "event_id": secrets.token_hex(16),
            "timestamp": time.time(),
            "level": "error",
            "exception": {"values": [{"type": "ValueError", "value": message}]},
            "tags": {"otel.trace_id": span.trace, "otel.span_id": span.id, "service": service},
        }
        item = json.dumps(event)
        body = f'{{}}\n{{"type": "event", "length": {len(item.encode())}}}\n{item}\n'
        headers = {"content-type": "application/x-sentry-envelope"}
        self._http.post("/api/1/envelope", content=body, headers=headers).raise_for_status()

    def story(self, *, wait=40.0, replayed=False, dead_letter=False):
        """A request that adds a book, its send, and what processed the record: five spans."""
        request = Span("POST /books/add", kind="server", ms=15,
                       attributes={"http.route": "/books/add", "http.request.method": "POST",
                                   "http.response.status_code": 201})  # fmt: skip
        insert = Span("INSERT books", kind="client", trace=request.trace, parent=request.id,
                      start=4, ms=6, attributes={"db.system.name": "postgresql",
                                                 "db.namespace": "books"})  # fmt: skip
        topic = {"messaging.system": "kafka", "messaging.destination.name": "book_ingestion"}
        sent = Span("send book_ingestion", kind="producer", trace=request.trace, start=17, ms=1,
                    parent=request.id,
                    attributes={**topic, "messaging.operation.name": "send"})  # fmt: skip
        process = Span(
            "process book_ingestion",
            service="backend",
            kind="consumer",
            start=18 + wait,
            ms=4,
            links=[sent],
            status=2 if dead_letter else 0,
            attributes={
                **topic,
                "messaging.operation.name": "process",
                "messaging.consumer.group.name": "backend",
                **({"delivery.replayed": True} if replayed else {}),
                "delivery.outcome": "dead_letter" if dead_letter else "done",
            },
        )
        upsert = Span(
            "INSERT backend.book",
            service="backend",
            kind="client",
            trace=process.trace,
            parent=process.id,
            start=19 + wait,
            ms=2,
            attributes={
                "db.system.name": "postgresql",
                "db.namespace": "books",
                "db.query.text": "INSERT INTO backend.book VALUES ($1)",
            },
        )
        self.spans(request, insert, sent, process, upsert)
        return request, insert, sent, process, upsert
