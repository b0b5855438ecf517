"""What a client sees while PostgreSQL or backend is away, hangs, or comes back."""

import contextlib
import http.server
import json
import socketserver
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from embedded.postgres import Postgres
from embedded.waiting import wait_until

DUNE = {"title": "Dune", "author": "Frank Herbert"}
NEEDS_POSTGRESQL = (
    ("GET", "/books", None),
    ("GET", "/books/1", None),
    ("PATCH", "/books/1", {"title": "x"}),
    ("DELETE", "/books/3", None),
    ("POST", "/books/add", DUNE),
    ("POST", "/books/bulk_add", [DUNE] * 50),
)


def timed(bookapp, method: str, path: str, body: object = None) -> tuple[httpx.Response, float]:
    """The response, and after how many seconds it came."""
    began = time.monotonic()
    response = bookapp.client.request(method, path, json=body)
    return response, time.monotonic() - began


def all_at_once(bookapp, times: int) -> list[tuple[httpx.Response, float]]:
    """Every route that needs PostgreSQL, ``times`` times, all at the same time."""
    with ThreadPoolExecutor(len(NEEDS_POSTGRESQL) * times) as pool:
        asked = [pool.submit(timed, bookapp, *request) for request in NEEDS_POSTGRESQL * times]
        return [answer.result() for answer in asked]


def has_recovered(bookapp) -> bool:
    return bookapp.is_ready() and timed(bookapp, "GET", "/books")[0].status_code == 200


@pytest.mark.parametrize("fault", ["kill", "pause"])
def test_postgresql_away_is_said_within_five_seconds_and_is_recovered_from(
    start_bookapp, own_postgres: Postgres, fault
):
    bookapp = start_bookapp(own_postgres.create_database("away"))
    all_at_once(bookapp, 2)  # connections are open
    if fault == "kill":
        own_postgres.kill()
    else:
        own_postgres.pause()
    # Twice: what is on the way when it happens, and what meets closed connections.
    for response, seconds in all_at_once(bookapp, 6) + all_at_once(bookapp, 6):
        assert response.status_code == 503
        assert response.headers["content-type"] == "application/problem+json"
        assert int(response.headers["retry-after"]) > 0
        assert seconds < 5
    response, seconds = timed(bookapp, "GET", "/health/ready")
    assert (response.status_code, seconds < 2) == (503, True)
    response, seconds = timed(bookapp, "GET", "/health/live")
    assert (response.status_code, seconds < 1) == (200, True)
    if fault == "kill":
        own_postgres.start()
    else:
        own_postgres.resume()
    wait_until(lambda: has_recovered(bookapp), what="recovery")
    # Every connection is usable again, and none is lost to the pool.
    assert all(
        r.status_code < 300 for r, _ in all_at_once(bookapp, 6) if r.request.method != "DELETE"
    )


ENTRY = {
    "book_id": 1,
    "title": "Pride and Prejudice",
    "author": "Jane Austen",
    "status": "available",
    "shelf_mark": "A97",
    "author_sort": "austen, jane",
    "title_sort": "pride and prejudice",
    "sequence": 1,
    "ingested_at": "2024-01-01T00:00:00Z",
    "trace_id": None,
}


class SlowBackend(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Takes requests and answers none, until it is told to."""

    daemon_threads = True

    def __init__(self) -> None:
        self.asked = 0
        self.answering = threading.Event()
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked += 1
        self.server.answering.wait(30)
        with contextlib.suppress(ConnectionError):  # who asked has gone long ago
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps([ENTRY]).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def slow_backend() -> Iterator[SlowBackend]:
    with SlowBackend() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.answering.set()
        server.shutdown()
        thread.join()


def test_a_backend_that_hangs_costs_a_second_at_most_and_then_nothing(
    start_bookapp, postgres_url, slow_backend
):
    bookapp = start_bookapp(postgres_url, backend=f"http://127.0.0.1:{slow_backend.server_port}")
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(timed, bookapp, "GET", "/books") for _ in range(8)]
        answers = [answer.result() for answer in asked]
    for response, seconds in answers:
        assert response.status_code == 200
        assert {book["details"] for book in response.json()} == {None}
        assert seconds < 1.3
    for _ in range(3):
        timed(bookapp, "GET", "/books")
    calls = slow_backend.asked
    _, seconds = timed(bookapp, "GET", "/books")
    assert seconds < 0.5
    assert slow_backend.asked == calls
    slow_backend.answering.set()
    details = wait_until(
        lambda: timed(bookapp, "GET", "/books")[0].json()[0]["details"], what="details"
    )
    assert details["shelf_mark"] == "A97"


def test_a_page_is_one_call_to_backend(start_bookapp, postgres_url, slow_backend):
    slow_backend.answering.set()
    bookapp = start_bookapp(postgres_url, backend=f"http://127.0.0.1:{slow_backend.server_port}")
    response, _ = timed(bookapp, "GET", "/books?limit=1000")
    assert len(response.json()) > 100
    assert slow_backend.asked == 1
