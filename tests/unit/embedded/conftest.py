"""Spans, logs and a store to tell stories with."""

import itertools

import pytest

from embedded.receiver.model import Link, Log, SentryEvent, Span
from embedded.receiver.store import Store


class Recorder:
    """Writes spans into a store as a service would send them; times in milliseconds."""

    def __init__(self):
        self.store = Store()
        self._ids = itertools.count(1)
        self._clock = itertools.count(1_000_000_000, 1_000_000)

    def span(self, name, kind="internal", *, parent=None, links=(), service="bookapp", **fields):
        number = next(self._ids)
        start = next(self._clock)
        values = {
            "attributes": {},
            "status": "unset",
            "status_message": "",
            "trace_state": "",
            "flags": 1,
            "scope": "test",
            "resource": {"service.name": service},
            "events": [],
            "start": start,
            "end": start + 5_000_000,
            **fields,
        }
        span = Span(
            service=service,
            name=name,
            kind=kind,
            trace_id=parent.trace_id if parent else format(number, "032x"),
            span_id=format(number, "016x"),
            parent_id=parent.span_id if parent else "",
            links=[Link(one.trace_id, one.span_id) for one in links],
            **values,
        )
        self.store.add_spans([span])
        return span

    def log(self, span, message, level="INFO"):
        log = Log(
            service=span.service if span else "",
            level=level,
            message=message,
            trace_id=span.trace_id if span else "",
            span_id=span.span_id if span else "",
            time=next(self._clock),
            attributes={},
            scope="test",
            resource={},
        )
        self.store.add_logs([log])
        return log

    def sentry(self, span, message):
        event = SentryEvent(
            event_id="e" * 32,
            service=span.service,
            level="error",
            message=message,
            trace_id=span.trace_id,
            span_id=span.span_id,
            time=next(self._clock),
            tags={"otel.trace_id": span.trace_id, "otel.span_id": span.span_id},
            environment="",
            release="",
            payload={},
        )
        self.store.add_sentry([event])
        return event


@pytest.fixture
def recorder():
    return Recorder()
