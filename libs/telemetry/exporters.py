"""Which exporter carries which signal, by OTEL_…_EXPORTER and the OTEL_EXPORTER_OTLP_* variables.

Over HTTP/protobuf, traces and logs go through our caching encoder (``telemetry.otlp``), metrics
through the stock exporter. Over gRPC all three are stock, and so are those that write to standard
output. None of them: an operator wants no such signal, or there is no endpoint for it.
"""

from typing import Any

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    ConsoleLogRecordExporter,
    LogRecordExporter,
)
from opentelemetry.sdk.metrics import Counter, Histogram, ObservableCounter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    ConsoleMetricExporter,
    MetricExporter,
)
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter

from telemetry.destinations import Destination
from telemetry.failures import tell_failures
from telemetry.otlp.exporters import (
    BoundedLogProcessor,
    CachingLogExporter,
    CachingSpanExporter,
    EncodingSpanProcessor,
)
from telemetry.settings import TelemetrySettings

# gRPC's library is imported where it is used: it costs a process 15 MB and 0.2 s.


def _arguments(destination: Destination) -> dict[str, Any]:
    # What is left open here (certificates, compression) the constructor takes from the environment.
    return {
        "endpoint": destination.url,
        "headers": destination.headers,
        "timeout": destination.timeout,
    }


def span_exporter(settings: TelemetrySettings) -> SpanExporter | None:
    """Where spans go to."""
    destination = settings.destination("traces")
    if settings.otel_traces_exporter == "console":
        return ConsoleSpanExporter()
    if settings.otel_traces_exporter == "none" or destination is None:
        return None
    exporter: SpanExporter
    if destination.protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter(**_arguments(destination))
    else:
        exporter = CachingSpanExporter(**_arguments(destination))
    tell_failures(exporter, "traces", destination)
    return exporter


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


def histogram_temporality(settings: TelemetrySettings) -> AggregationTemporality:
    """How histograms are sent: all since the start, or what is new since the last export."""
    if settings.otel_exporter_otlp_metrics_temporality_preference == "cumulative":
        return AggregationTemporality.CUMULATIVE
    return AggregationTemporality.DELTA


def _temporality(settings: TelemetrySettings) -> dict[type, AggregationTemporality]:
    preference = settings.otel_exporter_otlp_metrics_temporality_preference
    delta: dict[str, tuple[type, ...]] = {
        "cumulative": (),
        "delta": (Counter, ObservableCounter, Histogram),
        "lowmemory": (Counter, Histogram),
    }
    return dict.fromkeys(delta[preference], AggregationTemporality.DELTA)


def metric_exporter(settings: TelemetrySettings) -> MetricExporter | None:
    """Where metrics go to."""
    destination = settings.destination("metrics")
    temporality = _temporality(settings)
    if settings.otel_metrics_exporter == "console":
        return ConsoleMetricExporter(preferred_temporality=temporality)
    if settings.otel_metrics_exporter == "none" or destination is None:
        return None
    arguments = {**_arguments(destination), "preferred_temporality": temporality}
    exporter: MetricExporter
    if destination.protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc import metric_exporter as grpc

        exporter = grpc.OTLPMetricExporter(**arguments)
    else:
        exporter = OTLPMetricExporter(**arguments)
    tell_failures(exporter, "metrics", destination)
    return exporter


def log_exporter(settings: TelemetrySettings) -> LogRecordExporter | None:
    """Where log records go to."""
    destination = settings.destination("logs")
    if settings.otel_logs_exporter == "console":
        return ConsoleLogRecordExporter()
    if settings.otel_logs_exporter == "none" or destination is None:
        return None
    exporter: LogRecordExporter
    if destination.protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter

        exporter = OTLPLogExporter(**_arguments(destination))
    else:
        exporter = CachingLogExporter(**_arguments(destination))
    tell_failures(exporter, "logs", destination)
    return exporter


def log_processor(exporter: LogRecordExporter, settings: TelemetrySettings) -> LogRecordProcessor:
    """What gathers log records for an exporter."""
    size = settings.otel_blrp_max_queue_size
    options: dict[str, Any] = {
        "max_queue_size": size,
        "max_export_batch_size": min(settings.otel_blrp_max_export_batch_size, size),
        "schedule_delay_millis": settings.otel_blrp_schedule_delay,
    }
    if isinstance(exporter, CachingLogExporter):
        return BoundedLogProcessor(exporter, **options)
    return BatchLogRecordProcessor(exporter, **options)
