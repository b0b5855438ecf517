"""Traces and logs to a Collector over OTLP, at a fraction of the stock exporter's cost.

``wire`` and ``groups`` have what all signals share, ``spans`` and ``logs`` the encoders,
``exporters`` the stock HTTP exporters with these encoders in front. Metrics stay with the stock
exporter: they are sent once a minute, not once a request.
"""

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk._logs.export import LogRecordExporter
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.util.re import parse_env_headers

from telemetry.otlp.exporters import CachingLogExporter, CachingSpanExporter

if TYPE_CHECKING:
    from telemetry.settings import TelemetrySettings


def span_exporter(settings: "TelemetrySettings") -> SpanExporter:
    """Sends spans to ``<endpoint>/v1/traces`` over HTTP/protobuf."""
    return CachingSpanExporter(**_destination(settings, "/v1/traces"))


def log_exporter(settings: "TelemetrySettings") -> LogRecordExporter:
    """Sends log records to ``<endpoint>/v1/logs`` over HTTP/protobuf."""
    return CachingLogExporter(**_destination(settings, "/v1/logs"))


def _destination(settings: "TelemetrySettings", path: str) -> dict[str, Any]:
    # What settings leave open (time-out in seconds, certificates, compression) the stock
    # constructor takes from the standard OTEL_EXPORTER_OTLP_* variables or its defaults.
    endpoint = settings.otel_exporter_otlp_endpoint
    headers = settings.otel_exporter_otlp_headers
    return {
        "endpoint": f"{endpoint.rstrip('/')}{path}" if endpoint else None,
        "headers": parse_env_headers(headers, liberal=True) if headers else None,
    }
