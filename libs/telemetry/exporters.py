"""Which exporter carries which signal to the Collector, by OTEL_EXPORTER_OTLP_PROTOCOL.

Over HTTP/protobuf, traces and logs go through our caching encoder (``telemetry.otlp``), metrics
through the stock exporter. Over gRPC all three are stock.
"""

from typing import Any

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.metrics.export import MetricExporter
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.util.re import parse_env_headers

from telemetry import otlp
from telemetry.otlp.exporters import (
    BoundedLogProcessor,
    CachingLogExporter,
    CachingSpanExporter,
    EncodingSpanProcessor,
)
from telemetry.settings import TelemetrySettings

_LOG_BATCH = 512  # records per export, the specification's default

# gRPC's library is imported where it is used: it costs a process 15 MB and 0.2 s.


def _headers(settings: TelemetrySettings) -> dict[str, str] | None:
    headers = settings.otel_exporter_otlp_headers
    return dict(parse_env_headers(headers, liberal=True)) if headers else None


def _uses_grpc(settings: TelemetrySettings) -> bool:
    return settings.otel_exporter_otlp_protocol == "grpc"


def span_exporter(settings: TelemetrySettings) -> SpanExporter:
    """Where spans go to."""
    if _uses_grpc(settings):
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter(settings.otel_exporter_otlp_endpoint, headers=_headers(settings))
    return otlp.span_exporter(settings)


def span_processor(exporter: SpanExporter, settings: TelemetrySettings) -> SpanProcessor:
    """What gathers ended spans for an exporter; our own exporter takes them encoded."""
    size = settings.otel_bsp_max_queue_size
    options: dict[str, Any] = {
        "max_queue_size": size,
        "max_export_batch_size": min(settings.otel_bsp_max_export_batch_size, size),
        "schedule_delay_millis": settings.otel_bsp_schedule_delay,
    }
    if isinstance(exporter, CachingSpanExporter):
        return EncodingSpanProcessor(exporter, **options)
    return BatchSpanProcessor(exporter, **options)


def metric_exporter(settings: TelemetrySettings) -> MetricExporter:
    """Where metrics go to."""
    endpoint = settings.otel_exporter_otlp_endpoint or ""
    if _uses_grpc(settings):
        from opentelemetry.exporter.otlp.proto.grpc import metric_exporter as grpc

        return grpc.OTLPMetricExporter(endpoint, headers=_headers(settings))
    return OTLPMetricExporter(f"{endpoint.rstrip('/')}/v1/metrics", headers=_headers(settings))


def log_exporter(settings: TelemetrySettings) -> LogRecordExporter:
    """Where log records go to."""
    if _uses_grpc(settings):
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter

        return OTLPLogExporter(settings.otel_exporter_otlp_endpoint, headers=_headers(settings))
    return otlp.log_exporter(settings)


def log_processor(exporter: LogRecordExporter, settings: TelemetrySettings) -> LogRecordProcessor:
    """What gathers log records for an exporter."""
    size = settings.otel_blrp_max_queue_size
    options: dict[str, Any] = {
        "max_queue_size": size,
        "max_export_batch_size": min(_LOG_BATCH, size),
        "schedule_delay_millis": settings.otel_blrp_schedule_delay,
    }
    if isinstance(exporter, CachingLogExporter):
        return BoundedLogProcessor(exporter, **options)
    return BatchLogRecordProcessor(exporter, **options)
