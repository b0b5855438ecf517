"""One trace's rows as JSON, in order, with what is odd about its parents marked."""

from collections.abc import Iterable

import msgspec

from embedded.receiver.kept.rows import LogRow, SentryRow, SpanRow
from embedded.receiver.kept.trace import KeptTrace

_encode = msgspec.json.encode


def trace_json(entry: KeptTrace) -> bytes:
    """As `model.Trace`."""
    head = _encode({"trace_id": entry.trace_id, "version": entry.version, "dropped": entry.dropped})
    back = _encode(list(entry.linked_from))
    return b'%b,%b,"linked_from":%b}' % (head[:-1], rows_json(entry), back)


def rows_json(entry: KeptTrace) -> bytes:
    """`"spans":[…],"logs":[…],"sentry":[…]`."""
    marks = odd_parents(entry)
    spans = sorted(entry.spans.values(), key=lambda row: row.start)
    logs = sorted(entry.logs.values(), key=lambda row: row.time)
    events = sorted(entry.sentry.values(), key=lambda row: row.time)
    span_list = b",".join(row.json(marks.get(id(row))) for row in spans)
    return b'"spans":[%b],"logs":%b,"sentry":%b' % (span_list, list_json(logs), list_json(events))


def list_json(rows: Iterable[SpanRow | LogRow | SentryRow]) -> bytes:
    return b"[%b]" % b",".join(row.json() for row in rows)


def odd_parents(entry: KeptTrace) -> dict[int, list[str]]:
    """`orphan` and `cycle`, by the `id()` of the row. One span of each circle is marked `cycle`."""
    marks: dict[int, list[str]] = {}
    safe: set[str] = set()
    for row in entry.spans.values():
        way: dict[str, SpanRow] = {}
        at: SpanRow | None = row
        while at is not None and at.parent_id and at.span_id not in safe:
            if at.span_id in way:
                # The earliest of the circle, whichever span it was met from.
                names = list(way)
                circle = [way[name] for name in names[names.index(at.span_id) :]]
                marks[id(min(circle, key=lambda one: (one.start, one.span_id)))] = ["cycle"]
                break
            way[at.span_id] = at
            at = entry.spans.get(at.parent_id)
        safe.update(way)
        if row.parent_id and row.parent_id not in entry.spans:
            marks[id(row)] = ["orphan"]
    return marks
