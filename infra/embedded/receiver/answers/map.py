"""The map: services, databases and topics, and the calls between them in a window of time."""

import collections
import time
from collections.abc import Sequence

import msgspec

from embedded.receiver.answers.edges import Calls, EdgeCalls, edges_of
from embedded.receiver.answers.layout import Places
from embedded.receiver.kept.store import Store

_SECOND = 1_000_000_000


class MapNode(msgspec.Struct, frozen=True):
    id: str
    kind: str
    """service, database, topic or external."""
    name: str
    requests: int
    errors: int
    rate: float
    p95: int | None
    rank: int
    place: float
    """Where it stands in a drawing, see `layout.Places`."""


class MapEdge(msgspec.Struct, frozen=True, rename={"begin": "from", "end": "to"}):
    id: str
    kind: str
    begin: str
    end: str
    topic: str
    calls: int
    errors: int
    rate: float
    error_share: float
    p50: int | None
    p95: int | None


class Map(msgspec.Struct, frozen=True):
    start: int
    end: int
    window: float
    """Seconds that the rates are over."""
    nodes: list[MapNode]
    edges: list[MapEdge]


def map_of(store: Store, window: float) -> Map:
    """`window` is in seconds, 0 for all that is kept."""
    end = time.time_ns()
    entries = list(store.traces())
    if window:
        start = end - int(window * _SECOND)
        entries = [entry for entry in entries if entry.facts.start >= start]
    else:
        start = min((entry.facts.start or end for entry in entries), default=end)
    seconds = max((end - start) / _SECOND, 1.0)
    total: EdgeCalls = collections.defaultdict(Calls)
    for entry in entries:
        for key, calls in edges_of(store, entry).items():
            total[key].durations += calls.durations
            total[key].errors += calls.errors
    return Map(start, end, seconds, _nodes(total, seconds), _edges(total, seconds))


def _edges(total: EdgeCalls, seconds: float) -> list[MapEdge]:
    made = []
    for key, calls in total.items():
        durations = sorted(calls.durations)
        count = len(durations)
        made.append(
            MapEdge(
                id=key.id,
                kind=key.kind,
                begin=key.begin,
                end=key.end,
                topic=key.topic,
                calls=count,
                errors=calls.errors,
                rate=count / seconds,
                error_share=calls.errors / count,
                p50=share_of(durations, 0.5),
                p95=share_of(durations, 0.95),
            )
        )
    return sorted(made, key=lambda edge: edge.id)


def _nodes(total: EdgeCalls, seconds: float) -> list[MapNode]:
    """Of a node, the calls that go into it; a link goes through a topic and is counted there."""
    into: dict[str, Calls] = {}
    for key, calls in total.items():
        into.setdefault(key.begin, Calls())
        node = into.setdefault(key.end, Calls())
        if key.kind != "link":
            node.durations += calls.durations
            node.errors += calls.errors
    # A link leads from a sender to a consumer past the topic, which stands between them.
    places = Places(into, {(key.begin, key.end) for key in total if key.kind != "link"})
    made = []
    for node_id, calls in sorted(into.items()):
        kind, _, name = node_id.partition(":")
        count = len(calls.durations)
        p95 = share_of(sorted(calls.durations), 0.95)
        at = places.rank[node_id], places.place[node_id]
        made.append(MapNode(node_id, kind, name, count, calls.errors, count / seconds, p95, *at))
    return made


def share_of(ordered: Sequence[int], share: float) -> int | None:
    """The value that this share of the values does not exceed."""
    if not ordered:
        return None
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
