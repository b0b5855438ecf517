"""Errors to Sentry, each with the trace and the span that it happened in.

There is one way in: the log. A warning becomes a breadcrumb, an error (with its exception, when
``exc_info`` is given) an event; whoever handles a failure logs it once, so it is reported once.
Sentry's own hooks into Litestar, asyncpg, httpx and aiohttp stay off: they would report the same
failure again, read request bodies, and cost every request a scope. Only what escapes the program
altogether is added by a hook of Sentry's.

Promises: an event carries the tags ``otel.trace_id`` and ``otel.span_id`` of the span that was
current when it was logged, and Sentry's own trace context says the same; the tags are put on the
event, never on a scope that the next one inherits; its breadcrumbs are those of its own trace.
No transactions (traces are OpenTelemetry's), no request data, no local variables, no passwords in
addresses. At most ``EVENTS_PER_MINUTE`` are built, because building one costs a millisecond and
must not turn a storm of errors into an outage. Without a DSN nothing is touched.
"""

import logging
import re
import time
from typing import TYPE_CHECKING, Any

import sentry_sdk
from opentelemetry import trace
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.logging import LoggingIntegration, ignore_logger
from sentry_sdk.integrations.otlp import OTLPIntegration
from sentry_sdk.integrations.threading import ThreadingIntegration

from telemetry.reporting import is_unreported

if TYPE_CHECKING:
    from telemetry.settings import TelemetrySettings

EVENTS_PER_MINUTE = 120
"""Events built per process and minute; what comes on top is in the log, which loses nothing."""

_PASSWORD = re.compile(r"(://[^:/@\s]*):[^/@\s]+@")


def configure_sentry(settings: "TelemetrySettings") -> None:
    """Report warnings and errors of this process to ``settings.sentry_dsn``; once per process.

    Raises:
        sentry_sdk.utils.BadDsn: the DSN is not one.
    """
    if not settings.sentry_dsn:
        return
    sentry_sdk.init(
        dsn=settings.sentry_dsn,
        environment=settings.sentry_environment,
        release=settings.sentry_release,
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[
            _LimitedLogging(level=logging.WARNING, event_level=logging.ERROR),
            ExcepthookIntegration(),
            ThreadingIntegration(propagate_scope=False),
            DedupeIntegration(),
            AtexitIntegration(callback=lambda pending, timeout: None),
            OTLPIntegration(setup_otlp_traces_exporter=False, setup_propagator=False),
        ],
        before_send=_before_send,  # type: ignore[arg-type]  # Sentry's Event is a plain dict
        before_breadcrumb=_before_breadcrumb,
        max_request_body_size="never",
        include_local_variables=False,
        propagate_traces=False,
        auto_session_tracking=False,
        enable_backpressure_handling=False,
        # Otherwise Brotli wherever some other package happened to install it.
        _experiments={"transport_compression_algo": "gzip"},  # type: ignore[typeddict-item]  # compared with text
    )
    sentry_sdk.get_global_scope().set_tag("service", settings.otel_service_name)
    # A Collector that is away is no error of the service, and would be one per batch.
    ignore_logger("opentelemetry.*")
    ignore_logger("aiokafka.*")  # errors to it, passing to us: whoever uses it says what counts


def flush_sentry(timeout_s: float) -> None:
    """Wait at most this many seconds until what is buffered has been sent."""
    sentry_sdk.flush(timeout=timeout_s)


class _LimitedLogging(LoggingIntegration):
    """Sentry's logging integration behind a token bucket, in front of the dear part."""

    def __init__(self, level: int, event_level: int) -> None:
        super().__init__(level=level, event_level=event_level, sentry_logs_level=None)
        self._tokens = float(EVENTS_PER_MINUTE)
        self._filled_at = time.monotonic()
        if self._handler is not None:
            self._handler.addFilter(self._admit)

    def _admit(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        refill = (now - self._filled_at) * EVENTS_PER_MINUTE / 60
        self._tokens = min(self._tokens + refill, EVENTS_PER_MINUTE)
        self._filled_at = now
        if is_unreported() or self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def _trace_id() -> str | None:
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None


def _before_breadcrumb(crumb: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any] | None:
    # Sentry keeps breadcrumbs per process here; the trace id tells later whose they are.
    crumb["data"] = {"otel.trace_id": _trace_id()}
    filtered: dict[str, Any] = _without_passwords(crumb)
    return filtered


def _before_send(event: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any] | None:
    if is_unreported():
        return None
    span = trace.get_current_span()
    context = span.get_span_context()
    if context.is_valid:
        event.setdefault("tags", {}).update(
            {
                "otel.trace_id": trace.format_trace_id(context.trace_id),
                "otel.span_id": trace.format_span_id(context.span_id),
            }
        )
        event["transaction"] = _place(span)
    crumbs = event.get("breadcrumbs", {}).get("values", [])
    mine = _trace_id()
    event["breadcrumbs"] = {
        "values": [crumb for crumb in crumbs if crumb.get("data", {}).get("otel.trace_id") == mine]
    }
    filtered: dict[str, Any] = _without_passwords(event)
    return filtered


def _place(span: trace.Span) -> str | None:
    """What Sentry shows as the place of an error: ``GET /books/{id}``, ``process books``."""
    # Here, because the package of the middleware imports this module.
    from telemetry.http.request import current_request

    request = current_request.get()
    # Of a request that is under way, the span has the method for a name until it ends.
    return getattr(span, "name", None) if request is None else request.name


def _without_passwords(part: Any) -> Any:
    """The same JSON-like value, with the password of every ``scheme://user:password@host`` gone."""
    if isinstance(part, str):
        return _PASSWORD.sub(r"\1:[Filtered]@", part) if "://" in part else part
    if isinstance(part, dict):
        return {key: _without_passwords(value) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [_without_passwords(item) for item in part]
    return part
