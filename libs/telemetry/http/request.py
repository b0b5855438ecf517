"""One request and its server span, from the routing to the end of the response.

Both middlewares use it; that is what makes their spans the same.
"""

import logging
import time
from contextvars import ContextVar
from functools import partial
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, StatusCode

from telemetry import metrics
from telemetry.errors import ERROR_TYPE, add_exception, type_of
from telemetry.http.asgi import Message, Scope, Send
from telemetry.http.attributes import known_method, metric_labels
from telemetry.later import soon
from telemetry.propagation import NO_CONTEXT
from telemetry.spans import put_attributes

logger = logging.getLogger(__name__)

_duration = metrics.histogram("http.server.request.duration")
current_request: ContextVar["ServerRequest | None"] = ContextVar(
    "telemetry_http_request", default=None
)

_FAILURE: Final = b'{"type":"about:blank","title":"Internal Server Error","status":500}'


class ServerRequest:
    """What a middleware does to the server span; ``finish`` completes and ends it, once.

    With ``ends_span`` False the stock middleware ends it; it is complete after ``finish``.
    """

    __slots__ = (
        "_ends_span",
        "_error",
        "_escaped",
        "_finished",
        "_method",
        "_scope",
        "_started",
        "context",
        "span",
        "status",
    )

    def __init__(
        self, scope: Scope, span: Span, parent: Context = NO_CONTEXT, *, ends_span: bool = True
    ) -> None:
        self._scope = scope
        self._method = known_method(scope["method"])
        self._started = time.perf_counter()
        self._error: BaseException | None = None
        self._escaped = False
        self._finished = False
        self._ends_span = ends_span
        self.span = span
        self.context = trace.set_span_in_context(span, parent)
        self.status: int | None = None

    def answer(self, message: Message) -> None:
        """Take the status of a ``http.response.start``, and put the trace context into it."""
        self.status = message["status"]
        span = self.span.get_span_context()
        value = f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"
        message["headers"] = [*message.get("headers", ()), (b"traceparent", value.encode())]

    def fail(self, error: BaseException, *, escaped: bool = False) -> None:
        """Note an exception; ``escaped`` when it left the application instead of a response.

        That is logged here: a server would log it outside of the span.
        """
        self._error = error
        self._escaped = escaped
        if escaped:
            logger.error("nobody handled an exception", exc_info=error)

    @property
    def route(self) -> str | None:
        """The template of the route, which Litestar sets when it routes."""
        return self._scope.get("path_template") or None

    @property
    def name(self) -> str:
        """What the span is called by what is known by now: ``GET /books/{id}``, or ``GET``."""
        method = "HTTP" if self._method == "_OTHER" else self._method
        route = self.route
        return method if route is None else f"{method} {route}"

    def finish(self) -> None:
        """The request is over: what the span is to say is settled here, and written soon."""
        if self._finished:
            return
        self._finished = True
        took, ended = time.perf_counter() - self._started, time.time_ns()
        span, status, error_type = self.span, self.status, None
        if self._escaped or (status is not None and status >= 500):
            error_type = str(status) if self._error is None else type_of(self._error)
            span.set_status(StatusCode.ERROR)
            if self._error is not None:
                add_exception(span, self._error)
        write = partial(self._write, self.name, self.route, error_type, took, ended)
        if self._ends_span:
            soon(write)
        else:
            write()

    def _write(
        self, name: str, route: str | None, error_type: str | None, took: float, ended: int
    ) -> None:
        """Give the span its name, route and status, record how long it took, end it."""
        span, status = self.span, self.status
        attributes: dict[str, str | int] = {}
        if route is not None:
            attributes["http.route"] = route
        if status is not None:
            attributes["http.response.status_code"] = status
        if error_type is not None:
            attributes[ERROR_TYPE] = error_type
        span.update_name(name)
        put_attributes(span, attributes)
        labels = metric_labels(self._method, self._scope["scheme"], route, status, error_type)
        _duration.record(took, labels, span.get_span_context())
        if self._ends_span:
            span.end(ended)


def record_exception(error: BaseException) -> None:
    """Record an exception that became a response on the current request's span, once.

    For a framework's hook such as Litestar's ``after_exception``. It is left out when the
    response turns out to be below 500: then it is the client's affair, and its text may repeat
    what the client sent.
    """
    request = current_request.get()
    if request is not None:
        request.fail(error)


async def answer_failure(send: Send) -> None:
    """Send a 500, for an exception that nobody handled."""
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(_FAILURE)).encode()),
    ]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": _FAILURE})
