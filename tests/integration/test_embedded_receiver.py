"""The receiver takes what the real exporters and the real Sentry SDK send, and gives it back."""

import gzip
import sys
from pathlib import Path

import httpx
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


def test_a_body_that_is_no_envelope_is_refused(receiver):
    answer = httpx.post(receiver.url + "/api/1/envelope/", content=b"hello\n{}")
    assert answer.status_code == 400


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
