"""OpenTelemetry's own ASGI middleware, brought to the same spans as the lean one.

By itself it names spans by raw path, leaves out the route, adds a span for each message, and
speaks the conventions of before they were stable. It is kept as a setting, for comparison.
"""

import os
from collections.abc import Collection
from typing import Any

from opentelemetry import trace
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.metrics import NoOpMeter

from telemetry.http.asgi import ASGIApp, Message, Receive, Scope, Send
from telemetry.http.attributes import request_attributes
from telemetry.http.excluded import excluding
from telemetry.http.request import ServerRequest, answer_failure, current_request


def stock_middleware(app: ASGIApp, excluded: Collection[str] = frozenset()) -> ASGIApp:
    """Wrap ``app`` in the stock middleware; the paths in ``excluded`` are not traced, and nothing
    that happens there is reported to Sentry."""
    # There is no argument for it; it is read once, when the first middleware is made.
    os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
    traced: Any = OpenTelemetryMiddleware(
        _Completed(app),
        default_span_details=_name_and_attributes,
        exclude_spans=["receive", "send"],
        # The duration is recorded with the route, which the stock middleware does not know.
        meter=NoOpMeter("telemetry.http"),
    )
    return excluding(traced, app, excluded)


def _name_and_attributes(scope: Scope) -> tuple[str, dict[str, Any]]:
    return scope["method"], request_attributes(scope)[0]


class _Completed:
    """Between the stock middleware and the application: adds what is known after the routing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = ServerRequest(scope, trace.get_current_span(), ends_span=False)

        async def completed_send(message: Message) -> None:
            kind = message["type"]
            if kind == "http.response.start":
                request.answer(message)
            elif kind == "http.response.body" and not message.get("more_body"):
                request.finish()
            await send(message)

        current = current_request.set(request)
        try:
            await self._app(scope, receive, completed_send)
        except Exception as error:
            request.fail(error, escaped=True)
            if request.status is not None:
                # Ended here, or the stock middleware would record the exception a second time.
                request.finish()
                if request.span.is_recording():
                    request.span.end()
                raise
            await answer_failure(completed_send)
        finally:
            request.finish()
            current_request.reset(current)
