"""Our exporters over real HTTP: what they send, and what they do when it fails."""

import gzip
import threading
import time
from collections.abc import Callable, Collection, Iterator
from typing import Any, cast

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import SpanContext, TraceFlags
from tests.collector import Collector

from telemetry.exporters import log_exporter, span_exporter
from telemetry.otlp.exporters import CachingLogExporter, CachingSpanExporter
from telemetry.otlp.queues import AT_ONCE, EncodingSpanProcessor
from telemetry.otlp.spans import Queued
from telemetry.settings import TelemetrySettings

SAMPLED = SpanContext(1, 2, False, TraceFlags(TraceFlags.SAMPLED))
SPAN = ReadableSpan("GET /books/{id}", SAMPLED, start_time=1, end_time=2)
UNSAMPLED = ReadableSpan("GET /books/{id}", SpanContext(1, 2, False), start_time=1, end_time=2)
UNENCODABLE = ReadableSpan("lone \ud800", SAMPLED, start_time=1, end_time=2)
RECORD = ReadableLogRecord(LogRecord(timestamp=1, body="added"), Resource({}))


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


def settings(endpoint: str, headers: str | None = None) -> TelemetrySettings:
    return TelemetrySettings(
        otel_exporter_otlp_endpoint=endpoint, otel_exporter_otlp_headers=headers
    )


def spans_to(settings: TelemetrySettings) -> CachingSpanExporter:
    exporter = span_exporter(settings)
    assert isinstance(exporter, CachingSpanExporter)
    return exporter


def logs_to(settings: TelemetrySettings) -> CachingLogExporter:
    exporter = log_exporter(settings)
    assert isinstance(exporter, CachingLogExporter)
    return exporter


def test_spans_arrive_with_the_headers_of_the_settings(collector: Collector) -> None:
    exporter = spans_to(settings(collector.url + "/", "authorization=Basic%20x,tenant=books"))
    assert exporter.export([SPAN]) is SpanExportResult.SUCCESS
    exporter.shutdown()
    [(path, headers, body)] = collector.requests
    assert path == "/v1/traces"
    assert headers["content-type"] == "application/x-protobuf"
    assert (headers["authorization"], headers["tenant"]) == ("Basic x", "books")
    request = ExportTraceServiceRequest.FromString(body)
    assert request.resource_spans[0].scope_spans[0].spans[0].name == "GET /books/{id}"


def test_log_records_arrive(collector: Collector) -> None:
    exporter = logs_to(settings(collector.url))
    assert exporter.export([RECORD]) is LogRecordExportResult.SUCCESS
    exporter.shutdown()
    [(path, _, body)] = collector.requests
    assert path == "/v1/logs"
    request = ExportLogsServiceRequest.FromString(body)
    assert request.resource_logs[0].scope_logs[0].log_records[0].body.string_value == "added"


def test_a_batch_is_compressed_when_asked(collector: Collector) -> None:
    exporter = CachingSpanExporter(f"{collector.url}/v1/traces", compression=Compression.Gzip)
    assert exporter.export([SPAN] * 100) is SpanExportResult.SUCCESS
    exporter.shutdown()
    [(_, headers, body)] = collector.requests
    assert headers["content-encoding"] == "gzip"
    request = ExportTraceServiceRequest.FromString(gzip.decompress(body))
    assert len(request.resource_spans[0].scope_spans[0].spans) == 100


def test_a_busy_collector_is_asked_again(collector: Collector) -> None:
    collector.statuses = [503]
    exporter = spans_to(settings(collector.url))
    assert exporter.export([SPAN]) is SpanExportResult.SUCCESS
    exporter.shutdown()
    assert len(collector.requests) == 2
    assert collector.requests[0][2] == collector.requests[1][2]


def test_a_refusal_is_a_failure(collector: Collector) -> None:
    collector.statuses = [400]
    exporter = spans_to(settings(collector.url))
    assert exporter.export([SPAN]) is SpanExportResult.FAILURE
    exporter.shutdown()
    assert len(collector.requests) == 1


@pytest.mark.parametrize(
    ("exporter_class", "item", "failure"),
    [
        (CachingSpanExporter, SPAN, SpanExportResult.FAILURE),
        (CachingLogExporter, RECORD, LogRecordExportResult.FAILURE),
    ],
)
def test_nothing_is_sent_once_too_large_or_shut_down(
    collector: Collector,
    exporter_class: Callable[..., CachingSpanExporter],
    item: ReadableSpan,
    failure: object,
) -> None:
    exporter = exporter_class(collector.url, max_request_size=20)
    assert exporter.export([item]) is failure
    exporter.shutdown()
    assert exporter.export([item]) is failure
    assert collector.requests == []


def test_what_cannot_be_encoded_fails_its_batch_and_raises_nothing(collector: Collector) -> None:
    exporter = spans_to(settings(collector.url))
    assert exporter.export([UNENCODABLE]) is SpanExportResult.FAILURE
    assert exporter.export([SPAN]) is SpanExportResult.SUCCESS
    exporter.shutdown()


def test_spans_are_encoded_by_the_dozen_and_one_that_cannot_be_costs_no_other(
    collector: Collector,
) -> None:
    exporter = spans_to(settings(collector.url))
    processor = EncodingSpanProcessor(exporter, max_queue_size=999, max_export_batch_size=999)
    queue = cast("Collection[Queued]", processor._batch_processor._queue)
    for _ in range(AT_ONCE - 1):
        processor.on_end(SPAN)
    assert [queued.span for queued in queue] == [SPAN] * (AT_ONCE - 1)
    processor.on_end(UNENCODABLE)
    assert {queued.span for queued in queue} == {None}  # nothing but bytes waits from here on
    processor.on_end(UNSAMPLED)
    processor.on_end(SPAN)  # encoded as it leaves
    processor.shutdown()
    [(_, _, body)] = collector.requests
    assert body == encode_spans([SPAN] * AT_ONCE).SerializeToString()


def test_a_dead_collector_costs_a_bounded_time_and_shutdown_ends_the_wait() -> None:
    exporter = CachingSpanExporter("http://127.0.0.1:9/v1/traces", timeout=60)
    results: list[SpanExportResult] = []
    exporting = threading.Thread(target=lambda: results.append(exporter.export([SPAN])))
    exporting.start()
    started = time.monotonic()
    cast(Any, exporter).shutdown()
    exporting.join(10)
    assert results == [SpanExportResult.FAILURE]
    assert time.monotonic() - started < 10
