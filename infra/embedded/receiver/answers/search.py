"""Finds traces: by the facts of each, which are worked out once, never by decoding all spans."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from litestar.exceptions import ClientException

from embedded.receiver.answers.edges import has_edge
from embedded.receiver.answers.parameters import (
    From,
    Limit,
    Offset,
    Several,
    To,
    duration_of,
    pair_of,
    sort_of,
    trace_id_of,
)
from embedded.receiver.kept.rows import SpanRow
from embedded.receiver.kept.store import Store
from embedded.receiver.kept.trace import KeptTrace
from embedded.receiver.model import TraceList, TraceSummary

_LINKED = 100

Test = Callable[[KeptTrace], bool]


@dataclass(frozen=True, kw_only=True)
class TraceQuery:
    """The parameters of GET /api/traces; docs/receiver-api.md says what they mean."""

    q: str = ""
    service: str = ""
    name: str = ""
    status: str = ""
    errors: bool = False
    min_duration: str = ""
    max_duration: str = ""
    attribute: Several = None
    edge: str = ""
    begin: From = None
    end: To = None
    sort: str = "time"
    limit: Limit = 100
    offset: Offset = 0


def find_traces(store: Store, query: TraceQuery) -> TraceList:
    """Raises ClientException for a filter that cannot be read."""
    if trace_id := trace_id_of(query.q):
        entry = store.trace(trace_id)
        candidates = [entry] if entry is not None and entry.spans else []
    else:
        candidates = list(store.traces())
    tests = list(_tests(store, query, text="" if trace_id else query.q))
    found = [entry for entry in candidates if all(test(entry) for test in tests)]
    order, largest_first = sort_of(query.sort, "time", "duration")
    found.sort(key=_start if order == "time" else _duration, reverse=largest_first)
    page = found[query.offset : query.offset + query.limit]
    return TraceList(len(found), [summary_of(entry) for entry in page])


def summary_of(entry: KeptTrace) -> TraceSummary:
    facts = entry.facts
    back = (link.from_trace_id for link in entry.linked_from)
    linked = dict.fromkeys((*facts.links, *back))
    linked.pop(entry.trace_id, None)
    return TraceSummary(
        trace_id=entry.trace_id,
        service=facts.root.service,
        name=facts.root.name,
        title=facts.title,
        status=facts.status,
        code=facts.code,
        status_text=facts.status_text,
        start=facts.start,
        duration=facts.duration,
        spans=len(entry.spans),
        logs=len(entry.logs),
        sentry=len(entry.sentry),
        errors=facts.errors,
        services=sorted(facts.services),
        linked=list(linked)[:_LINKED],
        replayed=facts.replayed,
        dead_letter=facts.dead_letter,
        complete=facts.complete,
        dropped=entry.dropped,
        version=entry.version,
    )


def _start(entry: KeptTrace) -> int:
    """When it began; one from the future began when it came, so that it cannot stay on top."""
    return min(entry.facts.start, entry.seen)


def _duration(entry: KeptTrace) -> int:
    return entry.facts.duration


def _tests(store: Store, query: TraceQuery, text: str) -> list[Test]:
    tests: list[Test] = []
    if service := query.service:
        tests.append(lambda entry: service in entry.facts.services)
    if text := text.strip().lower():
        tests.append(lambda entry: text in entry.facts.text)
    if name := query.name.lower():
        tests.append(lambda entry: any(name in row.name.lower() for row in entry.spans.values()))
    if query.errors:
        tests.append(lambda entry: bool(entry.facts.errors or entry.sentry))
    if query.status:
        tests.append(_status_test(query.status.lower()))
    if (least := duration_of(query.min_duration)) is not None:
        tests.append(lambda entry: entry.facts.duration >= least)
    if (most := duration_of(query.max_duration)) is not None:
        tests.append(lambda entry: entry.facts.duration <= most)
    if (begin := query.begin) is not None:
        tests.append(lambda entry: entry.facts.start >= begin)
    if (end := query.end) is not None:
        tests.append(lambda entry: entry.facts.start <= end)
    if edge := query.edge:
        tests.append(lambda entry: has_edge(store, entry, edge))
    tests += [_attribute_test(one) for one in query.attribute or () if one]
    return tests


def _status_test(status: str) -> Test:
    if status in ("error", "ok", "unset"):
        return lambda entry: entry.facts.status == status
    if status.isdigit():
        return lambda entry: entry.facts.code == int(status)
    if len(status) == 3 and status[0].isdigit() and status.endswith("xx"):
        return lambda entry: entry.facts.code // 100 == int(status[0])
    raise ClientException(f"{status!r} is no status: 404, 4xx, error, ok or unset")


def _attribute_test(text: str) -> Test:
    """Looks for the pair in the JSON as it is kept: inside a text, the quotes would be escaped."""
    key, value = pair_of(text)
    name = msgspec.json.encode(key)
    pairs = [name + b":" + msgspec.json.encode(value)]
    with contextlib.suppress(msgspec.DecodeError):
        if not isinstance(msgspec.json.decode(value), str | dict | list):
            pairs += [name + b":" + value.encode() + end for end in (b",", b"}")]

    def has(row: SpanRow) -> bool:
        return any(pair in row.raw or pair in row.resource.raw for pair in pairs)

    return lambda entry: any(map(has, entry.spans.values()))
