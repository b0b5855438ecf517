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
from typing import Final

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


class _Series:
    """The measurements with one set of attributes."""

    __slots__ = ("counts", "exemplars", "highest", "labels", "lowest", "started", "sum")

    def __init__(self, labels: Labels) -> None:
        self.labels = dict(labels)
        self.started = time.time_ns()
        self.counts = [0] * (len(BOUNDS) + 1)
        self.sum = 0.0
        self.lowest = float("inf")
        self.highest = float("-inf")
        self.exemplars: dict[int, tuple[float, int, SpanContext]] = {}

    def point(self, now: int) -> HistogramDataPoint:
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
                Exemplar({}, amount, when, span.span_id, span.trace_id)
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
            if span.trace_flags & 1:  # sampled: others are in no backend
                series.exemplars[bucket] = (amount, time.time_ns(), span)

    def collect(self, now: int) -> MetricData | None:
        """What there is to export at ``now`` (ns since 1970), None without a measurement."""
        with self._lock:
            points = [series.point(now) for series in self._series.values()]
        if not points:
            return None
        metric = self._metric
        data = HistogramData(points, AggregationTemporality.CUMULATIVE)
        return MetricData(metric.name, metric.meaning, metric.unit, data)
