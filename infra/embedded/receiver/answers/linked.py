"""Both sides of the links: what caused a trace, and what that led to, on one time axis.

The same story from whichever trace of it is asked for: first up, along the links of the spans, to
all causes; then down from each of them, along the links that lead to their spans.
"""

from collections.abc import Iterator

import msgspec

from embedded.receiver.answers.one_trace import rows_json
from embedded.receiver.kept.rows import SpanRow
from embedded.receiver.kept.store import Store
from embedded.receiver.kept.trace import KeptTrace
from embedded.receiver.model import Edge

DEAD_LETTERS = ".dlq"
"""How the names of dead-letter topics end."""

SPANS = 20_000
"""Of all traces of one answer."""


class _Walk:
    """Traces in the order in which they were found, each with its distance, up to a number."""

    def __init__(self, store: Store, most: int) -> None:
        self._store = store
        self._most = most
        self._spans = 0
        self.found: dict[str, int] = {}
        self.missing: dict[str, None] = {}
        self.left_out: set[str] = set()

    def visit(self, trace_id: str, distance: int) -> KeptTrace | None:
        """The trace if it is new, kept and within the number."""
        if trace_id in self.found:
            return None
        entry = self._store.trace(trace_id)
        if entry is None or not entry.spans:
            self.missing[trace_id] = None
            return None
        self._spans += len(entry.spans)
        if len(self.found) >= self._most or (self.found and self._spans > SPANS):
            self.left_out.add(trace_id)
            return None
        self.found[trace_id] = distance
        return entry


def linked_json(store: Store, entry: KeptTrace, most: int) -> bytes:
    """As `model.Linked`; `entry` has spans. At most `most` traces, the nearest first."""
    walk = _Walk(store, most)
    walk.visit(entry.trace_id, 0)
    up = [entry]
    for here in up:  # it grows while it is walked, so that the nearest come first
        distance = walk.found[here.trace_id] + 1
        up += filter(None, (walk.visit(one, distance) for one in _causes(here)))
    down = list(up)
    for here in down:
        distance = walk.found[here.trace_id] + 1
        down += filter(None, (walk.visit(one, distance) for one in _effects(here)))
    entries = sorted(down, key=lambda one: one.facts.start)
    # A batch's other records: their traces are known, and not followed.
    others = {cause for one in entries for cause in _causes(one)} - walk.found.keys()
    kept = {one for one in walk.left_out | others if _kept(store, one)}
    head = msgspec.json.encode(
        {
            "trace_id": entry.trace_id,
            "start": min(one.facts.start for one in entries),
            "end": max(one.facts.end for one in entries),
            "edges": [edge for one in entries for edge in _edges(store, one, walk.found)],
            "missing": sorted((walk.missing.keys() | others) - kept),
            "left_out": len(kept),
        }
    )
    traces = b",".join(_trace_json(one, walk.found[one.trace_id]) for one in entries)
    return b'%b,"traces":[%b]}' % (head[:-1], traces)


def _kept(store: Store, trace_id: str) -> bool:
    entry = store.trace(trace_id)
    return entry is not None and bool(entry.spans)


def _causes(entry: KeptTrace) -> Iterator[str]:
    yield from entry.facts.links


def _effects(entry: KeptTrace) -> Iterator[str]:
    """The traces that link to it, and the batches that applied its records."""
    for link in entry.linked_from:
        yield link.from_trace_id
    for row in entry.spans.values():
        if row.batch[0]:
            yield row.batch[0]


def _trace_json(entry: KeptTrace, distance: int) -> bytes:
    facts = entry.facts
    head = msgspec.json.encode(
        {
            "trace_id": entry.trace_id,
            "role": _role(entry),
            "distance": distance,
            "service": facts.root.service,
            "title": facts.title,
            "start": facts.start,
            "end": facts.end,
            "replayed": facts.replayed,
            "dead_letter": facts.dead_letter,
        }
    )
    return b"%b,%b}" % (head[:-1], rows_json(entry))


def _role(entry: KeptTrace) -> str:
    root = entry.facts.root
    if root.replayed and root.kind != "consumer":
        return "replay"
    if root.kind == "consumer":
        return "process"
    if root.links and root.topic and root.kind == "internal":
        return "batch"
    return "other" if root.links else "request"


def _edges(store: Store, entry: KeptTrace, found: dict[str, int]) -> Iterator[Edge]:
    """Of the links of its spans, each from the cause to the effect."""
    for row in entry.spans.values():
        for trace_id, span_id in row.links:
            if trace_id in found:
                other = store.trace(trace_id)
                cause = other.spans.get(span_id) if other is not None else None
                yield _edge(row, trace_id, span_id, cause)


def _edge(row: SpanRow, trace_id: str, span_id: str, cause: SpanRow | None) -> Edge:
    itself = (trace_id, span_id) == (row.trace_id, row.span_id)
    kind = _kind(row, cause)
    begin = cause.end if cause is not None else row.start
    marks = ["self"] if itself else []
    if cause is not None and not itself and row.start < cause.end and kind != "batch":
        marks.append("back")
    waited = kind == "topic"
    return Edge(
        kind=kind,
        topic=row.topic or (cause.topic if cause is not None else ""),
        from_trace_id=trace_id,
        from_span_id=span_id,
        to_trace_id=row.trace_id,
        to_span_id=row.span_id,
        wait_start=begin if waited else row.start,
        wait_end=row.start,
        wait=max(row.start - begin, 0) if waited else 0,
        replayed=row.replayed or (cause is not None and cause.replayed),
        dead_letter=row.topic.endswith(DEAD_LETTERS),
        marks=marks,
    )


def _kind(row: SpanRow, cause: SpanRow | None) -> str:
    if cause is None:
        return "link"
    if row.kind == "consumer" and cause.kind == "producer" and not row.replayed:
        return "topic"
    if cause.kind == "consumer" and row.kind == "internal" and row.topic:
        return "batch"
    return "replay" if row.replayed else "link"
