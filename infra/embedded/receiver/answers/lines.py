"""Log lines and Sentry events: filtered, newest first, a page at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from litestar.exceptions import ClientException

from embedded.receiver.answers.one_trace import list_json
from embedded.receiver.answers.parameters import From, Limit, Offset, To, sort_of, trace_id_of
from embedded.receiver.kept.rows import LogRow, SentryRow

_LEVELS = {
    **dict.fromkeys(("TRACE",), 0),
    **dict.fromkeys(("DEBUG",), 1),
    **dict.fromkeys(("INFO", "INFORMATION", "NOTICE"), 2),
    **dict.fromkeys(("WARN", "WARNING"), 3),
    **dict.fromkeys(("ERROR",), 4),
    **dict.fromkeys(("FATAL", "CRITICAL"), 5),
}

R = TypeVar("R", LogRow, SentryRow)


@dataclass(frozen=True, kw_only=True)
class LineQuery:
    """The parameters of GET /api/logs and /api/sentry."""

    service: str = ""
    level: str = ""
    min_level: str = ""
    trace_id: str = ""
    span_id: str = ""
    text: str = ""
    begin: From = None
    end: To = None
    sort: str = "time"
    limit: Limit = 100
    offset: Offset = 0


def find_lines(rows: Sequence[R], query: LineQuery) -> list[R]:
    """All that fit, in the order that is asked for."""
    tests = list(_tests(query))
    found = [row for row in rows if all(test(row) for test in tests)]
    _, newest_first = sort_of(query.sort, "time")
    found.sort(key=lambda row: row.time, reverse=newest_first)
    return found


def logs_json(rows: Sequence[LogRow], query: LineQuery) -> bytes:
    found = find_lines(rows, query)
    head = msgspec.json.encode(
        {
            "total": len(found),
            "levels": sorted({row.level for row in rows}),
            "services": sorted({row.service for row in rows}),
        }
    )
    return b'%b,"logs":%b}' % (head[:-1], list_json(_page(found, query)))


def sentry_json(rows: Sequence[SentryRow], query: LineQuery) -> bytes:
    found = find_lines(rows, query)
    return b'{"total":%d,"events":%b}' % (len(found), list_json(_page(found, query)))


def _page(found: Sequence[R], query: LineQuery) -> Sequence[R]:
    return found[query.offset : query.offset + query.limit]


def _tests(query: LineQuery) -> list[Callable[[LogRow | SentryRow], bool]]:
    tests: list[Callable[[LogRow | SentryRow], bool]] = []
    if service := query.service:
        tests.append(lambda row: row.service == service)
    if level := query.level:
        tests.append(lambda row: row.level == level)
    if query.min_level:
        least = _LEVELS.get(query.min_level.upper())
        if least is None:
            raise ClientException(
                f"{query.min_level!r} is no level: DEBUG, INFO, WARN, ERROR, FATAL"
            )
        tests.append(lambda row: _LEVELS.get(row.level.upper(), 2) >= least)
    if query.trace_id:
        trace_id = trace_id_of(query.trace_id) or query.trace_id
        tests.append(lambda row: row.trace_id == trace_id)
    if span_id := query.span_id:
        tests.append(lambda row: row.span_id == span_id)
    if text := query.text.lower():
        tests.append(lambda row: text in row.message.lower())
    if (begin := query.begin) is not None:
        tests.append(lambda row: row.time >= begin)
    if (end := query.end) is not None:
        tests.append(lambda row: row.time <= end)
    return tests
