"""The tail-sampling variant keeps what must be kept, whatever the rest's share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)

from embedded.native.collector import Collector
from embedded.receiver import Receiver
from embedded.waiting import wait_until

NOWHERE = "127.0.0.1:9"  # the discard port: nobody listens


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """Stands in Tempo's place."""
    with Receiver(grpc=True) as running:
        yield running


@pytest.fixture(scope="module")
def tracer(infra: Path, receiver: Receiver) -> Iterator[Tracer]:
    """Sends to a Collector that keeps nothing but what its policies name."""
    environ = {
        "TAIL_SAMPLING_WAIT": "1s",
        "TAIL_SAMPLING_PERCENTAGE": "0",
        "TAIL_SAMPLING_SLOW_MS": "500",
        "BATCH_TIMEOUT": "100ms",
        "COLLECTION_INTERVAL": "1h",
        "TEMPO_ENDPOINT": receiver.grpc_endpoint.removeprefix("http://"),
        "KAFKA_BROKER_URL": NOWHERE,
    }
    directory = infra / "collector"
    files = [directory / "collector.yaml", directory / "tail-sampling.yaml"]
    with Collector(directory / "builder.yaml", files, environ) as collector:
        provider = TracerProvider(resource=Resource({"service.name": "sampled"}))
        exporter = OTLPSpanExporter(f"{collector.url}/v1/traces")
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        yield provider.get_tracer("test")
        provider.shutdown()


def test_errors_slow_traces_changes_and_records_are_kept_and_the_rest_is_not(
    tracer: Tracer, receiver: Receiver
) -> None:
    tracer.start_span("GET plain", kind=SpanKind.SERVER).end()
    failed = tracer.start_span("GET failed", kind=SpanKind.SERVER)
    failed.set_status(StatusCode.ERROR)
    failed.end()
    slow = tracer.start_span("GET slow", kind=SpanKind.SERVER, start_time=1_000_000_000)
    slow.end(end_time=2_000_000_000)
    change = {"http.request.method": "POST"}
    tracer.start_span("POST change", kind=SpanKind.SERVER, attributes=change).end()
    tracer.start_span("process topic", kind=SpanKind.CONSUMER).end()
    tracer.start_span("send topic", kind=SpanKind.PRODUCER).end()

    kept = {"GET failed", "GET slow", "POST change", "process topic", "send topic"}
    names = wait_until(
        lambda: (found := {span.name for span in receiver.spans()}) >= kept and found,
        20,
        what="the kept traces",
    )
    assert names == kept


def test_a_span_that_comes_after_the_decision_shares_it(tracer: Tracer, receiver: Receiver) -> None:
    """The send span of a record that waited in the outbox while Kafka was down."""
    change = {"http.request.method": "POST"}
    with tracer.start_as_current_span("POST late", attributes=change):
        pass
    [first] = wait_until(lambda: receiver.spans(name="POST late"), 20, what="the request's span")
    request = SpanContext(
        int(first.trace_id, 16), int(first.span_id, 16), True, TraceFlags(TraceFlags.SAMPLED)
    )
    context = set_span_in_context(NonRecordingSpan(request))
    tracer.start_span("send late", context=context, kind=SpanKind.INTERNAL).end()
    wait_until(lambda: receiver.spans(name="send late"), 20, what="the late span")
