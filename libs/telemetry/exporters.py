"""Which exporter carries which signal to the Collector, by OTEL_EXPORTER_OTLP_PROTOCOL.

Over HTTP/protobuf, traces and logs go through our caching encoder (``telemetry.otlp``), metrics
through the stock exporter. Over gRPC all three are stock.
"""

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk._logs.export import LogRecordExporter
from opentelemetry.sdk.metrics.export import MetricExporter
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.util.re import parse_env_headers

from telemetry import otlp
from telemetry.settings import TelemetrySettings

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
