"""The calls that a trace makes between services, databases and topics, as edges of the map."""

import collections
from collections.abc import Iterator

import msgspec

from embedded.receiver.kept.rows import SpanRow
from embedded.receiver.kept.store import Store
from embedded.receiver.kept.trace import KeptTrace

CLIENT = "external:client"
"""Who calls a service and sends no spans."""


class EdgeKey(msgspec.Struct, frozen=True):
    kind: str
    """http, db, send, process or link."""
    begin: str
    end: str
    """Ids of nodes."""
    topic: str = ""
    """That a link crosses."""

    @property
    def id(self) -> str:
        return f"{self.begin}>{self.end}:{self.kind}" + (f":{self.topic}" if self.topic else "")


class Calls(msgspec.Struct):
    """Calls over one edge; of a link, the waits in its topic."""

    durations: list[int] = []
    errors: int = 0

    def add(self, duration: int, failed: bool) -> None:
        self.durations.append(max(duration, 0))
        self.errors += failed


EdgeCalls = dict[EdgeKey, Calls]


def edges_of(store: Store, entry: KeptTrace) -> EdgeCalls:
    """Of a trace; kept with it until it changes, or while what it links to has not come."""
    if entry.edges is not None and entry.edges[0] == entry.version:
        kept: EdgeCalls = entry.edges[1]
        return kept
    found: EdgeCalls = collections.defaultdict(Calls)
    rows = entry.spans.values()
    served = {row.parent_id for row in rows if row.kind == "server"}
    whole = True
    for row in rows:
        failed = row.status == "error"
        for key in _own(row, entry, served):
            found[key].add(row.end - row.start, failed)
        if row.kind == "consumer":
            senders = list(_senders(store, row, entry))
            whole = whole and None not in senders
            for sender in senders:
                if sender is not None and sender.kind == "producer":
                    ends = _service(sender), _service(row)
                    found[EdgeKey("link", *ends, row.topic)].add(row.start - sender.end, failed)
    entry.edges = (entry.version, found) if whole else None
    return found


def has_edge(store: Store, entry: KeptTrace, edge_id: str) -> bool:
    return any(key.id == edge_id for key in edges_of(store, entry))


def _service(row: SpanRow) -> str:
    return f"service:{row.service or 'unknown'}"


def _own(row: SpanRow, entry: KeptTrace, served: set[str]) -> Iterator[EdgeKey]:
    """The edges that the span alone, or with its parent, tells of."""
    here = _service(row)
    if row.kind == "server":
        parent = entry.spans.get(row.parent_id) if row.parent_id else None
        yield EdgeKey("http", _service(parent) if parent else CLIENT, here)
    elif row.peer.startswith("database:"):
        yield EdgeKey("db", here, row.peer)
    elif row.kind == "producer" and row.peer:
        yield EdgeKey("send", here, row.peer)
    elif row.kind == "consumer" and row.peer:
        yield EdgeKey("process", row.peer, here)
    elif row.kind == "client" and row.span_id not in served:
        yield EdgeKey("http", here, row.peer)


def _senders(store: Store, row: SpanRow, entry: KeptTrace) -> Iterator[SpanRow | None]:
    """The spans that sent the record, by its links or its parent; None for one not here."""
    if row.parent_id:
        yield entry.spans.get(row.parent_id)
    for trace_id, span_id in row.links:
        other = store.trace(trace_id)
        yield other.spans.get(span_id) if other is not None else None
