"""Something answers on a dependency's port, and it is not the dependency: a proxy, a firewall.

One kind takes connections and says nothing, the other says what no such server says. The services
start, say what they lack, answer soon, and end soon.
"""

import random
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from embedded.ports import free_port
from embedded.processes import Process
from embedded.testing import RunService
from embedded.waiting import wait_until

NONSENSE = {
    "http": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "noise": random.Random(1).randbytes(4096),
}
KINDS = ["silent", *NONSENSE]


class Impostor(socketserver.ThreadingTCPServer):
    """Answers every connection with nonsense, or keeps it open without a word."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, kind: str) -> None:
        self.nonsense = NONSENSE.get(kind)
        self.asked = 0
        self.over = threading.Event()
        super().__init__(("127.0.0.1", 0), _Handler)
        self.address = f"127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is none of ours."""


class _Handler(socketserver.BaseRequestHandler):
    server: Impostor
    request: socket.socket

    def handle(self) -> None:
        self.server.asked += 1
        if self.server.nonsense is None:
            self.server.over.wait(60)
        else:
            self.request.recv(65_536)
            self.request.sendall(self.server.nonsense)


@pytest.fixture(params=KINDS)
def impostor(request: pytest.FixtureRequest) -> Iterator[Impostor]:
    with Impostor(request.param) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


class Service:
    """A running service."""

    def __init__(self, process: Process, url: str) -> None:
        self.process = process
        self._http = httpx.Client(base_url=url, timeout=20, trust_env=False)

    def close(self) -> None:
        self._http.close()

    def get(self, path: str) -> httpx.Response:
        return self._http.get(path)

    def timed(self, method: str, path: str, body: object = None) -> tuple[int, float]:
        """The status, and after how many seconds it came."""
        began = time.monotonic()
        answer = self._http.request(method, path, json=body)
        return answer.status_code, time.monotonic() - began

    def ends_within(self, seconds: float) -> bool:
        """Whether a stop in good order takes no longer."""
        began = time.monotonic()
        code = self.process.stop(60)
        return code in (0, -15) and time.monotonic() - began < seconds


Start = Callable[..., Service]


@pytest.fixture
def start(run_service: RunService) -> Iterator[Start]:
    """Starts ``bookapp`` or ``backend`` with an environment; it is live when this returns."""

    def start(service: str, **env: str) -> Service:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        command = ["bookapp", "--port", str(port)]
        if service == "backend":
            command = ["faust", "-A", "backend.app", "worker", "-l", "info"]
            env["BACKEND_PORT"] = str(port)
        env = {"KAFKA_BROKER_URL": "127.0.0.1:1", "BACKEND_URL": "http://127.0.0.1:1", **env}
        process = run_service(command, env, ready=f"{url}/health/live", name=service)
        started.append(Service(process, url))
        return started[-1]

    started: list[Service] = []
    yield start
    for service in started:
        service.close()


DUNE = {"title": "Dune", "author": "Frank Herbert"}


def test_no_kafka_at_kafkas_address_costs_no_request(
    start: Start, impostor: Impostor, postgres_url: str
) -> None:
    bookapp = start("bookapp", DATABASE_URL=postgres_url, KAFKA_BROKER_URL=impostor.address)
    wait_until(lambda: impostor.asked > 0, what="the relay looks for Kafka")
    for _ in range(20):
        status, seconds = bookapp.timed("POST", "/books/add", DUNE)
        assert (status, seconds < 5) == (201, True)
    assert bookapp.get("/health/ready").status_code == 200
    assert bookapp.ends_within(20)


def test_no_kafka_at_kafkas_address_is_what_a_worker_is_not_ready_for(
    start: Start, impostor: Impostor, postgres_url: str
) -> None:
    backend = start("backend", DATABASE_URL=postgres_url, KAFKA_BROKER_URL=impostor.address)

    def only_kafka_is_missing() -> bool:
        answer = backend.get("/health/ready")
        assert answer.status_code == 503
        return [error["field"] for error in answer.json()["errors"]] == ["kafka"]

    wait_until(lambda: impostor.asked > 0 and only_kafka_is_missing(), 30, what="only Kafka")
    assert backend.get("/books/7").status_code == 404
    assert len([line for line in backend.process.lines if "Kafka is away" in line]) < 5
    assert backend.ends_within(25)


@pytest.mark.parametrize("service", ["bookapp", "backend"])
def test_no_postgresql_at_its_address_is_said_soon(
    start: Start, impostor: Impostor, service: str
) -> None:
    url = f"postgresql://user:s3cret@{impostor.address}/books"
    running = start(service, DATABASE_URL=url)
    answer = running.get("/health/ready")
    assert answer.status_code == 503
    assert "s3cret" not in answer.text
    status, seconds = running.timed("GET", "/books?ids=1")
    assert (status, seconds < 5) == (503, True)
    assert not [line for line in running.process.lines if "s3cret" in line]
    assert running.ends_within(20)


def test_no_collector_and_no_sentry_at_their_addresses_cost_nothing(
    start: Start, impostor: Impostor, postgres_url: str
) -> None:
    bookapp = start(
        "bookapp",
        DATABASE_URL=postgres_url,
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{impostor.address}",
        OTEL_BSP_SCHEDULE_DELAY="100",
        OTEL_BLRP_SCHEDULE_DELAY="100",
        OTEL_METRIC_EXPORT_INTERVAL="500",
        SENTRY_DSN=f"http://public@{impostor.address}/1",
    )
    wait_until(lambda: bookapp.get("/health/ready").status_code == 200, 30, what="ready")
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        status, seconds = bookapp.timed("POST", "/books/add", DUNE)
        assert (status, seconds < 2) == (201, True)
    assert impostor.asked > 0
    complaints = [line for line in bookapp.process.lines if "opentelemetry" in line]
    assert len(complaints) < 20
    assert bookapp.ends_within(20)
