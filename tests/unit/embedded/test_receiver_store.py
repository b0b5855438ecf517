"""The receiver's memory: bounded, whatever comes in whichever order."""

from embedded.receiver import store as store_module
from embedded.receiver.model import Exemplar, Point
from embedded.receiver.store import Store, summary_of


def test_the_oldest_traces_are_dropped(recorder):
    recorder.store = Store(traces=3)
    spans = [recorder.span(f"request {number}") for number in range(5)]
    assert [trace.trace_id for trace in recorder.store.traces()] == [
        span.trace_id for span in reversed(spans[2:])
    ]
    assert recorder.store.trace(spans[0].trace_id) is None


def test_a_trace_cannot_grow_without_bound(recorder, monkeypatch):
    monkeypatch.setattr(store_module, "SPANS_PER_TRACE", 3)
    monkeypatch.setattr(store_module, "LOGS_PER_TRACE", 2)
    root = recorder.span("root")
    for _ in range(5):
        recorder.span("child", parent=root)
        recorder.log(root, "line")
    trace = recorder.store.trace(root.trace_id)
    assert (len(trace.spans), len(trace.logs)) == (3, 2)


def test_links_of_one_target_cannot_grow_without_bound(recorder, monkeypatch):
    monkeypatch.setattr(store_module, "SPANS_PER_TRACE", 3)
    target = recorder.span("send")
    for _ in range(5):
        recorder.span("process", links=[target])
    assert len(recorder.store.trace(target.trace_id).linked_from) == 3


def test_a_link_is_known_at_its_target_even_when_it_came_first(recorder):
    send = recorder.span("send x")
    later = Store()
    process = recorder.span("process x", links=[send])
    later.add_spans([process])
    assert list(later.traces()) == [later.trace(process.trace_id)]
    later.add_spans([send])
    (link,) = later.trace(send.trace_id).linked_from
    assert (link.span_id, link.from_span_id) == (send.span_id, process.span_id)


def test_log_lines_that_come_before_their_span_make_no_trace_yet(recorder):
    span = recorder.span("root")
    early = Store()
    early.add_logs([recorder.log(span, "early")])
    assert list(early.traces()) == []
    early.add_spans([span])
    assert [log.message for log in next(early.traces()).logs] == ["early"]


def test_a_summary_names_the_root_and_counts(recorder):
    root = recorder.span("GET /books", "server")
    recorder.span("SELECT", "client", parent=root, status="error", service="backend")
    recorder.sentry(root, "boom")
    summary = summary_of(recorder.store.trace(root.trace_id))
    assert (summary.name, summary.service) == ("GET /books", "bookapp")
    assert (summary.spans, summary.errors, summary.sentry) == (2, 1, 1)
    assert summary.services == ["backend", "bookapp"]
    assert summary.duration == 6_000_000


def point(number, **fields):
    values = {
        "service": "s",
        "name": "m",
        "kind": "sum",
        "unit": "1",
        "description": "",
        "attributes": {},
        "value": float(number),
        "count": 1,
        "time": number,
        "bounds": [],
        "buckets": [],
        "exemplars": [Exemplar(1.0, number, "t", "s", {})],
        "scope": "",
        "resource": {},
    }
    return Point(**{**values, **fields})


def test_a_series_keeps_its_latest_point_and_its_last_exemplars():
    store = Store()
    store.add_points(point(number) for number in range(100))
    (kept,) = store.points(lambda _: True)
    assert kept.value == 99.0
    assert [exemplar.time for exemplar in kept.exemplars] == list(range(80, 100))


def test_two_processes_of_one_service_are_two_series():
    store = Store()
    store.add_points([point(1, resource={"service.instance.id": one}) for one in "ab"])
    assert len(store.points(lambda _: True)) == 2


def test_series_cannot_grow_without_bound(monkeypatch):
    monkeypatch.setattr(store_module, "SERIES", 10)
    store = Store()
    store.add_points(point(number, attributes={"n": number}) for number in range(50))
    assert len(store.points(lambda _: True)) == 10
