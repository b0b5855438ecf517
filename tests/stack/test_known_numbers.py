"""Dashboards against known numbers of events: each panel that counts says how many there were.

The events happen once, on a system of their own, through everything that is between them and the
panel: service or command, Collector, Prometheus.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest
from confluent_kafka import Producer

from embedded.native.observed import Observed
from embedded.services import bare_environment
from embedded.waiting import wait_until

BOARDS = Path(__file__).parents[2] / "infra" / "grafana" / "dashboards"
WITHIN = 60.0
ADDED, MISSING, UNDECODABLE, REDRIVEN, REPLAYED = 12, 3, 9, 2, 10
BOOK = {"title": "Emma", "author": "Jane Austen"}
VARIABLES = {"$__rate_interval": "15m", "$__range": "15m", "$service": "bookapp"}


class Known(msgspec.Struct):
    """The system after the events, how many books it has, and how many requests a rule failed."""

    system: Observed
    books: int
    injected: int

    def values(self, board: str, title: str, kind: str) -> dict[str, float]:
        """A panel's numbers by their legend, its queries asked as Grafana would."""
        panels = json.loads((BOARDS / f"{board}.json").read_text())["panels"]
        [panel] = [each for each in panels if (each.get("title"), each["type"]) == (title, kind)]
        found: dict[str, float] = {}
        for target in panel["targets"]:
            query = target["expr"]
            for name, value in VARIABLES.items():
                query = query.replace(name, value)
            for series in self.system.prometheus.query(query):
                legend = target.get("legendFormat", "")
                for label, value in series["metric"].items():
                    legend = legend.replace(f"{{{{{label}}}}}", value)
                found[re.sub(r"{{\w+}}", "", legend)] = float(series["value"][1])
        return {legend: value for legend, value in found.items() if value}


def _command(system: Observed, *arguments: str) -> None:
    """An operator's command; it tells the Collector before it ends."""
    environment = {
        **bare_environment(os.environ),
        "DATABASE_URL": system.stack.database_url,
        "KAFKA_BROKER_URL": system.kafka.url,
        "OTEL_EXPORTER_OTLP_ENDPOINT": system.collector.url,
    }
    command = [sys.executable, "-m", "faust", "-A", "backend.app", *arguments, "--yes"]
    subprocess.run(command, env=environment, check=True, timeout=120)


def _http_events(client: httpx.Client) -> int:
    """Added books, books that are not there, and failures by a rule: how many of the last."""
    for _ in range(ADDED):
        client.post(
            "/books/add", json={"title": "Emma", "author": "Jane Austen"}
        ).raise_for_status()
    for _ in range(MISSING):
        assert client.get("/books/999999").status_code == 404
    rule = {"endpoint_pattern": "/books/{id}", "http_method": "GET", "error_rate": 1.0}
    made = client.post("/error-injection", json={**rule, "error_code": 503}).raise_for_status()
    statuses: list[int] = []

    def failed() -> bool:
        statuses.append(client.get("/books/1").status_code)
        return statuses.count(503) == 4

    wait_until(failed, 30, what="four failures by the rule")
    client.delete(f"/error-injection/{made.json()['id']}").raise_for_status()
    return statuses.count(503)


@pytest.fixture(scope="module")
def known(infra: Path) -> Iterator[Known]:
    """A system of its own, on which the events have happened and nothing else has."""
    with Observed(infra, bare_environment(os.environ)) as system:
        with httpx.Client(base_url=system.stack.bookapp_url, timeout=30, trust_env=False) as client:
            injected = _http_events(client)
        producer = Producer({"bootstrap.servers": system.kafka.url})
        for _ in range(UNDECODABLE):
            producer.produce("book_ingestion", b"not a record", b"1", partition=0)
        assert producer.flush(30) == 0

        database = urlsplit(system.stack.database_url).path.lstrip("/")
        listed = "SELECT id FROM backend.dead_letter WHERE state = 'new' ORDER BY \"offset\""

        def letters() -> list[str]:
            return system.stack.postgres.execute(listed, database).split()

        wait_until(lambda: len(letters()) == UNDECODABLE, WITHIN, what="the dead letters")
        _command(system, "dead-letters", "redrive", *letters()[:REDRIVEN])
        wait_until(lambda: len(letters()) == UNDECODABLE, WITHIN, what="those sent back, again")
        selected = ("--type", "added", "--limit", str(REPLAYED))
        _command(system, "replay", *selected, "--handle", "--apply")
        too_large = "INSERT INTO outbox (topic, key, value, created_at)"
        too_large += " VALUES ('book_ingestion', '1', decode(repeat('00', 3000000), 'hex'), now())"
        system.stack.postgres.execute(too_large, database)
        books = int(system.stack.postgres.execute("SELECT count(*) FROM books", database))
        yield Known(system, books, injected)


DECODE_ERROR = "contracts.codec.DecodeError"
DEAD = UNDECODABLE + REDRIVEN
AGAIN = REPLAYED + REDRIVEN

NUMBERS: list[tuple[str, str, str, dict[str, float]]] = [
    ("kafka", "Dead letters", "stat", {"": DEAD}),
    ("kafka", "Dead letters that wait", "stat", {"": UNDECODABLE}),
    ("kafka", "Sent back", "stat", {"": REDRIVEN}),
    ("kafka", "Replayed", "stat", {"": AGAIN}),
    ("kafka", "Lag", "stat", {}),
    ("kafka", "Workers", "stat", {"": 1}),
    ("kafka", "Dead letters", "timeseries", {f"book_ingestion {DECODE_ERROR}": DEAD}),
    ("kafka", "Replays", "timeseries", {"book_ingestion": AGAIN}),
    ("kafka", "Is it well?", "stat", {"No dead letters": 1}),
    ("outbox", "Parked", "stat", {"": 1}),
    ("outbox", "Parked", "timeseries", {"MessageSizeTooLargeError": 1}),
    ("outbox", "Relays", "stat", {"": 1}),
    ("outbox", "Backlog", "stat", {}),
    ("outbox", "Is it well?", "stat", {"Nothing parked": 1}),
    ("services", "Books", "stat", {}),
    ("services", "Not ready", "stat", {}),
    ("services", "Failures by service and status", "timeseries", {"bookapp 404": MISSING}),
    ("service", "Injected failures", "timeseries", {}),
    ("database", "Deadlocks", "stat", {}),
    ("database", "Is it well?", "stat", {}),
    ("collector", "Is it well?", "stat", {}),
    ("collector", "Lost", "timeseries", {}),
    ("collector", "Up", "stat", {"": 2}),
]


@pytest.mark.parametrize(
    ("board", "title", "kind", "numbers"), NUMBERS, ids=lambda value: str(value)[:40]
)
def test_a_panel_says_how_many_there_were(
    known: Known, board: str, title: str, kind: str, numbers: dict[str, float]
) -> None:
    wanted = dict(numbers)
    if title == "Injected failures":
        wanted = {"/books/{id}": known.injected}
    if title == "Books":
        wanted = {"": known.books}
    if title.startswith("Failures"):
        wanted["bookapp 503"] = known.injected

    def shown() -> bool:
        return known.values(board, title, kind) == pytest.approx(wanted)

    try:
        wait_until(shown, WITHIN, interval=1)
    except TimeoutError:
        assert known.values(board, title, kind) == pytest.approx(wanted)
