"""`make load`: the mix of its tasks, its spans as the parents of the services', its exit status."""

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from tests.making import ROOT, command, make

from embedded.ports import free_port
from embedded.receiver import ReceiverClient
from embedded.testing import RunService
from embedded.waiting import wait_until

MIX = {"read_one": 100, "read_page": 1, "add": 2, "add_many": 1, "delete": 3}
ROUTES = {
    "GET /books/{id}",
    "GET /books",
    "POST /books/add",
    "POST /books/bulk_add",
    "DELETE /books/{id}",
}


def test_of_107_tasks_each_kind_has_its_number() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "locust", "-f", "loadtest/locustfile.py", "--show-task-ratio-json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    tasks = json.loads(told.stdout)["per_class"]["Reader"]["tasks"]
    assert sum(MIX.values()) == 107
    assert {name: round(107 * task["ratio"], 6) for name, task in tasks.items()} == MIX


@pytest.mark.timeout(240)
def test_each_request_of_a_user_is_the_root_of_what_it_causes(run_service: RunService) -> None:
    words = command("load", "ARGS=--users 10 --seconds 20")
    running = run_service(words, {}, name="make load")
    with ReceiverClient(running.wait_for_line(r"page: (http\S+)", 90)[1]) as receiver:
        wait_until(lambda: {span.name for span in receiver.spans(service="loadtest")} >= ROUTES, 60)
        roots = {span.span_id: span for span in receiver.spans(service="loadtest")}
        assert {span.parent_id for span in roots.values()} == {""}
        assert {span.kind for span in roots.values()} == {"client"}
        assert {span.name for span in roots.values()} == ROUTES

        def served() -> set[str]:
            spans = receiver.spans(service="bookapp", kind="server")
            return {roots[span.parent_id].name for span in spans if span.parent_id in roots}

        wait_until(lambda: served() == ROUTES, 30, what="bookapp's spans below those of the users")
        point = wait_until(lambda: receiver.metrics(name="http.client.request.duration"), 30)[0]
        assert point.exemplars
    assert running.wait(120) == 0, running.lines
    assert [line for line in running.lines if "Aggregated" in line]


class Moody(http.server.BaseHTTPRequestHandler):
    """A bookapp that has one book, and answers each fourth request with 500."""

    protocol_version = "HTTP/1.1"
    answered = 0

    def do_GET(self) -> None:
        Moody.answered += 1
        failed = Moody.answered % 4 == 0
        bodies = {"/books": b'[{"id": 1}]', "/books/bulk_add": b"[1]"}
        body = bodies.get(self.path.partition("?")[0], b"1")
        self.send_response(500 if failed else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_DELETE = do_GET

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def moody() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Moody)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("allowed", "status"), [("0.2", 2), ("0.9", 0)])
def test_more_failures_than_are_allowed_fail_the_run(moody: str, allowed: str, status: int) -> None:
    # One read at a time, and GETs alone are long enough to see a quarter fail.
    done = make("load", f"ARGS=--host {moody} --users 1 --seconds 5 --fail-above {allowed}")
    assert done.returncode == status, done.stdout
    assert ("requests failed, more than the 20.00% that may" in done.stdout) is (status != 0)


def test_a_system_that_does_not_answer_fails_the_run() -> None:
    done = make(
        "load", f"ARGS=--host http://127.0.0.1:{free_port()} --users 1 --seconds 2 --fail-above 1"
    )
    assert done.returncode == 2, done.stdout
    assert "load: no request was answered as it should be" in done.stdout
