"""The load of the original example, traced: each request of a user is the root of what it causes.

Of 107 tasks, 100 read a book by id, 1 lists, 2 add, 1 adds in bulk and 3 delete. A user deletes
only what the users of its process have added, so an answer other than 2xx is an error of the
system and not of the test. Run by `make load`, or by hand: `locust -f loadtest/locustfile.py`.

Telemetry goes where the standard OTEL_* variables say: the client spans are the roots, and
`http.client.request.duration` has the users' view of the latency.

The exit status is 1 when more requests than `--fail-above` failed, a user died, or nothing was
answered. `--heartbeat FILE` is touched while requests are answered, for a health check.
"""

import os
import random
import sys
import time
from argparse import ArgumentParser
from collections import deque
from pathlib import Path
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


@events.init_command_line_parser.add_listener
def add_options(parser: ArgumentParser) -> None:
    """What the run is measured by."""
    parser.add_argument(
        "--fail-above", type=float, default=0.0, help="part of the requests that may fail, 0 to 1"
    )
    parser.add_argument("--heartbeat", type=Path, help="a file that each answer touches")


@events.quitting.add_listener
def judge(environment: Environment, **_: Any) -> None:
    """Set the exit status, and say why it is not 0."""
    runner, options = environment.runner, environment.parsed_options
    if runner is None or options is None:
        return
    total = runner.stats.total
    reasons = []
    if total.num_requests == total.num_failures:
        reasons.append("no request was answered as it should be")
    elif total.fail_ratio > options.fail_above:
        reasons.append(
            f"{total.num_failures} of {total.num_requests} requests failed,"
            f" more than the {options.fail_above:.2%} that may"
        )
    if runner.exceptions:
        reasons.append("the users themselves raised errors")
    environment.process_exit_code = 1 if reasons else 0
    for reason in reasons:
        print(f"load: {reason}", file=sys.stderr)


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
            status = response.status_code
            if status:  # Locust's 0 is no status: nothing was answered
                attributes["http.response.status_code"] = status
                span.set_attribute("http.response.status_code", status)
            failed = not 200 <= status < 400
            if failed:
                span.set_status(StatusCode.ERROR)
            took = time.perf_counter() - started
            duration.record(took, attributes, span.get_span_context())
        if failed:
            return None
        if heartbeat := self.environment.parsed_options.heartbeat:
            heartbeat.touch()
        return response.json() if response.content else None

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
