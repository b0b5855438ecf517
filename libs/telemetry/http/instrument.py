"""Which middleware traces requests, by the settings."""

from collections.abc import Collection

from telemetry.http.asgi import ASGIApp
from telemetry.http.excluded import excluding
from telemetry.http.lean import TracingMiddleware
from telemetry.settings import TelemetrySettings


def instrument(
    app: ASGIApp, settings: TelemetrySettings, excluded: Collection[str] = frozenset()
) -> ASGIApp:
    """Wrap ``app`` in the middleware that TELEMETRY_HTTP names.

    The paths in ``excluded`` are not traced, and what happens there is not reported to Sentry.
    """
    if settings.otel_sdk_disabled:
        return excluding(app, app, excluded) if settings.sentry_dsn else app
    if settings.telemetry_http == "stock":
        # Imported where it is used: few processes do.
        from telemetry.http.stock import stock_middleware

        return stock_middleware(app, excluded)
    return TracingMiddleware(app, excluded)
