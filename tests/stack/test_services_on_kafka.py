"""The services run on an Apache Kafka as they do on the embedded broker, from the start."""

import json
import os
import uuid
from collections.abc import Iterator

import httpx
import pytest
from confluent_kafka import Consumer, Producer

from embedded.native.kafka import Kafka
from embedded.services import bare_environment
from embedded.stack import Stack, StackSettings
from embedded.waiting import wait_until

INGESTED_WITHIN = 30.0
"""Seconds; far more than it takes, for a machine that is busy."""


@pytest.fixture(scope="module")
def broker() -> Iterator[Kafka]:
    """A Kafka of this module's own, which its tests stop and start."""
    with Kafka() as running:
        yield running


@pytest.fixture(scope="module")
def stack(broker: Kafka) -> Iterator[Stack]:
    """bookapp, backend and PostgreSQL on that Kafka."""
    settings = StackSettings(
        environment=bare_environment(os.environ), kafka_broker_url=broker.url, fsync=False
    )
    with Stack(settings) as running:
        yield running


def add(stack: Stack, title: str) -> int:
    """Adds a book; its id."""
    body = {"title": title, "author": "Ursula K. Le Guin"}
    answer = httpx.post(f"{stack.bookapp_url}/books/add", json=body, timeout=5, trust_env=False)
    assert answer.status_code == 201, answer.text
    found: int = answer.json()
    return found


def ingested(stack: Stack, book: int) -> bool:
    """Whether backend has the book."""
    url = f"{stack.backend_url}/books/{book}"
    return httpx.get(url, timeout=10, trust_env=False).status_code == 200


def wait_ingested(stack: Stack, *books: int) -> None:
    """Waits until backend has every one of the books."""
    for book in books:
        what = f"the ingestion of book {book}"
        wait_until(lambda book=book: ingested(stack, book), INGESTED_WITHIN, what=what)


def test_an_added_book_is_ingested(stack: Stack) -> None:
    wait_ingested(stack, add(stack, "The Dispossessed"))


def test_the_catalogue_of_the_first_migration_is_ingested(stack: Stack) -> None:
    wait_ingested(stack, *range(1, 101))


def test_the_records_trace_links_to_the_span_that_sent_it(stack: Stack) -> None:
    assert stack.receiver is not None
    receiver = stack.receiver
    book = add(stack, "Always Coming Home")
    wait_ingested(stack, book)
    url = f"{stack.backend_url}/books/{book}"
    trace_id = httpx.get(url, trust_env=False).json()["trace_id"]

    [send] = wait_until(
        lambda: receiver.spans(name="send book_ingestion", trace_id=trace_id), what="the send span"
    )
    [process] = wait_until(lambda: receiver.linked_from(send), what="the process span")
    assert process.name == "process book_ingestion"
    assert process.parent_id == ""
    assert process.trace_id != trace_id


def test_a_killed_worker_is_replaced_and_goes_on_where_it_was(stack: Stack) -> None:
    stack.backend.kill()
    books = [add(stack, f"While it was away {number}") for number in range(20)]
    stack.restart_backend()
    wait_ingested(stack, *books)


def test_requests_do_not_wait_for_kafka_and_their_records_follow(
    stack: Stack, broker: Kafka
) -> None:
    broker.kill()
    try:
        books = [add(stack, f"Without Kafka {number}") for number in range(20)]
    finally:
        broker.start()
    wait_ingested(stack, *books)


def test_a_suspended_kafka_costs_no_request(stack: Stack, broker: Kafka) -> None:
    broker.suspend()
    try:
        books = [add(stack, f"Kafka asleep {number}") for number in range(20)]
    finally:
        broker.resume()
    wait_ingested(stack, *books)


def test_records_of_other_clients_are_processed_or_dead_lettered(
    stack: Stack, broker: Kafka
) -> None:
    book = 1_000_000_001
    record = {
        "type": "added",
        "event_id": str(uuid.uuid4()),
        "sequence": 1,
        "occurred_at": "2026-01-01T00:00:00Z",
        "book": {"id": book, "title": "Elsewhere", "author": "Anyone", "status": "available"},
    }
    producer = Producer({"bootstrap.servers": broker.url})
    key = str(book).encode()
    producer.produce("book_ingestion", b"\xff not a record", key)
    producer.produce("book_ingestion", None, key, headers=[("traceparent", None)])
    producer.produce("book_ingestion", json.dumps(record), key, headers=[("traceparent", None)])
    assert producer.flush(30) == 0

    wait_ingested(stack, book)
    consumer = Consumer(
        {
            "bootstrap.servers": broker.url,
            "group.id": str(uuid.uuid4()),
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe(["book_ingestion.dlq"])
    dead = [message.value() for message in consumer.consume(2, 30)]
    consumer.close()
    assert {value or b"" for value in dead} == {b"", b"\xff not a record"}
    wait_ingested(stack, add(stack, "The worker goes on"))
