"""The receiver's memory, bounded in every direction, the oldest dropped first.

One event loop writes and reads it, so there are no locks. Spans, log lines and Sentry events may
arrive in any order: whatever names a trace first makes its entry, and a trace is listed once it
has a span.
"""

import collections
from collections.abc import Callable, Iterable, Iterator

from embedded.receiver.model import (
    BackLink,
    Log,
    Point,
    SentryEvent,
    Span,
    Trace,
    TraceSummary,
)

TRACES = 2_000
SPANS_PER_TRACE = 2_000
LOGS_PER_TRACE = 2_000
SENTRY_PER_TRACE = 100
LOOSE_LOGS = 5_000
SERIES = 5_000
EXEMPLARS_PER_SERIES = 20


class Store:
    def __init__(self, traces: int = TRACES) -> None:
        self._limit = traces
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._traces: collections.OrderedDict[str, Trace] = collections.OrderedDict()
        self._loose_logs: collections.deque[Log] = collections.deque(maxlen=LOOSE_LOGS)
        self._loose_sentry: collections.deque[SentryEvent] = collections.deque(maxlen=100)
        self._points: collections.OrderedDict[tuple[str, ...], Point] = collections.OrderedDict()

    def _entry(self, trace_id: str) -> Trace:
        entry = self._traces.get(trace_id)
        if entry is None:
            entry = Trace(trace_id=trace_id, spans=[], logs=[], sentry=[], linked_from=[])
            self._traces[trace_id] = entry
            if len(self._traces) > self._limit:
                self._traces.popitem(last=False)
        return entry

    def add_spans(self, spans: Iterable[Span]) -> None:
        for span in spans:
            entry = self._entry(span.trace_id)
            if len(entry.spans) >= SPANS_PER_TRACE:
                continue
            entry.spans.append(span)
            for link in span.links:
                target = self._entry(link.trace_id)
                if len(target.linked_from) < SPANS_PER_TRACE:
                    target.linked_from.append(BackLink(link.span_id, span.trace_id, span.span_id))

    def add_logs(self, logs: Iterable[Log]) -> None:
        for log in logs:
            if not log.trace_id:
                self._loose_logs.append(log)
                continue
            kept = self._entry(log.trace_id).logs
            if len(kept) < LOGS_PER_TRACE:
                kept.append(log)

    def add_sentry(self, events: Iterable[SentryEvent]) -> None:
        for event in events:
            if not event.trace_id:
                self._loose_sentry.append(event)
                continue
            kept = self._entry(event.trace_id).sentry
            if len(kept) < SENTRY_PER_TRACE:
                kept.append(event)

    def add_points(self, points: Iterable[Point]) -> None:
        for point in points:
            key = (
                point.service,
                str(point.resource.get("service.instance.id", "")),
                point.name,
                *(f"{name}={point.attributes[name]}" for name in sorted(point.attributes)),
            )
            before = self._points.pop(key, None)
            if before is not None:
                point.exemplars = [*before.exemplars, *point.exemplars][-EXEMPLARS_PER_SERIES:]
            self._points[key] = point
            if len(self._points) > SERIES:
                self._points.popitem(last=False)

    def trace(self, trace_id: str) -> Trace | None:
        return self._traces.get(trace_id)

    def traces(self) -> Iterator[Trace]:
        """Those with spans, the latest begun first."""
        with_spans = (trace for trace in self._traces.values() if trace.spans)
        return iter(sorted(with_spans, key=_start, reverse=True))

    def spans(self, wanted: Callable[[Span], bool]) -> list[Span]:
        return [span for trace in self._traces.values() for span in trace.spans if wanted(span)]

    def logs(self, wanted: Callable[[Log], bool]) -> list[Log]:
        """In the order of their times."""
        found = [log for trace in self._traces.values() for log in trace.logs if wanted(log)]
        found += [log for log in self._loose_logs if wanted(log)]
        return sorted(found, key=lambda log: log.time)

    def sentry(self) -> list[SentryEvent]:
        """In the order of their times."""
        found = [event for trace in self._traces.values() for event in trace.sentry]
        return sorted([*found, *self._loose_sentry], key=lambda event: event.time)

    def points(self, wanted: Callable[[Point], bool]) -> list[Point]:
        return [point for point in self._points.values() if wanted(point)]


def _start(trace: Trace) -> int:
    return min(span.start for span in trace.spans)


def root_of(trace: Trace) -> Span:
    """The span without a parent, or the earliest one while the root has not come."""
    roots = [span for span in trace.spans if not span.parent_id]
    return min(roots or trace.spans, key=lambda span: span.start)


def summary_of(trace: Trace) -> TraceSummary:
    root = root_of(trace)
    start = _start(trace)
    linked = [link.trace_id for span in trace.spans for link in span.links]
    linked += [link.from_trace_id for link in trace.linked_from]
    return TraceSummary(
        trace_id=trace.trace_id,
        service=root.service,
        name=root.name,
        start=start,
        duration=max(span.end for span in trace.spans) - start,
        spans=len(trace.spans),
        logs=len(trace.logs),
        sentry=len(trace.sentry),
        errors=sum(span.status == "error" for span in trace.spans),
        services=sorted({span.service for span in trace.spans}),
        linked=list(dict.fromkeys(linked)),
    )
