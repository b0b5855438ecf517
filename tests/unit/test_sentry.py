"""Sentry over real HTTP: what arrives at a server that speaks its envelope protocol."""

import asyncio
import gzip
import json
import logging
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
import sentry_sdk
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from telemetry import sentry
from telemetry.http import instrument
from telemetry.reporting import unreported
from telemetry.sentry import configure_sentry, flush_sentry
from telemetry.settings import TelemetrySettings

logger = logging.getLogger("bookapp.test")


class Sink:
    """Takes Sentry envelopes and keeps their items."""

    def __init__(self) -> None:
        self.items: list[tuple[str, dict[str, Any]]] = []
        self.headers: list[dict[str, Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                assert self.headers["content-encoding"] == "gzip"
                body = gzip.decompress(body)
                lines = body.split(b"\n")
                outer.headers.append(json.loads(lines[0]))
                for header, payload in zip(lines[1::2], lines[2::2], strict=False):
                    outer.items.append((json.loads(header)["type"], json.loads(payload)))
                self.send_response(200)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.dsn = f"http://public@127.0.0.1:{self.server.server_port}/1"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def events(self) -> list[dict[str, Any]]:
        flush_sentry(5)
        return [payload for kind, payload in self.items if kind == "event"]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    start(sink.dsn)
    yield sink
    stop()
    sink.close()


def start(dsn: str) -> None:
    configure_sentry(
        TelemetrySettings(
            otel_service_name="bookapp",
            sentry_dsn=dsn,
            sentry_environment="test",
            sentry_release="books@1.2.3",
        )
    )


def stop() -> None:
    sentry_sdk.get_client().close(timeout=0.1)
    sentry_sdk.get_global_scope().set_client(None)
    sentry_sdk.get_isolation_scope().clear()


@pytest.fixture(scope="module")
def tracer() -> trace.Tracer:
    return TracerProvider(shutdown_on_exit=False).get_tracer("test")


def ids(span: trace.Span) -> tuple[str, str]:
    context = span.get_span_context()
    return trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)


def tags(event: dict[str, Any]) -> tuple[str | None, str | None]:
    return event["tags"].get("otel.trace_id"), event["tags"].get("otel.span_id")


def own(event: dict[str, Any]) -> tuple[str, str]:
    context = event["contexts"]["trace"]
    return context["trace_id"], context["span_id"]


def crumbs(event: dict[str, Any]) -> list[str]:
    return [crumb["message"] for crumb in event["breadcrumbs"]["values"]]


def test_an_error_is_an_event_with_the_ids_of_its_span_and_warnings_are_its_breadcrumbs(
    sink: Sink, tracer: trace.Tracer
) -> None:
    with tracer.start_as_current_span("GET /books/{id}") as span:
        logger.info("not of interest")
        logger.warning("backend is slow")
        try:
            raise LookupError("no such shelf")
        except LookupError:
            logger.exception("a request failed")
    [event] = sink.events()
    assert tags(event) == own(event) == ids(span)
    assert crumbs(event) == ["backend is slow"]
    assert event["level"] == "error"
    assert event["logentry"]["formatted"] == "a request failed"
    assert event["exception"]["values"][0]["type"] == "LookupError"
    assert event["transaction"] == "GET /books/{id}"
    assert event["tags"]["service"] == "bookapp"
    assert (event["environment"], event["release"]) == ("test", "books@1.2.3")
    assert all("trace" not in header or header["trace"] == {} for header in sink.headers)


def test_the_innermost_span_is_the_one(sink: Sink, tracer: trace.Tracer) -> None:
    with tracer.start_as_current_span("outer") as outer:
        with tracer.start_as_current_span("inner") as inner:
            logger.error("inside")
        logger.error("outside")
    inside, outside = sink.events()
    assert tags(inside) == own(inside) == ids(inner)
    assert tags(outside) == own(outside) == ids(outer)


def test_an_event_outside_any_span_has_no_ids_of_an_earlier_one(
    sink: Sink, tracer: trace.Tracer
) -> None:
    with tracer.start_as_current_span("earlier"):
        logger.warning("of the earlier one")
        logger.error("first")
    logger.error("second")
    _, second = sink.events()
    assert tags(second) == (None, None)
    assert crumbs(second) == []


async def test_nothing_leaks_between_concurrent_requests(sink: Sink, tracer: trace.Tracer) -> None:
    expected: dict[str, tuple[str, str]] = {}

    async def request(number: int) -> None:
        with tracer.start_as_current_span("request") as span:
            expected[f"failed {number}"] = ids(span)
            for step in range(3):
                logger.warning("step %d of %d", step, number)
                await asyncio.sleep(0)
            if number % 2:
                logger.error("failed %d", number)

    for first in range(0, 60, 20):
        await asyncio.gather(*(request(first + n) for n in range(20)))
    events = sink.events()
    assert len(events) == 30
    for event in events:
        message = event["logentry"]["formatted"]
        number = message.split()[1]
        assert tags(event) == own(event) == expected[message]
        assert crumbs(event) == [f"step {step} of {number}" for step in range(3)]


def test_one_failure_logged_at_two_levels_of_the_stack_is_one_event(sink: Sink) -> None:
    try:
        raise RuntimeError("once")
    except RuntimeError as error:
        logger.error("a handler failed", exc_info=error)
        logging.getLogger("uvicorn.error").error("in the application", exc_info=error)
    assert len(sink.events()) == 1


def test_attempts_are_breadcrumbs_of_the_one_event_after_the_last(
    sink: Sink, tracer: trace.Tracer
) -> None:
    with tracer.start_as_current_span("process book_ingestion"):
        for attempt in range(3):
            try:
                raise ConnectionError("away")
            except ConnectionError as error:
                last = error
                logger.warning("attempt %d failed", attempt, exc_info=True)
        logger.error("gave up", exc_info=last)
    [event] = sink.events()
    assert crumbs(event) == [f"attempt {attempt} failed" for attempt in range(3)]


def test_no_locals_no_request_no_person_no_password(sink: Sink) -> None:
    # Made at run time: the lines of source around a frame are sent.
    password, local = uuid.uuid4().hex, uuid.uuid4().hex

    def connect(token: str) -> None:
        raise ConnectionError(f"cannot reach postgresql://books:{password}@db:5432/books")

    logger.warning("trying amqp://u:%s@host", password)
    try:
        connect(local)
    except ConnectionError:
        logger.exception("at %s", f"postgresql://books:{password}@db/books")
    [event] = sink.events()
    sent = json.dumps(event)
    assert password not in sent
    assert local not in sent
    assert "postgresql://books:[Filtered]@db:5432/books" in sent
    assert "request" not in event
    assert "user" not in event
    assert not any(
        "vars" in frame
        for exception in event["exception"]["values"]
        for frame in exception["stacktrace"]["frames"]
    )


def test_health_and_metrics_routes_are_left_out(sink: Sink) -> None:
    with unreported():
        logger.error("not ready")
        sentry_sdk.capture_message("not ready either", level="error")
    logger.error("real")
    assert [event["logentry"]["formatted"] for event in sink.events()] == ["real"]


@pytest.mark.parametrize(
    "settings",
    [{"telemetry_http": "lean"}, {"telemetry_http": "stock"}, {"otel_sdk_disabled": True}],
)
async def test_an_error_in_an_excluded_request_is_not_reported(
    sink: Sink, settings: dict[str, Any]
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        logger.error("at %s", scope["path"])
        await send({"type": "http.response.start", "status": 503, "headers": []})
        await send({"type": "http.response.body"})

    settings = TelemetrySettings(sentry_dsn=sink.dsn, **settings)
    transport = httpx.ASGITransport(instrument(app, settings, {"/health"}))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        for path in ("/health", "/books", "/health"):
            assert (await client.get(path)).status_code == 503
    assert [event["logentry"]["formatted"] for event in sink.events()] == ["at /books"]


@pytest.mark.parametrize("middleware", ["lean", "stock"])
async def test_the_place_of_an_error_in_a_request_is_its_route(
    sink: Sink, tracer: trace.Tracer, middleware: Any
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["path_template"] = "/books/{id}"
        with tracer.start_as_current_span("SELECT books"):
            logger.error("torn page")
        await send({"type": "http.response.start", "status": 500, "headers": []})
        await send({"type": "http.response.body"})

    transport = httpx.ASGITransport(instrument(app, TelemetrySettings(telemetry_http=middleware)))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        await client.get("/books/17")
    [event] = sink.events()
    assert event["transaction"] == "GET /books/{id}"


def test_a_collector_that_is_away_is_no_event(sink: Sink) -> None:
    logging.getLogger("opentelemetry.exporter.otlp.proto.http").error("Failed to export")
    assert sink.events() == []


def test_there_are_no_transactions_and_no_sessions(sink: Sink, tracer: trace.Tracer) -> None:
    with tracer.start_as_current_span("GET /books"):
        logger.error("x")
    sink.events()
    assert {kind for kind, _ in sink.items} == {"event"}


def test_a_storm_of_errors_is_cut_off(sink: Sink) -> None:
    began = time.monotonic()
    for number in range(2000):
        logger.error("storm %d", number)
    minutes = (time.monotonic() - began) / 60
    assert 1 <= len(sink.events()) <= sentry.EVENTS_PER_MINUTE * (1 + minutes) + 1


def test_a_dead_sentry_costs_little_and_a_flush_is_bounded() -> None:
    start("http://public@127.0.0.1:9/1")
    try:
        started = time.monotonic()
        for number in range(500):
            logger.error("into the void %d", number)
        # Seconds: a machine may be busy, but a wait for Sentry would be 500 waits.
        assert time.monotonic() - started < 10
        started = time.monotonic()
        flush_sentry(0.5)
        assert time.monotonic() - started < 10
    finally:
        stop()


PROGRAM = """
import logging, sys, threading
before = (sys.excepthook, logging.Logger.callHandlers, threading.Thread.start)
from opentelemetry.sdk.trace import Span
recording = Span.record_exception
from telemetry.sentry import configure_sentry, flush_sentry
from telemetry.settings import TelemetrySettings
configure_sentry(TelemetrySettings())
logging.getLogger("x").error("nowhere")
flush_sentry(1)
import sentry_sdk
assert before == (sys.excepthook, logging.Logger.callHandlers, threading.Thread.start)
assert Span.record_exception is recording
assert not sentry_sdk.get_client().is_active()
assert not [t for t in threading.enumerate() if "sentry" in t.name]
"""


def test_without_a_dsn_nothing_is_touched() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=60)


def test_what_escapes_the_program_is_reported_before_it_ends(sink: Sink) -> None:
    program = (
        "from telemetry.sentry import configure_sentry\n"
        "from telemetry.settings import TelemetrySettings\n"
        f"configure_sentry(TelemetrySettings(sentry_dsn={sink.dsn!r}))\n"
        "raise SystemError('escaped')\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60)
    assert ended.returncode == 1
    assert [event["exception"]["values"][0]["value"] for event in sink.events()] == ["escaped"]
