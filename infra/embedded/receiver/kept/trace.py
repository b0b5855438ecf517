"""One trace as it is kept: its rows, each once, within the bounds of one trace."""

import time
from typing import Any

from embedded.receiver import limits
from embedded.receiver.kept.facts import Facts, facts_of
from embedded.receiver.kept.rows import LogRow, SentryRow, SpanRow
from embedded.receiver.model import BackLink


class KeptTrace:
    """What is added twice is kept once; what is too much is counted in `dropped`."""

    BACK_LINK = 500
    """Bytes of a link from another trace."""

    def __init__(self, trace_id: str) -> None:
        self.trace_id = trace_id
        self.seen = time.time_ns()
        """When its first piece came."""
        self.spans: dict[str | int, SpanRow] = {}
        self.logs: dict[int, LogRow] = {}
        self.sentry: dict[str | int, SentryRow] = {}
        self.linked_from: dict[BackLink, None] = {}
        self.size = 0
        """Bytes, without what rows share."""
        self.dropped = 0
        self.version = 0
        self._facts: Facts | None = None
        self.edges: tuple[int, Any] | None = None
        """What the map found in it, and the version that it found it in."""

    def add_span(self, row: SpanRow) -> bool | None:
        """True when it is kept now, False when it was already, None when there are too many."""
        key = row.span_id or hash(row.raw)
        return self._add(self.spans, key, row, row.size, limits.SPANS_PER_TRACE)

    def add_log(self, row: LogRow) -> bool | None:
        key = hash((row.raw, row.message))
        return self._add(self.logs, key, row, row.size, limits.LINES_PER_TRACE)

    def add_sentry(self, row: SentryRow) -> bool | None:
        key = row.event_id or hash(row.raw)
        return self._add(self.sentry, key, row, row.size, limits.EVENTS_PER_TRACE)

    def add_back_link(self, link: BackLink) -> bool | None:
        return self._add(self.linked_from, link, None, self.BACK_LINK, limits.LINES_PER_TRACE)

    @property
    def facts(self) -> Facts:
        """Of a trace with spans."""
        if self._facts is None:
            self._facts = facts_of(list(self.spans.values()))
        return self._facts

    def _add(self, kept: dict[Any, Any], key: Any, row: Any, size: int, most: int) -> bool | None:
        if key in kept:
            return False
        if len(kept) >= most:
            self.dropped += 1
            return None
        self._facts = None
        kept[key] = row
        self.size += size
        return True
