"""Metrics over time: series with their points, bounded in bytes, the oldest points first to go."""

import collections
import hashlib
from collections.abc import Iterator
from typing import Protocol

import msgspec

from embedded.receiver import limits
from embedded.receiver.kept.series import Series
from embedded.receiver.model import Point

_encode = msgspec.json.Encoder(order="sorted").encode

_SERIES = 2_000
"""Bytes of a series' own objects."""


class Counts(Protocol):
    points: int
    series: int


class Metrics:
    """`dropped` counts what went; `listening` is since when points may come, see `Series`."""

    def __init__(self, bytes_limit: int, dropped: Counts, listening: int) -> None:
        self.bytes_limit = bytes_limit
        self.bytes = 0
        self.points = 0
        self._dropped = dropped
        self._listening = listening
        self._series: collections.OrderedDict[bytes, Series] = collections.OrderedDict()
        # In the order in which the points came: each entry is the series of one.
        self._order: collections.deque[Series] = collections.deque()

    def __len__(self) -> int:
        return len(self._series)

    def series(self) -> Iterator[Series]:
        return iter(self._series.values())

    def latest(self) -> Iterator[Point]:
        """Each series' latest point, with the exemplars that are kept."""
        for one in self._series.values():
            yield msgspec.structs.replace(one.latest, exemplars=list(one.exemplars))

    def add(self, point: Point) -> bool:
        """Keep a point; False for one that is not later than its series' latest: it came before."""
        key = _key(point)
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = Series(point, self._listening)
            self.bytes += _SERIES
        elif point.time <= series.points[-1].end:
            return False
        self._series.move_to_end(key)
        self._keep(series, point)
        self._fit()
        return True

    def _keep(self, series: Series, point: Point) -> None:
        self.bytes -= series.size
        added = series.add(point)
        self.bytes += series.size
        if added:
            self.points += 1
            self._order.append(series)
        if len(series.points) > limits.POINTS_PER_SERIES:
            self._drop_point(series)
            series.gone += 1

    def _fit(self) -> None:
        while len(self._series) > limits.SERIES:
            self._drop_series()
        while self.bytes > self.bytes_limit:
            if self.points <= len(self._series):
                self._drop_series()
                continue
            series = self._order.popleft()
            if series.gone:
                series.gone -= 1
            elif len(series.points) > 1:
                self._drop_point(series)

    def _drop_point(self, series: Series) -> None:
        self.bytes -= series.size
        series.drop_first()
        self.bytes += series.size
        self.points -= 1
        self._dropped.points += 1

    def _drop_series(self) -> None:
        """The one that has had no point for the longest time."""
        _, series = self._series.popitem(last=False)
        self.bytes -= series.size + _SERIES
        self.points -= len(series.points)
        self._dropped.points += len(series.points)
        self._dropped.series += 1
        series.gone += len(series.points)


def _key(point: Point) -> bytes:
    """What makes a series, small whatever it is made of."""
    parts = point.name, point.kind, point.temporality, point.scope
    made = _encode((*parts, point.attributes, point.resource))
    return hashlib.blake2b(made, digest_size=16).digest()
