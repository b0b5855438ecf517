"""Attributes that are put on a span past the SDK's cleaning end up as if they had not been."""

import pytest
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.trace import INVALID_SPAN, SpanKind

from telemetry.spans import put_attributes, start_span

ATTRIBUTES = {"a": "text", "b": 1, "c": True, "d": 1.5}


def started(limits: SpanLimits | None = None) -> ReadableSpan:
    tracer = TracerProvider(span_limits=limits).get_tracer("test")
    span = start_span(tracer, "work", SpanKind.CLIENT, ATTRIBUTES)
    assert isinstance(span, ReadableSpan)
    return span


def test_a_span_has_what_the_sdk_would_have_given_it() -> None:
    theirs = TracerProvider().get_tracer("test").start_span("work", attributes=ATTRIBUTES)
    assert isinstance(theirs, ReadableSpan)
    ours = started()
    assert dict(ours.attributes or {}) == dict(theirs.attributes or {}) == ATTRIBUTES
    assert (ours.name, ours.kind, ours.dropped_attributes) == ("work", SpanKind.CLIENT, 0)


def test_the_given_attributes_stay_their_givers() -> None:
    span, more = started(), {"b": 2}
    put_attributes(span, more)  # type: ignore[arg-type]  # the SDK's span is both
    assert (span.attributes or {})["b"] == 2
    assert ATTRIBUTES["b"] == 1
    assert more == {"b": 2}


@pytest.mark.parametrize(
    ("limits", "kept"),
    [
        (SpanLimits(max_span_attributes=2), {"c": True, "d": 1.5}),
        (SpanLimits(max_span_attribute_length=2), {**ATTRIBUTES, "a": "te"}),
    ],
)
def test_an_operators_limits_hold(limits: SpanLimits, kept: dict[str, object]) -> None:
    assert dict(started(limits).attributes or {}) == kept


def test_an_ended_span_takes_no_more() -> None:
    span = started()
    span.end()  # type: ignore[attr-defined]  # as above
    put_attributes(span, {"late": 1})  # type: ignore[arg-type]  # as above
    assert dict(span.attributes or {}) == ATTRIBUTES


def test_a_span_that_is_not_recorded_takes_nothing_and_does_not_fail() -> None:
    put_attributes(INVALID_SPAN, ATTRIBUTES)
