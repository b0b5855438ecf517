"""The whole system with everything that watches it: services, Apache Kafka, PostgreSQL, the
Collector with the very configuration of infra/, Prometheus with the very rules, and Bugsink.

Promises: nothing is started that is not real, but for Tempo and Loki, whose places the receiver
takes unless addresses are given; `close` ends every process.
"""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from embedded.closing import Closing
from embedded.native.bugsink import Bugsink
from embedded.native.collector import Collector
from embedded.native.kafka import Kafka
from embedded.native.prometheus import Prometheus
from embedded.native.server import lasting_port
from embedded.ports import LOOPBACK
from embedded.receiver import Receiver
from embedded.stack import PROMPT_TELEMETRY, Stack, StackSettings

COLLECTION = {"COLLECTION_INTERVAL": "2s", "BATCH_TIMEOUT": "200ms"}
"""Somebody is waiting for the numbers, and there is little traffic."""


class Backends(msgspec.Struct, frozen=True, kw_only=True):
    """Where traces and logs go instead of the receiver: OTLP/gRPC `host:port`, an OTLP/HTTP URL."""

    tempo: str | None = None
    loki: str | None = None


class Observed(Closing):
    """A running, observed system. `infra` is the directory with the configurations.

    Raises StartError or MissingTool; then nothing runs.
    """

    def __init__(
        self, infra: Path, environment: Mapping[str, str], backends: Backends | None = None
    ) -> None:
        self._infra = infra
        self._backends = backends or Backends()
        self._parts = contextlib.ExitStack()
        try:
            self.kafka = self._parts.enter_context(Kafka())
            self.bugsink = self._parts.enter_context(Bugsink())
            self.receiver = self._parts.enter_context(Receiver(grpc=True))
            self.sentry_project, dsn = self.bugsink.create_project("books")
            port = lasting_port()
            self.stack = self._parts.enter_context(self._services(environment, port, dsn))
            self.collector = self._parts.enter_context(self._collector(port))
            # Before the Collector ends: at their stop they send what they still have.
            self._parts.callback(self._stop_services)
            targets = {
                "services": [f"{LOOPBACK}:{self.collector.ports['PROMETHEUS_PORT']}"],
                "collector": [f"{LOOPBACK}:{self.collector.ports['OWN_METRICS_PORT']}"],
            }
            self.prometheus = self._parts.enter_context(Prometheus(infra / "prometheus", targets))
        except BaseException:
            self.close()
            raise

    def _stop_services(self) -> None:
        self.stack.bookapp.stop()
        self.stack.backend.stop()

    def _services(self, environment: Mapping[str, str], port: int, dsn: str) -> Stack:
        telemetry = {**PROMPT_TELEMETRY, "SENTRY_DSN": dsn, "SENTRY_ENVIRONMENT": "stack-test"}
        return Stack(
            StackSettings(
                environment={**environment, **telemetry},
                kafka_broker_url=self.kafka.url,
                otlp_endpoint=f"http://{LOOPBACK}:{port}",
                fsync=False,
            )
        )

    def _collector(self, port: int) -> Collector:
        database = urlsplit(self.stack.database_url)
        environ = {
            **COLLECTION,
            "KAFKA_BROKER_URL": self.kafka.url,
            "POSTGRES_HOST": LOOPBACK,
            "POSTGRES_PORT": str(database.port),
            "POSTGRES_USER": database.username or "",
            "POSTGRES_PASSWORD": database.password or "",
            "POSTGRES_DB": database.path.lstrip("/"),
            "BOOKAPP_URL": self.stack.bookapp_url,
            "BACKEND_URL": self.stack.backend_url,
            "TEMPO_ENDPOINT": self._backends.tempo or urlsplit(self.receiver.grpc_endpoint).netloc,
            "LOKI_ENDPOINT": self._backends.loki or self.receiver.endpoint,
        }
        directory = self._infra / "collector"
        return Collector(
            directory / "builder.yaml", [directory / "collector.yaml"], environ, port=port
        )

    def close(self) -> None:
        """Ends everything, the services before what they need."""
        self._parts.close()
