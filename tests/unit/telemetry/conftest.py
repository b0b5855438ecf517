"""What is emitted in this process, kept in memory.

OpenTelemetry's global providers can be set once per process, so they are shared by all tests and
emptied before each.
"""

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    DataPointT,
    HistogramDataPoint,
    InMemoryMetricReader,
    MetricsData,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from telemetry import later
from telemetry.metrics import HISTOGRAMS
from telemetry.reader import with_histograms


class Emitted:
    """The finished spans and the current metrics."""

    def __init__(self, exporter: InMemorySpanExporter, reader: InMemoryMetricReader) -> None:
        self._exporter = exporter
        self._reader = reader

    def spans(self) -> list[ReadableSpan]:
        """All finished spans, in the order of their ends."""
        later.drain()
        return list(self._exporter.get_finished_spans())

    def span(self) -> ReadableSpan:
        """The only finished span."""
        (only,) = self.spans()
        return only

    def points(self, name: str, **labels: object) -> list[DataPointT]:
        """The metric's data points that carry these labels, dots in names written as ``__``."""
        wanted = {label.replace("__", "."): value for label, value in labels.items()}
        return [
            point
            for metric, point in self._all_points()
            if metric == name and wanted.items() <= dict(point.attributes or {}).items()
        ]

    def everything(self) -> list[tuple[str, set[str]]]:
        """Each current series: the metric's name, and the names of its attributes."""
        return [(name, set(point.attributes or {})) for name, point in self._all_points()]

    def _all_points(self) -> list[tuple[str, DataPointT]]:
        later.drain()
        collected = self._reader.get_metrics_data() or MetricsData([])
        data = with_histograms(collected, HISTOGRAMS, Resource({}))
        return [
            (metric.name, point)
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            for point in metric.data.data_points
        ]

    def histogram(self, name: str, **labels: object) -> HistogramDataPoint:
        """The only data point of a histogram with these labels."""
        (point,) = self.points(name, **labels)
        assert isinstance(point, HistogramDataPoint)
        return point


@pytest.fixture(scope="session")
def providers() -> tuple[InMemorySpanExporter, InMemoryMetricReader]:
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider()
        trace.set_tracer_provider(provider)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    metrics.set_meter_provider(MeterProvider([reader]))
    return exporter, reader


@pytest.fixture
def emitted(providers: tuple[InMemorySpanExporter, InMemoryMetricReader]) -> Emitted:
    """What the test emits."""
    later.drain()
    providers[0].clear()
    return Emitted(*providers)
