"""Metrics: the catalogue, and one of them over time, in lines by its attributes."""

import collections
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from litestar.exceptions import ClientException, NotFoundException

from embedded.receiver.answers.parameters import From, Seconds, Several, To, pair_of
from embedded.receiver.answers.steps import AGGREGATES, Growth, Steps, Values, levels
from embedded.receiver.kept.series import Series
from embedded.receiver.kept.store import Store

LINES = 100
EXEMPLARS = 200


class ExemplarDot(msgspec.Struct, frozen=True):
    """A measurement that leads to its trace."""

    time: int
    value: float
    trace_id: str
    span_id: str
    service: str
    labels: dict[str, str]


class Line(msgspec.Struct, frozen=True):
    labels: dict[str, str]
    values: dict[str, Values]


class MetricOverTime(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    kind: str
    unit: str
    description: str
    start: int
    end: int
    step: float
    times: list[int]
    lines: list[Line]
    left_out: int
    exemplars: list[ExemplarDot]


@dataclass(frozen=True, kw_only=True)
class MetricQuery:
    """The parameters of GET /api/metrics/series."""

    name: str
    service: str = ""
    by: str = ""
    where: Several = None
    agg: str = "max"
    begin: From = None
    end: To = None
    step: Seconds = None


def catalogue(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Every name with what is known of it, sorted."""
    by_name: dict[str, list[Series]] = collections.defaultdict(list)
    for one in store.metrics.series():
        by_name[one.name].append(one)
    return {"metrics": [_entry(name, by_name[name]) for name in sorted(by_name)]}


def _entry(name: str, series: Sequence[Series]) -> dict[str, Any]:
    latest = series[-1].latest
    return {
        "name": name,
        "kind": latest.kind,
        "unit": latest.unit,
        "description": latest.description,
        "monotonic": latest.monotonic,
        "services": sorted({one.service for one in series}),
        "attributes": sorted({label for one in series for label in one.labels}),
        "series": len(series),
        "points": sum(len(one.points) for one in series),
    }


def over_time(store: Store, query: MetricQuery) -> MetricOverTime:
    """Raises NotFoundException for a metric that is not kept, ClientException for a filter."""
    if query.agg not in AGGREGATES:
        raise ClientException(f"agg is one of {', '.join(AGGREGATES)}")
    steps = Steps(query.begin, query.end, query.step)
    named = [one for one in store.metrics.series() if one.name == query.name]
    if not named:
        raise NotFoundException(f"no metric {query.name!r} is kept")
    latest = named[-1].latest
    # A name that came as two kinds is shown as the one that came last.
    chosen = [one for one in named if one.kind == latest.kind and _fits(one, query)]
    lines = _grouped(chosen, [label for label in query.by.split(",") if label])
    made = [
        Line(dict(labels), _values(steps, group, query.agg))
        for labels, group in list(lines.items())[:LINES]
    ]
    return MetricOverTime(
        name=query.name,
        kind=latest.kind,
        unit=latest.unit,
        description=latest.description,
        start=steps.begin,
        end=steps.end,
        step=steps.seconds,
        times=steps.times,
        lines=made,
        left_out=max(len(lines) - LINES, 0),
        exemplars=exemplars(chosen, steps),
    )


def exemplars(series: Iterable[Series], steps: Steps, most: int = EXEMPLARS) -> list[ExemplarDot]:
    """Those in the range, the newest of them, in the order of time."""
    found = [
        ExemplarDot(one.time, one.value, one.trace_id, one.span_id, each.service, each.labels)
        for each in series
        for one in each.exemplars
        if one.trace_id and steps.begin < one.time <= steps.end
    ]
    return sorted(found, key=lambda dot: dot.time)[-most:]


def _fits(series: Series, query: MetricQuery) -> bool:
    if query.service and series.service != query.service:
        return False
    pairs = (pair_of(one) for one in query.where or () if one)
    return all(_label(series, key) == value for key, value in pairs)


def _label(series: Series, name: str) -> str:
    if name == "service":
        return series.service
    return series.instance if name == "instance" else series.labels.get(name, "")


def _grouped(
    series: Iterable[Series], by: Sequence[str]
) -> dict[tuple[tuple[str, str], ...], list[Series]]:
    groups: dict[tuple[tuple[str, str], ...], list[Series]] = {}
    for one in series:
        names: Iterator[str] | Sequence[str] = ("service", *one.labels) if by == ["*"] else by
        key = tuple((name, _label(one, name)) for name in names)
        groups.setdefault(key, []).append(one)
    return dict(sorted(groups.items()))


def _values(steps: Steps, series: Sequence[Series], agg: str) -> dict[str, Values]:
    kind = series[0].kind
    if not series[0].grows:
        return {"last": levels(steps, series, agg if kind == "gauge" else "sum")}
    growth = Growth(steps, series)
    if kind == "sum":
        return {"rate": growth.rate, "increase": growth.increase}
    return {
        "rate": growth.count_rate,
        "increase": growth.count_increase,
        "mean": growth.mean,
        **growth.quantiles(),
    }
