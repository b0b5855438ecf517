"""The load of the original example, traced: each request of a user is the root of what it causes.

Of 107 tasks, 100 read a book by id, 1 lists, 2 add, 1 adds in bulk and 3 delete. A user deletes
only what the users of its process have added, so an answer other than 2xx is an error of the
system and not of the test. Run by `make load`, or by hand: `locust -f loadtest/locustfile.py`.

Telemetry goes where the standard OTEL_* variables say: the client spans are the roots, and
`http.client.request.duration` has the users' view of the latency.
"""

import os
import random
import time
from collections import deque
from typing import Any

from locust import FastHttpUser, between, events, task
from locust.env import Environment
from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind, StatusCode

from telemetry import configure, read_telemetry_settings
from telemetry.metrics import histogram

tracer = trace.get_tracer("loadtest")
duration = histogram("http.client.request.duration")
added: deque[int] = deque()
"""Ids of the books that this process added and has not deleted, oldest first."""


@events.init.add_listener
def start_telemetry(environment: Environment, **_: Any) -> None:
    """Configure once per process, flush when Locust quits."""
    settings = read_telemetry_settings(os.environ, "loadtest")
    handle = configure(settings)
    environment.events.quit.add_listener(lambda **_: handle.shutdown())


class Reader(FastHttpUser):
    """A user of the library: reads most of the time, sometimes adds or removes a book."""

    wait_time = between(0.0, 0.05)

    def on_start(self) -> None:
        """Learn which books there are before reading them."""
        books = self.call("GET", "/books", "/books?limit=100") or []
        self.known: list[int] = [book["id"] for book in books]

    def call(self, method: str, template: str, path: str, **arguments: Any) -> Any:
        """Send one request inside its own root span; give the decoded answer, None on an error.

        Span, metric and statistics are named by the route template, never by the path.
        """
        name = f"{method} {template}"
        attributes: dict[str, str | int] = {"http.request.method": method, "url.template": template}
        started = time.perf_counter()
        with tracer.start_as_current_span(
            name, kind=SpanKind.CLIENT, attributes=attributes
        ) as span:
            headers: dict[str, str] = {}
            propagate.inject(headers)
            response = self.client.request(method, path, name=name, headers=headers, **arguments)
            attributes["http.response.status_code"] = status = response.status_code
            span.set_attribute("http.response.status_code", status)
            failed = not 200 <= status < 400
            if failed:
                span.set_status(StatusCode.ERROR)
            duration.record(time.perf_counter() - started, attributes)
        return None if failed or not response.content else response.json()

    @task(100)
    def read_one(self) -> None:
        """GET /books/{id} of a book that is there."""
        if self.known:
            book_id = random.choice(self.known)
            self.call("GET", "/books/{id}", f"/books/{book_id}")

    @task(1)
    def read_page(self) -> None:
        """GET /books, with the details of the page."""
        self.call("GET", "/books", "/books?limit=100")

    @task(2)
    def add(self) -> None:
        """POST /books/add."""
        book_id = self.call("POST", "/books/add", "/books/add", json=new_book())
        if book_id is not None:
            added.append(book_id)

    @task(1)
    def add_many(self) -> None:
        """POST /books/bulk_add with ten books."""
        books = [new_book() for _ in range(10)]
        added.extend(self.call("POST", "/books/bulk_add", "/books/bulk_add", json=books) or [])

    @task(3)
    def delete(self) -> None:
        """DELETE /books/{id} of a book that this process added."""
        if added:
            self.call("DELETE", "/books/{id}", f"/books/{added.popleft()}")


def new_book() -> dict[str, str]:
    """A book that can be told from the catalogue's."""
    return {"title": f"Load test {random.randrange(10**9)}", "author": "Locust, A."}
