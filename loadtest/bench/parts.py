"""What every case runs on: one PostgreSQL with fsync, one Kafka, and services started in turn.

Only one variant runs at a time, each with the whole machine; the database, the topic and the
consumer group are the same for all of ours, so a variant goes on where the last one stopped.
"""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from loadtest.bench.sink import count_spans

from embedded.broker import Broker
from embedded.native.cache import MissingTool
from embedded.native.kafka import Kafka, kafka_version
from embedded.ports import free_port
from embedded.postgres import Postgres
from embedded.processes import Process
from embedded.services import bare_environment, start_service

TOPIC = "book_ingestion"
PEER_TOPIC = "peer_book_ingestion"
TOPICS = (TOPIC, "book_ingestion.dlq", PEER_TOPIC)
QUEUE = {"OTEL_BSP_MAX_QUEUE_SIZE": "65536"}
"""Spans are counted, so none may be dropped in a burst: the same queue for all variants."""


class Sql:
    """One connection, for looking at a database from outside."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self._connection = self._runner.run(asyncpg.connect(url))

    def value(self, query: str) -> Any:
        """The first value of the first row."""
        return self._runner.run(self._connection.fetchval(query, timeout=120))

    def run(self, statements: str) -> None:
        """Run any statements, without an answer."""
        self._runner.run(self._connection.execute(statements, timeout=600))

    def close(self) -> None:
        """Leave."""
        self._runner.run(self._connection.close())
        self._runner.close()


class Parts:
    """The servers of one benchmark, and how to start a variant on them."""

    def __init__(self, *, embedded_kafka: bool) -> None:
        self._exit = contextlib.ExitStack()
        try:
            self.postgres = self._exit.enter_context(Postgres(fsync=True))
            self.kafka = self._start_kafka(embedded_kafka)
            self.directory = Path(self._exit.enter_context(tempfile.TemporaryDirectory()))
            bare = bare_environment(os.environ)
            here = os.pathsep.join(filter(None, (os.getcwd(), bare.get("PYTHONPATH"))))
            self.environment = {
                **bare,
                "PYTHONPATH": here,
                "KAFKA_BROKER_URL": self.kafka.url,
                "LOG_LEVEL": "WARNING",
            }
            self.sql = self.database("bench")
        except BaseException:
            self.close()
            raise

    @property
    def apache(self) -> bool:
        """Whether Kafka is Apache Kafka."""
        return isinstance(self.kafka, Kafka)

    @contextlib.contextmanager
    def kafka_stopped(self) -> Iterator[None]:
        """Kafka with its connections open, and no answer from it."""
        os.kill(self.pids["Kafka"], signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pids["Kafka"], signal.SIGCONT)

    @property
    def names(self) -> str:
        """What the services run on, in words."""
        kafka = f"Apache Kafka {kafka_version()}" if self.apache else "the embedded broker"
        return f"PostgreSQL 18 with fsync, {kafka}"

    @property
    def pids(self) -> dict[str, int]:
        """The servers' processes."""
        kafka = self.kafka.pid if isinstance(self.kafka, Kafka) else self.kafka.process.pid
        return {"PostgreSQL": self.postgres.process.pid, "Kafka": kafka}

    def _start_kafka(self, embedded: bool) -> Kafka | Broker:
        if not embedded:
            try:
                return self._exit.enter_context(Kafka(heap="1g"))
            except MissingTool as missing:
                print(f"Apache Kafka cannot be had ({missing}); the embedded broker stands in.")
        return self._exit.enter_context(Broker(TOPICS))

    def database(self, name: str) -> Sql:
        """A new database, for the programs that are started from now on."""
        url = self.postgres.create_database(name)
        self.environment["DATABASE_URL"] = url
        sql = Sql(url)
        self._exit.callback(sql.close)
        return sql

    def create_topic(self, name: str, partitions: int) -> None:
        """Make a topic on Apache Kafka; the embedded broker has all from its start."""
        if self.apache:
            admin = AdminClient({"bootstrap.servers": self.kafka.url})
            admin.create_topics([NewTopic(name, partitions)])[name].result()

    def records(self) -> int:
        """How many records the topic has taken so far."""

        async def ends() -> int:
            async with AIOKafkaConsumer(TOPIC, bootstrap_servers=self.kafka.url) as consumer:
                known = consumer.partitions_for_topic(TOPIC) or ()
                offsets = await consumer.end_offsets([TopicPartition(TOPIC, n) for n in known])
                return sum(offsets.values())

        return asyncio.run(ends())

    @contextlib.contextmanager
    def sink(self) -> Iterator["Sink"]:
        """A fresh receiver of telemetry."""
        sink = Sink(self.directory, self.environment)
        try:
            yield sink
        finally:
            sink.process.stop()
            sink.received.unlink(missing_ok=True)

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

    def spans(self) -> Counter[str]:
        """What came, by `service/kind/name`. Decodes all: call it when the services have ended."""
        return count_spans(self.received)
