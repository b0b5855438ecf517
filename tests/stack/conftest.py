"""The stack tests run on real servers, started natively: see `embedded.native`.

TEMPO_URL and LOKI_URL, when set, name a live Tempo and Loki (`http://host:port`). Traces then go to
Tempo's OTLP port, TEMPO_OTLP_ENDPOINT (`host:4317` of the same host when unset), logs to Loki, and
the tests that ask those servers run as well.
"""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from confluent_kafka import Producer

from embedded.native.observed import Backends, Observed
from embedded.native.testing import bugsink, kafka, kafka_url
from embedded.services import bare_environment
from embedded.waiting import wait_until

__all__ = ["bugsink", "kafka", "kafka_url"]

ROOT = Path(__file__).parents[2]


COLD = 900
"""Seconds that a test may take: the first one to ask for a part waits until it is built."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Patience for caches that are empty; no test takes long once they are filled."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(COLD))


@pytest.fixture(scope="session")
def infra() -> Path:
    """The directory with the configurations that are put to use."""
    return ROOT / "infra"


@pytest.fixture(scope="session")
def tempo_url() -> str | None:
    """A live Tempo, when there is one."""
    return os.environ.get("TEMPO_URL") or None


@pytest.fixture(scope="session")
def loki_url() -> str | None:
    """A live Loki, when there is one."""
    return os.environ.get("LOKI_URL") or None


@pytest.fixture(scope="session")
def observed(infra: Path, tempo_url: str | None, loki_url: str | None) -> Iterator[Observed]:
    """The services with everything that watches them."""
    otlp = os.environ.get("TEMPO_OTLP_ENDPOINT")
    if tempo_url and not otlp:
        otlp = f"{urlsplit(tempo_url).hostname}:4317"
    backends = Backends(
        tempo=otlp if tempo_url else None, loki=f"{loki_url}/otlp" if loki_url else None
    )
    with Observed(infra, bare_environment(os.environ), backends) as system:
        yield system


class Traffic:
    """A client that keeps using bookapp in a thread, and remembers what it was answered.

    Between two rounds it waits `pause` seconds. `failures` are the answers that a user would call
    one: a status of 500 and above, or none.
    """

    def __init__(self, url: str, pause: float = 0.05) -> None:
        self._url = url
        self._pause = pause
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.requests = 0
        self.slowest = 0.0
        self.failures: list[str] = []

    def __enter__(self) -> "Traffic":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(30)

    def _run(self) -> None:
        with httpx.Client(base_url=self._url, timeout=30, trust_env=False) as client:
            while not self._ended.wait(self._pause):
                added = self._call(client, "POST", "/books/add", {"title": "T", "author": "A"})
                book = added.json() if added is not None and added.status_code == 201 else 1
                self._call(client, "GET", f"/books/{book}")
                self._call(client, "PATCH", f"/books/{book}", {"status": "borrowed"})
                self._call(client, "GET", "/books?limit=10")
                self._call(client, "GET", "/books/999999999")
                self._call(client, "POST", "/books/bulk_add", [{"title": "T", "author": "A"}] * 2)
                self._call(client, "DELETE", f"/books/{book}")

    def _call(
        self, client: httpx.Client, method: str, path: str, body: object = None
    ) -> httpx.Response | None:
        started = time.monotonic()
        self.requests += 1
        try:
            answer = client.request(method, path, json=body)
        except httpx.HTTPError as error:
            self.failures.append(f"{method} {path}: {error!r}")
            return None
        finally:
            self.slowest = max(self.slowest, time.monotonic() - started)
        if answer.status_code >= 500:
            self.failures.append(f"{method} {path}: {answer.status_code}")
        return answer


def provoke(system: Observed) -> None:
    """Makes happen what healthy traffic does not: failures, retries, dead letters, a parked record.

    Everything is undone, so that the system is healthy afterwards.
    """
    with httpx.Client(base_url=system.stack.bookapp_url, timeout=30, trust_env=False) as client:
        rule = {
            "endpoint_pattern": "/books/{id}",
            "http_method": "GET",
            "error_rate": 1.0,
            "error_code": 503,
        }
        made = client.post("/error-injection", json=rule).raise_for_status().json()
        wait_until(lambda: client.get("/books/1").status_code == 503, what="an injected failure")
        client.delete(f"/error-injection/{made['id']}").raise_for_status()
        wait_until(lambda: client.get("/books/1").status_code == 200, what="the end of the rule")

    producer = Producer({"bootstrap.servers": system.kafka.url})
    producer.produce("book_ingestion", b"not a record", b"1")
    assert producer.flush(30) == 0

    too_large = "INSERT INTO outbox (topic, key, value, created_at)"
    too_large += " VALUES ('book_ingestion', '1', decode(repeat('00', 3000000), 'hex'), now())"
    database = urlsplit(system.stack.database_url).path.lstrip("/")
    system.stack.postgres.execute(too_large, database)
    lock = "BEGIN; LOCK TABLE backend.book IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(7); COMMIT"
    system.stack.postgres.execute(lock, database)


@pytest.fixture(scope="module")
def eventful(observed: Observed) -> Iterator[Observed]:
    """The observed system, used all the time, after everything has happened in it once.

    Anew for each module: the receiver keeps the latest spans only.
    """
    with Traffic(observed.stack.bookapp_url, pause=0.3):
        provoke(observed)
        yield observed


@pytest.fixture
def traffic(observed: Observed) -> Iterator[Traffic]:
    """Requests to bookapp as long as the test runs."""
    with Traffic(observed.stack.bookapp_url) as client:
        yield client
