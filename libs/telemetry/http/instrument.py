"""Which middleware traces requests, by the settings."""

from collections.abc import Collection

from telemetry.http.asgi import ASGIApp
from telemetry.http.lean import TracingMiddleware
from telemetry.settings import TelemetrySettings


def instrument(
    app: ASGIApp, settings: TelemetrySettings, excluded: Collection[str] = frozenset()
) -> ASGIApp:
    """Wrap ``app`` in the middleware that TELEMETRY_HTTP names; the paths in ``excluded`` pass."""
    if settings.otel_sdk_disabled:
        return app
    if settings.telemetry_http == "stock":
        # Imported where it is used: few processes do.
        from telemetry.http.stock import stock_middleware

        return stock_middleware(app, excluded)
    return TracingMiddleware(app, excluded)
