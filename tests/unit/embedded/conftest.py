"""Spans, logs and a store to tell stories with."""

import itertools

import msgspec
import pytest

from embedded.receiver.answers.one_trace import trace_json
from embedded.receiver.kept.store import Store
from embedded.receiver.model import Link, Log, SentryEvent, Span, Trace


class Recorder:
    """Writes spans into a store as a service would send them; times in milliseconds."""

    def __init__(self):
        self.store = Store()
        self._ids = itertools.count(1)
        self._clock = itertools.count(1_000_000_000, 1_000_000)

    def span(self, name, kind="internal", *, parent=None, links=(), service="bookapp", **fields):
        span = self.made(name, kind, parent=parent, links=links, service=service, **fields)
        self.store.add_spans([span])
        return span

    def made(self, name, kind="internal", *, parent=None, links=(), service="bookapp", **fields):
        """A span that is not in the store yet."""
        number = next(self._ids)
        start = fields.get("start", next(self._clock))
        values = {
            "service": service,
            "name": name,
            "kind": kind,
            "trace_id": parent.trace_id if parent else format(number, "032x"),
            "span_id": format(number, "016x"),
            "parent_id": parent.span_id if parent else "",
            "links": [Link(one.trace_id, one.span_id) for one in links],
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
        }
        return Span(**{**values, **fields})

    def trace(self, trace_id):
        """All of a trace, as it is answered; None when it is not kept."""
        entry = self.store.trace(trace_id)
        return None if entry is None else msgspec.json.decode(trace_json(entry), type=Trace)

    def all_spans(self):
        return [span for entry in self.store.traces() for span in self.trace(entry.trace_id).spans]

    def log(self, span, message, level="INFO", **fields):
        values = {
            "service": span.service if span else "",
            "level": level,
            "message": message,
            "trace_id": span.trace_id if span else "",
            "span_id": span.span_id if span else "",
            "time": next(self._clock),
            "attributes": {},
            "scope": "test",
            "resource": {},
        }
        log = Log(**{**values, **fields})
        self.store.add_logs([log])
        return log

    def sentry(self, span, message, **fields):
        values = {
            "event_id": format(next(self._ids), "032x"),
            "service": span.service,
            "level": "error",
            "message": message,
            "trace_id": span.trace_id,
            "span_id": span.span_id,
            "time": next(self._clock),
            "tags": {"otel.trace_id": span.trace_id, "otel.span_id": span.span_id},
            "environment": "",
            "release": "",
            "payload": {},
        }
        event = SentryEvent(**{**values, **fields})
        self.store.add_sentry([event])
        return event


@pytest.fixture
def recorder():
    return Recorder()
