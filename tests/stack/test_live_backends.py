"""On a live Tempo (TEMPO_URL) and Loki (LOKI_URL): what people do with them, and every query.

Without those addresses the tests are skipped: neither server can be had everywhere.
"""

import base64
import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from embedded.native.observed import Observed
from embedded.waiting import wait_until

INFRA = Path(__file__).parents[2] / "infra"
WITHIN = 90.0


def panels(kind: str) -> list[Any]:
    """Every panel's query to data sources of one kind, with its variable filled in."""
    found = []
    for path in sorted((INFRA / "grafana" / "dashboards").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel.get("targets", []):
                if target["datasource"]["type"] == kind:
                    text = target.get("query") or target["expr"]
                    where = f"{path.stem}: {panel['title']}"
                    found.append(pytest.param(text.replace("$service", "bookapp"), id=where))
    return found


class Tempo:
    """Tempo's HTTP API, as far as it is needed."""

    def __init__(self, url: str) -> None:
        self._url = url

    def search(self, traceql: str) -> list[dict[str, Any]]:
        """The traces that a TraceQL query finds in the last half hour."""
        now = int(time.time())
        query = {"q": traceql, "start": str(now - 1800), "end": str(now + 60), "limit": "20"}
        return list(self._get("/api/search", query).get("traces", []))

    def metrics(self, traceql: str) -> list[dict[str, Any]]:
        """The series of a TraceQL metrics query over the last ten minutes."""
        query = {"q": traceql, "since": "10m", "step": "30s"}
        return list(self._get("/api/metrics/query_range", query).get("series", []))

    def spans(self, trace_id: str) -> list[dict[str, Any]]:
        """The spans of a trace, [] while it is not there."""
        answer = httpx.get(f"{self._url}/api/traces/{trace_id}", timeout=10, trust_env=False)
        if answer.status_code == 404:
            return []
        batches = answer.raise_for_status().json()["batches"]
        return [span for one in batches for part in one["scopeSpans"] for span in part["spans"]]

    def _get(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        answer = httpx.get(f"{self._url}{path}", params=query, timeout=30, trust_env=False)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def hexadecimal(base64_id: str) -> str:
    """An id in hex: Tempo's JSON has ids in base64."""
    return base64.b64decode(base64_id).hex()


@pytest.fixture(scope="session")
def tempo(tempo_url: str | None) -> Tempo:
    if tempo_url is None:
        pytest.skip("TEMPO_URL is not set")
    return Tempo(tempo_url)


@pytest.fixture(scope="session")
def loki(loki_url: str | None) -> str:
    if loki_url is None:
        pytest.skip("LOKI_URL is not set")
    return loki_url


def ask_loki(url: str, logql: str) -> list[dict[str, Any]]:
    """The streams that a LogQL query finds in the last half hour."""
    start = time.time_ns() - 1800 * 10**9
    query = {"query": logql, "start": str(start), "limit": "20"}
    answer = httpx.get(f"{url}/loki/api/v1/query_range", params=query, timeout=30, trust_env=False)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]["result"]
    return found


def add_book(observed: Observed) -> str:
    """Adds a book; the trace id of the request."""
    body = {"title": "A Wizard of Earthsea", "author": "Ursula K. Le Guin"}
    url = f"{observed.stack.bookapp_url}/books/add"
    answer = httpx.post(url, json=body, timeout=10, trust_env=False)
    return answer.raise_for_status().headers["traceparent"].split("-")[1]


def test_a_record_is_found_from_either_end_of_its_link(tempo: Tempo, observed: Observed) -> None:
    request = add_book(observed)
    # From the sender's side; Tempo knows ids without leading zeros.
    query = f'{{ link:traceID = "{request.lstrip("0")}" }}'
    [record] = wait_until(lambda: tempo.search(query), WITHIN, interval=1, what=query)
    # From the consumer's side.
    trace_id = record["traceID"].rjust(32, "0")
    spans = wait_until(lambda: tempo.spans(trace_id), WITHIN, interval=1, what=trace_id)
    links = [link for span in spans for link in span.get("links", [])]
    assert request in {hexadecimal(link["traceId"]) for link in links}
    names = {span["name"] for span in tempo.spans(request)}
    assert {"POST /books/add", "INSERT public.books", "send book_ingestion"} <= names


@pytest.mark.parametrize("traceql", panels("tempo"))
def test_a_panels_traceql_is_answered(tempo: Tempo, eventful: Observed, traceql: str) -> None:
    is_metric = "rate()" in traceql or "_over_time" in traceql
    ask = tempo.metrics if is_metric else tempo.search
    wait_until(lambda: ask(traceql), WITHIN, interval=1, what=traceql)


def test_the_log_lines_of_a_trace_are_found_by_its_id(loki: str, observed: Observed) -> None:
    query = f'{{service_name="bookapp"}} | trace_id="{add_book(observed)}"'
    wait_until(lambda: ask_loki(loki, query), WITHIN, interval=1, what=query)


@pytest.mark.parametrize("logql", panels("loki"))
def test_a_panels_logql_is_answered(loki: str, eventful: Observed, logql: str) -> None:
    wait_until(lambda: ask_loki(loki, logql), WITHIN, interval=1, what=logql)


def test_an_exemplar_leads_to_its_trace_in_tempo(tempo: Tempo, eventful: Observed) -> None:
    def seen() -> bool:
        now = time.time()
        found = eventful.prometheus.get(
            "query_exemplars",
            query="http_server_request_duration_seconds_bucket",
            start=str(now - 600),
            end=str(now),
        )
        ids = [each["labels"]["trace_id"] for one in found for each in one["exemplars"]]
        return any(tempo.spans(trace_id) for trace_id in ids[-10:])

    wait_until(seen, WITHIN, interval=1, what="an exemplar whose trace is in Tempo")
