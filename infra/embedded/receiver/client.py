"""The questions that tests, the tour and the terminal ask a receiver."""

from typing import Any, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from embedded.closing import Closing
from embedded.receiver.model import (
    Linked,
    Log,
    Point,
    SentryEvent,
    Span,
    Trace,
    TraceList,
    TraceSummary,
)

T = TypeVar("T")


class ReceiverClient(Closing):
    """Asks a running receiver, of whichever process. Raises httpx.HTTPError."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, timeout=10, trust_env=False)

    def spans(self, **fields: str) -> list[Span]:
        """Spans whose `service`, `name`, `kind` and `trace_id` equal what is given."""
        return self._ask("/api/spans", list[Span], fields)

    def logs(self, **fields: str) -> list[Log]:
        """Log records by `service`, `level`, `trace_id`, `span_id`, in the order of time."""
        return self._ask_all("/api/logs", "logs", list[Log], fields)

    def metrics(self, **fields: str) -> list[Point]:
        """The latest point of each series, by `service` and `name`."""
        return self._ask("/api/metrics/points", list[Point], fields)

    def sentry_events(self) -> list[SentryEvent]:
        """Every Sentry event kept, in the order of time."""
        return self._ask_all("/api/sentry", "events", list[SentryEvent], {})

    def traces(self, **fields: str) -> list[TraceSummary]:
        """The latest begun first, by what docs/receiver-api.md has for GET /api/traces."""
        return self._ask("/api/traces", TraceList, fields).traces

    def trace(self, trace_id: str) -> Trace | None:
        """Everything of one trace, None when nothing of it has come."""
        response = self._http.get(f"/api/traces/{trace_id}")
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        return msgspec.json.decode(response.raise_for_status().content, type=Trace)

    def linked(self, trace_id: str) -> Linked | None:
        """The trace with what caused it and what it led to; None when no span of it has come."""
        response = self._http.get(f"/api/traces/{quote(trace_id, safe='')}/linked")
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        return msgspec.json.decode(response.raise_for_status().content, type=Linked)

    def linked_from(self, span: Span) -> list[Span]:
        """The spans that link to this one."""
        trace = self.trace(span.trace_id)
        links = [] if trace is None else trace.linked_from
        found = []
        for link in links:
            if link.span_id == span.span_id:
                candidates = self.spans(trace_id=link.from_trace_id)
                found += [one for one in candidates if one.span_id == link.from_span_id]
        return found

    def clear(self) -> None:
        """Forget all that was received."""
        self._http.delete("/api/everything").raise_for_status()

    def close(self) -> None:
        self._http.close()

    def _ask_all(
        self, path: str, name: str, kind: type[list[T]], fields: dict[str, str]
    ) -> list[T]:
        """Every page of it, the oldest first."""
        found: list[T] = []
        while True:
            asked = {**fields, "sort": "-time", "limit": "2000", "offset": str(len(found))}
            answer = self._ask(path, dict[str, msgspec.Raw], asked)
            page = msgspec.json.decode(answer[name], type=kind)
            found += page
            if not page or len(found) >= msgspec.json.decode(answer["total"], type=int):
                return found

    def _ask(self, path: str, kind: type[T], fields: dict[str, Any]) -> T:
        response = self._http.get(path, params=fields).raise_for_status()
        return msgspec.json.decode(response.content, type=kind)
