"""Points out of an ExportMetricsServiceRequest; a summary becomes a gauge for each quantile."""

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    Sum,
    Summary,
    SummaryDataPoint,
)

from embedded.receiver import limits
from embedded.receiver.intake.groups import groups
from embedded.receiver.intake.values import Cuts, id_of, time_of
from embedded.receiver.intake.wire import BYTES, Budget, chunks, places
from embedded.receiver.model import Attributes, Exemplar, Exponential, Point

_DATA: dict[int, tuple[str, Any, Any]] = {
    5: ("gauge", Gauge, NumberDataPoint),
    7: ("sum", Sum, NumberDataPoint),
    9: ("histogram", Histogram, HistogramDataPoint),
    10: ("exponential_histogram", ExponentialHistogram, ExponentialHistogramDataPoint),
    11: ("summary", Summary, SummaryDataPoint),
}
"""By the number of Metric's field: the kind, its message, and that of its points."""
_POINTS = 1
_TEMPORALITY = ("", "delta", "cumulative")


def points_of(body: bytes) -> Iterator[Point]:
    """Each point as it is decoded; those that are no measurement (NaN, bounds that fall) are left
    out. Raises Malformed, DecodeError or TooMuch; what came before is good.
    """
    budget = Budget()
    for data, resource, scope in groups(body, budget):
        head, kind, parsed, points = _split(data, budget)
        for point in points:
            if len(point) <= limits.PIECE_BYTES:
                yield from _points(head, kind, parsed(point), resource, scope)


def _split(data: bytes, budget: Budget) -> tuple[Metric, str, Callable[[bytes], Any], list[bytes]]:
    """A metric without its points, their kind, what parses one, and their bytes."""
    head, kind, points = bytearray(), "", list[bytes]()
    parsed: Callable[[bytes], Any] = bytes
    settings: dict[str, Any] = {}
    for number, wire, begin, start, end in places(data, budget):
        if wire == BYTES and number in _DATA:
            kind, whole, one = _DATA[number]
            body, parsed = data[start:end], one.FromString
            points = list(chunks(body, _POINTS, budget))
            rest = [body[at[2] : at[4]] for at in places(body, budget) if at[0] != _POINTS]
            settings = {kind: whole.FromString(b"".join(rest))}
        elif end - start <= limits.TEXT:
            head += data[begin:end]
    metric = Metric.FromString(bytes(head))
    metric.MergeFrom(Metric(**settings))
    return metric, kind, parsed, points


def _points(
    metric: Metric, kind: str, point: Any, resource: Attributes, scope: str
) -> Iterator[Point]:
    cuts = Cuts()
    data = getattr(metric, kind)
    temporality = getattr(data, "aggregation_temporality", 0)
    common: dict[str, Any] = {
        "service": str(resource.get("service.name", "")),
        "name": cuts.text(metric.name, limits.TEXT // 16),
        "unit": cuts.text(metric.unit, 64),
        "description": cuts.text(metric.description, limits.TEXT // 16),
        "temporality": _TEMPORALITY[temporality] if 0 <= temporality <= 2 else "",
        "monotonic": bool(getattr(data, "is_monotonic", False)),
        "time": time_of(point.time_unix_nano),
        "start": time_of(point.start_time_unix_nano),
        "scope": scope,
        "resource": resource,
    }
    attributes = cuts.attributes(point.attributes)
    if kind == "summary":
        for quantile in cuts.first(point.quantile_values, 20):
            labels = {**attributes, "quantile": quantile.quantile}
            if math.isfinite(quantile.value) and math.isfinite(quantile.quantile):
                value = quantile.value
                yield Point(kind="gauge", value=value, count=1, attributes=labels, **common)
        return
    exemplars = [
        Exemplar(
            float(one.as_double or one.as_int),
            time_of(one.time_unix_nano),
            id_of(one.trace_id, 16),
            id_of(one.span_id, 8),
            cuts.attributes(one.filtered_attributes),
        )
        for one in cuts.first(point.exemplars, limits.EXEMPLARS_PER_SERIES)
        if math.isfinite(one.as_double)
    ]
    common |= {"kind": kind, "attributes": attributes, "exemplars": exemplars}
    if kind in ("gauge", "sum"):
        value = float(point.as_double or point.as_int)
        if math.isfinite(value):
            yield Point(value=value, count=1, **common)
        return
    common |= {"value": point.sum if math.isfinite(point.sum) else 0.0, "count": point.count}
    if kind == "histogram":
        bounds, buckets = tuple(point.explicit_bounds), tuple(point.bucket_counts)
        if _is_histogram(bounds, buckets):
            yield Point(bounds=bounds, buckets=buckets, **common)
        return
    sides = point.positive, point.negative
    if all(len(side.bucket_counts) <= limits.BUCKETS for side in sides):
        yield Point(
            exponential=Exponential(
                max(-32, min(point.scale, 32)),
                point.zero_count,
                point.positive.offset,
                tuple(point.positive.bucket_counts),
                point.negative.offset,
                tuple(point.negative.bucket_counts),
            ),
            **common,
        )


def _is_histogram(bounds: tuple[float, ...], buckets: tuple[int, ...]) -> bool:
    """Neither or one bucket more than bounds, which rise."""
    if len(buckets) > limits.BUCKETS:
        return False
    rising = all(low < high for low, high in itertools.pairwise(bounds))
    finite = all(map(math.isfinite, bounds))
    return rising and finite and (not buckets or len(buckets) == len(bounds) + 1)
