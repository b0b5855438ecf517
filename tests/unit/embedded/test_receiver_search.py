"""Traces are found by what their spans say, in the order that is asked for, a page at a time."""

import time

import pytest
from litestar.exceptions import ClientException

from embedded.receiver.answers.lines import LineQuery, find_lines
from embedded.receiver.answers.parameters import duration_of, trace_id_of
from embedded.receiver.answers.search import TraceQuery, find_traces, summary_of


@pytest.fixture
def system(recorder):
    """Three traces: a fast one, a slow one that spans both services, one that failed."""
    code = "http.response.status_code"
    fast = recorder.span("GET /books", "server", attributes={code: 200}, end=1_001_000_000)
    slow = recorder.span("POST /books/add", "server", attributes={code: 201, "count": 7})
    recorder.span(
        "INSERT", "client", parent=slow, service="backend", attributes={"db.user": 'a "b"'}
    )
    failed = recorder.span(
        "PUT",
        "server",
        status="error",
        attributes={code: 405, "http.request.method": "PUT", "url.path": "/books/add"},
        resource={"service.name": "bookapp", "host.name": "earth"},
        end=1_003_500_000,
    )
    recorder.names = {fast.trace_id: "fast", slow.trace_id: "slow", failed.trace_id: "failed"}
    recorder.fast, recorder.slow, recorder.failed = fast, slow, failed
    return recorder


def found(system, **asked):
    answer = find_traces(system.store, TraceQuery(**asked))
    return [system.names[one.trace_id] for one in answer.traces]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, ["failed", "slow", "fast"]),
        ({"sort": "-time"}, ["fast", "slow", "failed"]),
        ({"sort": "duration"}, ["slow", "fast", "failed"]),
        ({"sort": "-duration"}, ["failed", "fast", "slow"]),
        ({"service": "backend"}, ["slow"]),
        ({"service": "back"}, []),
        ({"name": "insert"}, ["slow"]),
        ({"status": "405"}, ["failed"]),
        ({"status": "2xx"}, ["slow", "fast"]),
        ({"status": "error"}, ["failed"]),
        ({"errors": True}, ["failed"]),
        ({"min_duration": "2ms"}, ["slow"]),
        ({"max_duration": "700us"}, ["failed"]),
        ({"attribute": ["count=7"]}, ["slow"]),
        ({"attribute": ["count=70"]}, []),
        ({"attribute": ['db.user=a "b"']}, ["slow"]),
        ({"attribute": ["http.response.status_code=405", "host.name=earth"]}, ["failed"]),
        ({"attribute": ["host.name=mars"]}, []),
        ({"q": "books/ADD"}, ["failed", "slow"]),
        ({"q": "not allowed"}, ["failed"]),
    ],
)
def test_filters(system, asked, expected):
    assert found(system, **asked) == expected


def test_traces_begin_in_a_range_of_time(system):
    assert found(system, begin=system.slow.start) == ["failed", "slow"]
    assert found(system, end=system.slow.start) == ["slow", "fast"]
    assert found(system, begin=system.slow.start, end=system.slow.start) == ["slow"]


def test_a_trace_is_found_by_its_id_and_by_a_whole_traceparent(system):
    trace_id, span_id = system.slow.trace_id, system.slow.span_id
    for text in (
        trace_id,
        trace_id.upper(),
        f"  00-{trace_id}-{span_id}-01\n",
        f"traceparent: 00-{trace_id}-{span_id}-03",
    ):
        assert found(system, q=text) == ["slow"]
    assert found(system, q="f" * 32) == []
    assert trace_id_of("00-nothing") is None


def test_other_filters_hold_beside_an_id(system):
    assert found(system, q=system.slow.trace_id, errors=True) == []


def test_pages_say_how_many_there_are(system):
    answer = find_traces(system.store, TraceQuery(limit=1, offset=1))
    assert (answer.total, [system.names[one.trace_id] for one in answer.traces]) == (3, ["slow"])


@pytest.mark.parametrize(
    "asked",
    [
        {"sort": "size"},
        {"status": "broken"},
        {"min_duration": "soon"},
        {"attribute": ["nothing"]},
        {"attribute": ["=x"]},
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason(system, asked):
    with pytest.raises(ClientException):
        found(system, **asked)


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [("250ms", 250_000_000), ("1.5s", 1_500_000_000), ("300us", 300_000), ("7", 7), ("", None)],
)
def test_durations(text, nanoseconds):
    assert duration_of(text) == nanoseconds


def test_a_request_that_met_no_route_says_what_it_was(system):
    summary = summary_of(system.store.trace(system.failed.trace_id))
    assert (summary.name, summary.title) == ("PUT", "PUT /books/add")
    assert (summary.code, summary.status_text) == (405, "405 Method Not Allowed")


def test_a_failed_span_says_why(recorder):
    said = recorder.span("a", status="error", status_message="it was late")
    typed = recorder.span("b", status="error", attributes={"error.type": "KeyError"})
    below = recorder.span("c")
    recorder.span("d", parent=below, status="error", status_message="below")
    texts = [
        summary_of(recorder.store.trace(one.trace_id)).status_text for one in (said, typed, below)
    ]
    assert texts == ["it was late", "KeyError", "below"]


def test_a_summary_names_the_root_and_counts(recorder):
    root = recorder.made("GET /books", "server")
    child = recorder.span("SELECT", "client", parent=root, status="error", service="backend")
    assert summary_of(recorder.store.trace(root.trace_id)).complete is False
    recorder.store.add_spans([root])
    other = recorder.span("process", "consumer", links=[child, root])
    recorder.sentry(root, "boom")
    summary = summary_of(recorder.store.trace(root.trace_id))
    assert (summary.name, summary.service, summary.complete) == ("GET /books", "bookapp", True)
    assert (summary.spans, summary.errors, summary.sentry) == (2, 1, 1)
    assert summary.services == ["backend", "bookapp"]
    assert summary.duration == 6_000_000
    assert summary.linked == [other.trace_id]
    assert summary_of(recorder.store.trace(other.trace_id)).linked == [root.trace_id]


def test_a_trace_from_the_future_does_not_stay_on_top(recorder):
    future = recorder.span("future", start=2**63 - 2, end=2**63 - 1)
    time.sleep(0.002)
    now = recorder.span("now", start=time.time_ns())
    answer = find_traces(recorder.store, TraceQuery())
    assert [one.trace_id for one in answer.traces] == [now.trace_id, future.trace_id]


def test_ten_thousand_traces_are_listed_at_once(recorder):
    """The list works on what was worked out once for each trace."""
    spans = [
        recorder.made("GET", "server", service=f"service {number % 7}") for number in range(10_000)
    ]
    recorder.store.add_spans(spans)
    find_traces(recorder.store, TraceQuery())  # works out the facts of all
    begun = time.process_time()
    answer = find_traces(recorder.store, TraceQuery(service="service 3", q="get", limit=200))
    assert (answer.total, len(answer.traces)) == (1_429, 200)
    assert time.process_time() - begun < 0.5


def texts(recorder, **asked):
    return [row.message for row in find_lines(recorder.store.logs(), LineQuery(**asked))]


def test_log_lines_are_filtered_and_sorted(recorder):
    span = recorder.span("root")
    recorder.log(span, "first", "DEBUG")
    recorder.log(None, "second: Trouble", "ERROR", service="other")
    recorder.log(span, "third", "WARNING")
    late = recorder.log(span, "earlier, but came late", time=1)
    assert texts(recorder) == ["third", "second: Trouble", "first", late.message]
    assert texts(recorder, sort="-time")[0] == late.message
    assert texts(recorder, service="other") == ["second: Trouble"]
    assert texts(recorder, level="WARNING") == ["third"]
    assert texts(recorder, min_level="warn") == ["third", "second: Trouble"]
    assert texts(recorder, text="TROUBLE") == ["second: Trouble"]
    parent = f"00-{span.trace_id}-{span.span_id}-01"
    assert texts(recorder, trace_id=parent, span_id=span.span_id, text="first") == ["first"]
    assert texts(recorder, end=1) == [late.message]
    with pytest.raises(ClientException):
        texts(recorder, min_level="LOUD")
