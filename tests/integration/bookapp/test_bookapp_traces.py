"""What a request of bookapp leaves behind, as it arrives on the wire."""

import http.server
import threading
from collections.abc import Callable, Iterator

import pytest

from embedded.receiver import Receiver
from embedded.waiting import wait_until

DUNE = {"title": "Dune", "author": "Frank Herbert"}


class _Backend(http.server.BaseHTTPRequestHandler):
    """Knows no book; keeps the ``traceparent`` of who asked."""

    asked: list[str] = []  # noqa: RUF012 - one server per test session

    def do_GET(self) -> None:
        self.asked.append(self.headers["traceparent"])
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def backend() -> Iterator[str]:
    _Backend.asked.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Backend) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def bookapp(start_bookapp, postgres_url, broker_url, receiver: Receiver, backend):
    return start_bookapp(
        postgres_url,
        broker=broker_url,
        backend=backend,
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint,
        OTEL_BSP_SCHEDULE_DELAY="100",
    )


def trace_of(receiver: Receiver, response, complete: Callable[[dict], bool]) -> dict:
    """The spans of a response's trace by name, once they are complete."""
    trace_id = response.headers["traceparent"][3:35]

    def spans() -> dict | None:
        found = {span.name: span for span in receiver.spans(trace_id=trace_id)}
        return found if complete(found) else None

    return wait_until(spans, what=f"the trace of {response.request.method} {response.url.path}")


@pytest.mark.parametrize(("path", "body"), [("/books/add", DUNE), ("/books/bulk_add", [DUNE])])
def test_an_add_is_one_trace_from_the_request_to_the_send(bookapp, receiver, path, body):
    response = bookapp.client.post(path, json=body)
    spans = trace_of(receiver, response, lambda found: "send book_ingestion" in found)
    assert set(spans) == {f"POST {path}", "INSERT public.books", "send book_ingestion"}
    server = spans[f"POST {path}"]
    assert not server.parent_id
    assert spans["INSERT public.books"].parent_id == server.span_id
    assert spans["send book_ingestion"].parent_id == server.span_id
    assert "Dune" not in str(spans["INSERT public.books"].attributes)


def test_a_page_is_one_call_to_backend_in_the_same_trace(bookapp, receiver):
    response = bookapp.client.get("/books?limit=50")
    trace_id = response.headers["traceparent"][3:35]

    def three() -> bool:
        return len(receiver.spans(trace_id=trace_id)) == 3

    wait_until(three, what="the trace of three spans")
    spans = receiver.spans(trace_id=trace_id)
    server = next(span for span in spans if not span.parent_id)
    assert server.attributes["http.route"] == "/books"
    assert sorted((span.name, span.kind) for span in spans if span is not server) == [
        ("GET /books", "client"),
        ("SELECT public.books", "client"),
    ]
    (asked,) = _Backend.asked
    assert asked[3:35] == trace_id


def test_a_read_by_id_is_one_statement_under_its_template(bookapp, receiver):
    response = bookapp.client.get("/books/7")
    spans = trace_of(receiver, response, lambda found: len(found) == 2)
    assert set(spans) == {"GET /books/{id}", "SELECT public.books"}


@pytest.mark.parametrize(("method", "status"), [("PATCH", 200), ("DELETE", 204)])
def test_a_change_is_published_in_the_trace_of_its_request(bookapp, receiver, method, status):
    response = bookapp.client.request(method, "/books/7", json={"status": "lost"})
    assert response.status_code == status
    spans = trace_of(receiver, response, lambda found: "send book_ingestion" in found)
    server = spans[f"{method} /books/{{id}}"]
    assert spans["send book_ingestion"].parent_id == server.span_id
    assert "INSERT public.outbox" in spans


def test_a_refusal_is_no_error_of_ours_and_a_database_that_is_away_is(
    start_bookapp, receiver, own_postgres
):
    bookapp = start_bookapp(
        own_postgres.create_database("traced"),
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint,
        OTEL_BSP_SCHEDULE_DELAY="100",
    )
    refused = bookapp.client.post("/books/add", json={})
    own_postgres.kill()
    failed = bookapp.client.get("/books/7")
    assert (refused.status_code, failed.status_code) == (400, 503)
    span = trace_of(receiver, refused, len)["POST /books/add"]
    assert span.status == "unset"
    name = "GET /books/{id}"
    span = trace_of(receiver, failed, lambda found: name in found)[name]
    assert span.status == "error"
    assert len([event for event in span.events if event.name == "exception"]) == 1
