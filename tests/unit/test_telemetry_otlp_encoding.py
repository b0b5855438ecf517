"""Our OTLP bytes equal the stock encoder's, for every kind of span and log record."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags, TraceState
from opentelemetry.trace.propagation import set_span_in_context
from opentelemetry.trace.span import NonRecordingSpan
from opentelemetry.trace.status import Status, StatusCode

from telemetry.otlp import groups, wire
from telemetry.otlp.logs import LogEncoder
from telemetry.otlp.spans import SpanEncoder

RESOURCE = Resource({"service.name": "bookapp", "process.pid": 7, "a.list": ("x", "y")}, "http://s")
SCOPE = InstrumentationScope("telemetry.http", "1.0", "http://schema", {"k": True})
CONTEXT = SpanContext(0x1234 << 100, 0x99, False, TraceFlags(1), TraceState([("v", "1")]))
REMOTE = SpanContext(1, 2, True, TraceFlags(1))


def same(spans: Sequence[ReadableSpan], encoder: SpanEncoder | None = None) -> None:
    """Twice, because the second time everything comes from the caches."""
    encoder = encoder or SpanEncoder()
    expected = encode_spans(spans).SerializeToString()
    assert encoder.encode(spans) == expected
    assert encoder.encode(spans) == expected


def span(**changes: Any) -> ReadableSpan:
    fields: dict[str, Any] = {
        "name": "GET /books/{id}",
        "context": CONTEXT,
        "resource": RESOURCE,
        "instrumentation_scope": SCOPE,
        "start_time": 1_700_000_000_000_000_000,
        "end_time": 1_700_000_000_000_000_001,
    }
    return ReadableSpan(**fields | changes)


@pytest.mark.parametrize("kind", SpanKind)
def test_every_kind(kind: SpanKind) -> None:
    same([span(kind=kind)])


@pytest.mark.parametrize(
    "status",
    [
        Status(),
        Status(StatusCode.OK),
        Status(StatusCode.ERROR),
        Status(StatusCode.ERROR, "unreachable: ü"),
        None,
    ],
)
def test_every_status(status: Status | None) -> None:
    same([span(status=status)])


@pytest.mark.parametrize("parent", [None, CONTEXT, REMOTE])
def test_parents_local_and_remote(parent: SpanContext | None) -> None:
    same([span(parent=parent)])


@pytest.mark.parametrize("times", [(None, None), (0, 0), (1, None), (None, 2), (2**64 - 1, 1)])
def test_times_missing_zero_and_largest(times: tuple[int | None, int | None]) -> None:
    same([span(start_time=times[0], end_time=times[1])])


VALUES: dict[str, Any] = {
    "text": "x",
    "empty": "",
    "unicode": "Straße 書 🙂",
    "huge": "y" * 100_000,
    "true": True,
    "false": False,
    "zero": 0,
    "one": 1,
    "negative": -1,
    "largest": 2**63 - 1,
    "smallest": -(2**63),
    "float": 1.0,
    "minus zero": -0.0,
    "not a number": float("nan"),
    "infinite": float("inf"),
    "bytes": b"\x00\xff",
    "no bytes": b"",
    "none": None,
    "empty list": [],
    "list": ["a", "", "b"],
    "mixed": [1, True, 2.0, None, b"z", ["in", ["deep"]]],
    "map": {"a": 1, "b": {"c": [None, {"d": False}]}},
    "empty map": {},
}


def test_every_type_of_value() -> None:
    same([span(attributes=BoundedAttributes(attributes=VALUES))])
    same([span(attributes=VALUES)])


def test_equal_values_of_different_types_stay_apart() -> None:
    same([span(attributes={"k": value}) for value in (1, True, 1.0, "1", 0, False, 0.0, -0.0)])


@pytest.mark.parametrize("value", [2**63, "\ud800", object(), [1, 2**64], {"k": "\udfff"}])
def test_a_value_without_an_encoding_is_left_out_and_logged(
    value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    same([span(attributes={"before": 1, "bad": value, "after": 2})])
    ours = [record for record in caplog.records if record.name == wire.__name__]
    assert ours
    assert all(record.levelno == logging.ERROR for record in ours)


def test_events_and_links() -> None:
    events = [
        Event("exception", BoundedAttributes(attributes=VALUES, maxlen=3), timestamp=5),
        Event("", None, timestamp=0),
    ]
    links = [
        Link(REMOTE, {"n": 1}),
        Link(CONTEXT, None),
        Link(CONTEXT, BoundedAttributes(1, {"a": 1, "b": 2})),
    ]
    same([span(events=events, links=links)])


def test_dropped_counts() -> None:
    events = BoundedList.from_seq(1, [Event("a", timestamp=1), Event("b", timestamp=2)])
    links = BoundedList.from_seq(1, [Link(REMOTE), Link(CONTEXT)])
    attributes = BoundedAttributes(2, {str(n): n for n in range(300)})
    attributes.dropped = 2**32 - 1
    same([span(events=events, links=links, attributes=attributes)])


def test_several_resources_and_scopes_are_grouped_alike() -> None:
    resources = [RESOURCE, Resource({}), Resource({"service.name": "backend"}), Resource({})]
    twin = InstrumentationScope("telemetry.http", "1.0", "http://schema", {"k": True})
    scopes = [SCOPE, None, InstrumentationScope("other"), InstrumentationScope(""), twin]
    same(
        [
            span(resource=resource, instrumentation_scope=scope, name=f"{n}")
            for n in range(2)
            for resource in resources
            for scope in scopes
        ]
    )


def test_an_empty_batch() -> None:
    same([])


def test_what_the_sdk_makes_under_tight_limits() -> None:
    exporter = InMemorySpanExporter()
    limits = SpanLimits(max_events=1, max_links=1, max_span_attributes=2, max_attribute_length=4)
    provider = TracerProvider(resource=RESOURCE, span_limits=limits, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("t", "2", attributes={"scope": 1})
    remote = set_span_in_context(NonRecordingSpan(REMOTE))
    links = [Link(REMOTE, {"a": 1}), Link(CONTEXT)]
    with tracer.start_as_current_span("a", remote, SpanKind.CONSUMER, links=links) as outer:
        outer.set_attributes({"a": "long text", "b": ["one", "three"], "c": 3})
        inner = tracer.start_span("b", kind=SpanKind.CLIENT)
        inner.add_event("first")
        inner.record_exception(RuntimeError("broken"))
        inner.set_status(StatusCode.ERROR, "broken")
        inner.end()
    provider.shutdown()
    assert len(exporter.get_finished_spans()) == 2
    same(exporter.get_finished_spans())


def test_caches_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_STARTS", 10)
    monkeypatch.setattr(wire, "MAX_SEEN_ONCE", 20)
    monkeypatch.setattr(wire, "MAX_STRINGS", 50)
    monkeypatch.setattr(groups, "MAX_OWNERS", 3)
    monkeypatch.setattr("telemetry.otlp.spans.MAX_NAMES", 10)
    encoder = SpanEncoder()
    for n in range(0, 400, 4):
        same(
            [
                span(
                    name=f"name {k}",
                    attributes={"url.path": f"/books/{k}", f"key {k}": 1, "huge": "z" * 5000},
                    resource=Resource({"n": k}),
                    instrumentation_scope=InstrumentationScope(f"s{k}"),
                )
                for k in range(n, n + 4)
            ],
            encoder,
        )
    assert len(encoder._attributes._starts) <= 10
    assert len(encoder._attributes._seen_once) <= 20
    kept = encoder._attributes
    assert len(kept) <= 50
    assert max(map(len, kept.values())) <= wire.MAX_CACHED_LENGTH
    assert len(encoder._names) <= 10
    assert len(encoder._owners._resources) <= 3
    assert len(encoder._owners._scopes) <= 3


# ------------------------------------------------------------------ properties
texts = st.text(max_size=20)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64)
    | st.floats()
    | texts
    | st.binary(max_size=10)
    | st.sampled_from([0, 1, 1.0, 0.0, -0.0, True, False, "1", ""])
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
)
mappings: st.SearchStrategy[Mapping[str, Any]] = st.dictionaries(
    st.sampled_from(["a", "b", "http.route", "ü"]) | texts, values, max_size=5
)
bounded = st.builds(BoundedAttributes, st.none() | st.integers(0, 4), mappings)
attributes = st.none() | mappings | bounded
states = st.builds(TraceState, st.lists(st.sampled_from([("a", "1"), ("b", "2=")]), unique=True))
contexts = st.builds(
    SpanContext,
    st.integers(1, 2**128 - 1),
    st.integers(1, 2**64 - 1),
    st.booleans(),
    st.builds(TraceFlags, st.integers(0, 255)),
    st.none() | states,
)
times = st.none() | st.integers(0, 2**64 - 1)
events = st.builds(Event, texts, bounded | st.none(), times)
spans = st.builds(
    ReadableSpan,
    name=texts,
    context=contexts,
    parent=st.none() | contexts,
    resource=st.sampled_from([RESOURCE, Resource({}), Resource({"service.name": "b"})]),
    attributes=attributes,
    events=st.lists(events, max_size=3),
    links=st.lists(st.builds(Link, contexts, attributes), max_size=3),
    kind=st.sampled_from(SpanKind),
    status=st.builds(Status, st.just(StatusCode.ERROR), st.none() | texts)
    | st.builds(Status, st.sampled_from(StatusCode)),
    start_time=times,
    end_time=times,
    instrumentation_scope=st.sampled_from([None, SCOPE, InstrumentationScope("o", attributes={})]),
)


@pytest.fixture(scope="module")
def quiet() -> Iterator[None]:
    """Values that cannot be encoded are wanted here; their log lines are not."""
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


shared_spans, shared_logs = SpanEncoder(), LogEncoder()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(spans, max_size=5))
def test_any_batch_of_spans_through_one_encoder(quiet: None, batch: Sequence[ReadableSpan]) -> None:
    same(batch, shared_spans)


records = st.builds(
    lambda context, scope, limit, **fields: ReadableLogRecord(
        LogRecord(
            context=set_span_in_context(NonRecordingSpan(context)) if context else None, **fields
        ),
        RESOURCE,
        scope,
    ),
    st.none() | contexts,
    st.sampled_from([None, SCOPE]),
    st.none(),
    timestamp=times,
    observed_timestamp=st.integers(0, 2**64 - 1),
    severity_text=st.none() | texts,
    severity_number=st.none() | st.sampled_from(SeverityNumber),
    body=st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    ),
    attributes=attributes,
    event_name=st.none() | texts,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(records, max_size=5))
def test_any_batch_of_log_records_through_one_encoder(
    quiet: None, batch: Sequence[ReadableLogRecord]
) -> None:
    expected = encode_logs(batch).SerializeToString()
    assert shared_logs.encode(batch) == expected
    assert shared_logs.encode(batch) == expected
