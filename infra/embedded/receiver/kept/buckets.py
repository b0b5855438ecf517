"""Histograms as counts between edges, whichever kind they came as, and their quantiles."""

import bisect
import functools
import itertools
import math
from collections.abc import Sequence

from embedded.receiver.model import Exponential

Buckets = dict[tuple[float, float], float]
"""Counts by the edges that they lie between, the upper one included. Edges may be infinite; a
count that is spread over time has fractions."""


def buckets_of(
    bounds: tuple[float, ...], counts: tuple[int, ...], exponential: Exponential | None
) -> Buckets:
    """The buckets that have counts."""
    if exponential is not None:
        return _of_exponential(exponential)
    edges = edges_of(bounds)
    return {edges[index]: count for index, count in enumerate(counts) if count}


@functools.lru_cache(maxsize=1_000)
def edges_of(bounds: tuple[float, ...]) -> tuple[tuple[float, float], ...]:
    """Of each bucket of a layout: the same objects for all that have it."""
    return tuple(itertools.pairwise((-math.inf, *bounds, math.inf)))


def _of_exponential(histogram: Exponential) -> Buckets:
    """https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram"""
    found: Buckets = {}
    for index, count in enumerate(histogram.positive, histogram.positive_offset):
        if count:
            edges = _edge(index, histogram.scale), _edge(index + 1, histogram.scale)
            found[edges] = found.get(edges, 0) + count
    for index, count in enumerate(histogram.negative, histogram.negative_offset):
        if count:
            edges = -_edge(index + 1, histogram.scale), -_edge(index, histogram.scale)
            found[edges] = found.get(edges, 0) + count
    if histogram.zero_count:
        found[0.0, 0.0] = histogram.zero_count
    return found


def _edge(index: int, scale: int) -> float:
    """base ** index, with base = 2 ** (2 ** -scale)."""
    exponent = math.ldexp(index, -scale)
    if exponent > 1023:
        return math.inf
    return 2.0**exponent if exponent > -1074 else 0.0


def rescaled(histogram: Exponential, scale: int) -> Exponential:
    """The same counts at a coarser scale: each step joins two neighbours."""
    down = histogram.scale - scale
    if down <= 0:
        return histogram
    first, positive = _joined(histogram.positive_offset, histogram.positive, down)
    low, negative = _joined(histogram.negative_offset, histogram.negative, down)
    return Exponential(scale, histogram.zero_count, first, positive, low, negative)


def _joined(offset: int, counts: tuple[int, ...], down: int) -> tuple[int, tuple[int, ...]]:
    first = offset >> down
    joined = [0] * (((offset + len(counts) - 1) >> down) - first + 1) if counts else []
    for index, count in enumerate(counts, offset):
        joined[(index >> down) - first] += count
    return first, tuple(joined)


def difference(later: Buckets, earlier: Buckets) -> Buckets:
    """What was counted between two states of one histogram."""
    return {
        edges: count - earlier.get(edges, 0)
        for edges, count in later.items()
        if count > earlier.get(edges, 0)
    }


def add(total: Buckets, more: Buckets, share: float = 1.0) -> None:
    for edges, count in more.items():
        total[edges] = total.get(edges, 0) + count * share


def quantiles(buckets: Buckets, shares: Sequence[float]) -> list[float | None]:
    """The values below which the given shares (0 to 1) lie, evenly spread within a bucket.

    What lies beyond the last finite edge counts as at that edge, as Prometheus has it. None for
    each when nothing was counted.
    """
    total = sum(buckets.values())
    if not total:
        return [None for _ in shares]
    bars = sorted((*_finite(low, high), count) for (low, high), count in buckets.items())
    if any(bar[1] > later[0] for bar, later in itertools.pairwise(bars)):
        bars = _apart(bars)
    found: list[float | None] = []
    for share in shares:
        left = share * total
        for low, high, count in bars:
            if left <= count:
                found.append(low + (high - low) * max(left, 0.0) / count)
                break
            left -= count
        else:
            found.append(bars[-1][1])
    return found


def _finite(low: float, high: float) -> tuple[float, float]:
    if low == -math.inf:
        low = min(0.0, high)  # durations and sizes begin at zero
    return low, low if high == math.inf else high


def _apart(bars: list[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    """Bars of several layouts, cut at each other's edges so that none overlap."""
    edges = sorted({edge for low, high, _ in bars for edge in (low, high)})
    cut: dict[tuple[float, float], float] = {}
    for low, high, count in bars:
        if low == high:
            cut[low, high] = cut.get((low, high), 0.0) + count
            continue
        inside = edges[bisect.bisect_left(edges, low) : bisect.bisect_right(edges, high)]
        for piece in itertools.pairwise(inside):
            share = count * (piece[1] - piece[0]) / (high - low)
            cut[piece] = cut.get(piece, 0.0) + share
    return [(low, high, count) for (low, high), count in sorted(cut.items())]
