"""Records in traces: what goes into headers, and which span refers to which."""

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode, use_span

from telemetry.kafka import (
    current_context_headers,
    end_send_span,
    extract,
    inject,
    process_span,
    relate_records_by,
    start_batch_span,
    start_process_span,
    start_send_span,
)
from telemetry.spans import put_attributes

VALID = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
tracer = trace.get_tracer("test")


def process(headers: Any = None, topic: str = "books") -> Any:
    return start_process_span(topic, 1, 7, b"17", headers, group="backend", body_size=3)


@pytest.fixture
def related_by_parent() -> Iterator[None]:
    relate_records_by("parent")
    yield
    relate_records_by("link")


@pytest.mark.parametrize(
    "headers",
    [
        None,
        [],
        [("other", b"x")],
        [("traceparent", None)],
        [("traceparent", b"")],
        [("traceparent", b"\xff\xfe")],
        [("traceparent", b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01")],
        [("traceparent", VALID + b"-more")],
        [("tracestate", b"a=1")],
    ],
)
def test_headers_without_a_valid_context_are_no_context_and_no_error(headers: Any) -> None:
    assert extract(headers) is None


def test_a_null_tracestate_does_not_hide_the_parent() -> None:
    context = extract([("traceparent", VALID), ("tracestate", None)])
    assert context is not None
    assert context.span_id == 0xB7AD6B7169203331


def test_of_repeated_headers_the_last_counts() -> None:
    other = VALID.replace(b"b7ad", b"c0de")
    context = extract([("traceparent", VALID), ("traceparent", other)])
    assert context is not None
    assert context.span_id == 0xC0DE6B7169203331


def test_outside_of_a_span_there_is_nothing_to_store() -> None:
    assert current_context_headers() == {}


def test_a_send_span_is_the_child_of_the_request_that_stored_its_context(emitted: Any) -> None:
    with tracer.start_as_current_span("POST /books/add") as request:
        stored = current_context_headers()
    # Sent later, while something else is current.
    with tracer.start_as_current_span("relay"):
        sent = start_send_span("books", b"17", parent=stored)
    end_send_span(sent, partition=2, offset=9, error=None)
    span = emitted.spans()[-1]
    assert span.name == "send books"
    assert span.kind is SpanKind.PRODUCER
    assert span.parent.span_id == request.get_span_context().span_id
    assert span.context.trace_id == request.get_span_context().trace_id
    assert dict(span.attributes) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": "books",
        "messaging.destination.partition.id": "2",
        "messaging.kafka.message.key": "17",
        "messaging.kafka.offset": 9,
    }


@pytest.mark.parametrize("parent", [None, {}, {"traceparent": "nonsense"}])
def test_without_a_stored_context_a_send_span_is_a_root(
    emitted: Any, parent: dict[str, str] | None
) -> None:
    sent = start_send_span("books", None, parent=parent)
    end_send_span(sent, partition=0, offset=0, error=None)
    assert emitted.span().parent is None


def test_a_record_s_headers_carry_one_context_and_keep_the_others(emitted: Any) -> None:
    sent = start_send_span("books", b"1", parent=None)
    before = [("traceparent", VALID), ("kind", b"added"), ("tracestate", b"old=1")]
    headers = inject(sent, before)
    assert [name for name, _ in headers] == ["kind", "traceparent"]
    context = extract(headers)
    assert context is not None
    assert context.span_id == sent.span.get_span_context().span_id
    assert before[0] == ("traceparent", VALID), "the given headers are left as they were"
    end_send_span(sent, partition=0, offset=0, error=None)


def test_a_failed_send_is_an_error_with_its_exception_and_is_counted_as_such(emitted: Any) -> None:
    sent = start_send_span("failing", b"1", parent=None)
    end_send_span(sent, partition=None, offset=None, error=TimeoutError("no answer"))
    span = emitted.span()
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == "TimeoutError"
    assert [event.name for event in span.events] == ["exception"]
    labels = {"messaging__destination__name": "failing", "error__type": "TimeoutError"}
    (point,) = emitted.points("messaging.client.sent.messages", **labels)
    assert point.value == 1


def test_a_process_span_is_a_new_root_linked_to_its_send_span(emitted: Any) -> None:
    with tracer.start_as_current_span("whatever is current"):
        process([("traceparent", VALID)]).finish()
    span = emitted.spans()[0]
    assert span.name == "process books"
    assert span.kind is SpanKind.CONSUMER
    assert span.parent is None
    assert span.context.trace_id != 0x0AF7651916CD43DD8448EB211C80319C
    (link,) = span.links
    assert link.context.span_id == 0xB7AD6B7169203331
    assert dict(span.attributes) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "books",
        "messaging.destination.partition.id": "1",
        "messaging.consumer.group.name": "backend",
        "messaging.kafka.message.key": "17",
        "messaging.kafka.offset": 7,
        "messaging.message.body.size": 3,
    }


def test_a_record_of_another_client_has_no_link(emitted: Any) -> None:
    process(None).finish()
    assert not emitted.span().links


def test_a_process_span_is_a_child_where_the_setting_says_so(
    emitted: Any, related_by_parent: None
) -> None:
    process([("traceparent", VALID)]).finish()
    span = emitted.span()
    assert span.parent.span_id == 0xB7AD6B7169203331
    assert not span.links


def test_a_tombstone_and_a_binary_key_are_shown_as_what_they_are(emitted: Any) -> None:
    start_process_span("books", 0, 0, b"\xff", None, group="g", body_size=None).finish()
    attributes = emitted.span().attributes
    assert attributes["messaging.kafka.message.tombstone"] is True
    assert attributes["messaging.kafka.message.key"] == "\\xff"


def test_a_block_fails_with_its_exception_recorded_once(emitted: Any) -> None:
    def fail() -> None:
        with process_span("books", 0, 0, None, None, group="g", body_size=1) as current:
            assert trace.get_current_span() is current
            raise KeyError("missing")

    with pytest.raises(KeyError):
        fail()
    span = emitted.span()
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == "KeyError"
    assert [event.name for event in span.events] == ["exception"]


def test_a_batch_has_a_root_span_linked_to_each_record_and_they_lead_to_it(emitted: Any) -> None:
    records = [process([("traceparent", VALID)]) for _ in range(3)]
    batch = start_batch_span("books", "backend", records)
    with use_span(batch.span), tracer.start_as_current_span("UPSERT"):
        pass
    batch.finish()
    for record in records:
        put_attributes(record.span, batch.attributes())
        record.finish()
    upsert, batch_done, *processed = emitted.spans()
    assert batch_done.name == "process books batch"
    assert batch_done.parent is None
    assert upsert.parent.span_id == batch.span.get_span_context().span_id
    linked = [link.context.span_id for link in batch_done.links]
    assert linked == [span.context.span_id for span in processed]
    for span in processed:
        trace_id = span.attributes["delivery.batch.trace_id"]
        span_id = span.attributes["delivery.batch.span_id"]
        assert int(trace_id, 16) == batch_done.context.trace_id
        assert int(span_id, 16) == batch_done.context.span_id


def test_a_failed_batch_is_an_error(emitted: Any) -> None:
    start_batch_span("books", "backend", []).finish(ValueError("all wrong"))
    span = emitted.span()
    assert span.status.status_code is StatusCode.ERROR
    assert [event.name for event in span.events] == ["exception"]


def test_processing_is_counted_and_timed_with_an_exemplar(emitted: Any) -> None:
    process(topic="measured").finish()
    labels = {"messaging__destination__name": "measured"}
    duration = emitted.histogram("messaging.process.duration", **labels)
    assert duration.count == 1
    assert [e.span_id for e in duration.exemplars] == [emitted.span().context.span_id]
    assert "messaging.destination.partition.id" not in duration.attributes
    (consumed,) = emitted.points("messaging.client.consumed.messages", **labels)
    assert consumed.value == 1
