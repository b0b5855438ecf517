"""Telemetry never breaks the work: what watches the services may die, and no request notices."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import psutil
from confluent_kafka import Producer

from embedded.native.observed import Observed
from embedded.processes import Process
from embedded.waiting import wait_until

LASTS = 12.0
"""Seconds of each outage: several times the exporters' intervals."""
GROWTH = 60 * 2**20
"""Bytes that a service may grow by meanwhile: its full telemetry queues, and some."""
PATIENCE = 3.0
"""Seconds that a request may take on a busy machine."""


def memory(process: Process) -> int:
    """Resident bytes of a service, its child processes included."""
    top = psutil.Process(process.pid)
    return sum(each.memory_info().rss for each in [top, *top.children(recursive=True)])


@contextlib.contextmanager
def unharmed(system: Observed, traffic: Any) -> Iterator[None]:
    """Around an outage: under load, no request fails or is slow, and memory stays bounded."""
    services = [system.stack.bookapp, system.stack.backend]
    wait_until(lambda: traffic.requests > 100, 60, what="traffic")
    traffic.slowest = 0.0
    before = [memory(service) for service in services]
    requests = traffic.requests
    yield
    ends = time.monotonic() + LASTS
    wait_until(lambda: time.monotonic() > ends, LASTS + 10, interval=0.5)
    assert traffic.failures == []
    assert traffic.slowest < PATIENCE
    assert traffic.requests > requests + 50
    for service, was in zip(services, before, strict=True):
        assert memory(service) < was + GROWTH, service.name


def spans_arrive(system: Observed) -> None:
    """Waits for a span that began after now."""
    now = time.time_ns()
    receiver = system.receiver
    wait_until(
        lambda: any(span.start > now for span in receiver.spans(name="POST /books/add")),
        60,
        what="a new span",
    )


def test_a_killed_collector_costs_no_request(observed: Observed, traffic: Any) -> None:
    with unharmed(observed, traffic):
        observed.collector.kill()
    observed.collector.start()
    spans_arrive(observed)


def test_a_collector_that_hangs_costs_no_request(observed: Observed, traffic: Any) -> None:
    try:
        with unharmed(observed, traffic):
            observed.collector.suspend()
    finally:
        observed.collector.resume()
    spans_arrive(observed)


def test_a_killed_sentry_server_costs_no_request(observed: Observed, traffic: Any) -> None:
    producer = Producer({"bootstrap.servers": observed.kafka.url})
    with unharmed(observed, traffic):
        observed.bugsink.kill()
        for number in range(20):  # each is an error that Sentry should hear of
            producer.produce("book_ingestion", b"not a record", str(number).encode())
        assert producer.flush(30) == 0
    observed.bugsink.start()
    known = len(observed.bugsink.events(observed.sentry_project))
    producer.produce("book_ingestion", b"not a record either", b"1")
    assert producer.flush(30) == 0
    wait_until(
        lambda: len(observed.bugsink.events(observed.sentry_project)) > known,
        90,
        interval=0.5,
        what="an event after the outage",
    )
