"""The reader of metrics that exports our own histograms with what the SDK has collected."""

import time
from collections.abc import Iterable
from typing import Any

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    MetricExporter,
    MetricsData,
    PeriodicExportingMetricReader,
    ResourceMetrics,
    ScopeMetrics,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from telemetry.histograms import Histogram

_SCOPE = InstrumentationScope("telemetry.histograms")


def with_histograms(
    data: MetricsData,
    histograms: Iterable[Histogram],
    resource: Resource,
    temporality: AggregationTemporality = AggregationTemporality.CUMULATIVE,
) -> MetricsData:
    """``data`` of this resource, and behind it the histograms that have measurements."""
    now = time.time_ns()
    own = [metric for each in histograms if (metric := each.collect(now, temporality)) is not None]
    if not own:
        return data
    # One group for the resource, and a scope of their own in it: of two that are equal, the OTLP
    # exporters send the last.
    others = [scope for group in data.resource_metrics for scope in group.scope_metrics]
    scopes = [*others, ScopeMetrics(_SCOPE, own, "")]
    return MetricsData([ResourceMetrics(resource, scopes, resource.schema_url)])


class Reader(PeriodicExportingMetricReader):
    """The SDK's, for a process whose histograms are ``histograms``, read anew at each export."""

    def __init__(
        self,
        exporter: MetricExporter,
        histograms: Iterable[Histogram],
        resource: Resource,
        interval_ms: float,
        temporality: AggregationTemporality = AggregationTemporality.CUMULATIVE,
    ) -> None:
        # First: the SDK's starts a thread.
        self._histograms = histograms
        self._resource = resource
        self._temporality = temporality
        self._received = False
        super().__init__(exporter, export_interval_millis=interval_ms)

    def collect(self, timeout_millis: float = 10_000) -> None:  # type: ignore[misc]  # final; without any metric of its own it would export nothing of ours
        self._received = False
        super().collect(timeout_millis)
        if not self._received:
            self._receive_metrics(MetricsData([]))

    def _receive_metrics(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> None:
        self._received = True
        data = with_histograms(metrics_data, self._histograms, self._resource, self._temporality)
        if data.resource_metrics:
            super()._receive_metrics(data, timeout_millis, **kwargs)
