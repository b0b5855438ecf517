"""Sampling: the standard samplers, and both sides of a link together."""

import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    set_span_in_context,
)

from telemetry.sampling import sampler
from telemetry.settings import TelemetrySettings


def other(*, sampled: bool) -> SpanContext:
    return SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1 if sampled else 0))


def is_sampled(
    settings: TelemetrySettings, parent: SpanContext | None, *links: SpanContext
) -> bool:
    tracer = TracerProvider(sampler=sampler(settings)).get_tracer("test")
    context = Context() if parent is None else set_span_in_context(NonRecordingSpan(parent))
    span = tracer.start_span("root", context=context, links=[Link(link) for link in links])
    return span.get_span_context().trace_flags.sampled


NONE = TelemetrySettings(otel_traces_sampler="parentbased_traceidratio", otel_traces_sampler_arg=0)
ALL = TelemetrySettings()


def test_a_linked_root_follows_the_link_whatever_the_ratio() -> None:
    assert is_sampled(NONE, None, other(sampled=True))
    assert not is_sampled(ALL, None, other(sampled=False))


def test_one_sampled_link_of_several_is_enough() -> None:
    assert is_sampled(NONE, None, other(sampled=False), other(sampled=True))


def test_a_parent_counts_more_than_a_link() -> None:
    assert not is_sampled(ALL, other(sampled=False), other(sampled=True))


@pytest.mark.parametrize(
    ("name", "root", "child_of_sampled", "child_of_unsampled"),
    [
        ("always_on", True, True, True),
        ("always_off", False, False, False),
        ("parentbased_always_on", True, True, False),
        ("parentbased_always_off", False, True, False),
        ("traceidratio", False, False, False),
        ("parentbased_traceidratio", False, True, False),
    ],
)
def test_the_standard_samplers_are_as_specified(
    name: str, root: bool, child_of_sampled: bool, child_of_unsampled: bool
) -> None:
    settings = TelemetrySettings(otel_traces_sampler=name, otel_traces_sampler_arg=0)  # type: ignore[arg-type]  # a name of the list
    assert is_sampled(settings, None) is root
    assert is_sampled(settings, other(sampled=True)) is child_of_sampled
    assert is_sampled(settings, other(sampled=False)) is child_of_unsampled
