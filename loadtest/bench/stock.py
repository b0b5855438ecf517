"""bookapp with the wiring that OpenTelemetry's documentation shows: the `stock` variant.

The same service and the same spans wanted, by the stock ASGI middleware (TELEMETRY_HTTP=stock in
the environment), the stock asyncpg instrumentation and the stock OTLP exporter. Run by
`uvicorn loadtest.bench.stock:app`.
"""

import asyncpg
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor

import telemetry.database
import telemetry.exporters

# The three places where ours differs, put back before the service is built.
telemetry.exporters.span_exporter = lambda settings: OTLPSpanExporter()  # reads OTEL_* itself
telemetry.database.TracedConnection = asyncpg.Connection  # type: ignore[misc]
AsyncPGInstrumentor().instrument()

from bookapp.app import app  # noqa: E402 - after the substitutions

__all__ = ["app"]
