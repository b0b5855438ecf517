"""Real worker processes on a real Kafka, to be broken."""

import itertools
import json
import os
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from embedded.native.kafka import Kafka
from embedded.ports import free_port
from embedded.processes import Process
from embedded.waiting import wait_until

HERE = Path(__file__).parent
_numbers = itertools.count(1)


class Worker:
    """One worker process, its effects and its status."""

    def __init__(self, number: int, topic: str, url: str, directory: Path, env: dict[str, str]):
        self.port = free_port()
        self.effects_file = directory / f"effects-{number}"
        self.environment = {
            "TOPIC": topic,
            "KAFKA_BROKER_URL": url,
            "KAFKA_GROUP_ID": topic,
            "PORT": str(self.port),
            "EFFECTS": str(self.effects_file),
            "MISBEHAVE": str(directory / "misbehave"),
            "PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, sys.path)]),
            **env,
        }
        self.process: Process = None  # type: ignore[assignment]  # set when it is started

    @property
    def status(self) -> dict[str, Any]:
        """What it says of itself over HTTP, within two seconds."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=2) as answer:
            found: dict[str, Any] = json.loads(answer.read())
            return found

    def crash(self) -> None:
        """Make the application crash as Faust's own services do."""
        urllib.request.urlopen(f"http://127.0.0.1:{self.port}/crash", timeout=2).close()

    def effects(self) -> list[tuple[int, int, str]]:
        """(partition, offset, record) of each effect, in order."""
        if not self.effects_file.exists():
            return []
        rows = (line.split() for line in self.effects_file.read_text().splitlines())
        return [(int(partition), int(offset), record) for partition, offset, record in rows]


class Lab:
    """A topic and a group of the test's own, workers, and a ledger of what was sent."""

    def __init__(self, kafka: Kafka, directory: Path, run: Callable[..., Process]) -> None:
        self.topic = f"receive-{os.getpid()}-{next(_numbers)}"
        self.directory = directory
        self.kafka = kafka
        self.sent = 0
        self.workers: list[Worker] = []
        self._run = run
        self._producer: Producer | None = None

    def worker(self, url: str | None = None, **env: str) -> Worker:
        """Start one more worker; returns when its HTTP server answers."""
        made = Worker(len(self.workers), self.topic, url or self.kafka.url, self.directory, env)
        self.workers.append(made)
        made.process = self._run(
            ["faust", "-A", "receive_worker", "worker", "-l", "info"],
            made.environment,
            ready=f"http://127.0.0.1:{made.port}/",
            name="worker",
        )
        return made

    def send(self, count: int) -> None:
        """Send that many numbered records over all partitions; waits for the broker's answers."""
        if self._producer is None:
            self._producer = Producer({"bootstrap.servers": self.kafka.url, "acks": "all"})
        for number in range(self.sent, self.sent + count):
            key = str(number % 97)
            self._producer.produce(self.topic, json.dumps(number), key, partition=number % 4)
        assert self._producer.flush(30) == 0
        self.sent += count

    def misbehave(self, how: str) -> None:
        """ "away", "broken" or "" for every worker."""
        (self.directory / "misbehave").write_text(how)

    def missing(self) -> int:
        """How many of the records sent have had no effect yet."""
        seen = {int(record) for worker in self.workers for _, _, record in worker.effects()}
        return len(set(range(self.sent)) - seen)

    def wait_for_all(self, timeout: float = 30) -> None:
        wait_until(lambda: self.missing() == 0, timeout, what="every record's effect")

    def wait_until_owned(self, *workers: Worker, timeout: float = 20) -> None:
        """Until these workers, and nobody else, have all four partitions."""

        def owned() -> bool:
            parts = [worker.status["partitions"] for worker in workers]
            return sorted(itertools.chain.from_iterable(parts)) == [0, 1, 2, 3] and all(parts)

        wait_until(owned, timeout, what="the four partitions to be owned")


@pytest.fixture
def lab(kafka: Kafka, tmp_path: Path, run_service: Callable[..., Process]) -> Iterator[Lab]:
    return Lab(kafka, tmp_path, run_service)
