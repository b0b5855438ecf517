"""A Faust program, and what its workers and commands on a real Kafka say."""

import itertools
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition

from embedded.processes import Process
from embedded.waiting import wait_until

FAUST = Path(sys.executable).parent / "faust"
HEAD = """
import asyncio, os
from pathlib import Path
import faust
import msgspec
from mode import Service
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from delivery.application import create_app
from delivery.kafka.settings import KafkaSettings
from delivery.topics import json_topic
from telemetry import read_settings

trace.set_tracer_provider(TracerProvider())
tracer = trace.get_tracer("program")
app = create_app(os.environ["NAME"], read_settings(KafkaSettings, os.environ))
"""
AGENTS = """
name = os.environ["NAME"]
topic = app.topic(name, value_type=int, partitions=1)

@app.on_partitions_assigned.connect
async def assigned(app, assigned, **_):
    print("assigned")

@app.on_partitions_revoked.connect
async def revoked(app, revoked, **_):
    print("revoked", len(revoked))
"""
_numbers = itertools.count(1)


class Program:
    """A module with an application, a group of its own, and what its workers and commands say."""

    def __init__(self, kafka_url: str, directory: Path, run: Callable[..., Process]) -> None:
        self.name = f"program-{os.getpid()}-{next(_numbers)}"
        self.kafka_url = kafka_url
        self.directory = directory
        self._run = run

    def write(self, body: str) -> None:
        (self.directory / "program.py").write_text(HEAD + textwrap.dedent(body))

    @property
    def environment(self) -> dict[str, str]:
        return {
            "NAME": self.name,
            "KAFKA_BROKER_URL": self.kafka_url,
            "PYTHONPATH": os.pathsep.join([str(self.directory), *filter(None, sys.path)]),
            "PYTHONUNBUFFERED": "1",
        }

    def worker(self, *options: str, of: str = "") -> Process:
        return self._run(
            [FAUST, "-A", f"program{of}", "worker", "--without-web", *options],
            self.environment,
            name="worker",
        )

    def write_agents(self, body: str) -> None:
        self.write(AGENTS + textwrap.dedent(body))

    def agents(self, body: str) -> Process:
        """A worker with these agents, once it has its partitions; ``topic`` is named as it is."""
        self.write_agents(body)
        worker = self.worker()
        wait_until(lambda: worker.lines.count("assigned"), 60, what="partitions")
        return worker

    def send(
        self, *values: bytes | None, to: str = "", headers: list[tuple[str, bytes]] | None = None
    ) -> None:
        producer = Producer({"bootstrap.servers": self.kafka_url})
        for value in values:
            producer.produce(to or self.name, value, b"k", 0, headers=headers)
        assert producer.flush(30) == 0

    def committed(self) -> int:
        """The group's offset in the topic of the program's name."""
        consumer = Consumer({"bootstrap.servers": self.kafka_url, "group.id": self.name})
        try:
            return int(consumer.committed([TopicPartition(self.name, 0)], 10)[0].offset)
        finally:
            consumer.close()

    def command(self, *words: str, code: int = 0, of: str = "") -> str:
        """What ``faust -A program …`` says, both ways out; its status is to be ``code``."""
        done = subprocess.run(
            [FAUST, "-A", f"program{of}", *words],
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def records(self, topic: str, count: int) -> list[Message]:
        """The first records of a topic of one partition."""
        consumer = Consumer({"bootstrap.servers": self.kafka_url, "group.id": f"r-{self.name}"})
        try:
            consumer.assign([TopicPartition(topic, 0, 0)])
            found: list[Message] = []

            def enough() -> bool:
                message = consumer.poll(0.2)
                if message is not None and message.error() is None:
                    found.append(message)
                return len(found) >= count

            wait_until(enough, 30, what=f"{count} records on {topic}")
            return found
        finally:
            consumer.close()


@pytest.fixture
def program(kafka_url: str, tmp_path: Path, run_service: Callable[..., Process]) -> Program:
    return Program(kafka_url, tmp_path, run_service)
