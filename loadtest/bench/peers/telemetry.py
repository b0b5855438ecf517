"""The usual OpenTelemetry set-up, as its documentation shows it, for every peer."""

import os
from collections.abc import Callable

from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def configure(service: str) -> Callable[[], None] | None:
    """Set the global providers when an OTLP endpoint is given.

    What it returns sends what is still buffered, at the end; None without an endpoint.
    """
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return None
    resource = Resource.create({"service.name": service})
    provider = TracerProvider(resource=resource)
    # The default queue of 2,048 drops spans at these rates: a peer must not win by losing them.
    provider.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(), max_queue_size=65536, max_export_batch_size=2048)
    )
    trace.set_tracer_provider(provider)
    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    meters = MeterProvider(resource=resource, metric_readers=[reader])
    metrics.set_meter_provider(meters)

    def shut_down() -> None:
        provider.shutdown()
        meters.shutdown()

    return shut_down
