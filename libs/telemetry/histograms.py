"""Histograms that cost a request a microsecond: measured here, exported beside the SDK's metrics.

The SDK's own costs nine a measurement, more than a span's end: it looks for views, filters and a
reservoir each time. Promise: what is exported for the same measurements equals what the SDK
exports, exemplars included (a test compares them): cumulative, and for each bucket the last
measurement of a sampled span. ``telemetry.reader`` hands it over at each export.
"""

import threading
import time
from bisect import bisect_left
from collections.abc import Mapping
from typing import Final, Literal

from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    HistogramDataPoint,
)
from opentelemetry.sdk.metrics.export import Histogram as HistogramData
from opentelemetry.sdk.metrics.export import Metric as MetricData
from opentelemetry.trace import SpanContext

from telemetry.metric_list import Metric

Labels = Mapping[str, str | int | bool]

# Of the semantic conventions, for durations in seconds.
BOUNDS: Final = (
    (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
)  # fmt: skip


# Which measurements become exemplars: of sampled spans, unless told otherwise; others are in no
# backend.
_mask, _always = 1, 0


def take_exemplars(of: Literal["trace_based", "always_on", "always_off"]) -> None:
    """OTEL_METRICS_EXEMPLAR_FILTER, for this process; ``configure()`` calls it."""
    global _mask, _always
    _mask, _always = int(of != "always_off"), int(of == "always_on")


class _Series:
    """The measurements with one set of attributes."""

    __slots__ = ("counts", "exemplars", "highest", "labels", "lowest", "started", "sum")

    def __init__(self, labels: Labels) -> None:
        self.labels = dict(labels)
        self.begin(time.time_ns())
        self.exemplars: dict[int, tuple[float, int, SpanContext]] = {}

    def begin(self, now: int) -> None:
        """Measure anew from now on."""
        self.started = now
        self.counts = [0] * (len(BOUNDS) + 1)
        self.sum = 0.0
        self.lowest = float("inf")
        self.highest = float("-inf")

    def point(self, now: int) -> HistogramDataPoint:
        """What was measured since the beginning; exemplars are given once."""
        exemplars, self.exemplars = self.exemplars, {}
        return HistogramDataPoint(
            attributes=self.labels,
            start_time_unix_nano=self.started,
            time_unix_nano=now,
            count=sum(self.counts),
            sum=self.sum,
            bucket_counts=tuple(self.counts),
            explicit_bounds=BOUNDS,
            min=self.lowest,
            max=self.highest,
            exemplars=[
                Exemplar({}, amount, when, span.span_id or None, span.trace_id or None)
                for _, (amount, when, span) in sorted(exemplars.items())
            ],
        )


class Histogram:
    """How measurements, in seconds and never negative, are distributed, by attributes."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._series: dict[frozenset[tuple[str, str | int | bool]], _Series] = {}
        self._lock = threading.Lock()

    def record(self, amount: float, labels: Labels, span: SpanContext) -> None:
        """Take one measurement; ``span`` is where it was made, and becomes its exemplar."""
        key = frozenset(labels.items())
        bucket = bisect_left(BOUNDS, amount)
        with self._lock:
            series = self._series.get(key)
            if series is None:
                series = self._series[key] = _Series(labels)
            series.counts[bucket] += 1
            series.sum += amount
            if amount < series.lowest:
                series.lowest = amount
            if amount > series.highest:
                series.highest = amount
            if (span.trace_flags | _always) & _mask:
                series.exemplars[bucket] = (amount, time.time_ns(), span)

    def collect(self, now: int, temporality: AggregationTemporality) -> MetricData | None:
        """What there is to export at ``now`` (ns since 1970), None without a measurement: all since
        the start of the process, or (``DELTA``) since the last time."""
        delta = temporality is AggregationTemporality.DELTA
        with self._lock:
            measured = [each for each in self._series.values() if not delta or any(each.counts)]
            points = [series.point(now) for series in measured]
            if delta:
                for series in self._series.values():
                    series.begin(now)
        if not points:
            return None
        metric = self._metric
        data = HistogramData(points, temporality)
        return MetricData(metric.name, metric.meaning, metric.unit, data)
