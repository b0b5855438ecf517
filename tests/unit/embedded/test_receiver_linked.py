"""Both sides of a link are one answer, the same from each side; so is the terminal's picture."""

import msgspec
import pytest

from embedded.demo.terminal import Terminal
from embedded.receiver.answers.linked import linked_json
from embedded.receiver.answers.map import map_of
from embedded.receiver.answers.search import TraceQuery, find_traces
from embedded.receiver.model import Link, Linked
from embedded.trace.printed import Printed

TOPIC = {"messaging.destination.name": "books"}
MS = 1_000_000


@pytest.fixture
def story(recorder):
    """A request sends two records; each is processed, both are applied in one batch with a third
    record of another request."""
    at = 10_000 * MS

    def span(name, kind, begin, end, **fields):
        return recorder.span(name, kind, start=at + begin * MS, end=at + end * MS, **fields)

    recorder.request = span("POST /books/bulk_add", "server", 0, 10)
    recorder.sends = [
        span("send books", "producer", 11, 12, parent=recorder.request, attributes=TOPIC)
        for _ in range(2)
    ]
    recorder.other = span("POST /books/add", "server", 1, 2)
    other_send = span("send books", "producer", 2, 3, parent=recorder.other, attributes=TOPIC)
    backend = {"service": "backend", "attributes": TOPIC}
    recorder.processed = [
        span("process books", "consumer", 20 + n, 40, links=[send], **backend)
        for n, send in enumerate([*recorder.sends, other_send])
    ]
    recorder.batch = span(
        "process books batch", "internal", 25, 39, links=recorder.processed, **backend
    )
    span(
        "INSERT",
        "client",
        26,
        38,
        parent=recorder.batch,
        service="backend",
        attributes={"db.system.name": "postgresql", "db.namespace": "books"},
    )
    return recorder


def linked(recorder, span, most=50):
    answer = linked_json(recorder.store, recorder.store.trace(span.trace_id), most)
    return msgspec.json.decode(answer, type=Linked, strict=True)


def test_from_the_request_to_the_batch(story):
    answer = linked(story, story.request)
    roles = {trace.trace_id: (trace.role, trace.distance) for trace in answer.traces}
    assert roles == {
        story.request.trace_id: ("request", 0),
        story.processed[0].trace_id: ("process", 1),
        story.processed[1].trace_id: ("process", 1),
        story.batch.trace_id: ("batch", 2),
    }
    assert answer.traces[0].title == "POST /books/bulk_add"
    assert sum(len(trace.spans) for trace in answer.traces) == 7
    assert (answer.start, answer.end) == (story.request.start, story.processed[0].end)
    waits = {
        edge.to_span_id: (edge.wait, edge.wait_start, edge.wait_end, edge.topic)
        for edge in answer.edges
        if edge.kind == "topic"
    }
    for number, process in enumerate(story.processed[:2]):
        sent = story.sends[number].end
        assert waits[process.span_id] == ((8 + number) * MS, sent, process.start, "books")
    assert sorted(edge.kind for edge in answer.edges) == ["batch", "batch", "topic", "topic"]


def test_the_batch_s_other_records_are_counted_and_not_followed(story):
    answer = linked(story, story.request)
    assert (answer.left_out, answer.missing) == (1, [])


def test_the_same_from_the_record(story):
    from_request, from_record = linked(story, story.request), linked(story, story.processed[0])
    assert from_record.edges == from_request.edges
    assert [one.trace_id for one in from_record.traces] == [
        one.trace_id for one in from_request.traces
    ]
    assert (from_record.start, from_record.end) == (from_request.start, from_request.end)


def test_from_the_batch_come_all_its_causes(story):
    found = {trace.trace_id for trace in linked(story, story.batch).traces}
    assert {story.request.trace_id, story.other.trace_id} < found


def test_no_more_traces_than_are_asked_for_the_nearest_first(story):
    answer = linked(story, story.request, most=2)
    assert [trace.trace_id for trace in answer.traces] == [
        story.request.trace_id,
        story.processed[0].trace_id,
    ]
    assert answer.left_out == 2


def test_a_batch_is_found_by_the_attribute_when_its_link_was_dropped(recorder):
    batch = recorder.span("process books batch", attributes=TOPIC)
    to_batch = {"delivery.batch.trace_id": batch.trace_id, "delivery.batch.span_id": batch.span_id}
    process = recorder.span("process books", "consumer", attributes={**TOPIC, **to_batch})
    assert len(linked(recorder, process).traces) == 2


def test_what_is_linked_and_not_kept_is_named(recorder):
    process = recorder.span("process books", "consumer", attributes=TOPIC)
    lost = recorder.made("send books")
    recorder.store.add_spans([recorder.made("process", "consumer", links=[lost])])
    again = recorder.span("again", "producer", links=[process, lost], attributes=TOPIC)
    answer = linked(recorder, again)
    assert answer.missing == [lost.trace_id]


def test_replays_and_dead_letters_say_so(recorder):
    send = recorder.span("send books", "producer", attributes=TOPIC)
    failed = recorder.span(
        "process books",
        "consumer",
        links=[send],
        attributes={**TOPIC, "delivery.outcome": "dead_letter"},
    )
    dead = {"messaging.destination.name": "books.dlq"}
    letter = recorder.span("send books.dlq", "producer", parent=failed, attributes=dead)
    indexed = recorder.span("process books.dlq", "consumer", links=[letter], attributes=dead)
    replayed = {**TOPIC, "delivery.replayed": True}
    again = recorder.span("send books", "producer", links=[send], attributes=replayed)
    done = recorder.span("process books", "consumer", links=[again], attributes=replayed)
    handled = recorder.span("process books", "consumer", links=[send], attributes=replayed)
    answer = linked(recorder, send)
    facts = {trace.trace_id: trace for trace in answer.traces}
    assert facts[failed.trace_id].dead_letter
    assert not facts[send.trace_id].dead_letter
    assert (facts[again.trace_id].role, facts[again.trace_id].replayed) == ("replay", True)
    edges = {edge.to_trace_id: edge for edge in answer.edges}
    assert edges[indexed.trace_id].dead_letter
    assert edges[again.trace_id].kind == edges[handled.trace_id].kind == "replay"
    assert edges[done.trace_id].replayed
    text = "\n".join(Printed(answer, Terminal(colour=False)).lines())
    assert "dead_letter" in text
    assert "replayed" in text


def test_links_that_run_in_a_circle_come_to_an_end(recorder):
    first, second = recorder.made("first"), recorder.made("second")
    first.links = [Link(second.trace_id, second.span_id), Link(first.trace_id, first.span_id)]
    second.links = [Link(first.trace_id, first.span_id)]
    recorder.store.add_spans([first, second])
    answer = linked(recorder, first)
    assert len(answer.traces) == 2
    assert [edge.marks for edge in answer.edges].count(["self"]) == 1
    assert any("back" in edge.marks for edge in answer.edges)
    assert len(list(Printed(answer, Terminal(colour=False)).lines())) >= 4


def test_the_terminal_shows_both_sides_in_order(story):
    story.log(story.request, "added <b>")
    story.log(story.processed[0], "catalogued")
    story.sentry(story.processed[1], "boom")
    for span in (story.request, story.processed[1]):
        lines = Printed(linked(story, span), Terminal(colour=False)).lines()
        text = "\n".join(lines)
        assert "\x1b" not in text
        parts = ["POST /books/bulk_add", "added <b>", "send books", "waited 8.0 ms in books"]
        parts += ["process books", "catalogued", "applied in a batch", "INSERT", "1 more linked"]
        positions = [text.index(part) for part in parts]
        assert positions == sorted(positions)
        assert text.count("INSERT") == 1
        assert "boom" in text


def test_what_services_say_cannot_command_the_terminal(recorder):
    span = recorder.span("evil \x1b[2J name", service="a\x1b[1m", status="error")
    recorder.log(span, "two\nlines \x1b]0;title\x07", level="\x1b[1m")
    recorder.sentry(span, "\x1b[2J")
    lines = list(Printed(linked(recorder, span), Terminal(colour=False)).lines())
    assert len(lines) == 4
    assert all(line.isprintable() for line in lines)


def test_a_chain_as_long_as_a_trace_is_printed(recorder):
    chain = [recorder.made("link")]
    while len(chain) < 3_000:
        chain.append(recorder.made("link", parent=chain[-1]))
    recorder.store.add_spans(chain)
    assert len(list(Printed(linked(recorder, chain[0]), Terminal(colour=False)).lines())) == 3_001


def edges(recorder, window=0):
    return {edge.id: edge for edge in map_of(recorder.store, window).edges}


def test_the_map_has_calls_and_the_way_across_the_topic(story):
    found = edges(story)
    assert {name: edge.calls for name, edge in found.items()} == {
        "external:client>service:bookapp:http": 2,
        "service:bookapp>topic:books:send": 3,
        "topic:books>service:backend:process": 3,
        "service:bookapp>service:backend:link:books": 3,
        "service:backend>database:postgresql/books:db": 1,
    }
    link = found["service:bookapp>service:backend:link:books"]
    assert (link.begin, link.end, link.topic) == ("service:bookapp", "service:backend", "books")
    assert (link.p50, link.p95) == (9 * MS, 19 * MS)
    nodes = {node.id: node for node in map_of(story.store, 0).nodes}
    assert nodes["service:backend"].requests == 3
    assert nodes["topic:books"].kind == "topic"


def test_an_edge_leads_to_its_traces(story):
    edge = "service:bookapp>service:backend:link:books"
    answer = find_traces(story.store, TraceQuery(edge=edge))
    assert {one.trace_id for one in answer.traces} == {one.trace_id for one in story.processed}


def test_a_link_is_on_the_map_once_its_sender_has_come(recorder):
    send = recorder.made("send books", "producer", attributes=TOPIC)
    recorder.span("process books", "consumer", links=[send], service="b", attributes=TOPIC)
    name = "service:bookapp>service:b:link:books"
    assert name not in edges(recorder)
    recorder.store.add_spans([send])
    assert name in edges(recorder)


def test_a_call_between_services_is_one_edge_with_its_errors(recorder):
    root = recorder.span("GET /books", "server")
    for status in ("unset", "error"):
        call = recorder.span(
            "GET /books", "client", parent=root, attributes={"server.address": "x"}
        )
        recorder.span("GET /books", "server", parent=call, service="backend", status=status)
    recorder.span("GET", "client", parent=root, attributes={"server.address": "elsewhere"})
    found = edges(recorder)
    assert found["service:bookapp>service:backend:http"].error_share == 0.5
    assert found["service:bookapp>external:elsewhere:http"].calls == 1
    assert "service:bookapp>external:x:http" not in found


def test_only_what_began_in_the_window_is_on_the_map(story):
    assert edges(story, window=60) == {}
