"""The demo says that it was seen only when it was seen."""

import json

import pytest

from embedded.demo import promises, report
from embedded.demo.story import Library
from embedded.demo.tour import Step

INSERT = {"db.query.text": "INSERT INTO books VALUES ($1)"}


class System:
    """A system that does what it should; a test leaves one thing out."""

    def __init__(self, recorder, without=()):
        self.steps = []
        self.recorder = recorder
        self.without = without
        self.add(1, "POST /books/add", "add a book")
        self.add(3, "POST /books/bulk_add", "add a few in bulk")
        self.list_books()
        self.ask_for_nobody()
        self.fail()

    def step(self, name, status, span):
        self.steps.append(Step(name, status, span.trace_id))

    def add(self, books, route, name):
        record = self.recorder.span
        server = record(route, "server")
        if "insert" not in self.without:
            record("INSERT books", "client", parent=server, attributes=INSERT)
        if "log" not in self.without:
            self.recorder.log(server, "added <b>")
        sent = [record("send book_ingestion", "producer", parent=server) for _ in range(books)]
        for send in sent:
            links = [] if "link" in self.without else [send]
            parent = send if "root" in self.without else None
            process = record(
                "process book_ingestion", "consumer", links=links, parent=parent, service="backend"
            )
            self.recorder.log(process, "catalogued")
            if "batch" in self.without:
                batch = record("process book_ingestion batch", links=[process], service="backend")
                record("INSERT", "client", parent=batch, attributes=INSERT, service="backend")
            elif "effect" not in self.without:
                record("INSERT", "client", parent=process, attributes=INSERT, service="backend")
        self.step(name, 201, server)

    def list_books(self):
        record = self.recorder.span
        server = record("GET /books", "server")
        for _ in range(2 if "one call" in self.without else 1):
            attributes = {"http.request.method": "GET"}
            call = record("GET /books", "client", parent=server, attributes=attributes)
            record("GET /books", "server", parent=call, service="backend")
        self.step("list the books", 200, server)

    def ask_for_nobody(self):
        name = "GET" if "template" in self.without else "GET /books/{id}"
        attributes = {"http.response.status_code": 404}
        server = self.recorder.span(name, "server", attributes=attributes)
        self.step("ask for one that does not exist", 404, server)

    def fail(self):
        server = self.recorder.span("GET /books/{id}", "server", status="error")
        if "sentry" not in self.without:
            self.recorder.sentry(server, "injected")
        self.step("make one error", 500, server)

    def broken(self):
        library = Library(self.recorder.trace)
        return {promise.text for promise, seen in promises.kept(self.steps, library) if not seen}


def test_a_system_that_does_what_it_should_keeps_every_promise(recorder):
    assert System(recorder).broken() == set()


def test_sql_of_a_batch_is_found_from_each_of_its_records(recorder):
    assert System(recorder, without=["batch"]).broken() == set()


@pytest.mark.parametrize(
    ("missing", "word"),
    [
        ("insert", "INSERT"),
        ("link", "links to exactly"),
        ("root", "new root span"),
        ("effect", "SQL of the record's effect"),
        ("log", "log lines"),
        ("one call", "one call"),
        ("template", "route template"),
        ("sentry", "Sentry event"),
    ],
)
def test_what_is_missing_is_not_claimed(recorder, missing, word):
    broken = System(recorder, without=[missing]).broken()
    assert any(word in text for text in broken), broken


def test_a_step_without_a_trace_is_noticed(recorder):
    system = System(recorder)
    system.steps.append(Step("another", 200, ""))
    assert any("every step" in text for text in system.broken())


def test_the_report_has_the_documented_keys_and_no_others(recorder, tmp_path):
    system = System(recorder)
    spans = recorder.all_spans()
    logs = [log for span in spans for log in recorder.trace(span.trace_id).logs]
    report.write(tmp_path / "seen.json", report.report(system.steps, spans, logs))
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert set(seen) == {"steps", "spans", "logs"}
    assert all(set(step) == {"name", "status", "trace_id"} for step in seen["steps"])
    keys = "service name kind trace_id span_id parent_id links attributes status start end"
    assert all(set(span) == set(keys.split()) for span in seen["spans"])
    assert {key for span in seen["spans"] for link in span["links"] for key in link} == {
        "trace_id",
        "span_id",
    }
    assert all(
        set(log) == {"service", "level", "message", "trace_id", "span_id"} for log in seen["logs"]
    )
