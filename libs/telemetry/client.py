"""HTTP client spans for httpx, named by template, with the trace context sent along.

A failure sets the span's status; whether it is an exception for the caller's span as well is the
caller's decision, so it is not recorded as an event here.
"""

import time
from functools import lru_cache
from typing import Final

import httpx
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.util.types import AttributeValue

from telemetry import metrics
from telemetry.errors import ERROR_TYPE, mark_failed, type_of
from telemetry.http.attributes import known_method, redact
from telemetry.propagation import active
from telemetry.spans import start_span

MAX_URL: Final = 1024
"""Characters of a URL that a span shows."""

_tracer = trace.get_tracer("telemetry.client")
_duration = metrics.histogram("http.client.request.duration")


class TracedTransport(httpx.AsyncBaseTransport):
    """Wraps a transport: a span, the ``traceparent`` header and a measurement per request.

    A request's template is its extension ``url_template`` ("/books/{id}"); without one, the span
    is named by the method alone.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        template: str | None = request.extensions.get("url_template")
        method = known_method(request.method)
        name = "HTTP" if method == "_OTHER" else method
        span = start_span(
            _tracer,
            f"{name} {template}" if template else name,
            SpanKind.CLIENT,
            _attributes(request, method, template),
        )
        request.headers.update(active().headers_of(trace.set_span_in_context(span)))
        started = time.perf_counter()
        status, error_type = None, None
        try:
            response = await self._transport.handle_async_request(request)
            status = response.status_code
            error_type = _record_status(span, status)
            return response
        except BaseException as error:
            mark_failed(span, error)
            error_type = type_of(error)
            raise
        finally:
            elapsed = time.perf_counter() - started
            host, port = request.url.host, _port(request)
            _duration.record(
                elapsed,
                _labels(method, template, host, port, status, error_type),
                span.get_span_context(),
            )
            span.end()

    async def aclose(self) -> None:
        await self._transport.aclose()


def _port(request: httpx.Request) -> int:
    return request.url.port or (443 if request.url.scheme == "https" else 80)


def _record_status(span: Span, status: int) -> str | None:
    span.set_attribute("http.response.status_code", status)
    if status < 400:
        return None
    span.set_attribute(ERROR_TYPE, str(status))
    span.set_status(StatusCode.ERROR)
    return str(status)


def _attributes(
    request: httpx.Request, method: str, template: str | None
) -> dict[str, AttributeValue]:
    url = request.url
    target: bytes = request.extensions.get("target", url.raw_path)
    path, _, query = target.decode("ascii").partition("?")
    shown = f"{url.scheme}://{url.netloc.decode('ascii')}{path}"  # without a user or a password
    query = redact(query)
    attributes: dict[str, AttributeValue] = {
        "http.request.method": method,
        "url.full": (f"{shown}?{query}" if query else shown)[:MAX_URL],
        "server.address": url.host,
        "server.port": _port(request),
    }
    if template is not None:
        attributes["url.template"] = template
    if method == "_OTHER":
        attributes["http.request.method_original"] = request.method
    return attributes


@lru_cache(maxsize=1024)
def _labels(
    method: str,
    template: str | None,
    host: str,
    port: int,
    status: int | None,
    error_type: str | None,
) -> dict[str, str | int]:
    labels: dict[str, str | int] = {
        "http.request.method": method,
        "server.address": host,
        "server.port": port,
    }
    if template is not None:
        labels["url.template"] = template
    if status is not None:
        labels["http.response.status_code"] = status
    if error_type is not None:
        labels[ERROR_TYPE] = error_type
    return labels
