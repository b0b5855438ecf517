"""What several series grew by, added up once: asked again, only what has come since is added."""

import collections
import itertools
from collections.abc import Collection, Hashable

from embedded.receiver import limits
from embedded.receiver.kept.buckets import Buckets, add
from embedded.receiver.kept.series import Kept, Series

_MOST = 1_000
"""Tallies that are kept; what was not asked for the longest time goes."""


class Sum:
    """What was added between two times."""

    __slots__ = ("buckets", "count", "owned", "value")

    def __init__(self, kept: Kept) -> None:
        self.value = kept.value
        self.count = kept.count
        self.buckets: Buckets = kept.buckets
        self.owned = False

    def add(self, kept: Kept) -> None:
        if not self.owned:
            self.buckets, self.owned = dict(self.buckets), True
        self.value += kept.value
        self.count += kept.count
        add(self.buckets, kept.buckets)


class Tally:
    """The growth of some series after `since`, by the times `(begin, end)` that it lies between:
    what one process exports at a time is one sum."""

    def __init__(self, since: int) -> None:
        self.since = since
        self.sums: collections.OrderedDict[tuple[int, int], Sum] = collections.OrderedDict()
        self._taken: dict[Series, int] = {}

    def take(self, series: Collection[Series]) -> "Tally":
        """Add what these have grown by since they were taken last."""
        for one in series:
            new = one.added - self._taken.get(one, 0)
            if new:
                self._taken[one] = one.added
                for kept in itertools.islice(reversed(one.points), new):
                    if kept.end <= self.since:
                        break
                    if kept.count or kept.value:
                        self._add(kept)
        if len(self._taken) > len(series):
            self._taken = {one: self._taken[one] for one in series}
        while len(self.sums) > limits.POINTS_PER_SERIES:
            self.sums.popitem(last=False)
        return self

    def forget(self, until: int) -> None:
        """Nobody asks for what was before this any more."""
        for key in [key for key in self.sums if key[1] <= until]:
            del self.sums[key]
        self.since = until

    def _add(self, kept: Kept) -> None:
        known = self.sums.get((kept.begin, kept.end))
        if known is None:
            self.sums[kept.begin, kept.end] = Sum(kept)
        else:
            known.add(kept)


class Tallies:
    """The tallies of one state's questions. `source` is what the series belong to: with another
    one they begin anew."""

    def __init__(self) -> None:
        self._source: object = None
        self._tallies: collections.OrderedDict[Hashable, Tally] = collections.OrderedDict()

    def of(
        self, source: object, question: Hashable, series: Collection[Series], since: int
    ) -> Tally:
        """That of a question, which always means the same series and those that come later."""
        if source is not self._source:
            self._source = source
            self._tallies.clear()
        tally = self._tallies.get(question)
        if tally is None or since < tally.since:
            tally = self._tallies[question] = Tally(since)
        self._tallies.move_to_end(question)
        if len(self._tallies) > _MOST:
            self._tallies.popitem(last=False)
        tally.forget(since)
        return tally.take(series)
