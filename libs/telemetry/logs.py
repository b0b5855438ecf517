"""Log lines on the console and over OTLP, each with the trace and span that it was written in.

What is logged may come from a client or a record: on the console nothing of it reaches a terminal
as a command or begins a line of its own (``printable``), and over OTLP it has an end (``bounds``).

The console is for people on a terminal and JSON lines elsewhere; OTLP has the same records. There
is exactly one handler of each, on the root logger. Frameworks set up logging for themselves:
uvicorn before it imports the application, so that its handlers are taken away again here; Faust's
worker after it, unless it is told not to (``override_logging=False``, as ``delivery`` does).
uvicorn's access lines are left out unless LOG_LEVEL is DEBUG: each request has its server span.
What the exporters themselves log never goes over OTLP, and to the console at a bounded rate.
"""

import logging
import sys
import time
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from opentelemetry import trace
from opentelemetry.sdk._logs import LoggerProvider

from telemetry.errors import stacktrace_of
from telemetry.printable import escaped_json, printable, printable_lines
from telemetry.settings import TelemetrySettings

# Who logs while telemetry is sent.
MACHINERY: Final = (
    *("opentelemetry", "telemetry.otlp", "telemetry.failures"),
    *("urllib3", "sentry_sdk", "grpc"),
)
OTLP: Final = "otlp"
"""The name of the handler that sends log records away."""

_REPEAT_AFTER: Final = 60.0  # seconds

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_UNWANTED: Final = _STANDARD | {"color_message"}  # uvicorn's message with terminal codes


def configure_logging(settings: TelemetrySettings, provider: LoggerProvider | None) -> None:
    """Send what is logged to the console, and to ``provider`` where there is one."""
    as_json = settings.log_format == "json" or (
        settings.log_format == "auto" and not sys.stderr.isatty()
    )
    console = logging.StreamHandler(sys.stderr)
    console.setFormatter(JsonFormatter(settings.otel_service_name) if as_json else TextFormatter())
    console.addFilter(RateLimit())
    handlers: list[logging.Handler] = [console]
    if provider is not None:
        # Imported here: OpenTelemetry's instrumentations read OTEL_PROPAGATORS when they are.
        from telemetry.log_handler import OtlpHandler

        handlers.append(OtlpHandler(provider))
    root = logging.getLogger()
    root.handlers[:] = handlers
    root.setLevel(settings.log_level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        framework = logging.getLogger(name)
        framework.handlers.clear()
        framework.propagate = name != "uvicorn.access" or settings.log_level == "DEBUG"
    # At INFO the one says that a span came after the end, the other repeats each client span.
    for name in ("opentelemetry", "httpx"):
        logging.getLogger(name).setLevel(logging.WARNING)


def detach_otlp() -> None:
    """Log to the console alone from here on."""
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if handler.name == OTLP]:
        root.removeHandler(handler)


def _span_ids() -> tuple[str, str] | None:
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)


def _extras(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _UNWANTED}


def error_of(record: logging.LogRecord) -> BaseException | None:
    """The exception that a record was logged with."""
    return record.exc_info[1] if isinstance(record.exc_info, tuple) else None


class TextFormatter(logging.Formatter):
    """One readable line a record, and the traceback under it, set in."""

    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        parts = [f"{when}.{int(record.msecs):03d} {record.levelname:<7} {record.name}:"]
        parts.append(printable(record.getMessage()))
        parts += [printable(f"{name}={value}") for name, value in _extras(record).items()]
        if ids := _span_ids():
            parts.append(f"trace_id={ids[0]} span_id={ids[1]}")
        line = " ".join(parts)
        error = error_of(record)
        return line if error is None else f"{line}\n{printable_lines(stacktrace_of(error))}"


class JsonFormatter(logging.Formatter):
    """One JSON object a line: timestamp, level, logger, message, ids, extras, exception."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "service": self._service,
        }
        if ids := _span_ids():
            entry["trace_id"], entry["span_id"] = ids
        entry |= _extras(record)
        if error := error_of(record):
            entry["exception"] = stacktrace_of(error)
        return escaped_json(msgspec.json.encode(entry, enc_hook=str).decode())


class RateLimit(logging.Filter):
    """Lets a message of the exporters through once a minute, and all others always."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(MACHINERY):
            return True
        # Who said it, and where in the code; not the text, which can have an ever changing part.
        place, now = (record.name, record.pathname, record.lineno), time.monotonic()
        if now - self._last.get(place, -_REPEAT_AFTER) < _REPEAT_AFTER:
            return False
        self._last[place] = now
        return True
