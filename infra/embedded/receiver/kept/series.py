"""One series of a metric over time, and what it grew by between its points."""

import collections
from collections.abc import Iterator

import msgspec

from embedded.receiver import limits
from embedded.receiver.kept.buckets import Buckets, buckets_of, difference, rescaled
from embedded.receiver.model import Exemplar, Exponential, Point

_FIRST = 60_000_000_000
"""Nanoseconds that a first point's counts are spread over at most: a usual interval of exports."""


class Sample(msgspec.Struct, frozen=True, eq=False, gc=False):
    """One point, without what its series says of all of them."""

    time: int
    start: int
    value: float
    count: int
    bounds: tuple[float, ...]
    buckets: tuple[int, ...]
    exponential: Exponential | None

    def same_as(self, other: "Sample") -> bool:
        """Whether nothing was counted between them, which is so at night for hours."""
        return (
            (self.value, self.count, self.start) == (other.value, other.count, other.start)
            and self.buckets == other.buckets
            and self.exponential == other.exponential
        )

    @property
    def size(self) -> int:
        """Bytes."""
        exponential = self.exponential
        more = len(exponential.positive) + len(exponential.negative) + 10 if exponential else 0
        return 260 + 36 * (len(self.buckets) + more)


class Increase(msgspec.Struct, frozen=True, eq=False, gc=False):
    """What a sum or a histogram grew by between two times."""

    begin: int
    end: int
    value: float
    count: int
    buckets: Buckets


class Series:
    """Its points in the order of time, the latest point whole, and its exemplars."""

    def __init__(self, point: Point) -> None:
        self.service = point.service
        self.instance = str(point.resource.get("service.instance.id", ""))
        self.name = point.name
        self.kind = point.kind
        self.monotonic = point.monotonic
        self.delta = point.temporality == "delta"
        self.labels = {name: _label(value) for name, value in point.attributes.items()}
        self.latest = point
        self.points: collections.deque[Sample] = collections.deque()
        self.exemplars: collections.deque[Exemplar] = collections.deque(
            maxlen=limits.EXEMPLARS_PER_SERIES
        )
        self.size = 4 * len(msgspec.json.encode((point.attributes, point.resource)))
        """Bytes."""
        self.gone = 0
        """Points that went before it was their turn, see `Metrics`."""

    def add(self, point: Point) -> bool:
        """Whether it made one point more: while nothing happens the last one is moved on."""
        self._add_exemplars(point.exemplars)
        self.latest = msgspec.structs.replace(point, exemplars=[])
        sample = Sample(
            point.time,
            point.start,
            point.value,
            point.count,
            point.bounds,
            point.buckets,
            point.exponential,
        )
        still = not self.delta and len(self.points) > 1
        if still and sample.same_as(self.points[-1]) and sample.same_as(self.points[-2]):
            self.points[-1] = sample
            return False
        self.points.append(sample)
        self.size += sample.size
        return True

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

    def increases(self, listening: int) -> Iterator[Increase]:
        """Growth from point to point. A counter that starts anew is counted from zero.

        `listening` is since when the receiver listens: the first point of a counter that had
        started before says nothing of when it grew, and is only where the counting begins.
        """
        before: Sample | None = None
        for sample in self.points:
            anew = self.delta or before is None or not _goes_on(before, sample)
            if not anew:
                yield _increase(sample, before)
            elif self.delta or before is not None or sample.start >= listening:
                yield _increase(sample, None, max(sample.start, before.time if before else 0))
            before = sample


def _goes_on(before: Sample, sample: Sample) -> bool:
    """Whether it is the same counter, and not one that began anew."""
    same_start = sample.start == before.start or not sample.start or not before.start
    same_layout = sample.bounds == before.bounds
    fell = sample.count < before.count or (
        not sample.buckets and not sample.exponential and sample.value < before.value
    )
    return same_start and same_layout and not fell


def _increase(sample: Sample, before: Sample | None, begin: int = 0) -> Increase:
    exponential = sample.exponential
    buckets = buckets_of(sample.bounds, sample.buckets, exponential)
    if before is None:
        begin = min(max(begin, sample.time - _FIRST), sample.time)
        return Increase(begin, sample.time, sample.value, sample.count, buckets)
    earlier = before.exponential
    if exponential is not None and earlier is not None:
        scale = min(exponential.scale, earlier.scale)
        buckets = buckets_of((), (), rescaled(exponential, scale))
        earlier = rescaled(earlier, scale)
    counted = buckets_of(before.bounds, before.buckets, earlier)
    return Increase(
        before.time,
        sample.time,
        sample.value - before.value,
        sample.count - before.count,
        difference(buckets, counted),
    )


def _exemplar_size(exemplar: Exemplar) -> int:
    return 500 + 4 * len(msgspec.json.encode(exemplar.attributes))


def _label(value: object) -> str:
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()
