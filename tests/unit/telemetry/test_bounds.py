"""What clients and records choose has an end, holds no secret, and cannot command a terminal."""

import json
import logging
import re
from collections.abc import Callable
from typing import Any, cast

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.sdk._logs import ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import Link, SpanContext, TraceFlags

from telemetry.bounds import MAX_BODY, MAX_QUEUE_BYTES, MAX_STACK, MAX_TEXT, cut, cut_start
from telemetry.errors import message_of, stacktrace_of
from telemetry.http.attributes import redact, request_attributes
from telemetry.kafka.headers import extract, key_attribute
from telemetry.log_handler import OtlpHandler
from telemetry.logs import JsonFormatter, TextFormatter
from telemetry.otlp.exporters import CachingLogExporter, CachingSpanExporter
from telemetry.otlp.queues import (
    AT_ONCE,
    BoundedLogProcessor,
    BoundedSpanProcessor,
    EncodingSpanProcessor,
)
from telemetry.otlp.sizes import size_of_span
from telemetry.printable import escaped_json, printable

MUCH = 2_000_000


def test_a_text_keeps_its_beginning_or_its_end() -> None:
    assert cut("x" * MAX_TEXT) == "x" * MAX_TEXT
    assert cut("x" * MUCH) == "x" * (MAX_TEXT - 3) + "..."
    assert cut_start("x" * MUCH) == "..." + "x" * (MAX_STACK - 3)


def test_what_a_client_sends_is_cut() -> None:
    many = b"y" * MUCH
    scope = {
        "method": "M" * MUCH,
        "path": "/" + "p" * MUCH,
        "scheme": "http",
        "http_version": "1.1",
        "query_string": b"q=" + many,
        "client": ("127.0.0.1", 1),
        "headers": [(name, many) for name in (b"host", b"user-agent", b"tracestate", b"x")],
    }
    attributes, carrier = request_attributes(scope)
    texts = {name: value for name, value in attributes.items() if isinstance(value, str)}
    assert {"url.path", "url.query", "user_agent.original", "server.address"} <= texts.keys()
    assert {name: len(text) for name, text in texts.items() if len(text) > MAX_TEXT} == {}
    assert carrier is None


def test_what_a_record_holds_is_cut() -> None:
    assert len(cast(str, key_attribute(b"\xff" * MUCH)["messaging.kafka.message.key"])) <= MAX_TEXT
    parent = ("traceparent", b"00-" + b"1" * 32 + b"-" + b"2" * 16 + b"-01")
    context = extract([parent, ("tracestate", b"a=" + b"b" * MUCH)])
    assert context is not None
    assert not context.trace_state
    assert extract([("traceparent", b"0" * MUCH)]) is None


def test_an_exception_s_text_is_cut() -> None:
    assert len(message_of(ValueError("x" * MUCH))) == MAX_TEXT
    error: BaseException = ValueError("the last")
    for n in range(500):
        try:
            raise RuntimeError(f"{n}" * 100) from error
        except RuntimeError as next_one:
            error = next_one
    trace = stacktrace_of(error)
    assert len(trace) == MAX_STACK
    assert trace.endswith(f"RuntimeError: {'499' * 100}\n")


@pytest.mark.parametrize(
    "name",
    [
        "code", "Code", "%63ode", "c%6Fde", "auth_code", "authCode", "state", "session_state",
        "sid", "sessionid", "id_token", "access_token", "refresh_token", "client_secret",
        "client_assertion", "password", "passwd", "pwd", "passphrase", "api_key", "apikey", "jwt",
        "otp", "pin", "nonce", "ticket", "SAMLResponse", "X-Amz-Credential", "X-Amz-Signature",
        "sig", "Authorization", "oauth_verifier", "code_challenge",
    ],
)  # fmt: skip
def test_a_value_that_opens_something_is_left_out(name: str) -> None:
    assert redact(f"limit=3&{name}=hunter2&after=4") == f"limit=3&{name}=REDACTED&after=4"


@pytest.mark.parametrize(
    "query",
    ["limit=3&after=4", "ids=1,2,3", "author=Dick", "title=Code", "status=lost", "q=a%20b", "code"],
)
def test_other_values_are_kept(query: str) -> None:
    assert redact(query) == query


HOSTILE = "a\x1b[2Jb\nc\rd\x9be\x07f\u202eg\u2028h\x7fi"
COMMANDS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]")


def test_what_a_terminal_would_obey_is_written_out() -> None:
    assert printable(HOSTILE) == r"a\x1b[2Jb\nc\rd\x9be\x07f\u202eg\u2028h\x7fi"
    assert printable("Bücher, 本, 📚") == "Bücher, 本, 📚"
    assert json.loads(escaped_json(json.dumps(HOSTILE, ensure_ascii=False))) == HOSTILE


def logged(message: str, *args: object, **more: Any) -> logging.LogRecord:
    record = logging.LogRecord("test", logging.INFO, __file__, 1, message, args, more.get("error"))
    vars(record).update(more.get("extra", {}))
    return record


def test_a_hostile_text_is_one_line_of_the_log() -> None:
    record = logged("got %s", HOSTILE, extra={"title": HOSTILE})
    for formatter in (TextFormatter(), JsonFormatter("test")):
        line = formatter.format(record)
        assert not COMMANDS.search(line)
        assert "\n" not in line
    assert json.loads(line)["title"] == HOSTILE  # what it was can still be read


def test_a_hostile_exception_forges_no_line_of_the_log() -> None:
    error = ValueError("x\n12:00:00.000 ERROR   bookapp: forged \x1b[2J")
    text = TextFormatter().format(logged("failed", error=(ValueError, error, None)))
    first, *others = text.split("\n")
    assert first.endswith("test: failed")
    assert others
    assert all(line.startswith("    ") for line in others)
    assert not COMMANDS.search(text)


def test_a_log_record_for_otlp_is_cut() -> None:
    kept: list[Any] = []
    handler = OtlpHandler(cast(Any, None))
    record = logged("x" * MUCH, extra={"title": "y" * MUCH, "count": 3})
    kept.append(handler._translate(record))
    assert len(kept[0].body) == MAX_BODY
    assert (len(kept[0].attributes["title"]), kept[0].attributes["count"]) == (MAX_TEXT, 3)


# Queues, while nobody takes what is in them


def span(size: int) -> ReadableSpan:
    context = SpanContext(1, 2, False, TraceFlags(TraceFlags.SAMPLED))
    return ReadableSpan("GET", context, attributes={"a": "x" * size}, start_time=1, end_time=2)


QUEUE = {"max_queue_size": 100_000, "max_export_batch_size": 100_000, "schedule_delay_millis": 1e9}


def test_spans_that_wait_are_bounded_in_bytes_and_there_is_room_again_when_they_have_gone() -> None:
    exporter = CachingSpanExporter("http://127.0.0.1:9/v1/traces")
    processor = EncodingSpanProcessor(exporter, **QUEUE)
    queue = processor._batch_processor._queue
    for _ in range(3):
        for _ in range(2_500):
            processor.on_end(span(20_000))
        assert sum(len(q.field) for q in cast(Any, queue)) >= MAX_QUEUE_BYTES
        assert len(queue) * 20_000 < MAX_QUEUE_BYTES + 2 * AT_ONCE * 20_000
        waiting = [queue.pop() for _ in range(len(queue))]
        exporter.shutdown()  # what is tried now fails at once
        assert exporter.export(cast(Any, waiting)) is SpanExportResult.FAILURE
    processor._batch_processor._shutdown = True
    processor._batch_processor._worker_awaken.set()


def grpc(exporter: type[Any]) -> Any:
    return exporter("http://127.0.0.1:9", insecure=True, timeout=0.1)


def test_spans_for_any_exporter_are_bounded_in_bytes_too() -> None:
    exporter = grpc(GrpcSpans)
    processor = BoundedSpanProcessor(exporter, **QUEUE)
    queue = processor._batch_processor._queue
    for _ in range(3):
        for _ in range(2_500):
            processor.on_end(span(20_000))
        assert 0.9 * MAX_QUEUE_BYTES < len(queue) * 20_000 < MAX_QUEUE_BYTES + 20_000
        waiting = [queue.pop() for _ in range(len(queue))]
        exporter.shutdown()
        assert exporter.export(waiting) is SpanExportResult.FAILURE
    processor._batch_processor._shutdown = True
    processor._batch_processor._worker_awaken.set()


def large(kind: str) -> ReadableSpan:
    """A span with 20,000 characters in one of the places where they may be."""
    text = {"a": "x" * 20_000}
    context = SpanContext(1, 2, False, TraceFlags(TraceFlags.SAMPLED))
    more: dict[str, Any] = {
        "attributes": {"attributes": text},
        "a list": {"attributes": {"a": ["x" * 200] * 100}},
        "an event": {"events": [Event("e", text)]},
        "a link": {"links": [Link(context, text)]},
        "the name": {},
    }[kind]
    return ReadableSpan("x" * 20_000 if kind == "the name" else "GET", context, **more)


@pytest.mark.parametrize("kind", ["attributes", "a list", "an event", "a link", "the name"])
def test_whatever_is_large_in_a_span_counts(kind: str) -> None:
    assert 20_000 < size_of_span(large(kind)) < 25_000


@pytest.mark.parametrize(
    "make", [lambda: CachingLogExporter("http://127.0.0.1:9"), lambda: grpc(GrpcLogs)]
)
def test_log_records_that_wait_are_bounded_in_bytes(make: Callable[[], Any]) -> None:
    exporter = make()
    processor = BoundedLogProcessor(exporter, **QUEUE)
    queue = processor._batch_processor._queue
    for _ in range(3):
        for _ in range(10_000):
            record = LogRecord(timestamp=1, body="x" * 8_000, attributes={"a": "y" * 1_000})
            processor.on_emit(ReadWriteLogRecord(record, Resource({})))
        assert 1_000 < len(queue) < MAX_QUEUE_BYTES / 9_000 + 2
        waiting = [cast(ReadableLogRecord, queue.pop()) for _ in range(len(queue))]
        exporter.shutdown()
        exporter.export(waiting)
    processor._batch_processor._shutdown = True
    processor._batch_processor._worker_awaken.set()
