"""Context in headers by OTEL_PROPAGATORS: W3C's, baggage, and whatever is installed."""

from collections.abc import Iterator, Mapping

import pytest
from opentelemetry import baggage, propagate, trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.propagators.textmap import (
    CarrierT,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from telemetry import propagation
from telemetry.kafka import current_context_headers, extract, inject, start_send_span
from telemetry.kafka.process import start_process_span
from telemetry.propagation import Propagation, propagate_by

SPAN = SpanContext(0xA1, 0xB2, is_remote=False, trace_flags=TraceFlags(1))
IN_SPAN = trace.set_span_in_context(NonRecordingSpan(SPAN), Context())
IN_SPAN_WITH_BAGGAGE = baggage.set_baggage("tenant", "north wing", IN_SPAN)


class Other(TextMapPropagator):
    """A format of its own, whose header is not written in lower case."""

    def extract(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        getter: Getter[CarrierT] = default_getter,  # type: ignore[assignment]
    ) -> Context:
        (found,) = getter.get(carrier, "X-Other") or [""]
        trace_id, span_id = (int(part, 16) for part in found.split("/"))
        sender = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(1))
        return trace.set_span_in_context(NonRecordingSpan(sender), context)

    def inject(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        setter: Setter[CarrierT] = default_setter,  # type: ignore[assignment]
    ) -> None:
        span = trace.get_current_span(context).get_span_context()
        setter.set(carrier, "X-Other", f"{span.trace_id:x}/{span.span_id:x}")

    @property
    def fields(self) -> set[str]:
        return {"X-Other"}


@pytest.fixture(autouse=True)
def _the_usual_afterwards() -> Iterator[None]:
    before, stock = propagation._active, propagate.get_global_textmap()
    yield
    propagation._active = before
    propagate.set_global_textmap(stock)


@pytest.fixture
def other(monkeypatch: pytest.MonkeyPatch) -> None:
    load = propagation._load
    monkeypatch.setattr(
        propagation, "_load", lambda name: Other() if name == "other" else load(name)
    )


def lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@pytest.mark.parametrize(
    ("names", "fields"),
    [
        (["tracecontext", "baggage"], {"traceparent", "baggage"}),
        (["tracecontext"], {"traceparent"}),
        (["baggage"], {"baggage"}),
        (["other"], {"x-other"}),
        (["tracecontext", "other"], {"traceparent", "x-other"}),
        ([], set()),
    ],
)
@pytest.mark.usefixtures("other")
def test_what_is_written_is_read_again(names: list[str], fields: set[str]) -> None:
    by = Propagation(names)
    headers = lower(by.headers_of(IN_SPAN_WITH_BAGGAGE))
    assert headers.keys() == fields
    read = by.context_of(headers)
    span = trace.get_current_span(read).get_span_context()
    assert (span.trace_id == SPAN.trace_id) == bool(fields - {"baggage"})
    assert (baggage.get_baggage("tenant", read) == "north wing") == ("baggage" in fields)
    assert by.sender_of(headers) == (span if span.is_valid else None)


@pytest.mark.usefixtures("other")
def test_the_sender_is_the_last_propagator_s_of_those_that_find_one() -> None:
    by = Propagation(["tracecontext", "baggage", "other"])
    w3c = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "baggage": "tenant=x"}
    for carrier, trace_id in ((w3c, int("a" * 32, 16)), ({**w3c, "x-other": "c1/d2"}, 0xC1)):
        sender = by.sender_of(carrier)
        assert sender is not None
        assert sender.trace_id == trace_id
        assert sender == trace.get_current_span(by.context_of(carrier)).get_span_context()


@pytest.mark.usefixtures("other")
def test_a_record_carries_the_context_and_baggage_of_its_cause_in_each_format() -> None:
    propagate_by(["tracecontext", "baggage", "other"])
    token = attach(IN_SPAN_WITH_BAGGAGE)
    try:
        stored = current_context_headers()
    finally:
        detach(token)
    sent = start_send_span("books", b"1", parent=lower(stored))
    headers = inject(sent, [("traceparent", b"an old one"), ("x-other", b"old"), ("own", b"1")])
    assert [name.lower() for name, _ in headers] == ["own", "traceparent", "baggage", "x-other"]
    processed = start_process_span("books", 0, 0, b"1", headers, group="g", body_size=1)
    assert baggage.get_baggage("tenant", processed.context) == "north wing"
    assert trace.get_current_span(processed.context) is processed.span


def test_without_propagators_a_record_carries_nothing_and_nothing_is_believed() -> None:
    propagate_by([])
    token = attach(IN_SPAN_WITH_BAGGAGE)
    try:
        assert current_context_headers() == {}
    finally:
        detach(token)
    assert extract([("traceparent", b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01")]) is None


def test_everybody_in_the_process_propagates_alike() -> None:
    propagate_by(["baggage"])
    headers: dict[str, str] = {}
    propagate.inject(headers, IN_SPAN_WITH_BAGGAGE)
    assert headers.keys() == {"baggage"}


@pytest.mark.parametrize(
    "carrier",
    [
        {"traceparent": "nonsense"},
        {"traceparent": ""},
        {"tracestate": "a=b"},
        {"baggage": "=;=,,,%%%"},
        {"baggage": "a" * 100_000},
        {},
    ],
)
def test_nonsense_in_headers_makes_an_empty_context(carrier: dict[str, str]) -> None:
    by = Propagation(["tracecontext", "baggage"])
    context = by.context_of(carrier)
    assert by.sender_of(carrier) is None
    assert not trace.get_current_span(context).get_span_context().is_valid
