"""The closed list of metrics, and what instruments do."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from telemetry.attributes import ATTRIBUTES
from telemetry.client import TracedTransport
from telemetry.http import TracingMiddleware
from telemetry.kafka import end_send_span, start_process_span, start_send_span
from telemetry.metrics import METRICS, counter, gauge, histogram, observe


def test_names_are_listed_once() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    assert len({attribute.name for attribute in ATTRIBUTES}) == len(ATTRIBUTES)


@pytest.mark.parametrize("make", [counter, gauge, histogram])
def test_a_name_that_is_not_listed_is_refused(make: Callable[[str], object]) -> None:
    with pytest.raises(ValueError, match=r"books\.sold is not in the list"):
        make("books.sold")


def test_a_listed_name_is_refused_as_another_kind() -> None:
    with pytest.raises(ValueError, match=r"outbox\.backlog is not in the list"):
        counter("outbox.backlog")
    with pytest.raises(ValueError, match=r"http\.server\.request\.duration is not in the list"):
        observe("http.server.request.duration", list)


def test_an_instrument_is_made_once() -> None:
    assert counter("outbox.published") is counter("outbox.published")


def test_a_counter_adds_up_by_attributes(emitted: Any) -> None:
    for amount in (1, 2):
        counter("outbox.parked").add(amount, {"messaging.destination.name": "a"})
    counter("outbox.parked").add(5, {"messaging.destination.name": "b"})
    (a,) = emitted.points("outbox.parked", messaging__destination__name="a")
    (b,) = emitted.points("outbox.parked", messaging__destination__name="b")
    assert (a.value, b.value) == (3, 5)


def test_a_gauge_stays_until_it_is_set_again_or_removed(emitted: Any) -> None:
    lag, labels = gauge("consumer.lag"), {"messaging.destination.name": "books"}
    lag.set(4, labels)
    for _ in range(2):
        (point,) = emitted.points("consumer.lag")
        assert point.value == 4
    lag.set(3, labels)
    (point,) = emitted.points("consumer.lag")
    assert point.value == 3
    lag.remove(labels)
    assert emitted.points("consumer.lag") == []


async def test_what_is_emitted_is_in_the_list_with_its_attributes(emitted: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["path_template"] = "/books/{id}"
        raise LookupError

    transport = TracedTransport(httpx.ASGITransport(TracingMiddleware(app)))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        await client.get("/books/1")
    sent = start_send_span("books", None, parent=None)
    end_send_span(sent, partition=None, offset=None, error=TimeoutError())
    record = start_process_span("books", 0, 0, None, None, group="g", body_size=None)
    record.finish(TimeoutError())
    listed = {metric.name: set(metric.attributes) for metric in METRICS}
    seen = emitted.everything()
    assert {
        "http.server.request.duration",
        "http.client.request.duration",
        "messaging.client.sent.messages",
        "messaging.client.operation.duration",
        "messaging.client.consumed.messages",
        "messaging.process.duration",
    } <= {name for name, _ in seen}
    for name, attributes in seen:
        assert attributes <= listed[name], name
