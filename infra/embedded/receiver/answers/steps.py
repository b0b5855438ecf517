"""A range of time cut into steps, and what metrics say in each of them."""

import bisect
import statistics
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from litestar.exceptions import ClientException

from embedded.receiver.answers.tallies import Sum, Tally
from embedded.receiver.kept.buckets import Buckets, add, quantiles
from embedded.receiver.kept.series import Series

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
        found = [0.0] * len(self)
        if begin < end:
            for index, share in self.shares(begin, end):
                found[index] = share * (end - begin) / _SECOND
        return found


class Growth:
    """What series grew by in each step: counters their value, histograms their buckets too.

    Values are None in steps that no series tells of.
    """

    def __init__(
        self, steps: Steps, series: Collection[Series], tally: Tally | None = None
    ) -> None:
        """`tally` is of these series, and made here when it is not known."""
        self._steps = steps
        self._sums = [0.0] * len(steps)
        self._counts = [0.0] * len(steps)
        # Which part of what was added lies in which step; most questions need no buckets.
        self._parts: list[tuple[Sum, list[tuple[int, float]]]] = []
        for (begin, end), added in (tally or Tally(steps.begin).take(series)).sums.items():
            shares = list(steps.shares(begin, end))
            self._parts.append((added, shares))
            for index, share in shares:
                self._sums[index] += added.value * share
                self._counts[index] += added.count * share
        spans = [(one.points[0].begin, one.points[-1].end) for one in series if one.points]
        # Of a counter that started before the receiver, nothing is known before its first point.
        self._seconds = (
            steps.overlaps(min(begin for begin, _ in spans), max(end for _, end in spans))
            if spans
            else [0.0] * len(steps)
        )

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
        counted: list[Buckets] = [{} for _ in self._steps.times]
        for added, shares in self._parts:
            for index, share in shares:
                add(counted[index], added.buckets, share)
        found = [quantiles(buckets, QUANTILES) for buckets in counted]
        return {name: [one[at] for one in found] for at, name in enumerate(QUANTILE_NAMES)}

    def whole_quantiles(self) -> dict[str, float | None]:
        """`p50`, `p95` and `p99` of the whole range."""
        whole: Buckets = {}
        for added, shares in self._parts:
            add(whole, added.buckets, sum(share for _, share in shares))
        return dict(zip(QUANTILE_NAMES, quantiles(whole, QUANTILES), strict=True))


def levels(steps: Steps, series: Iterable[Series], agg: str) -> Values:
    """What gauges, and sums that may fall, were at the end of each step.

    A series that has said nothing for STALE is not there any more. `agg` makes one value of
    several series' at a time: sum, max, min or avg.
    """
    columns: list[list[float]] = [[] for _ in steps.times]
    for one in series:
        if one.grows:
            continue
        times = [kept.end for kept in one.points]
        values = [kept.value for kept in one.points]
        for index, moment in enumerate(steps.times):
            at = bisect.bisect_right(times, moment) - 1
            if at >= 0 and moment - times[at] <= max(STALE, steps.length):
                columns[index].append(values[at])
    return [_AGGREGATES[agg](column) if column else None for column in columns]


def last_of(values: Values) -> float | None:
    """The latest that is known."""
    return next((value for value in reversed(values) if value is not None), None)
