"""The sampler: the standard ones, and a pair of linked traces is kept or left out as a whole.

A record's process span is the root of a trace of its own, so a parent-based sampler would draw
again for it, and of most pairs only one side would be kept.
"""

from collections.abc import Sequence
from typing import Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    Decision,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import Link, SpanKind, TraceState, get_current_span
from opentelemetry.util.types import Attributes

from telemetry.settings import TelemetrySettings


class LinkedSampler(Sampler):
    """A root span with links is sampled if one of the linked spans is; others as ``root`` says.

    With ``follow_parent`` a span with a parent is sampled if the parent is: the SDK's
    ``ParentBased``, with the parent looked up once.
    """

    def __init__(self, root: Sampler, *, follow_parent: bool) -> None:
        self._root = root
        self._follow_parent = follow_parent

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        parent = get_current_span(parent_context).get_span_context()
        if parent.is_valid:
            if self._follow_parent:
                return _result(bool(parent.trace_flags & 1), attributes, parent.trace_state)
        elif links:
            for link in links:
                if link.context.trace_flags & 1:
                    return _result(True, attributes)
            return _result(False, attributes)
        return self._root.should_sample(
            parent_context, trace_id, name, kind, attributes, links, trace_state
        )

    def get_description(self) -> str:
        rule = "ParentBased" if self._follow_parent else "Always"
        return f"Linked{rule}{{{self._root.get_description()}}}"


_DROPPED: Final = SamplingResult(Decision.DROP)
_SAMPLED: Final = SamplingResult(Decision.RECORD_AND_SAMPLE)


def _result(
    sampled: bool, attributes: Attributes, trace_state: TraceState | None = None
) -> SamplingResult:
    if not attributes and not trace_state:  # nearly always, and nothing changes them
        return _SAMPLED if sampled else _DROPPED
    if not sampled:
        return SamplingResult(Decision.DROP, None, trace_state)
    return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes, trace_state)


def sampler(settings: TelemetrySettings) -> Sampler:
    """The sampler that OTEL_TRACES_SAMPLER names, made to respect links."""
    chosen = settings.otel_traces_sampler
    root: Sampler
    if chosen.endswith("traceidratio"):
        root = TraceIdRatioBased(settings.otel_traces_sampler_arg)
    else:
        root = ALWAYS_OFF if chosen.endswith("always_off") else ALWAYS_ON
    return LinkedSampler(root, follow_parent=chosen.startswith("parentbased"))
