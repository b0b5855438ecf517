"""Pytest fixtures on real embedded parts; a conftest imports the names in `__all__`.

Servers live as long as the session and are made on first use; what a test changes is its own: an
empty database each, topics by names of its own. Every process that a fixture starts is stopped at
its end, and dies with the test run if that is killed.
"""

import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence

import pytest

from embedded.broker import Broker
from embedded.postgres import Postgres
from embedded.processes import Process
from embedded.receiver import Receiver
from embedded.services import bare_environment, start_service
from embedded.waiting import poll_until, wait_until

__all__ = [
    "RunService",
    "broker",
    "broker_url",
    "poll_until",
    "postgres_server",
    "postgres_url",
    "receiver",
    "receiver_process",
    "run_service",
    "wait_until",
]

_database_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """The session's PostgreSQL. A test that kills or pauses it must bring it back."""
    with Postgres(fsync=False) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: Postgres) -> Iterator[str]:
    """The URL of an empty database of the test's own, dropped afterwards."""
    name = f"test_{next(_database_numbers)}"
    yield postgres_server.create_database(name)
    postgres_server.drop_database(name)


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    """The session's embedded Kafka broker; topics are made when first asked for."""
    with Broker() as running:
        yield running


@pytest.fixture
def broker_url(broker: Broker) -> str:
    """`host:port` of the session's broker. Use topic and group names of the test's own."""
    return broker.url


@pytest.fixture(scope="session")
def receiver_process() -> Iterator[Receiver]:
    """The session's telemetry receiver, OTLP over HTTP and gRPC, and Sentry envelopes."""
    with Receiver(grpc=True) as running:
        yield running


@pytest.fixture
def receiver(receiver_process: Receiver) -> Receiver:
    """The receiver, with nothing in it."""
    receiver_process.clear()
    return receiver_process


class RunService:
    """Starts services as real processes; what it started, it can stop. See `run_service`."""

    def __init__(self) -> None:
        self._started: list[Process] = []

    def __call__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        *,
        ready: str | None = None,
        timeout: float = 30.0,
        name: str | None = None,
    ) -> Process:
        """Run `command` (`["faust", "-A", "backend.app", "worker"]`, `["bookapp", …]`, …).

        `env` is added to the bare environment. With `ready`, a URL, returns once it answers 200.
        The output is in `.lines` of what is returned.
        """
        environment = {**bare_environment(os.environ), **env}
        process = start_service(
            name or " ".join(command[:3]), command, environment, ready=ready, timeout=timeout
        )
        self._started.append(process)
        return process

    def stop_all(self) -> None:
        for process in reversed(self._started):
            process.stop()


@pytest.fixture
def run_service() -> Iterator[Callable[..., Process]]:
    """A function that starts a real service process, stopped when the test ends."""
    runner = RunService()
    yield runner
    runner.stop_all()
