"""Which exporter carries which signal, by OTEL_…_EXPORTER and the OTEL_EXPORTER_OTLP_* variables.

Over HTTP/protobuf, traces and logs go through our caching encoder (``telemetry.otlp``), metrics
through the stock exporter. Over gRPC all three are stock, and so are those that write to standard
output. None of them: an operator wants no such signal, or there is no endpoint for it. What waits
for any of them is bounded in number and in bytes (``telemetry.otlp.queues``).
"""

from importlib import import_module
from typing import Any, Final, NamedTuple

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.sdk._logs.export import ConsoleLogRecordExporter, LogRecordExporter
from opentelemetry.sdk.metrics import Counter, Histogram, ObservableCounter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    ConsoleMetricExporter,
    MetricExporter,
)
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SpanExporter

from telemetry.destinations import Signal
from telemetry.failures import tell_failures
from telemetry.otlp.exporters import CachingLogExporter, CachingSpanExporter
from telemetry.otlp.queues import BoundedLogProcessor, BoundedSpanProcessor, EncodingSpanProcessor
from telemetry.settings import TelemetrySettings


class _Exporters(NamedTuple):
    console: type[Any]
    http: type[Any]
    grpc: tuple[str, str]
    """Module and name: its library costs a process 15 MB and 0.2 s, and is imported where used."""


_OF: Final[dict[Signal, _Exporters]] = {
    "traces": _Exporters(
        ConsoleSpanExporter, CachingSpanExporter, ("trace_exporter", "OTLPSpanExporter")
    ),
    "metrics": _Exporters(
        ConsoleMetricExporter, OTLPMetricExporter, ("metric_exporter", "OTLPMetricExporter")
    ),
    "logs": _Exporters(
        ConsoleLogRecordExporter, CachingLogExporter, ("_log_exporter", "OTLPLogExporter")
    ),
}


def _exporter(signal: Signal, settings: TelemetrySettings, **arguments: Any) -> Any:
    """The one that carries the signal, None for none. ``arguments`` are for whichever it is."""
    chosen = getattr(settings, f"otel_{signal}_exporter")
    destination = settings.destination(signal)
    if chosen == "console":
        return _OF[signal].console(**arguments)
    if chosen == "none" or destination is None:
        return None
    make = _OF[signal].http
    if destination.protocol == "grpc":
        module, name = _OF[signal].grpc
        make = getattr(import_module(f"opentelemetry.exporter.otlp.proto.grpc.{module}"), name)
    # What is left open here (certificates, compression) the constructor takes from the environment.
    exporter = make(
        endpoint=destination.url,
        headers=destination.headers,
        timeout=destination.timeout,
        **arguments,
    )
    tell_failures(exporter, signal, destination)
    return exporter


def span_exporter(settings: TelemetrySettings) -> SpanExporter | None:
    """Where spans go to."""
    exporter: SpanExporter | None = _exporter("traces", settings)
    return exporter


def metric_exporter(settings: TelemetrySettings) -> MetricExporter | None:
    """Where metrics go to."""
    temporality = _temporality(settings)
    exporter: MetricExporter | None = _exporter(
        "metrics", settings, preferred_temporality=temporality
    )
    return exporter


def log_exporter(settings: TelemetrySettings) -> LogRecordExporter | None:
    """Where log records go to."""
    exporter: LogRecordExporter | None = _exporter("logs", settings)
    return exporter


def span_processor(exporter: SpanExporter, settings: TelemetrySettings) -> SpanProcessor:
    """What gathers ended spans for an exporter; our own exporter takes them encoded."""
    options = _batches("otel_bsp", settings)
    if isinstance(exporter, CachingSpanExporter):
        return EncodingSpanProcessor(exporter, **options)
    return BoundedSpanProcessor(exporter, **options)


def log_processor(exporter: LogRecordExporter, settings: TelemetrySettings) -> LogRecordProcessor:
    """What gathers log records for an exporter."""
    return BoundedLogProcessor(exporter, **_batches("otel_blrp", settings))


def _batches(variables: str, settings: TelemetrySettings) -> dict[str, Any]:
    size = getattr(settings, f"{variables}_max_queue_size")
    return {
        "max_queue_size": size,
        "max_export_batch_size": min(getattr(settings, f"{variables}_max_export_batch_size"), size),
        "schedule_delay_millis": getattr(settings, f"{variables}_schedule_delay"),
    }


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
