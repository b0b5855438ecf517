"""The closed lists against the running system: all that is listed arrives over OTLP, and no more.

Both services, on embedded parts, are led through every situation that something is emitted in; then
through the same again, with other books, paths and records: that must add no series and no span
name.
"""

import contextlib
import importlib
import os
import pkgutil
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from confluent_kafka import Producer

from contracts.topics import BOOK_INGESTION
from embedded.receiver import Receiver
from embedded.receiver.model import Point
from embedded.services import bare_environment, start_service
from embedded.stack import PROMPT_TELEMETRY, Stack, StackSettings
from embedded.waiting import wait_until
from telemetry.attributes import ATTRIBUTES
from telemetry.document import document
from telemetry.metric_list import METRICS

TOPIC = BOOK_INGESTION.name
KINDS = {"counter": "sum", "updowncounter": "sum", "gauge": "gauge", "histogram": "histogram"}
TYPES = {"string": str, "int": int, "boolean": bool}
STATUS = "http.response.status_code"
TOO_LARGE = f"""
    INSERT INTO outbox (topic, key, value)
    VALUES ('{TOPIC}', '1', decode(repeat('00', 17000000), 'hex'))
"""


class System:
    """Both services with a receiver, and what can happen to them."""

    def __init__(self, stack: Stack) -> None:
        assert stack.receiver is not None
        self.receiver: Receiver = stack.receiver
        self._stack = stack
        self._bookapp = httpx.Client(base_url=stack.bookapp_url, timeout=30, trust_env=False)
        self._backend = httpx.Client(base_url=stack.backend_url, timeout=30, trust_env=False)
        self._producer = Producer({"bootstrap.servers": stack.kafka_broker_url})

    def close(self) -> None:
        self._bookapp.close()
        self._backend.close()

    def everything(self) -> None:
        """Each situation once, with books, paths and records that were not there before."""
        books = self._requests()
        self._bad_record()
        self._parked_row()
        self._injected(books[0])
        self._replay(books[0])
        self._ingested(books[-1])

    def _requests(self) -> list[int]:
        call, title = self._bookapp, f"Title {uuid.uuid4()}"
        body = {"title": title, "author": "A"}
        book = call.post("/books/add", json=body).raise_for_status().json()
        more = call.post("/books/bulk_add", json=[body] * 200).raise_for_status().json()
        call.get(f"/books/{book}").raise_for_status()
        call.get(f"/books?limit=3&after={book - 1}").raise_for_status()
        call.patch(f"/books/{more[0]}", json={"status": "lost"}).raise_for_status()
        call.delete(f"/books/{more[1]}").raise_for_status()
        assert call.get(f"/books/{book + 10**9}").status_code == 404
        assert call.get(f"/nowhere/{uuid.uuid4()}").status_code == 404
        assert call.request(f"X{uuid.uuid4().hex[:6]}".upper(), "/books").status_code >= 400
        self._ingested(more[-1])
        return [book, *more[2:]]

    def _ingested(self, book: int) -> None:
        wait_until(
            lambda: self._backend.get(f"/books/{book}").status_code == 200, 60, what="a book"
        )

    def _bad_record(self) -> None:
        self._producer.produce(TOPIC, uuid.uuid4().bytes, b"1")
        assert self._producer.flush(30) == 0

    def _parked_row(self) -> None:
        database = urlsplit(self._stack.database_url).path.lstrip("/")
        self._stack.postgres.execute(TOO_LARGE, database)

    def _injected(self, book: int) -> None:
        """A failing endpoint of each service, and a topic whose records are tried again."""
        endpoint = {"http_method": "GET", "error_rate": 1, "error_code": 503}
        with Rule(self._bookapp, {"endpoint_pattern": "/books/{id}", **endpoint}):
            self._until_injected(self._bookapp, f"/books/{book}")
        passing = {"topic": TOPIC, "error_rate": 1, "fatal": False}
        with Rule(self._backend, passing):
            with Rule(self._backend, {"endpoint_pattern": "/books", **endpoint}):
                # A process reads all of its rules at once: here, it knows the other one as well.
                self._until_injected(self._backend, "/books?ids=1")
                self._bookapp.get("/books?limit=2").raise_for_status()
            self._bookapp.patch(f"/books/{book}", json={"author": str(uuid.uuid4())})
            self._until_counted("consumer.retries")

    def _until_injected(self, service: httpx.Client, path: str) -> None:
        wait_until(
            lambda: "x-error-injected" in service.get(path).headers, what="an injected failure"
        )

    def _until_counted(self, name: str) -> None:
        def count() -> float:
            return sum(point.value for point in self.receiver.metrics(name=name))

        before = count()
        wait_until(lambda: count() > before, 30, what=name)

    def _replay(self, book: int) -> None:
        stack = self._stack
        env = {
            **bare_environment(os.environ),
            **PROMPT_TELEMETRY,
            "DATABASE_URL": stack.database_url,
            "KAFKA_BROKER_URL": stack.kafka_broker_url,
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.receiver.endpoint,
        }
        replay = ["faust", "-A", "backend.app", "replay", "--key", str(book), "--yes"]
        for action in (["--publish", TOPIC], ["--handle", "--apply"]):
            with start_service("replay", [*replay, *action], env) as process:
                assert process.wait(60) == 0, process.last_words()


class Rule:
    """A rule of error injection, for a block."""

    def __init__(self, service: httpx.Client, rule: dict[str, Any]) -> None:
        self._service = service
        made = service.post("/error-injection", json=rule).raise_for_status().json()
        self._path = f"/error-injection/{made['id']}"

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self._service.delete(self._path).raise_for_status()


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    """A system in which everything has happened once, and all of it has arrived."""
    quick = {"OTEL_METRIC_EXPORT_INTERVAL": "500"}
    settings = StackSettings(
        environment=bare_environment(os.environ),
        fsync=False,
        bookapp_env=quick,
        backend_env=quick,
    )
    with Stack(settings) as stack:
        system = System(stack)
        system.everything()
        yield system
        system.close()


def by_name(points: list[Point]) -> dict[str, list[Point]]:
    found: dict[str, list[Point]] = {}
    for point in points:
        found.setdefault(point.name, []).append(point)
    return found


def test_every_metric_of_the_list_is_emitted_with_every_attribute_of_its(system: System) -> None:
    listed = {(metric.name, key) for metric in METRICS for key in ("", *metric.attributes)}

    def missing() -> set[tuple[str, str]]:
        seen = {
            (point.name, key)
            for point in system.receiver.metrics()
            for key in ("", *point.attributes)
        }
        return listed - seen

    with contextlib.suppress(TimeoutError):
        wait_until(lambda: not missing(), 20)
    assert missing() == set()


def test_no_metric_is_emitted_that_is_not_listed_so(system: System) -> None:
    listed = {metric.name: metric for metric in METRICS}
    for name, points in by_name(system.receiver.metrics()).items():
        metric = listed[name]
        for point in points:
            assert set(point.attributes) <= set(metric.attributes), name
            assert (point.kind, point.unit, point.description) == (
                KINDS[metric.kind],
                metric.unit,
                metric.meaning,
            )


def test_every_attribute_of_ours_is_emitted_with_its_type(system: System) -> None:
    def missing() -> set[str]:
        return {attribute.name for attribute in ATTRIBUTES} - keys(system.receiver).keys()

    with contextlib.suppress(TimeoutError):
        wait_until(lambda: not missing(), 20)
    assert missing() == set()
    emitted = keys(system.receiver)
    for attribute in ATTRIBUTES:
        assert {type(value) for value in emitted[attribute.name]} == {TYPES[attribute.type]}


def test_all_other_attributes_are_of_the_semantic_conventions(system: System) -> None:
    ours = {attribute.name for attribute in ATTRIBUTES}
    assert keys(system.receiver).keys() - ours - conventions() == set()


def keys(receiver: Receiver) -> dict[str, list[Any]]:
    """Every attribute of spans, their events and links, of log records and resources."""
    found: dict[str, list[Any]] = {}
    for one in (*receiver.spans(), *receiver.logs()):
        parts = (*getattr(one, "events", ()), *getattr(one, "links", ()))
        for attributes in (one.attributes, one.resource, *(part.attributes for part in parts)):
            for key, value in attributes.items():
                found.setdefault(key, []).append(value)
    return found


def conventions() -> set[str]:
    """The attribute names that OpenTelemetry's package of the conventions knows."""
    names = set()
    for root in (
        "opentelemetry.semconv.attributes",
        "opentelemetry.semconv._incubating.attributes",
    ):
        for module in pkgutil.iter_modules(importlib.import_module(root).__path__):
            values = vars(importlib.import_module(f"{root}.{module.name}"))
            names |= {v for k, v in values.items() if k.isupper() and isinstance(v, str)}
    return names


def test_the_same_again_with_other_books_adds_no_series_and_no_span_name(system: System) -> None:
    def series() -> set[tuple[str, str, str]]:
        return {
            (point.service, point.name, repr(sorted(bounded(point).items())))
            for point in system.receiver.metrics()
        }

    def bounded(point: Point) -> dict[str, Any]:
        """The attributes without how it ended, which is checked here: it may differ by chance."""
        attributes = dict(point.attributes)
        ended = str(attributes.pop("error.type", "")), attributes.pop(STATUS, 200)
        assert re.fullmatch(r"[1-5]\d\d|[A-Za-z_][\w.]*|", ended[0]), ended
        assert 100 <= ended[1] < 600
        return attributes

    def names() -> set[tuple[str, str, str]]:
        return {(span.service, span.kind, span.name) for span in system.receiver.spans()}

    settled(system.receiver)
    before = series(), names()
    system.everything()
    settled(system.receiver)
    assert series() - before[0] == set()
    assert names() - before[1] == set()


def settled(receiver: Receiver) -> None:
    """Wait until nothing is under way any more."""
    for name in ("outbox.backlog", "consumer.lag"):
        wait_until(
            lambda name=name: not any(point.value for point in receiver.metrics(name=name)),
            30,
            what=f"{name} is 0",
        )


def test_the_documentation_is_made_from_the_lists() -> None:
    checked_in = Path(__file__).parents[2] / "docs" / "telemetry.md"
    assert checked_in.read_text() == document(), "python -m telemetry.document > docs/telemetry.md"
