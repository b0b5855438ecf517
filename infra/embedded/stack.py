"""The whole system as one object: PostgreSQL, a Kafka, the receiver, backend and bookapp.

Used by the demo, the load test, the benchmarks and tests. Every part is a real process that
cannot outlive this one; `close` stops them, those first that depend on the others.
"""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from embedded.broker import Broker
from embedded.closing import Closing
from embedded.ports import LOOPBACK, free_port, in_use
from embedded.postgres import Postgres
from embedded.processes import Process, StartError
from embedded.receiver import Receiver
from embedded.services import start_service, wait_ready

P = TypeVar("P", bound=Closing)

DATABASE = "books"

PROMPT_TELEMETRY = {
    "OTEL_BSP_SCHEDULE_DELAY": "250",
    "OTEL_BLRP_SCHEDULE_DELAY": "250",
    "OTEL_METRIC_EXPORT_INTERVAL": "2000",
}
"""Milliseconds. Somebody is waiting for the spans, and there are few of them."""


class StackSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What to start, and how. Ports: None takes a free one.

    `environment` is the least that a service process needs (`services.bare_environment`); the
    addresses are added to it, then `bookapp_env` and `backend_env`, which may replace them.
    `kafka_broker_url`: a Kafka that runs already, instead of the embedded broker.
    `otlp_endpoint`: where telemetry goes instead of the embedded receiver; "" for nowhere.
    """

    environment: Mapping[str, str]
    bookapp_port: int | None = None
    backend_port: int | None = None
    receiver_port: int | None = None
    kafka_broker_url: str | None = None
    otlp_endpoint: str | None = None
    fsync: bool = True
    bookapp_env: Mapping[str, str] = {}
    backend_env: Mapping[str, str] = {}
    bookapp_workers: int = 1
    ready_timeout: float = 60.0
    """Seconds that each service has until it is ready."""


class Stack(Closing):
    """A running system. Raises StartError, one line, when a part does not start; then none runs.

    `progress` is told the name of each part that is up, and the seconds it took.
    """

    def __init__(
        self,
        settings: StackSettings,
        progress: Callable[[str, float], None] = lambda part, seconds: None,
    ) -> None:
        self.settings = settings
        self._progress = progress
        self._parts = contextlib.ExitStack()
        self.bookapp_port = _port_for("bookapp", settings.bookapp_port)
        self.backend_port = _port_for("backend", settings.backend_port)
        self.bookapp_url = f"http://{LOOPBACK}:{self.bookapp_port}"
        self.backend_url = f"http://{LOOPBACK}:{self.backend_port}"
        self.receiver: Receiver | None = None
        self.broker: Broker | None = None
        # Services run in an empty directory: nothing that lies about is picked up or left there.
        self._directory = Path(tempfile.mkdtemp(prefix="embedded-stack-"))
        self._parts.callback(shutil.rmtree, self._directory, ignore_errors=True)
        try:
            self._start_servers()
            self._start_services()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop everything: the services first, so that they flush, then what they need."""
        self._parts.close()

    def processes(self) -> list[Process]:
        """Every process that must be running."""
        parts = [self.postgres.process, self.bookapp, self.backend]
        parts += [part.process for part in (self.receiver, self.broker) if part is not None]
        return parts

    def _start_servers(self) -> None:
        settings = self.settings
        self.postgres = self._add("PostgreSQL", lambda: Postgres(fsync=settings.fsync))
        self.database_url = self.postgres.create_database(DATABASE)
        if settings.kafka_broker_url is None:
            self.broker = self._add("Kafka-protocol broker", Broker)
            self.kafka_broker_url = self.broker.url
        else:
            self.kafka_broker_url = settings.kafka_broker_url
        if settings.otlp_endpoint is None:
            self.receiver = self._add(
                "Telemetry receiver and trace page", lambda: Receiver(settings.receiver_port)
            )

    def _add(self, part: str, start: Callable[[], P]) -> P:
        begun = time.monotonic()
        started = start()
        self._parts.callback(started.close)
        self._progress(part, time.monotonic() - begun)
        return started

    def _start_services(self) -> None:
        """Both at once: they wait for each other where they must, and nowhere else."""
        begun = time.monotonic()
        self.backend = self._launch_backend()
        self.bookapp = self._launch_bookapp()
        wait_ready(
            {
                f"{self.bookapp_url}/health/ready": self.bookapp,
                f"{self.backend_url}/health/ready": self.backend,
            },
            self.settings.ready_timeout,
            lambda process: self._progress(process.name, time.monotonic() - begun),
        )

    def restart_backend(self) -> None:
        """Start the worker again after its end; returns once it is ready."""
        self.backend = self._launch_backend()
        url = f"{self.backend_url}/health/ready"
        wait_ready({url: self.backend}, self.settings.ready_timeout)

    def restart_bookapp(self) -> None:
        """Start the API again after its end; returns once it is ready."""
        self.bookapp = self._launch_bookapp()
        url = f"{self.bookapp_url}/health/ready"
        wait_ready({url: self.bookapp}, self.settings.ready_timeout)

    def _launch_backend(self) -> Process:
        port = str(self.backend_port)
        env = {**self._common(), "BACKEND_PORT": port, **self.settings.backend_env}
        return self._launch("backend", ["faust", "-A", "backend.app", "worker", "-l", "info"], env)

    def _launch_bookapp(self) -> Process:
        env = {**self._common(), "BACKEND_URL": self.backend_url, **self.settings.bookapp_env}
        command = ["bookapp", "--port", str(self.bookapp_port)]
        command += ["--workers", str(self.settings.bookapp_workers)]
        return self._launch("bookapp", command, env)

    def _launch(self, name: str, command: list[str], env: dict[str, str]) -> Process:
        process = start_service(name, command, env, cwd=self._directory, remove=[self._directory])
        self._parts.callback(process.stop)
        return process

    def _common(self) -> dict[str, str]:
        env = {
            **self.settings.environment,
            "DATABASE_URL": self.database_url,
            "KAFKA_BROKER_URL": self.kafka_broker_url,
        }
        if self.receiver is not None:
            env |= {
                "OTEL_EXPORTER_OTLP_ENDPOINT": self.receiver.endpoint,
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
                "SENTRY_DSN": self.receiver.sentry_dsn,
                "SENTRY_ENVIRONMENT": "embedded",
                **PROMPT_TELEMETRY,
            }
        elif self.settings.otlp_endpoint:
            env["OTEL_EXPORTER_OTLP_ENDPOINT"] = self.settings.otlp_endpoint
        return env


def _port_for(part: str, wanted: int | None) -> int:
    if wanted is None:
        return free_port()
    if in_use(wanted):
        raise StartError(
            f"Port {wanted} for {part} is in use: end what listens there, or choose another port."
        )
    return wanted
