"""One series of a metric over time: what it was, or what it grew by from point to point."""

import collections

import msgspec

from embedded.receiver import limits
from embedded.receiver.kept.buckets import Buckets, buckets_of, difference, edges_of, rescaled
from embedded.receiver.model import Exemplar, Exponential, Point

_FIRST = 60_000_000_000
"""Nanoseconds that a first point's counts are spread over at most: a usual interval of exports."""
_NOTHING: Buckets = {}


class Kept(msgspec.Struct, frozen=True, eq=False, gc=False):
    """A point as it is kept.

    Of a gauge, and of a sum that may fall, `value` is what it was at `end`; of a counter or a
    histogram it is what was added since `begin`, as are `count` and `buckets`.
    """

    begin: int
    end: int
    value: float
    count: int = 0
    buckets: Buckets = _NOTHING

    @property
    def size(self) -> int:
        """Bytes."""
        return 200 + (250 + 50 * len(self.buckets) if self.buckets else 0)


class Series:
    """Its points in the order of time, the latest point whole, and its exemplars.

    `listening` is since when the receiver listens: the first point of a counter that had started
    before says nothing of when it grew, and is only where the counting begins.
    """

    def __init__(self, point: Point, listening: int) -> None:
        self.service = point.service
        self.instance = str(point.resource.get("service.instance.id", ""))
        self.name = point.name
        self.kind = point.kind
        self.monotonic = point.monotonic
        self.delta = point.temporality == "delta"
        self.grows = self.delta or point.monotonic or point.kind.endswith("histogram")
        self.labels = {name: _label(value) for name, value in point.attributes.items()}
        self.latest = point
        self._before: Point | None = None
        self.points: collections.deque[Kept] = collections.deque()
        self.added = 0
        """Points that were ever put at the end."""
        self.exemplars: collections.deque[Exemplar] = collections.deque(
            maxlen=limits.EXEMPLARS_PER_SERIES
        )
        self.size = 4 * len(msgspec.json.encode((point.attributes, point.resource)))
        """Bytes."""
        self.gone = 0
        """Points that went before it was their turn, see `Metrics`."""
        self._listening = listening

    def add(self, point: Point) -> bool:
        """Whether it made one point more: while nothing happens the last one is moved on."""
        self._add_exemplars(point.exemplars)
        kept = self._grown(point) if self.grows else Kept(point.time, point.time, point.value)
        self.latest = self._before = msgspec.structs.replace(point, exemplars=[])
        if not self.delta and self._still(kept):
            self.points[-1] = msgspec.structs.replace(kept, begin=self.points[-1].begin)
            return False
        self.points.append(kept)
        self.added += 1
        self.size += kept.size
        return True

    def _still(self, kept: Kept) -> bool:
        """Whether nothing has happened for two points, which is so at night for hours."""
        if len(self.points) < 2:
            return False
        last = self.points[-1]
        if self.grows:
            return not (last.count or last.value or kept.count or kept.value) and (
                kept.begin == last.end
            )
        return kept.value == last.value == self.points[-2].value

    def drop_first(self) -> None:
        self.size -= self.points.popleft().size

    def _add_exemplars(self, exemplars: list[Exemplar]) -> None:
        known = {(one.time, one.span_id) for one in self.exemplars}
        for one in exemplars:
            if (one.time, one.span_id) in known:
                continue
            known.add((one.time, one.span_id))
            if len(self.exemplars) == limits.EXEMPLARS_PER_SERIES:
                self.size -= _exemplar_size(self.exemplars[0])
            self.exemplars.append(one)
            self.size += _exemplar_size(one)

    def _grown(self, point: Point) -> Kept:
        """Growth since the latest point. A counter that starts anew is counted from zero."""
        before = self._before
        if not self.delta and before is not None and _goes_on(before, point):
            return _difference(point, before)
        if not self.delta and before is None and point.start < self._listening:
            return Kept(point.time, point.time, 0.0)
        begin = max(point.start, before.time if before else 0)
        begin = min(max(begin, point.time - _FIRST), point.time)
        buckets = buckets_of(point.bounds, point.buckets, point.exponential)
        return Kept(begin, point.time, point.value, point.count, buckets)


def _goes_on(before: Point, point: Point) -> bool:
    """Whether it is the same counter, and not one that began anew."""
    same_start = point.start == before.start or not point.start or not before.start
    same_layout = point.bounds == before.bounds
    fell = point.count < before.count or (
        not point.buckets and not point.exponential and point.value < before.value
    )
    return same_start and same_layout and not fell


def _difference(point: Point, before: Point) -> Kept:
    value, count = point.value - before.value, point.count - before.count
    return Kept(before.time, point.time, value, count, _more(point, before) if count else _NOTHING)


def _more(point: Point, before: Point) -> Buckets:
    now, earlier = point.exponential, before.exponential
    if now is None and earlier is None:
        counts = zip(edges_of(point.bounds), point.buckets, before.buckets, strict=False)
        return {edges: count - less for edges, count, less in counts if count > less}
    scale = min(one.scale for one in (now, earlier) if one is not None)
    return difference(_at(now, point, scale), _at(earlier, before, scale))


def _at(exponential: Exponential | None, point: Point, scale: int) -> Buckets:
    coarse = rescaled(exponential, scale) if exponential is not None else None
    return buckets_of(point.bounds, point.buckets, coarse)


def _exemplar_size(exemplar: Exemplar) -> int:
    return 500 + 4 * len(msgspec.json.encode(exemplar.attributes))


def _label(value: object) -> str:
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()
