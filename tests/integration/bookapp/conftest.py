"""bookapp as its users start it: a process on real embedded parts."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from embedded.ports import free_port
from embedded.postgres import Postgres
from embedded.processes import Process
from embedded.testing import RunService

NOBODY = "127.0.0.1:1"
"""An address at which nothing listens."""


class Bookapp:
    """A running bookapp: its process, and a client of its API."""

    def __init__(self, process: Process, url: str) -> None:
        self.process = process
        self.url = url
        self.client = httpx.Client(base_url=url, timeout=20, trust_env=False)

    def is_ready(self) -> bool:
        return self.client.get("/health/ready").status_code == 200


@pytest.fixture
def start_bookapp(run_service: RunService) -> Iterator[Callable[..., Bookapp]]:
    """Starts a bookapp; waits until it is ready unless told not to."""
    started = []

    def start(
        database_url: str,
        *,
        broker: str = NOBODY,
        backend: str = f"http://{NOBODY}",
        workers: int = 1,
        wait: str = "/health/ready",
        **env: str,
    ) -> Bookapp:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        process = run_service(
            ["bookapp", "--port", str(port), "--workers", str(workers)],
            {
                "DATABASE_URL": database_url,
                "KAFKA_BROKER_URL": broker,
                "BACKEND_URL": backend,
                **env,
            },
            ready=url + wait,
            name="bookapp",
        )
        started.append(Bookapp(process, url))
        return started[-1]

    yield start
    for bookapp in started:
        bookapp.client.close()


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A PostgreSQL of the test's own, to be killed and paused."""
    with Postgres(fsync=False) as server:
        yield server
