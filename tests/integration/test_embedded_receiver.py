"""The receiver takes what the real exporters and the real Sentry SDK send, and gives it back."""

import contextlib
import gzip
import json
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import brotli
import grpc
import httpx
import psutil
import pytest
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import (
    OTLPMetricExporter as GrpcMetrics,
)
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from embedded import receiver as receiver_package
from embedded.ports import free_port
from embedded.processes import StartError
from embedded.receiver import Receiver

RESOURCE = Resource.create({"service.name": "tester", "service.instance.id": "one"})


def http_exporters(receiver):
    url = receiver.endpoint + "/v1/"
    gzipped = {"compression": Compression.Gzip}
    return (
        OTLPSpanExporter(url + "traces", **gzipped),
        OTLPLogExporter(url + "logs"),
        OTLPMetricExporter(url + "metrics", **gzipped),
    )


def grpc_exporters(receiver):
    options = {"endpoint": receiver.grpc_endpoint, "insecure": True}
    return GrpcSpans(**options), GrpcLogs(**options), GrpcMetrics(**options)


@pytest.mark.parametrize("exporters", [http_exporters, grpc_exporters])
def test_spans_logs_and_metrics_come_back_as_they_were_sent(receiver, exporters):
    span_exporter, log_exporter, metric_exporter = exporters(receiver)
    tracer_provider = TracerProvider(resource=RESOURCE)
    tracer_provider.add_span_processor(SimpleSpanProcessor(span_exporter))
    tracer = tracer_provider.get_tracer("scope")
    logger_provider = LoggerProvider(resource=RESOURCE)
    logger_provider.add_log_record_processor(SimpleLogRecordProcessor(log_exporter))
    reader = PeriodicExportingMetricReader(metric_exporter)
    meter_provider = MeterProvider([reader], RESOURCE)
    histogram = meter_provider.get_meter("scope").create_histogram("lasted", "s", "How long.")

    with tracer.start_as_current_span("send x", kind=trace.SpanKind.PRODUCER) as sent:
        pass
    link = trace.Link(sent.get_span_context())
    with tracer.start_as_current_span(
        "process x", trace.set_span_in_context(trace.INVALID_SPAN), links=[link]
    ) as processed:
        processed.set_attribute("numbers", [1, 2])
        processed.record_exception(ValueError("on purpose"))
        processed.set_status(trace.StatusCode.ERROR)
        histogram.record(0.25, {"colour": "red"})
        logger_provider.get_logger("scope").emit(severity_text="WARN", body="careful")
    for provider in (tracer_provider, logger_provider, meter_provider):
        provider.shutdown()

    (send,) = receiver.spans(name="send x")
    (process,) = receiver.spans(service="tester", name="process x")
    assert (send.kind, send.parent_id, send.status) == ("producer", "", "unset")
    assert send.trace_id == format(sent.get_span_context().trace_id, "032x")
    assert send.start < send.end
    assert [(one.trace_id, one.span_id) for one in process.links] == [(send.trace_id, send.span_id)]
    assert process.attributes == {"numbers": [1, 2]}
    assert process.status == "error"
    assert process.events[0].attributes["exception.message"] == "on purpose"
    assert receiver.linked_from(send) == [process]

    (log,) = receiver.logs(trace_id=process.trace_id)
    assert (log.service, log.level, log.message) == ("tester", "WARN", "careful")
    assert log.span_id == process.span_id

    (point,) = receiver.metrics(name="lasted")
    assert (point.value, point.count, point.unit) == (0.25, 1, "s")
    assert point.attributes == {"colour": "red"}
    assert [one.trace_id for one in point.exemplars] == [process.trace_id]

    listed = {one.trace_id: one for one in receiver.traces(errors="true")}
    assert set(listed) == {process.trace_id}
    assert listed[process.trace_id].linked == [send.trace_id]


SENTRY_PROGRAM = """
import sentry_sdk, sys
sentry_sdk.init(sys.argv[1], environment="test", release="1.0")
with sentry_sdk.new_scope() as scope:
    scope.set_tag("otel.trace_id", "0af7651916cd43dd8448eb211c80319c")
    scope.set_tag("otel.span_id", "b7ad6b7169203331")
    try:
        1 / 0
    except ZeroDivisionError as error:
        sentry_sdk.capture_exception(error)
sentry_sdk.flush(5)
"""


def test_an_event_of_the_sentry_sdk_is_kept_with_its_tags(receiver, run_service):
    program = run_service([sys.executable, "-c", SENTRY_PROGRAM, receiver.sentry_dsn], {})
    assert program.wait(20) == 0, program.lines
    (event,) = receiver.sentry_events()
    assert event.message == "ZeroDivisionError: division by zero"
    assert (event.environment, event.release, event.level) == ("test", "1.0", "error")
    assert event.trace_id == "0af7651916cd43dd8448eb211c80319c"
    assert event.span_id == "b7ad6b7169203331"
    trace_of_event = receiver.trace(event.trace_id)
    assert trace_of_event is not None
    assert trace_of_event.sentry == [event]


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, b"\xff\xff", 400),
        ({"content-encoding": "gzip"}, b"no gzip", 400),
        ({"content-encoding": "gzip"}, gzip.compress(bytes(65 * 1024 * 1024)), 413),
        ({"content-encoding": "compress"}, b"", 415),
        ({"content-type": "application/json"}, b"{}", 415),
    ],
)
def test_a_body_that_is_not_otlp_is_refused(receiver, headers, body, status):
    headers = {"content-type": "application/x-protobuf", **headers}
    answer = httpx.post(receiver.endpoint + "/v1/traces", headers=headers, content=body)
    assert answer.status_code == status


OTLP = {"content-type": "application/x-protobuf"}
ENVELOPE = {"content-type": "application/x-sentry-envelope"}


def post_envelope(receiver, content, **headers):
    url = receiver.url + "/api/1/envelope/"
    return httpx.post(url, headers={**ENVELOPE, **headers}, content=content)


def test_a_body_that_is_no_envelope_is_refused(receiver):
    answer = post_envelope(receiver, b"hello\n{}")
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/api/traces?min_duration=soon", {}, 400),
        ("GET", "/api/traces?limit=many", {}, 400),
        ("GET", "/api/metrics/series", {}, 400),
        ("GET", "/api/traces", {"host": "rebound.example"}, 400),
        ("POST", "/v1/traces", {"origin": "http://page.example"}, 403),
        ("GET", "/api/traces/nothing", {}, 404),
        ("GET", "/api/metrics/series?name=nothing", {}, 404),
        ("GET", "/nowhere", {}, 404),
        ("POST", "/api/traces", OTLP, 405),
        ("POST", "/v1/traces", {"content-type": "text/plain"}, 415),
        ("POST", "/v1/traces", {**OTLP, "content-encoding": "compress"}, 415),
        ("POST", "/v1/traces", OTLP, 400),
    ],
)
def test_every_error_is_a_problem_with_its_reason(receiver, method, path, headers, status):
    body = b"\xff\xff" if method == "POST" else None
    answer = httpx.request(method, receiver.url + path, headers=headers, content=body)
    problem = answer.json()
    assert answer.status_code == problem["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(problem) == {"type", "title", "status", "detail", "errors"}
    assert problem["detail"]


def test_only_loopback_names_are_answered(receiver):
    answer = httpx.get(receiver.url + "/api/traces", headers={"host": "rebound.example:4318"})
    assert answer.status_code == 400


def test_a_port_in_use_is_one_line(receiver):
    with pytest.raises(StartError, match=f"^Port {receiver.port} .* is in use"):
        Receiver(receiver.port)


def test_a_given_port_is_taken():
    port = free_port()
    with Receiver(port) as receiver:
        assert receiver.url == f"http://127.0.0.1:{port}"
        assert receiver.traces() == []


def test_the_page_needs_nothing_from_elsewhere_and_runs_nothing_inline(receiver):
    index = httpx.get(receiver.url + "/")
    assert index.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in index.headers["content-security-policy"]
    assert "<script>" not in index.text
    types = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
    files = list(Path(receiver_package.__file__).parent.joinpath("page").iterdir())
    assert {path.suffix for path in files} == set(types)
    for path in files:
        part = httpx.get(f"{receiver.url}/{path.name}")
        assert part.headers["content-type"].startswith(types[path.suffix])
        assert "https://" not in part.text
        assert "innerHTML" not in part.text
    assert httpx.get(f"{receiver.url}/dom.py").status_code == 404


def status_of(receiver):
    return httpx.get(receiver.url + "/api/status").json()


@pytest.mark.parametrize(
    "body",
    [
        b'{}\n{"type":"event","length":-33}\n{}',
        b'{}\n{"type":"event","length":99999999999}\n{}',
        b'{}\n{"type":"event","length":"2"}\n{}',
        b'{}\n{"type":"event"}\n{"timestamp":1e999}',
        b'{}\n{"type":"event"}\n{"timestamp":1e300}',
        b'{}\n{"type":"event"}\n{"timestamp":-1}',
        b'{}\n{"type":"event"}\n{"tags":7}',
        b'{}\n{"type":"event"}\n{"tags":[1,2]}',
        b'{}\n{"type":"event"}\n{"contexts":[]}',
        b'{}\n{"type":"event"}\n' + b"[" * 100_000,
        b"{}\n" + b"{}\n\n" * 2_000,
        b'{}\n{"type":"event"}\n{"message":"' + b"x" * 2_000_000 + b'"}',
    ],
)
def test_an_envelope_that_lies_is_refused_at_once(receiver, body):
    refused = status_of(receiver)["refused"]
    assert post_envelope(receiver, body).status_code == 400
    assert status_of(receiver)["refused"] == refused + 1


@pytest.mark.parametrize(
    "event",
    [
        b'{"tags":{"otel.trace_id":"../../x","otel.span_id":7}}',
        b'{"exception":[{"type":null}]}',
        b'{"exception":{"values":{"a":1}},"logentry":null,"message":["a"]}',
        b'{"event_id":{"a":[]},"level":7,"environment":[],"timestamp":"inf"}',
        b'{"tags":[["a",null],null],"timestamp":1700000000}',
        b'{"extra":1' + b"0" * 300 + b"}",
    ],
)
def test_an_event_of_another_shape_is_taken_or_refused(receiver, event):
    answer = post_envelope(receiver, b'{}\n{"type":"event"}\n' + event)
    assert answer.status_code in (200, 400)
    assert len(receiver.sentry_events()) == (answer.status_code == 200)


BOMBS = {
    "gzip": gzip.compress(bytes(100 * 1024 * 1024), 9),
    "deflate": zlib.compress(bytes(100 * 1024 * 1024), 9),
    "br": brotli.compress(bytes(100 * 1024 * 1024), quality=5),
}


@pytest.mark.parametrize("encoding", BOMBS)
@pytest.mark.parametrize("door", ["/v1/traces", "/v1/logs", "/v1/metrics", "/api/1/envelope"])
def test_a_body_that_inflates_without_end_is_refused_and_costs_little(receiver, encoding, door):
    kind = "x-sentry-envelope" if "envelope" in door else "x-protobuf"
    headers = {"content-encoding": encoding, "content-type": f"application/{kind}"}
    answer = httpx.post(receiver.url + door, headers=headers, content=BOMBS[encoding])
    assert answer.status_code == 413
    assert psutil.Process(receiver.process.pid).memory_info().rss < 400 * 1024 * 1024


@pytest.mark.parametrize("encoding", BOMBS)
def test_a_body_that_is_cut_off_is_refused(receiver, encoding):
    pack = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress}[encoding]
    for body in (pack(b"{}\n" * 100)[:-3], b"\x01\x02\x03", b""):
        answer = post_envelope(receiver, body, **{"content-encoding": encoding})
        assert answer.status_code == 400


def test_millions_of_empty_pieces_do_not_hold_the_receiver(receiver):
    """8 KB of gzip with empty resources held it for 47 s. Others are answered meanwhile."""
    body = gzip.compress(b"\x0a\x00" * 4_000_000, 9)
    headers = {"content-type": "application/x-protobuf", "content-encoding": "gzip"}
    answer = httpx.post(receiver.url + "/v1/traces", headers=headers, content=body, timeout=30)
    assert (len(body) < 10_000, answer.status_code) == (True, 413)
    assert httpx.get(receiver.url + "/health", timeout=5).status_code == 200


def test_large_attributes_are_cut(receiver):
    span = SpanMessage(trace_id=b"\1" * 16, span_id=b"\2" * 8, name="large")
    span.attributes.add(key="k").value.string_value = "x" * 15_000_000
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.append(span)
    headers = {"content-type": "application/x-protobuf"}
    for number in range(20):
        request.resource_spans[0].scope_spans[0].spans[0].trace_id = bytes([number + 1] * 16)
        answer = httpx.post(
            receiver.url + "/v1/traces", headers=headers, content=request.SerializeToString()
        )
        assert answer.status_code == 200
    assert status_of(receiver)["bytes"] < 1_000_000
    assert all("cut" in span.marks for span in receiver.spans(name="large"))


def test_what_is_sent_over_grpc_has_the_same_limits(receiver):
    with grpc.insecure_channel(receiver.grpc_endpoint.removeprefix("http://")) as channel:
        export = channel.unary_unary(
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            request_serializer=lambda body: body,
            response_deserializer=lambda body: body,
        )
        for body, code in (
            (b"\xff\xff", grpc.StatusCode.INVALID_ARGUMENT),
            (b"\x0a\x00" * 4_000_000, grpc.StatusCode.RESOURCE_EXHAUSTED),
            (bytes(21 * 1024 * 1024), grpc.StatusCode.RESOURCE_EXHAUSTED),
        ):
            with pytest.raises(grpc.RpcError) as refused:
                export(body, timeout=30)
            assert refused.value.code() == code
        with pytest.raises(grpc.RpcError) as refused:
            export(bytes(200 * 1024 * 1024), timeout=30, compression=grpc.Compression.Gzip)
        assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert psutil.Process(receiver.process.pid).memory_info().rss < 400 * 1024 * 1024


def test_a_page_of_another_origin_can_add_nothing(receiver):
    for headers in ({"origin": "http://elsewhere.example"}, {"sec-fetch-site": "cross-site"}):
        assert post_envelope(receiver, b"{}\n", **headers).status_code == 403
        foreign = httpx.delete(receiver.url + "/api/everything", headers=headers)
        assert foreign.status_code == 403
    plain = {"content-type": "text/plain"}
    assert post_envelope(receiver, b"{}\n", **plain).status_code == 415


def changes(lines):
    """The versions of each `change` event of a stream."""
    for line in lines:
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


def test_a_change_is_told_and_the_span_is_in_the_list_by_then(receiver):
    with httpx.stream("GET", receiver.url + "/api/live", timeout=20) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        told = changes(stream.iter_lines())
        before = next(told)
        exporter = OTLPSpanExporter(receiver.endpoint + "/v1/traces")
        provider = TracerProvider(resource=RESOURCE)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        with provider.get_tracer("scope").start_as_current_span("new"):
            pass
        assert next(told)["traces"] > before["traces"]
        assert [one.name for one in receiver.traces()] == ["new"]
        provider.shutdown()


def test_open_streams_do_not_hold_a_stop_and_are_bounded():
    with Receiver() as receiver, contextlib.ExitStack() as streams:
        codes = [
            streams.enter_context(httpx.stream("GET", receiver.url + "/api/live")).status_code
            for _ in range(51)
        ]
        assert codes == [200] * 50 + [503]
        begun = time.monotonic()
        receiver.process.stop(timeout=10)
        assert time.monotonic() - begun < 8


def test_the_bound_in_bytes_holds_in_a_real_process():
    """Twice as much as it may keep, by OTLP; it says what it dropped."""
    with Receiver(memory=32) as receiver:
        request = ExportTraceServiceRequest()
        spans = request.resource_spans.add().scope_spans.add().spans
        headers = {"content-type": "application/x-protobuf"}
        for batch in range(40):
            del spans[:]
            for number in range(1_000):
                ids = struct.pack(">QQ", batch, number + 1)
                span = spans.add(trace_id=ids, span_id=ids[8:], name="GET /books")
                span.attributes.add(key="k").value.string_value = "x" * 1_000
            body = request.SerializeToString()
            sent = httpx.post(receiver.url + "/v1/traces", headers=headers, content=body)
            assert sent.status_code == 200
        status = status_of(receiver)
        assert status["bytes"] <= status["bytes_limit"] == 32 * 1024 * 1024
        assert status["dropped"]["spans"] + status["spans"] == 40_000
        assert psutil.Process(receiver.process.pid).memory_info().rss < 250 * 1024 * 1024


def test_a_trace_of_another_process_is_printed_in_the_terminal(receiver):
    exporter = OTLPSpanExporter(receiver.endpoint + "/v1/traces")
    provider = TracerProvider(resource=RESOURCE)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("scope")
    with tracer.start_as_current_span("send x", kind=trace.SpanKind.PRODUCER) as sent:
        pass
    link = trace.Link(sent.get_span_context())
    none = trace.set_span_in_context(trace.INVALID_SPAN)
    with tracer.start_as_current_span(
        "process x", none, trace.SpanKind.CONSUMER, links=[link]
    ) as processed:
        pass
    provider.shutdown()
    context = processed.get_span_context()
    parent = f"00-{context.trace_id:032x}-{context.span_id:016x}-01"
    run = [sys.executable, "-m", "embedded.trace", "--receiver", receiver.url]
    shown = subprocess.run([*run, parent], capture_output=True, text=True, timeout=30)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.index("send x") < shown.stdout.index("waited")
    assert shown.stdout.index("waited") < shown.stdout.index("process x")
    for wrong, reason in (("f" * 32, "no span is kept"), ("no/id?x=1", "no span is kept")):
        shown = subprocess.run([*run, wrong], capture_output=True, text=True, timeout=30)
        assert (shown.returncode, shown.stdout) == (1, "")
        assert reason in shown.stderr
        assert shown.stderr.count("\n") == 1
    away = f"http://127.0.0.1:{free_port()}"
    shown = subprocess.run([*run[:-1], away, parent], capture_output=True, text=True, timeout=30)
    assert shown.returncode == 1
    assert f"no receiver answers at {away}" in shown.stderr
