"""The closed list of metrics, and the only way to make their instruments.

A name that is not listed is refused, and so is an attribute: cardinality is bounded by what is
written here. Names, units and buckets of ``http.*``, ``db.*`` and ``messaging.*`` are those of the
OpenTelemetry semantic conventions; the others are ours. Instruments may be made before
``configure()``: OpenTelemetry's API connects them when a provider is set.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Final, Literal

import msgspec
from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Counter, Histogram, Observation

Kind = Literal["counter", "histogram", "gauge", "updowncounter"]
Labels = Mapping[str, str | int | bool]


class Metric(msgspec.Struct, frozen=True):
    """One metric: what it is called, measures and means, and which attributes it may carry."""

    name: str
    kind: Kind
    unit: str
    meaning: str
    attributes: tuple[str, ...] = ()


_SENT = ("messaging.system", "messaging.operation.name", "messaging.destination.name", "error.type")
_CONSUMED = (*_SENT, "messaging.consumer.group.name")
_PARTITION = ("messaging.destination.name", "messaging.destination.partition.id")

METRICS: Final = (
    Metric(
        "http.server.request.duration",
        "histogram",
        "s",
        "Time from a request's arrival to the end of its response",
        (
            "http.request.method",
            "http.route",
            "http.response.status_code",
            "url.scheme",
            "error.type",
        ),
    ),
    Metric(
        "http.client.request.duration",
        "histogram",
        "s",
        "Time from a request's start to the head of its response",
        (
            "http.request.method",
            "url.template",
            "http.response.status_code",
            "server.address",
            "server.port",
            "error.type",
        ),
    ),
    Metric(
        "db.client.connection.count",
        "updowncounter",
        "{connection}",
        "Open connections of a pool, by state: idle or used",
        ("db.client.connection.pool.name", "db.client.connection.state"),
    ),
    Metric(
        "db.client.connection.max",
        "updowncounter",
        "{connection}",
        "The most connections that a pool may open",
        ("db.client.connection.pool.name",),
    ),
    Metric(
        "messaging.client.sent.messages",
        "counter",
        "{message}",
        "Records that the broker acknowledged, or that could not be sent (error.type)",
        _SENT,
    ),
    Metric(
        "messaging.client.operation.duration",
        "histogram",
        "s",
        "Time from handing a record to the producer to the broker's acknowledgement",
        _SENT,
    ),
    Metric(
        "messaging.client.consumed.messages",
        "counter",
        "{message}",
        "Records that were given to processing, once each",
        _CONSUMED,
    ),
    Metric(
        "messaging.process.duration",
        "histogram",
        "s",
        "Time to process one record, its retries included",
        _CONSUMED,
    ),
    Metric("outbox.backlog", "gauge", "{record}", "Records committed and not yet published"),
    Metric("outbox.oldest_age", "gauge", "s", "Age of the oldest record not yet published"),
    Metric(
        "outbox.published",
        "counter",
        "{record}",
        "Outbox records that the broker acknowledged",
        ("messaging.destination.name",),
    ),
    Metric(
        "outbox.parked",
        "counter",
        "{record}",
        "Outbox records set aside because the broker refuses them for good",
        ("messaging.destination.name", "error.type"),
    ),
    Metric("relay.active", "gauge", "1", "1 in the process that holds the relay's lease, else 0"),
    Metric("consumer.lag", "gauge", "{record}", "Records on a partition not yet done", _PARTITION),
    Metric(
        "consumer.retries",
        "counter",
        "{attempt}",
        "Attempts at a record after its first one failed",
        ("messaging.destination.name", "error.type"),
    ),
    Metric(
        "consumer.dead_letters",
        "counter",
        "{record}",
        "Records sent to the dead-letter topic",
        ("messaging.destination.name", "error.type"),
    ),
    Metric(
        "consumer.circuit",
        "gauge",
        "1",
        "1 while consumption is stopped because everything fails, else 0",
        ("messaging.destination.name",),
    ),
    Metric(
        "consumer.replayed",
        "counter",
        "{record}",
        "Records published again by an operator",
        ("messaging.destination.name",),
    ),
    Metric(
        "error_injection.injected",
        "counter",
        "{injection}",
        "Failures and delays that a rule injected",
        ("http.route", "http.request.method", "messaging.destination.name"),
    ),
)

_BY_NAME: Final = {metric.name: metric for metric in METRICS}

# Of the semantic conventions, for durations in seconds.
_DURATION_BUCKETS: Final = (
    (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
)  # fmt: skip


def _listed(name: str, *kinds: Kind) -> Metric:
    metric = _BY_NAME.get(name)
    if metric is None or metric.kind not in kinds:
        raise ValueError(f"{name} is not in the list of metrics as {' or '.join(kinds)}")
    return metric


def _meter() -> metrics.Meter:
    return metrics.get_meter("telemetry")


@cache
def counter(name: str) -> Counter:
    """The counter of that name.

    Raises:
        ValueError: it is not in the list, or is of another kind.
    """
    metric = _listed(name, "counter")
    return _meter().create_counter(name, metric.unit, metric.meaning)


@cache
def histogram(name: str) -> Histogram:
    """The histogram of that name. Record with the span current: that gives it exemplars.

    Raises:
        ValueError: it is not in the list, or is of another kind.
    """
    metric = _listed(name, "histogram")
    return _meter().create_histogram(
        name,
        metric.unit,
        metric.meaning,
        explicit_bucket_boundaries_advisory=_DURATION_BUCKETS,
    )


def observe(name: str, read: Callable[[], Iterable[tuple[float, Labels]]]) -> None:
    """Have ``read`` called for the current values, with their attributes, at each export.

    Raises:
        ValueError: the name is not in the list as a gauge or an up-down counter.
    """
    metric = _listed(name, "gauge", "updowncounter")

    def callback(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(value, labels) for value, labels in read()]

    create = (
        _meter().create_observable_gauge
        if metric.kind == "gauge"
        else _meter().create_observable_up_down_counter
    )
    create(name, [callback], metric.unit, metric.meaning)


class Gauge:
    """A value that stays until it is set again.

    The SDK's synchronous gauge is exported only in the interval in which it was set.
    """

    def __init__(self, name: str) -> None:
        self._values: dict[frozenset[tuple[str, str | int | bool]], float] = {}
        self._lock = threading.Lock()
        observe(name, self._read)

    def set(self, value: float, labels: Labels | None = None) -> None:
        """The value from now on, for these attributes."""
        with self._lock:
            self._values[frozenset((labels or {}).items())] = value

    def remove(self, labels: Labels | None = None) -> None:
        """Report nothing for these attributes any more: the thing is not ours to measure."""
        with self._lock:
            self._values.pop(frozenset((labels or {}).items()), None)

    def _read(self) -> list[tuple[float, Labels]]:
        with self._lock:
            return [(value, dict(labels)) for labels, value in self._values.items()]


@cache
def gauge(name: str) -> Gauge:
    """The gauge of that name.

    Raises:
        ValueError: it is not in the list, or is of another kind.
    """
    _listed(name, "gauge")
    return Gauge(name)
