"""Rules in memory, what they do to requests and records, and what they cost when there are none."""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast
from uuid import UUID, uuid5

import httpx
import pytest
from litestar import Litestar, get, patch
from litestar.exceptions import ValidationException
from litestar.params import FromPath
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider

from contracts.problems import Problems
from error_injection import (
    HEADER,
    RecordInjection,
    Rule,
    Rules,
    RuleTable,
    injection_middleware,
    reporting,
)
from error_injection.records import is_drawn
from error_injection.rule import RuleBody, check, check_types, shape
from error_injection.token import check_admin_token, say_when_open
from telemetry.attributes import INJECTED_RULE
from telemetry.metrics import METRICS

EVENTS = UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")


class Table(RuleTable, tablename="error_injection_config"):
    pass


async def never() -> Any:
    raise AssertionError("a request asked the database")


def rule(number: int = 1, **fields: Any) -> Rule:
    given = {"endpoint_pattern": "/books/{id}", "http_method": "GET", "error_rate": 1.0}
    if "topic" in fields:
        given = {"error_rate": 1.0}
    return Rule(id=number, **{**given, **fields})


@pytest.fixture
def rules() -> Rules:
    return Rules(Table, never)


@pytest.fixture
async def client(rules: Rules) -> AsyncIterator[httpx.AsyncClient]:
    @get("/books/{book_id:int}")
    async def get_book(book_id: FromPath[int]) -> int:
        return book_id

    @patch("/books/{book_id:int}")
    async def change_book(book_id: FromPath[int]) -> int:
        return book_id

    @get("/health/live")
    async def health() -> str:
        return "live"

    @get("/error-injection")
    async def admin() -> str:
        return "rules"

    app = Litestar(
        [get_book, change_book, health, admin],
        middleware=[injection_middleware(rules)],
        plugins=[Problems(lambda _: None)],
    )
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def test_without_rules_nothing_happens(client: httpx.AsyncClient, rules: Rules) -> None:
    assert not rules.active
    answer = await client.get("/books/1")
    assert (answer.status_code, answer.text) == (200, "1")
    assert HEADER not in answer.headers


async def test_an_injected_answer_is_a_problem_that_names_its_rule(
    client: httpx.AsyncClient, rules: Rules
) -> None:
    rules.hold([rule(7, error_code=503, error_message="tea break")])
    answer = await client.get("/books/1")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers[HEADER] == "7"
    assert answer.json() == {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "tea break",
        "errors": [],
    }


async def test_only_the_method_and_the_template_of_the_rule_are_touched(
    client: httpx.AsyncClient, rules: Rules
) -> None:
    rules.hold([rule(http_method="PATCH")])
    assert (await client.get("/books/1")).status_code == 200
    assert (await client.patch("/books/1")).status_code == 500
    assert (await client.get("/nowhere")).status_code == 404


@pytest.mark.parametrize(
    "given",
    [
        {"error_rate": "1"},
        {"error_rate": 1, "error_code": "500"},
        {"error_rate": 1, "delay_ms": "5"},
        {"error_rate": 1, "enabled": "true"},
        {"error_rate": 1, "enabled": 1},
        {"error_rate": True},
    ],
)
def test_a_text_is_no_number(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationException) as refused:
        check_types({"endpoint_pattern": "/books", "http_method": "GET", **given})
    (entry,) = cast("list[dict[str, str]]", refused.value.extra)
    assert entry["key"] == list(given)[-1]


def test_a_value_that_is_none_of_a_few_is_not_repeated() -> None:
    with pytest.raises(ValidationException) as refused:
        check_types({"endpoint_pattern": "/books", "http_method": "s3cret", "error_rate": 1})
    assert refused.value.detail.startswith("http_method: must be one of GET, POST")
    assert "s3cret" not in repr(refused.value.extra)


def test_numbers_are_numbers() -> None:
    check_types({"endpoint_pattern": "/books", "http_method": "GET", "error_rate": 1})


@pytest.mark.parametrize("token", ["t\u00f6ken", "a\nb", "\u200b", "a\x7f"])
def test_a_token_that_no_header_can_hold_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="ADMIN_TOKEN takes printable ASCII"):
        check_admin_token(token)


def test_a_service_without_a_token_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    check_admin_token("let me in")
    check_admin_token(None)
    say_when_open("let me in")
    say_when_open(None)
    (record,) = caplog.records
    assert "ADMIN_TOKEN" in record.getMessage()


@pytest.mark.parametrize("code", [400, 418, 499, 500, 599])
async def test_every_status_a_rule_may_have(
    client: httpx.AsyncClient, rules: Rules, code: int
) -> None:
    rules.hold([rule(error_code=code)])
    answer = await client.get("/books/1")
    assert answer.status_code == code
    assert answer.json()["title"]


async def test_a_disabled_rule_and_a_rate_of_zero_do_nothing(
    client: httpx.AsyncClient, rules: Rules
) -> None:
    rules.hold([rule(enabled=False)])
    assert not rules.active
    rules.hold([rule(error_rate=0.0)])
    assert (await client.get("/books/1")).status_code == 200


async def test_health_and_the_admin_routes_are_out_of_reach(
    client: httpx.AsyncClient, rules: Rules
) -> None:
    rules.hold(
        [
            rule(1, endpoint_pattern="/health/live"),
            rule(2, endpoint_pattern="/error-injection"),
            rule(3),
        ]
    )
    assert (await client.get("/health/live")).status_code == 200
    assert (await client.get("/error-injection")).status_code == 200
    assert (await client.get("/books/1")).status_code == 500


async def test_a_rate_of_a_fifth_fails_a_fifth_of_2000_requests(
    client: httpx.AsyncClient, rules: Rules
) -> None:
    rules.hold([rule(error_rate=0.2)])
    answers = [await client.get("/books/1") for _ in range(2000)]
    failed = sum(answer.status_code == 500 for answer in answers)
    # Five standard deviations of the binomial: wrong by chance once in two million runs.
    assert abs(failed - 400) < 5 * math.sqrt(2000 * 0.2 * 0.8)


async def test_a_delay_holds_up_the_answer_and_nobody_else(
    client: httpx.AsyncClient, rules: Rules
) -> None:
    rules.hold([rule(error_rate=0.0, delay_ms=300)])
    started = time.monotonic()
    slow = asyncio.create_task(client.get("/books/1"))
    assert (await client.patch("/books/1")).status_code == 200
    assert time.monotonic() - started < 0.3
    assert (await slow).status_code == 200
    assert time.monotonic() - started >= 0.3


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemoryMetricReader]:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    listed = next(metric for metric in METRICS if metric.name == "error_injection.injected")
    counter = provider.get_meter("test").create_counter(listed.name, listed.unit, listed.meaning)
    monkeypatch.setattr(reporting, "_injected", lambda: counter)
    yield reader
    provider.shutdown()


def points(reader: InMemoryMetricReader) -> list[tuple[dict[str, Any], float]]:
    data: Any = reader.get_metrics_data()
    metrics = data.resource_metrics[0].scope_metrics[0].metrics
    return [(dict(point.attributes), point.value) for point in metrics[0].data.data_points]


async def test_an_injection_is_on_its_span_its_log_line_and_in_its_metric(
    client: httpx.AsyncClient,
    rules: Rules,
    counted: InMemoryMetricReader,
    caplog: pytest.LogCaptureFixture,
) -> None:
    rules.hold([rule(7)])
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")
    with tracer.start_as_current_span("GET /books/{book_id}") as span:
        await client.get("/books/1")
    assert getattr(span, "attributes", {})[INJECTED_RULE] == 7
    [line] = [record for record in caplog.records if record.name == reporting.__name__]
    assert line.levelno == logging.ERROR
    assert line.getMessage() == "injected a failure into GET /books/{id} by rule 7"
    assert vars(line)[INJECTED_RULE] == 7
    assert points(counted) == [({"http.route": "/books/{id}", "http.request.method": "GET"}, 1)]


def test_the_metric_is_the_one_in_the_closed_list() -> None:
    listed = next(metric for metric in METRICS if metric.name == "error_injection.injected")
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    reporting._injected.cache_clear()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("opentelemetry.metrics.get_meter", provider.get_meter)
        made = reporting._injected()
        made.add(1)
    reporting._injected.cache_clear()
    data: Any = reader.get_metrics_data()
    metric = data.resource_metrics[0].scope_metrics[0].metrics[0]
    assert (metric.name, metric.unit, metric.description) == (
        listed.name,
        listed.unit,
        listed.meaning,
    )


# ------------------------------------------------------------------ records
class Fatal(Exception):
    pass


class Passing(Exception):
    pass


@pytest.fixture
def injection(rules: Rules) -> RecordInjection:
    return RecordInjection(rules, fatal=Fatal, passing=Passing)


def event(number: int) -> UUID:
    return uuid5(EVENTS, str(number))


async def test_a_record_fails_for_good_or_passingly_as_the_rule_says(
    rules: Rules, injection: RecordInjection
) -> None:
    await injection.before(event(1), "book_ingestion")
    rules.hold([rule(3, topic="book_ingestion", error_message="ink spilt")])
    assert not rules.active  # requests need not look
    with pytest.raises(Fatal, match=r"ink spilt \(injected by rule 3\)"):
        await injection.before(event(1), "book_ingestion")
    await injection.before(event(1), "another_topic")
    rules.hold([rule(3, topic="book_ingestion", fatal=False)])
    with pytest.raises(Passing):
        await injection.before(event(1), "book_ingestion")


def test_the_draw_is_the_same_at_every_attempt_and_fails_its_share() -> None:
    fifth = rule(topic="book_ingestion", error_rate=0.2)
    drawn = [number for number in range(5000) if is_drawn(fifth, event(number))]
    assert drawn == [number for number in range(5000) if is_drawn(fifth, event(number))]
    assert abs(len(drawn) - 1000) < 5 * math.sqrt(5000 * 0.2 * 0.8)
    # Another rule draws others, and a higher rate adds to those of the lower.
    other = rule(2, topic="book_ingestion", error_rate=0.2)
    assert drawn != [number for number in range(5000) if is_drawn(other, event(number))]
    half = rule(topic="book_ingestion", error_rate=0.5)
    assert all(is_drawn(half, event(number)) for number in drawn)


def test_a_rate_of_one_draws_all_and_of_zero_none() -> None:
    everything = rule(topic="t", error_rate=1.0)
    nothing = rule(topic="t", error_rate=0.0)
    assert all(is_drawn(everything, event(number)) for number in range(1000))
    assert not any(is_drawn(nothing, event(number)) for number in range(1000))


async def test_a_record_is_slowed_down(
    rules: Rules, injection: RecordInjection, counted: InMemoryMetricReader
) -> None:
    rules.hold([rule(topic="book_ingestion", error_rate=0.0, delay_ms=100)])
    started = time.monotonic()
    await injection.before(event(1), "book_ingestion")
    assert time.monotonic() - started >= 0.1
    assert points(counted) == [({"messaging.destination.name": "book_ingestion"}, 1)]


# ------------------------------------------------------------------ what is refused
@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("endpoint_pattern", {"http_method": "GET"}),
        ("http_method", {"endpoint_pattern": "/books"}),
        ("endpoint_pattern", {"endpoint_pattern": "/books\n", "http_method": "GET"}),
        ("endpoint_pattern", {"endpoint_pattern": "/health/live", "http_method": "GET"}),
        ("endpoint_pattern", {"endpoint_pattern": "/schema", "http_method": "GET"}),
        ("endpoint_pattern", {"endpoint_pattern": "/error-injection/{x}", "http_method": "PUT"}),
        ("topic", {"topic": "unknown"}),
        ("topic", {"topic": "book_ingestion", "http_method": "GET"}),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_by_field(field: str, fields: Any) -> None:
    with pytest.raises(ValidationException) as caught:
        check(RuleBody(error_rate=0.5, **fields), {"book_ingestion"})
    extra: Any = caught.value.extra
    assert [entry["key"] for entry in extra] == [field]


def test_templates_match_whatever_their_parameters_are_called(rules: Rules) -> None:
    assert shape("/a/{b}/c/{d_e}") == shape("/a/{x}/c/{y}") == "/a/{}/c/{}"
    rules.hold([rule()])
    for number in range(5000):
        rules.endpoint(f"/never/{number}", "GET")
    assert len(rules._shapes) <= 1024
    assert rules.endpoint("/books/{book_id}", "GET") == rule()
    assert rules.endpoint("/books/{book_id}", "PUT") is None
