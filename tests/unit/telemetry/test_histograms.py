"""Our histograms: what the SDK would have exported, and at every export."""

from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics import Histogram as SdkHistogram
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    InMemoryMetricReader,
    MetricExporter,
    MetricExportResult,
    MetricsData,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from telemetry.histograms import BOUNDS, Histogram, take_exemplars
from telemetry.metric_list import METRICS
from telemetry.reader import Reader, with_histograms

CUMULATIVE, DELTA = AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA
METRIC = next(metric for metric in METRICS if metric.name == "messaging.process.duration")
# Sums of binary fractions are exact, in whatever order; some are bounds themselves.
AMOUNTS = [0.0, 0.0009765625, 0.25, 0.2578125, 0.5, 2.5, 10.0, 11.0, 0.001953125]
LABELS = [{"messaging.destination.name": "books"}, {"messaging.destination.name": "b", "n": 1}]


def span(number: int, *, sampled: bool = True) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if sampled else 0)
    return SpanContext(number, number, is_remote=False, trace_flags=flags)


def of_the_sdk(reader: InMemoryMetricReader) -> Any:
    """The SDK's histogram, with the settings that ours has."""
    return (
        MeterProvider([reader], resource=Resource({}))
        .get_meter("telemetry")
        .create_histogram(
            METRIC.name, METRIC.unit, METRIC.meaning, explicit_bucket_boundaries_advisory=BOUNDS
        )
    )


def on_the_wire(data: MetricsData | None) -> list[Any]:
    """The metrics as OTLP has them, without the times at which they were measured."""
    assert data is not None
    (resource,) = encode_metrics(data).resource_metrics
    (scope,) = resource.scope_metrics
    for metric in scope.metrics:
        for point in metric.histogram.data_points:
            point.ClearField("start_time_unix_nano")
            point.ClearField("time_unix_nano")
            for exemplar in point.exemplars:
                exemplar.ClearField("time_unix_nano")
    return list(scope.metrics)


@pytest.mark.parametrize("temporality", [CUMULATIVE, DELTA])
@pytest.mark.parametrize("exemplars", ["trace_based", "always_on", "always_off"])
def test_it_exports_what_the_sdk_exports(
    temporality: AggregationTemporality, exemplars: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_METRICS_EXEMPLAR_FILTER", exemplars)
    reader = InMemoryMetricReader(preferred_temporality={SdkHistogram: temporality})
    ours, theirs = Histogram(METRIC), of_the_sdk(reader)
    take_exemplars(exemplars)
    for labels_of_the_time in (LABELS, LABELS, LABELS[:1]):
        for number, amount in enumerate(AMOUNTS, 1):
            for labels in labels_of_the_time:
                where = span(number, sampled=number != 5)
                ours.record(amount, labels, where)
                theirs.record(amount, labels, trace.set_span_in_context(NonRecordingSpan(where)))
        own = with_histograms(MetricsData([]), [ours], Resource({}), temporality)
        assert on_the_wire(own) == on_the_wire(reader.get_metrics_data())
    take_exemplars("trace_based")


def test_a_delta_begins_where_the_last_one_ended() -> None:
    ours = Histogram(METRIC)
    times = []
    for now in (10, 20):
        ours.record(0.1, LABELS[0], span(1))
        collected = ours.collect(now, DELTA)
        assert collected is not None
        (point,) = collected.data.data_points
        times.append((point.start_time_unix_nano, point.time_unix_nano))
    assert times[0][1] == 10
    assert times[1] == (10, 20)
    assert ours.collect(30, DELTA) is None


def test_the_exemplars_of_an_export_are_of_its_own_time() -> None:
    ours = Histogram(METRIC)
    ours.record(0.1, LABELS[0], span(1))
    first, second = (ours.collect(now, CUMULATIVE) for now in (1, 2))
    assert first is not None
    assert second is not None
    assert [len(each.data.data_points[0].exemplars) for each in (first, second)] == [1, 0]


class Kept(MetricExporter):
    def __init__(self) -> None:
        super().__init__()
        self.exports: list[MetricsData] = []

    def export(self, metrics_data: MetricsData, *_: Any, **__: Any) -> MetricExportResult:
        self.exports.append(metrics_data)
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **_: Any) -> None:
        pass


@pytest.mark.parametrize("others", [False, True], ids=["alone", "beside the SDK's"])
def test_the_last_export_has_them(others: bool) -> None:
    exporter, ours = Kept(), Histogram(METRIC)
    provider = MeterProvider(
        [Reader(exporter, [ours], Resource({}), 1e9)], resource=Resource({}), shutdown_on_exit=False
    )
    if others:
        provider.get_meter("m").create_counter("some").add(1)
    ours.record(0.1, LABELS[0], span(1))
    provider.shutdown()
    (data,) = exporter.exports
    (sent,) = encode_metrics(data).resource_metrics
    names = {metric.name for scope in sent.scope_metrics for metric in scope.metrics}
    assert names == {METRIC.name, *(["some"] if others else [])}


def test_nothing_is_exported_before_something_was_measured() -> None:
    exporter = Kept()
    reader = Reader(exporter, [Histogram(METRIC)], Resource({}), 1e9)
    MeterProvider([reader], resource=Resource({}), shutdown_on_exit=False).shutdown()
    assert exporter.exports == []
