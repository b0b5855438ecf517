"""Instruments, made only for metrics of the closed list (``METRICS``): a name that is not in it is
refused, and a test holds the attributes that are emitted against it.

Instruments may be made before ``configure()``: OpenTelemetry's API connects them when a provider
is set.
"""

import threading
from collections.abc import Callable, Iterable
from functools import cache
from typing import Final

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation

from telemetry.histograms import Histogram, Labels
from telemetry.metric_list import METRICS, Kind, Metric

__all__ = [
    "HISTOGRAMS",
    "METRICS",
    "Counter",
    "Gauge",
    "Histogram",
    "Labels",
    "counter",
    "gauge",
    "histogram",
    "observe",
]

HISTOGRAMS: Final[list[Histogram]] = []
"""Those that have been made; ``telemetry.reader`` exports them."""

_BY_NAME: Final = {metric.name: metric for metric in METRICS}


def _listed(name: str, *kinds: Kind) -> Metric:
    metric = _BY_NAME.get(name)
    if metric is None or metric.kind not in kinds:
        raise ValueError(f"{name} is not in the list of metrics as {' or '.join(kinds)}")
    return metric


def _meter() -> metrics.Meter:
    return metrics.get_meter("telemetry")


@cache
def histogram(name: str) -> Histogram:
    """The histogram of that name.

    Raises:
        ValueError: it is not in the list, or is of another kind.
    """
    made = Histogram(_listed(name, "histogram"))
    HISTOGRAMS.append(made)
    return made


def observe(name: str, read: Callable[[], Iterable[tuple[float, Labels]]]) -> None:
    """Have ``read`` called for the current values, with their attributes, at each export.

    Raises:
        ValueError: the name is not in the list, or is a histogram's.
    """
    metric = _listed(name, "counter", "gauge", "updowncounter")

    def callback(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(value, labels) for value, labels in read()]

    create = {
        "counter": _meter().create_observable_counter,
        "gauge": _meter().create_observable_gauge,
        "updowncounter": _meter().create_observable_up_down_counter,
    }[metric.kind]
    create(name, [callback], metric.unit, metric.meaning)


class _Values:
    """Numbers by attributes, read at each export."""

    def __init__(self, name: str) -> None:
        self._values: dict[frozenset[tuple[str, str | int | bool]], float] = {}
        self._lock = threading.Lock()
        observe(name, self._read)

    def _read(self) -> list[tuple[float, Labels]]:
        with self._lock:
            return [(value, dict(labels)) for labels, value in self._values.items()]


class Counter(_Values):
    """A sum that only grows. Costs a tenth of the SDK's, which looks for exemplars each time."""

    def add(self, amount: int, labels: Labels | None = None) -> None:
        """Count ``amount`` more, for these attributes."""
        key = frozenset((labels or {}).items())
        with self._lock:
            self._values[key] = self._values.get(key, 0) + amount


class Gauge(_Values):
    """A value that stays until it is set again; the SDK's is exported only where it was set."""

    def set(self, value: float, labels: Labels | None = None) -> None:
        """The value from now on, for these attributes."""
        with self._lock:
            self._values[frozenset((labels or {}).items())] = value

    def remove(self, labels: Labels | None = None) -> None:
        """Report nothing for these attributes any more: the thing is not ours to measure."""
        with self._lock:
            self._values.pop(frozenset((labels or {}).items()), None)


@cache
def counter(name: str) -> Counter:
    """The counter of that name.

    Raises:
        ValueError: it is not in the list, or is of another kind.
    """
    _listed(name, "counter")
    return Counter(name)


@cache
def gauge(name: str) -> Gauge:
    """The gauge of that name.

    Raises:
        ValueError: it is not in the list, or is of another kind.
    """
    _listed(name, "gauge")
    return Gauge(name)
