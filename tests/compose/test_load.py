"""All with load by one command, from nothing: what it sends succeeds, and it ends alone."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.compose.system import SERVICES, System

from embedded.waiting import wait_until

pytestmark = pytest.mark.timeout(900)
WITHIN = 120.0
REQUESTS = 500
"""So many that each kind of the load's requests is among them."""


@pytest.fixture(scope="module")
def loaded(system: System) -> Iterator[System]:
    """The system under load, on volumes that are new: what somebody sees first."""
    system.compose("down", "--volumes")
    system.up("WITH=load")
    yield system
    system.compose("stop", "load")


def value(system: System, query: str) -> float:
    """The sum of what Prometheus has for a query, 0 when it has nothing."""
    url = f"{system.url('prometheus')}/api/v1/query"
    answer = httpx.get(url, params={"query": f"sum({query})"}, timeout=10).json()
    return sum(float(one["value"][1]) for one in answer["data"]["result"])


def exceeds(system: System, query: str, number: float) -> None:
    """Waits until a query's value is above a number."""
    wait_until(lambda: value(system, query) > number, WITHIN, interval=1, what=query)


def others(system: System) -> dict[str, Any]:
    """Of each container but the load's: which one it is, since when, how often restarted."""
    found = {name: system.inspect(name) for name in SERVICES}
    return {
        name: (each["Id"], each["State"]["StartedAt"], each["RestartCount"])
        for name, each in found.items()
    }


def books(system: System) -> list[dict[str, Any]]:
    """All books that bookapp has, with what backend knows of each."""
    found: list[dict[str, Any]] = []
    while True:
        after = found[-1]["id"] if found else 0
        query = {"limit": 1000, "after": after}
        page = httpx.get(f"{system.url('bookapp')}/books", params=query, timeout=30).json()
        found += page
        if len(page) < 1000:
            return found


def test_one_command_starts_everything_with_load(loaded: System) -> None:
    assert loaded.running() == {*SERVICES, "load"}


def test_its_requests_are_answered_and_seen_from_both_ends(loaded: System) -> None:
    sent = 'http_client_request_duration_seconds_count{service_name="loadtest"}'
    exceeds(loaded, sent, REQUESTS)
    served = (
        'http_server_request_duration_seconds_count{service_name="bookapp",http_route=~"/books.*"}'
    )
    exceeds(loaded, served, REQUESTS)


def test_its_spans_arrive_and_all_are_kept(loaded: System) -> None:
    exceeds(loaded, 'traces_spanmetrics_calls_total{service_name="loadtest"}', REQUESTS)
    exceeds(loaded, 'otelcol_exporter_sent_spans_total{exporter="otlp/tempo"}', REQUESTS)
    exceeds(loaded, 'otelcol_exporter_sent_log_records_total{exporter="otlphttp/loki"}', 0)


def test_the_books_of_both_services_grow(loaded: System) -> None:
    exceeds(loaded, "sql_books", value(loaded, "sql_books") + 10)
    added = [book for book in books(loaded) if book["author"] == "Locust, A."]
    assert added
    newest = added[-1]["id"]

    def known() -> bool:
        query = {"limit": 1, "after": newest - 1}
        page = httpx.get(f"{loaded.url('bookapp')}/books", params=query, timeout=10).json()
        # It may be deleted by now: then nothing is known of it, rightly.
        return not page or page[0]["id"] != newest or page[0]["details"] is not None

    wait_until(known, WITHIN, interval=0.5, what=f"book {newest} is ingested")


def test_it_ends_well_when_it_is_stopped_and_alone(loaded: System) -> None:
    before = others(loaded)
    loaded.compose("stop", "load")
    assert loaded.inspect("load")["State"]["ExitCode"] == 0
    assert loaded.running() == set(SERVICES)
    assert others(loaded) == before
    assert {restarts for *_, restarts in before.values()} == {0}


def test_none_of_its_requests_failed_and_no_book_was_lost(loaded: System) -> None:
    said = loaded.compose("logs", "--no-log-prefix", "--no-color", "load")
    totals = re.findall(r"^ +Aggregated +(\d+) +(\d+)\(", said, re.MULTILINE)
    requests, failures = map(int, totals[-1])
    assert requests > REQUESTS
    assert failures == 0, said[-3000:]

    def all_known() -> bool:
        return all(book["details"] is not None for book in books(loaded))

    wait_until(all_known, WITHIN, interval=1, what="backend has every book")
