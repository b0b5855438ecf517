"""What every case runs on: one PostgreSQL with fsync, one Kafka, and services started in turn.

Only one variant runs at a time, each with the whole machine; the database, the topic and the
consumer group are the same for all of ours, so a variant goes on where the last one stopped.
"""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from loadtest.bench.sink import count_spans

from embedded.broker import Broker
from embedded.native.cache import MissingTool
from embedded.native.kafka import Kafka, kafka_version
from embedded.ports import free_port
from embedded.postgres import Postgres
from embedded.processes import Process
from embedded.services import bare_environment, start_service

TOPICS = ("book_ingestion", "book_ingestion.dlq", "peer_book_ingestion")
QUEUE = {"OTEL_BSP_MAX_QUEUE_SIZE": "65536"}
"""Spans are counted, so none may be dropped in a burst: the same queue for all variants."""


class Parts:
    """The servers of one benchmark, and how to start a variant on them."""

    def __init__(self, *, embedded_kafka: bool) -> None:
        self._exit = contextlib.ExitStack()
        self.postgres = self._exit.enter_context(Postgres(fsync=True))
        self.database_url = self.postgres.create_database("bench")
        self.kafka_name, self.kafka_url, self.kafka_pid = self._start_kafka(embedded_kafka)
        self.directory = Path(self._exit.enter_context(tempfile.TemporaryDirectory()))
        bare = bare_environment(os.environ)
        here = os.pathsep.join(filter(None, (os.getcwd(), bare.get("PYTHONPATH"))))
        self.environment = {
            **bare,
            "PYTHONPATH": here,
            "DATABASE_URL": self.database_url,
            "KAFKA_BROKER_URL": self.kafka_url,
            "LOG_LEVEL": "WARNING",
        }

    def _start_kafka(self, embedded: bool) -> tuple[str, str, int]:
        if not embedded:
            try:
                kafka = self._exit.enter_context(Kafka(heap="1g"))
            except MissingTool as missing:
                print(f"Apache Kafka cannot be had ({missing}); the embedded broker stands in.")
            else:
                return f"Apache Kafka {kafka_version()}", kafka.url, kafka.pid
        broker = self._exit.enter_context(Broker(TOPICS))
        return "the embedded broker", broker.url, broker.process.pid

    @contextlib.contextmanager
    def sink(self) -> Iterator["Sink"]:
        """A fresh receiver of telemetry."""
        sink = Sink(self.directory, self.environment)
        try:
            yield sink
        finally:
            sink.process.stop()

    @contextlib.contextmanager
    def program(
        self, name: str, command: list[str], env: Mapping[str, str], ready: str | None = None
    ) -> Iterator[Process]:
        """A program for as long as the context lasts; its stop flushes its telemetry.

        With `ready`, a URL, it has answered 200 when the context begins.
        """
        process = start_service(
            name, command, {**self.environment, **env}, ready=ready, timeout=60, cwd=self.directory
        )
        try:
            yield process
        finally:
            process.stop(timeout=20)

    def close(self) -> None:
        """Stop the servers."""
        self._exit.close()


class Sink:
    """A running receiver and what it has received."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self.port = free_port()
        self.received = directory / f"spans-{self.port}"
        self.process = Process(
            "sink",
            [sys.executable, "-m", "loadtest.bench.sink", str(self.port), str(self.received)],
            env=environment,
        )

    @property
    def environment(self) -> dict[str, str]:
        """What makes a service export to it."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.port}", **QUEUE}

    def spans(self, suffix: str) -> int:
        """How many spans of this name came, from whichever service. Decodes all; run it last."""
        return sum(n for key, n in count_spans(self.received).items() if key.endswith(suffix))
