"""A range of time cut into steps, and what metrics say in each of them."""

import bisect
import collections
import math
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from litestar.exceptions import ClientException

from embedded.receiver.kept.buckets import Buckets, add, quantiles
from embedded.receiver.kept.series import Increase, Series

_SECOND = 1_000_000_000
_RANGE = 15 * 60 * _SECOND
_POINTS = 120
MOST = 2_000
"""Steps of one answer."""

STALE = 90 * _SECOND
"""A little more than the usual interval of exports."""
QUANTILES = (0.5, 0.95, 0.99)
QUANTILE_NAMES = ("p50", "p95", "p99")
_AGGREGATES: dict[str, Callable[[list[float]], float]] = {
    "sum": sum,
    "max": max,
    "min": min,
    "avg": statistics.fmean,
}
AGGREGATES = tuple(_AGGREGATES)

Values = list[float | None]


class Steps:
    """The ends of the steps, the last one at the end of the range."""

    def __init__(self, begin: int | None, end: int | None, step: float | None) -> None:
        """Raises ClientException for a range that is none, or has too many steps."""
        self.end = end if end is not None else time.time_ns()
        self.begin = begin if begin is not None else self.end - _RANGE
        if self.begin >= self.end:
            raise ClientException("the range ends before it begins")
        if step is None:
            step = max((self.end - self.begin) / _SECOND / _POINTS, 1.0)
        self.seconds = step
        length = max(int(step * _SECOND), 1)
        count = -(-(self.end - self.begin) // length)
        if count > MOST:
            raise ClientException(
                f"more than {MOST} steps: ask for a longer step or a shorter range"
            )
        self.times = [self.end - length * back for back in reversed(range(count))]

        self.length = length

    def __len__(self) -> int:
        return len(self.times)

    def shares(self, begin: int, end: int) -> Iterator[tuple[int, float]]:
        """The steps that `begin` (exclusive) to `end` is in, and which part of it is in each."""
        begin = min(begin, end - 1)
        for index in range(bisect.bisect_right(self.times, begin), len(self.times)):
            high = self.times[index]
            low = max(high - self.length, self.begin)
            if low >= end:
                return
            yield index, max(min(high, end) - max(low, begin), 0) / (end - begin)

    def overlaps(self, begin: int, end: int) -> list[float]:
        """Of each step, the seconds that lie in `begin` to `end`."""
        return [
            max(min(high, end) - max(high - self.length, begin), 0) / _SECOND for high in self.times
        ]


class Growth:
    """What series grew by in each step: counters their value, histograms their buckets too.

    Values are None in steps that no series tells of.
    """

    def __init__(self, steps: Steps, series: Iterable[Series], listening: int) -> None:
        """`listening` is since when the receiver does, see `Series.increases`."""
        self._steps = steps
        self._sums = [0.0] * len(steps)
        self._counts = [0.0] * len(steps)
        self._buckets: list[Buckets] = [{} for _ in steps.times]
        self._known = [math.inf, -math.inf]
        # What one process exports at a time is added up first, and cut into the steps once.
        together: dict[tuple[int, int], list[Increase]] = collections.defaultdict(list)
        for one in series:
            if one.points:
                # Of a counter that started before the receiver, nothing is known before this.
                self._known[0] = min(self._known[0], one.points[0].time)
                self._known[1] = max(self._known[1], one.points[-1].time)
            for increase in one.increases(listening):
                together[increase.begin, increase.end].append(increase)
        for (begin, end), increases in together.items():
            self._spread(begin, end, increases)
        first, last = self._known
        self._seconds = (
            [0.0] * len(steps) if first > last else steps.overlaps(int(first), int(last))
        )

    def _spread(self, begin: int, end: int, increases: Sequence[Increase]) -> None:
        self._known[0] = min(self._known[0], begin)
        value = sum(one.value for one in increases)
        count = sum(one.count for one in increases)
        buckets: Buckets = {}
        for one in increases:
            add(buckets, one.buckets)
        for index, share in self._steps.shares(begin, end):
            self._sums[index] += value * share
            self._counts[index] += count * share
            add(self._buckets[index], buckets, share)

    def _each(self, values: Sequence[float], per_second: bool = False) -> Values:
        return [
            None if not seconds else value / seconds if per_second else value
            for value, seconds in zip(values, self._seconds, strict=True)
        ]

    @property
    def rate(self) -> Values:
        """Of a counter's value, per second."""
        return self._each(self._sums, per_second=True)

    @property
    def increase(self) -> Values:
        return self._each(self._sums)

    @property
    def total(self) -> float:
        """A counter's growth in the whole range."""
        return sum(self._sums)

    @property
    def count_rate(self) -> Values:
        """Of a histogram's count, per second."""
        return self._each(self._counts, per_second=True)

    @property
    def count_increase(self) -> Values:
        return self._each(self._counts)

    @property
    def count(self) -> float:
        """A histogram's growth in the whole range."""
        return sum(self._counts)

    @property
    def mean(self) -> Values:
        pairs = zip(self._sums, self._counts, strict=True)
        return [value / count if count else None for value, count in pairs]

    def quantiles(self) -> dict[str, Values]:
        """`p50`, `p95` and `p99` in each step."""
        found = [quantiles(buckets, QUANTILES) for buckets in self._buckets]
        return {name: [one[at] for one in found] for at, name in enumerate(QUANTILE_NAMES)}

    def whole_quantiles(self) -> dict[str, float | None]:
        """`p50`, `p95` and `p99` of the whole range."""
        whole: Buckets = {}
        for buckets in self._buckets:
            add(whole, buckets)
        return dict(zip(QUANTILE_NAMES, quantiles(whole, QUANTILES), strict=True))


def levels(steps: Steps, series: Iterable[Series], agg: str) -> Values:
    """What gauges, and sums that may fall, were at the end of each step.

    A series that has said nothing for STALE is not there any more. `agg` makes one value of
    several series' at a time: sum, max, min or avg.
    """
    columns: list[list[float]] = [[] for _ in steps.times]
    for one in series:
        times = [sample.time for sample in one.points]
        values = [sample.value for sample in one.points]
        for index, moment in enumerate(steps.times):
            at = bisect.bisect_right(times, moment) - 1
            if at >= 0 and moment - times[at] <= max(STALE, steps.length):
                columns[index].append(values[at])
    return [_AGGREGATES[agg](column) if column else None for column in columns]


def last_of(values: Values) -> float | None:
    """The latest that is known."""
    return next((value for value in reversed(values) if value is not None), None)
