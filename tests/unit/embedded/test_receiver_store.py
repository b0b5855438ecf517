"""The receiver's memory: bounded, whatever comes in whichever order."""

import gc
import tracemalloc

import msgspec

from embedded.receiver import limits
from embedded.receiver.answers.search import summary_of
from embedded.receiver.answers.status import status_of
from embedded.receiver.kept.rows import NO_TRACE
from embedded.receiver.kept.store import Store
from embedded.receiver.model import Span


def test_what_is_kept_is_what_came(recorder):
    send = recorder.span("send x", "producer", attributes={"a": [1, {"b": 'quote " and \\ ünï'}]})
    process = recorder.span("process x", "consumer", links=[send])
    log = recorder.log(process, 'a "line"\nof two', attributes={"n": None})
    event = recorder.sentry(process, "boom")
    trace = recorder.trace(process.trace_id)
    assert (trace.spans, trace.logs, trace.sentry) == ([process], [log], [event])
    assert recorder.trace(send.trace_id).spans == [send]


def test_the_oldest_traces_are_dropped_and_counted(recorder):
    recorder.store = Store(traces=3)
    spans = [recorder.span(f"request {number}") for number in range(5)]
    kept = [entry.trace_id for entry in recorder.store.traces()]
    assert kept == [span.trace_id for span in spans[2:]]
    assert recorder.store.trace(spans[0].trace_id) is None
    assert status_of(recorder.store).dropped.traces == 2


def test_bytes_are_bounded_and_the_oldest_goes_first(recorder):
    recorder.store = Store(kept_bytes=4 * limits.MIB)
    spans = []
    for number in range(400):
        span = recorder.span(f"request {number}", attributes={"large": "x" * 20_000})
        recorder.log(span, "y" * 5_000)
        recorder.log(None, "z" * 5_000)
        spans.append(span)
    status = status_of(recorder.store)
    assert status.bytes <= 4 * limits.MIB
    assert status.dropped.traces + status.traces == 400
    assert status.dropped.logs + status.logs == 800
    kept = {entry.trace_id for entry in recorder.store.traces()}
    assert kept == {span.trace_id for span in spans[-status.traces :]}
    assert 50 < status.traces < 200


def test_a_single_trace_cannot_take_more_than_all(recorder):
    recorder.store = Store(kept_bytes=2 * limits.MIB)
    root = recorder.span("root")
    for _ in range(100):
        recorder.span("child", parent=root, attributes={"large": "x" * 100_000})
    assert recorder.store.bytes <= 2 * limits.MIB


def test_when_all_has_gone_nothing_is_counted_any_more(recorder):
    recorder.store = Store(traces=1)
    other = recorder.span("send", resource={"service.name": "a", "only": "here"})
    for _ in range(3):
        last = recorder.span("process", links=[other])
        recorder.log(last, "line")
        recorder.sentry(last, "event")
    recorder.span("the only one that stays")
    alone = Store()
    alone.add_spans([recorder.made("the only one that stays")])
    assert recorder.store.bytes == alone.bytes
    assert len(recorder.store.logs()) == len(recorder.store.sentry()) == 0


def test_what_is_counted_is_what_python_takes(recorder):
    """Spans like those of our services: within a third, and never much too little."""
    attributes = {
        "http.request.method": "POST",
        "http.route": "/books/add",
        "url.path": "/books/add",
        "http.response.status_code": 201,
        "server.address": "127.0.0.1",
        "client.address": "127.0.0.1",
    }
    resource = {"service.name": "bookapp", "service.instance.id": "i", "telemetry.sdk.name": "o"}
    recorder.store = Store()
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(500):
        root = recorder.span("POST /books/add", "server", attributes=attributes, resource=resource)
        for _ in range(5):
            recorder.span("INSERT", "client", parent=root, attributes=attributes, resource=resource)
        recorder.log(root, "a line of a usual length, with a number and a name in it")
    for entry in recorder.store.traces():
        summary_of(entry)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.9 < recorder.store.bytes / (after - before) < 1.5


def test_a_trace_cannot_grow_without_bound(recorder, monkeypatch):
    monkeypatch.setattr(limits, "SPANS_PER_TRACE", 3)
    monkeypatch.setattr(limits, "LINES_PER_TRACE", 2)
    root = recorder.span("root")
    for number in range(5):
        recorder.span("child", parent=root)
        recorder.log(root, f"line {number}")
    trace = recorder.trace(root.trace_id)
    assert (len(trace.spans), len(trace.logs), trace.dropped) == (3, 2, 6)


def test_links_of_one_target_cannot_grow_without_bound(recorder, monkeypatch):
    monkeypatch.setattr(limits, "LINES_PER_TRACE", 3)
    target = recorder.span("send")
    for _ in range(5):
        recorder.span("process", links=[target])
    assert len(recorder.trace(target.trace_id).linked_from) == 3


def test_what_comes_twice_is_kept_once(recorder):
    send = recorder.span("send")
    span = recorder.span("process", links=[send])
    log, event = recorder.log(span, "line"), recorder.sentry(span, "boom")
    bytes_before = recorder.store.bytes
    recorder.store.add_spans([span])
    recorder.store.add_logs([log])
    recorder.store.add_sentry([event])
    trace = recorder.trace(span.trace_id)
    assert (len(trace.spans), len(trace.logs), len(trace.sentry)) == (1, 1, 1)
    assert len(recorder.trace(send.trace_id).linked_from) == 1
    assert len(recorder.store.logs()) == 1
    assert recorder.store.bytes == bytes_before


def test_a_trace_of_24_levels_of_two_that_comes_twice_is_small(recorder):
    parents, spans = [recorder.made("root")], []
    for _ in range(23):
        parents = [recorder.made("child", parent=parents[0]) for _ in range(2)]
        spans += parents
    for _ in range(2):
        recorder.store.add_spans(spans)
    assert len(recorder.trace(spans[0].trace_id).spans) == 46


def test_spans_without_ids_are_kept_and_marked(recorder):
    nameless = recorder.span("no id", span_id="")
    recorder.span("another", span_id="", parent=nameless)
    recorder.span("no trace", trace_id="")
    trace = recorder.trace(nameless.trace_id)
    assert [span.marks for span in trace.spans] == [["no_id"], ["no_id"]]
    assert [span.name for span in recorder.trace(NO_TRACE).spans] == ["no trace"]


def marks(recorder, *spans):
    recorder.store.add_spans(spans)
    return {span.name: span.marks for span in recorder.trace(spans[0].trace_id).spans}


def test_circles_of_parents_are_opened_at_one_span(recorder):
    first, inner, last = (recorder.made(name) for name in ("first", "inner", "last"))
    for span, parent in ((first, last), (inner, first), (last, inner)):
        span.trace_id, span.parent_id = first.trace_id, parent.span_id
    hanging = recorder.made("hanging", parent=last)
    alone = recorder.made("alone", parent=first)
    alone.parent_id = alone.span_id
    for order in ((first, inner, last, hanging, alone), (hanging, last, inner, first, alone)):
        recorder.store.clear()
        found = marks(recorder, *order)
        assert found == {
            "first": ["cycle"],
            "inner": [],
            "last": [],
            "hanging": [],
            "alone": ["cycle"],
        }


def test_a_chain_of_parents_may_be_as_long_as_a_trace(recorder):
    span, chain = None, []
    for _ in range(limits.SPANS_PER_TRACE):
        span = recorder.made("link", parent=span)
        chain.append(span)
    assert not any(marks(recorder, *reversed(chain)).values())


def test_what_is_odd_is_marked(recorder):
    root = recorder.made("root")
    orphan = recorder.made("orphan", parent=root)
    orphan.parent_id = "f" * 16
    itself = recorder.made("itself", parent=root, links=[root])
    itself.links = [type(itself.links[0])(root.trace_id, itself.span_id)]
    backwards = recorder.made("backwards", parent=root, end=1)
    assert marks(recorder, root, orphan, itself, backwards) == {
        "root": [],
        "orphan": ["orphan"],
        "itself": ["self_link"],
        "backwards": ["bad_time"],
    }


def test_a_link_is_known_at_its_target_even_when_it_came_first(recorder):
    send = recorder.made("send x")
    process = recorder.span("process x", links=[send])
    assert [entry.trace_id for entry in recorder.store.traces()] == [process.trace_id]
    recorder.store.add_spans([send])
    (link,) = recorder.trace(send.trace_id).linked_from
    assert (link.span_id, link.from_span_id) == (send.span_id, process.span_id)


def test_log_lines_that_come_before_their_span_make_no_trace_yet(recorder):
    span = recorder.made("root")
    recorder.log(span, "early")
    assert list(recorder.store.traces()) == []
    recorder.store.add_spans([span])
    assert [log.message for log in recorder.trace(span.trace_id).logs] == ["early"]


def test_changes_are_told_and_versions_grow(recorder):
    told = []
    recorder.store.changed = lambda: told.append(dict(recorder.store.versions))
    root = recorder.span("root")
    version = recorder.store.trace(root.trace_id).version
    recorder.log(root, "line")
    assert recorder.store.trace(root.trace_id).version > version
    assert [one["traces"] for one in told] == sorted(one["traces"] for one in told)
    assert told[-1]["logs"] > told[0]["logs"]
    before = dict(recorder.store.versions)
    recorder.store.clear()
    assert all(after > before[kind] for kind, after in recorder.store.versions.items())


def test_a_span_in_the_answer_is_a_span(recorder):
    root = recorder.span("root")
    (row,) = recorder.store.trace(root.trace_id).spans.values()
    assert msgspec.json.decode(row.json(), type=Span) == root
