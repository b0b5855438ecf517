"""The tail-sampling variant keeps what must be kept, whatever the rest's share."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
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
from embedded.native.kafka import Kafka
from embedded.receiver import Receiver
from embedded.receiver.model import Span
from embedded.services import bare_environment
from embedded.stack import PROMPT_TELEMETRY, Stack, StackSettings
from embedded.waiting import wait_until

NOWHERE = "127.0.0.1:9"  # the discard port: nobody listens


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """Stands in Tempo's place."""
    with Receiver(grpc=True) as running:
        yield running


@pytest.fixture(scope="module")
def collector(infra: Path, receiver: Receiver) -> Iterator[Collector]:
    """Keeps nothing but what its policies name."""
    environ = {
        "TAIL_SAMPLING_WAIT": "1s",
        "TAIL_SAMPLING_PERCENTAGE": "0",
        "TAIL_SAMPLING_SLOW_MS": "60000",  # more than any request takes on a busy machine
        "BATCH_TIMEOUT": "100ms",
        "COLLECTION_INTERVAL": "1h",
        "TEMPO_ENDPOINT": receiver.grpc_endpoint.removeprefix("http://"),
        "KAFKA_BROKER_URL": NOWHERE,
    }
    directory = infra / "collector"
    files = [directory / "collector.yaml", directory / "tail-sampling.yaml"]
    with Collector(directory / "builder.yaml", files, environ) as running:
        yield running


@pytest.fixture(scope="module")
def tracer(collector: Collector) -> Iterator[Tracer]:
    """Sends to the Collector, each span at once."""
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
    slow.end(end_time=62_000_000_000)
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


def places(spans: list[Span]) -> dict[tuple[str, str], str]:
    """Where the spans' links and attributes lead, by trace and span id: the name of one each."""
    found = {(link.trace_id, link.span_id): span.name for span in spans for link in span.links}
    for span in spans:
        trace_id = span.attributes.get("delivery.batch.trace_id")
        if trace_id is not None:
            found[str(trace_id), str(span.attributes["delivery.batch.span_id"])] = span.name
    return found


def test_nothing_leads_nowhere(collector: Collector, receiver: Receiver, kafka: Kafka) -> None:
    """With a share of 0 %, on the services' own traces: requests, records, batches, a command."""
    environment = {**bare_environment(os.environ), **PROMPT_TELEMETRY}
    settings = StackSettings(
        environment=environment,
        kafka_broker_url=kafka.url,
        otlp_endpoint=collector.url,
        fsync=False,
    )
    with Stack(settings) as stack:
        book = {"title": "Emma", "author": "Jane Austen"}
        with httpx.Client(base_url=stack.bookapp_url, timeout=30, trust_env=False) as client:
            for _ in range(3):
                added = client.post("/books/bulk_add", json=[book] * 200).raise_for_status().json()
                client.get("/books?limit=10").raise_for_status()
            last = f"{stack.backend_url}/books/{added[-1]}"
            wait_until(lambda: httpx.get(last).status_code == 200, 60, what="the last book")
        command = ["replay", "--key", str(added[0]), "--handle", "--apply", "--yes"]
        subprocess.run(
            [sys.executable, "-m", "faust", "-A", "backend.app", *command],
            env={
                **environment,
                "DATABASE_URL": stack.database_url,
                "KAFKA_BROKER_URL": kafka.url,
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            },
            check=True,
            timeout=120,
        )

    def kept() -> list[Span]:
        return receiver.spans(service="bookapp") + receiver.spans(service="backend")

    def lost() -> dict[tuple[str, str], str]:
        spans = kept()
        there = {(span.trace_id, span.span_id) for span in spans}
        return {at: name for at, name in places(spans).items() if at not in there}

    wanted = {"process book_ingestion batch", "replay book_ingestion"}
    wait_until(lambda: wanted <= {span.name for span in kept()}, 60, what="batches, a command")
    wait_until(lambda: not lost(), 60, interval=1, what="an end of each link")
    leading = set(places(kept()).values())
    assert {"process book_ingestion", "process book_ingestion batch"} <= leading
    assert not [span for span in kept() if span.name == "GET /books"]  # the rest is not kept
