"""The receiver's memory, bounded in bytes and in pieces, the oldest dropped first.

One event loop writes and reads it, so there are no locks. Spans, log lines and Sentry events may
arrive in any order: whatever names a trace first makes its entry, and a trace is listed once it
has a span.
"""

import collections
import itertools
import time
from collections.abc import Callable, Iterable, Iterator

import msgspec

from embedded.receiver import limits
from embedded.receiver.kept.metrics import Metrics
from embedded.receiver.kept.rows import LogRow, Resource, SentryRow, log_row, sentry_row, span_row
from embedded.receiver.kept.trace import KeptTrace
from embedded.receiver.model import Attributes, BackLink, Log, Point, SentryEvent, Span

_ENTRY = 2_000
"""Bytes of a trace's own dictionaries and its facts."""
_LOOSE = 500
"""Lines and events without a trace that share an entry, and go together."""


class Dropped(msgspec.Struct):
    """What went because of the bounds."""

    traces: int = 0
    spans: int = 0
    logs: int = 0
    sentry: int = 0
    points: int = 0
    series: int = 0


class Store:
    """`versions` say how many changes there were, by kind; `changed` is called after each."""

    def __init__(
        self,
        kept_bytes: int = limits.KEPT_BYTES,
        traces: int = limits.TRACES,
        started: int | None = None,
    ) -> None:
        self.bytes_limit = kept_bytes
        self.traces_limit = traces
        self.started = time.time_ns() if started is None else started
        self.refused = 0
        """Requests."""
        self.versions = {"traces": 0, "logs": 0, "metrics": 0, "sentry": 0}
        self.changed: Callable[[], None] = lambda: None
        self._numbers = itertools.count()
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._traces: collections.OrderedDict[str, KeptTrace] = collections.OrderedDict()
        # Of all traces, in the order in which they came, by their numbers.
        self._logs: dict[int, LogRow] = {}
        self._sentry: dict[int, SentryRow] = {}
        self._resources: dict[bytes, Resource] = {}
        self._loose = ""
        self._bytes = 0
        self.spans_kept = 0
        self.dropped = Dropped()
        share = int(self.bytes_limit * limits.METRICS_SHARE)
        self.metrics = Metrics(share, self.dropped, self.started)
        for kind in self.versions:
            self._note(kind)

    @property
    def bytes(self) -> int:
        """What all that is kept takes."""
        return self._bytes + self.metrics.bytes

    def add_spans(self, spans: Iterable[Span]) -> None:
        for span in spans:
            row = span_row(span, self._resource(span.resource))
            entry = self._entry(row.trace_id)
            added = entry.add_span(row)
            if added:
                self._count(row.size, row.resource)
                self.spans_kept += 1
                for trace_id, span_id in row.links:
                    self._link_back(trace_id, BackLink(span_id, row.trace_id, row.span_id))
                self._note("traces", entry)
            elif added is None:
                self.dropped.spans += 1
        self._fit()

    def add_logs(self, logs: Iterable[Log]) -> None:
        for log in logs:
            row = log_row(log, self._resource(log.resource), next(self._numbers))
            entry = self._entry(row.trace_id)
            added = entry.add_log(row)
            if added:
                self._count(row.size, row.resource)
                self._logs[row.number] = row
                self._note("logs", entry)
            elif added is None:
                self.dropped.logs += 1
        self._fit()

    def add_sentry(self, events: Iterable[SentryEvent]) -> None:
        for event in events:
            row = sentry_row(event, next(self._numbers))
            entry = self._entry(row.trace_id)
            added = entry.add_sentry(row)
            if added:
                self._count(row.size)
                self._sentry[row.number] = row
                self._note("sentry", entry)
            elif added is None:
                self.dropped.sentry += 1
        self._fit()

    def add_points(self, points: Iterable[Point]) -> None:
        for point in points:
            self.metrics.add(point)
            self._note("metrics")

    def trace(self, trace_id: str) -> KeptTrace | None:
        return self._traces.get(trace_id)

    def traces(self) -> Iterator[KeptTrace]:
        """Those with spans, in the order in which they came."""
        return (entry for entry in self._traces.values() if entry.spans)

    def logs(self) -> list[LogRow]:
        """In the order in which they came."""
        return list(self._logs.values())

    def sentry(self) -> list[SentryRow]:
        """In the order in which they came."""
        return list(self._sentry.values())

    def _link_back(self, trace_id: str, link: BackLink) -> None:
        if trace_id:
            target = self._entry(trace_id)
            if target.add_back_link(link):
                self._bytes += target.BACK_LINK
                self._note("traces", target)

    def _entry(self, trace_id: str) -> KeptTrace:
        """The trace's; what belongs to none is kept in entries that no id leads to."""
        if not trace_id:
            loose = self._traces.get(self._loose)
            if loose is None or len(loose.logs) + len(loose.sentry) >= _LOOSE:
                self._loose = f"loose {next(self._numbers)}"
            trace_id = self._loose
        entry = self._traces.get(trace_id)
        if entry is None:
            entry = self._traces[trace_id] = KeptTrace(trace_id)
            self._bytes += _ENTRY
        return entry

    def _resource(self, attributes: Attributes) -> Resource:
        raw = msgspec.json.encode(attributes)
        return self._resources.get(raw) or Resource(raw)

    def _count(self, size: int, resource: Resource | None = None) -> None:
        self._bytes += size
        if resource is not None:
            if not resource.users:
                self._resources[resource.raw] = resource
                self._bytes += resource.size
            resource.users += 1

    def _release(self, resource: Resource) -> None:
        resource.users -= 1
        if not resource.users:
            del self._resources[resource.raw]
            self._bytes -= resource.size

    def _fit(self) -> None:
        """Let the oldest go until the rest is within the bounds."""
        most = self.bytes_limit - self.metrics.bytes_limit
        while self._traces and (self._bytes > most or len(self._traces) > self.traces_limit):
            _, entry = self._traces.popitem(last=False)
            self._forget(entry)

    def _forget(self, entry: KeptTrace) -> None:
        self._bytes -= _ENTRY + entry.size
        self.spans_kept -= len(entry.spans)
        for span in entry.spans.values():
            self._release(span.resource)
        for log in entry.logs.values():
            self._release(log.resource)
            del self._logs[log.number]
        for event in entry.sentry.values():
            del self._sentry[event.number]
        self.dropped.traces += bool(entry.spans)
        self.dropped.spans += len(entry.spans)
        self.dropped.logs += len(entry.logs)
        self.dropped.sentry += len(entry.sentry)

    def _note(self, kind: str, entry: KeptTrace | None = None) -> None:
        self.versions[kind] += 1
        if entry is not None:
            entry.version += 1
        self.changed()
