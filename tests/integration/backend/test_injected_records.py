"""Rules that name the topic, on a real worker: what its records meet, and what is told of it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import httpx
import msgspec
import pytest

from contracts.records import BookRecord
from contracts.topics import BOOK_INGESTION
from delivery.receiving.retry import RetryPolicy
from embedded.receiver import Receiver
from embedded.stack import PROMPT_TELEMETRY
from embedded.testing import poll_until
from error_injection.records import is_drawn
from error_injection.rule import Rule

MakeRecord = Callable[..., BookRecord]
TOPIC = BOOK_INGESTION.name
OF_TOPIC = {"messaging.destination.name": TOPIC}


class Admin:
    """Makes and removes rules at one process."""

    def __init__(self, url: str) -> None:
        self._http = httpx.AsyncClient(base_url=url, timeout=10, trust_env=False)

    async def add(self, **rule: Any) -> Rule:
        answer = await self._http.post("/error-injection", json=rule)
        assert answer.status_code == 201, answer.text
        return msgspec.json.decode(answer.content, type=Rule)

    async def remove(self, rule: Rule) -> None:
        assert (await self._http.delete(f"/error-injection/{rule.id}")).status_code == 204

    async def close(self) -> None:
        await self._http.aclose()


@pytest.fixture
async def admin(backend: Any, receiver: Receiver) -> AsyncIterator[Admin]:
    """The rules of a backend that runs, tells the receiver all, and reports errors to it."""
    backend.env |= {
        **PROMPT_TELEMETRY,
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
        "OTEL_METRIC_EXPORT_INTERVAL": "500",
        "SENTRY_DSN": receiver.sentry_dsn,
    }
    backend.start()
    admin = Admin(backend.url)
    yield admin
    await admin.close()


async def in_effect(backend: Any, admin: Admin) -> None:
    """Wait until the worker knows the rules that there are: it reads them all at once."""
    canary = await admin.add(
        endpoint_pattern="/books", http_method="GET", error_rate=1, error_code=418
    )

    async def injected() -> bool:
        return "x-error-injected" in (await backend.get("/books?ids=1")).headers

    await poll_until(injected, what="the rules are known")
    await admin.remove(canary)


def value(receiver: Receiver, name: str, attributes: dict[str, str] = OF_TOPIC) -> float:
    """A metric's newest value, summed over the series that have these attributes."""
    return sum(
        point.value
        for point in receiver.metrics(service="backend", name=name)
        if attributes.items() <= point.attributes.items()
    )


def processed(receiver: Receiver, outcome: str) -> list[Any]:
    spans = receiver.spans(service="backend", name=f"process {TOPIC}")
    return [span for span in spans if span.attributes.get("delivery.outcome") == outcome]


async def test_a_failure_that_passes_is_retried_until_the_rule_goes(
    backend: Any, admin: Admin, receiver: Receiver, topic: Any, record: MakeRecord
) -> None:
    rule = await admin.add(topic=TOPIC, error_rate=1, fatal=False, error_message="fog")
    await in_effect(backend, admin)
    await topic.publish(record(7))
    await poll_until(lambda: value(receiver, "consumer.retries") >= 3, what="three retries")
    assert await backend.sequence(7) is None
    assert await backend.unready() == set()  # it waits for somebody else, and would go on
    await admin.remove(rule)
    await backend.has(7, within=45)

    (span,) = await poll_until(lambda: processed(receiver, "done"), what="the process span")
    assert span.attributes["delivery.attempts"] >= 4
    assert span.attributes["error_injection.rule"] == rule.id
    retries = {
        point.attributes["error.type"]
        for point in receiver.metrics(service="backend", name="consumer.retries")
        if point.value  # the one that is there at 0 from the start has no type
    }
    assert retries == {"ConnectionError"}
    assert value(receiver, "error_injection.injected") >= 3
    warnings = receiver.logs(service="backend", level="WARN", trace_id=span.trace_id)
    injected = [log for log in warnings if log.attributes.get("error_injection.rule") == rule.id]
    assert len(injected) >= 3
    assert {log.span_id for log in injected} == {span.span_id}
    assert receiver.sentry_events() == []
    assert value(receiver, "consumer.dead_letters") == 0


async def test_a_share_fails_for_good_and_each_of_it_is_one_dead_letter_and_one_event(
    backend: Any, admin: Admin, receiver: Receiver, topic: Any, record: MakeRecord
) -> None:
    rule = await admin.add(topic=TOPIC, error_rate=0.3, error_message="ink")
    await in_effect(backend, admin)
    records = without_a_run(rule, [record(number) for number in range(1, 61)])
    failing = {one.book.id for one in records if is_drawn(rule, one.event_id)}
    assert 5 < len(failing) < 35
    await topic.publish(*records)

    letters = await topic.dead_letters(len(failing))
    assert {int(key) for key, _ in letters} == failing

    async def ingested() -> set[int]:
        ids = ",".join(str(one.book.id) for one in records)
        return {entry["book_id"] for entry in (await backend.get(f"/books?ids={ids}")).json()}

    await poll_until(
        lambda: _equals(ingested, {one.book.id for one in records} - failing), what="all others"
    )
    spans = await poll_until(
        lambda: _all(processed(receiver, "dead_letter"), len(failing)), what="the process spans"
    )
    events = await poll_until(
        lambda: _all(receiver.sentry_events(), len(failing)), what="an event for each"
    )
    await poll_until(
        lambda: value(receiver, "consumer.dead_letters") == len(failing), what="the metric"
    )
    ids = [(event.tags["otel.trace_id"], event.tags["otel.span_id"]) for event in events]
    assert sorted(ids) == sorted((span.trace_id, span.span_id) for span in spans)
    assert {event.level for event in events} == {"error"}
    assert {span.attributes["error_injection.rule"] for span in spans} == {rule.id}
    assert await backend.unready() == set()


def without_a_run(rule: Rule, records: list[BookRecord]) -> list[BookRecord]:
    """The records with the failing ones apart: ten in a row would open the circuit."""
    failing = [one for one in records if is_drawn(rule, one.event_id)]
    rest = iter(one for one in records if not is_drawn(rule, one.event_id))
    mixed = [each for one in failing for each in (one, next(rest))]
    return [*mixed, *rest]


async def _equals(ask: Callable[[], Any], expected: Any) -> bool:
    return await ask() == expected


def _all(found: Iterable[Any], count: int) -> list[Any] | None:
    found = list(found)
    assert len(found) <= count
    return found if len(found) == count else None


async def test_when_everything_fails_the_worker_stops_and_says_so_until_the_rule_goes(
    backend: Any, admin: Admin, receiver: Receiver, topic: Any, record: MakeRecord
) -> None:
    rule = await admin.add(topic=TOPIC, error_rate=1)
    await in_effect(backend, admin)
    await topic.publish(*(record(number) for number in range(1, 41)))

    async def unready() -> bool:
        return await backend.unready() == {"circuit"}

    await poll_until(unready, what="the circuit in /health/ready")
    await poll_until(lambda: value(receiver, "consumer.circuit") == 1, what="the circuit's metric")
    assert (await backend.get("/health/live")).status_code == httpx.codes.OK
    before = RetryPolicy().circuit_threshold - 1
    assert len(await topic.dead_letters(before)) == before

    await admin.remove(rule)

    async def recovered() -> bool:
        ids = ",".join(map(str, range(1, 41)))
        return len((await backend.get(f"/books?ids={ids}")).json()) == 40 - before

    await poll_until(recovered, 60, what="all but the dead-lettered books")
    assert await backend.unready() == set()
    await poll_until(lambda: value(receiver, "consumer.circuit") == 0, what="the circuit's metric")
    assert value(receiver, "consumer.dead_letters") == before


async def test_a_delay_slows_a_record_down_and_fails_nothing(
    backend: Any, admin: Admin, receiver: Receiver, topic: Any, record: MakeRecord
) -> None:
    rule = await admin.add(topic=TOPIC, error_rate=0, delay_ms=400)
    await in_effect(backend, admin)
    await topic.publish(record(7))
    await backend.has(7)
    (span,) = await poll_until(lambda: processed(receiver, "done"), what="the process span")
    assert span.end - span.start >= 400_000_000
    assert (span.status, span.attributes["error_injection.rule"]) == ("unset", rule.id)


async def test_a_rule_made_at_one_process_is_known_to_all_within_a_second(
    backend: Any, another_backend: Any, admin: Admin, topic: Any, record: MakeRecord
) -> None:
    replicas = [another_backend({**backend.env, "ENABLE_KAFKA_CONSUMER": "false"}) for _ in "12"]
    for replica in replicas:
        replica.start()
    urls = [process.url for process in (backend, *replicas)]
    known = []
    async with httpx.AsyncClient(timeout=10, trust_env=False) as http:

        async def says(url: str, rule: Rule | None) -> bool:
            header = (await http.get(f"{url}/books?ids=1")).headers.get("x-error-injected")
            return header == (None if rule is None else str(rule.id))

        async def everywhere(rule: Rule | None) -> float:
            started = time.monotonic()
            await asyncio.gather(
                *(poll_until(lambda url=url: says(url, rule), what=f"{rule}") for url in urls)
            )
            return time.monotonic() - started

        admin = Admin(replicas[0].url)
        for _ in range(3):
            rule = await admin.add(
                endpoint_pattern="/books", http_method="GET", error_rate=1, error_code=418
            )
            known.append(await everywhere(rule))
            await admin.remove(rule)
            known.append(await everywhere(None))
        # What a replica's admin says of the topic, the worker does.
        await admin.add(topic=TOPIC, error_rate=1)
        await in_effect(backend, admin)
        await admin.close()
    await topic.publish(record(7))
    assert await topic.dead_letters(1)
    assert sorted(known)[len(known) // 2] < 1, known
