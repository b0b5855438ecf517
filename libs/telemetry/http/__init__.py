"""Server spans for ASGI applications: one per request, named by its route.

``instrument`` wraps a whole application, by the lean middleware or, as a setting, OpenTelemetry's
stock one, with the same spans, metrics and headers. What they promise: a span is named by the
route's template ("GET /books/{id}") or, without a route, by the method alone; its status is an
error for 5xx only; an exception is recorded on it once; every response carries its
``traceparent``, also one to a failure that nobody handled; it ends with the response, or when the
request is given up. WebSockets and the lifespan pass through.
"""

from telemetry.http.instrument import instrument
from telemetry.http.lean import TracingMiddleware
from telemetry.http.request import record_exception

__all__ = ["TracingMiddleware", "instrument", "record_exception"]
