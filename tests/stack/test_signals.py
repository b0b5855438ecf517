"""What the services say of themselves arrives, whole, where one looks for it.

The tables below are the whole of it: spans, edges between them, log records, metrics. A new signal
is a new row.
"""

import time
from typing import NamedTuple

import pytest

from embedded.native.observed import Observed
from embedded.receiver.model import Span
from embedded.waiting import wait_until
from telemetry.metric_list import METRICS, Metric

WITHIN = 60.0
"""Seconds for a signal to come through the Collector and into Prometheus."""

SPANS = [
    ("bookapp", "server", "POST /books/add"),
    ("bookapp", "server", "POST /books/bulk_add"),
    ("bookapp", "server", "GET /books"),
    ("bookapp", "server", "GET /books/{id}"),
    ("bookapp", "server", "PATCH /books/{id}"),
    ("bookapp", "server", "DELETE /books/{id}"),
    ("bookapp", "client", "GET /books"),
    ("bookapp", "client", "SELECT public.books"),
    ("bookapp", "client", "INSERT public.books"),
    ("bookapp", "client", "INSERT public.outbox"),
    ("bookapp", "producer", "send book_ingestion"),
    ("backend", "consumer", "process book_ingestion"),
    ("backend", "internal", "process book_ingestion batch"),
    ("backend", "client", "INSERT backend.book"),
    ("backend", "producer", "send book_ingestion.dlq"),
    ("backend", "server", "GET /books"),
]


class Edge(NamedTuple):
    """One span leads to another: as its parent, or over a link from the later one."""

    source: tuple[str, str, str]
    target: tuple[str, str, str]
    over: str


EDGES = [
    Edge(
        ("bookapp", "server", "POST /books/add"),
        ("bookapp", "client", "INSERT public.books"),
        "parent",
    ),
    Edge(
        ("bookapp", "server", "POST /books/add"),
        ("bookapp", "producer", "send book_ingestion"),
        "parent",
    ),
    Edge(
        ("bookapp", "producer", "send book_ingestion"),
        ("backend", "consumer", "process book_ingestion"),
        "link",
    ),
    Edge(
        ("backend", "consumer", "process book_ingestion"),
        ("backend", "client", "INSERT backend.book"),
        "parent",
    ),
    Edge(
        ("backend", "consumer", "process book_ingestion"),
        ("backend", "producer", "send book_ingestion.dlq"),
        "parent",
    ),
    Edge(
        ("bookapp", "server", "GET /books"),
        ("bookapp", "client", "GET /books"),
        "parent",
    ),
    Edge(
        ("bookapp", "client", "GET /books"),
        ("backend", "server", "GET /books"),
        "parent",
    ),
]

CALLS = [("user", "bookapp"), ("bookapp", "backend"), ("bookapp", "books"), ("backend", "books")]
"""Edges of the service graph: who calls whom, databases by name."""

LEVELS = [("bookapp", "WARN"), ("backend", "ERROR")]
"""Log records that belong to a span."""

SCRAPED = [
    "kafka_brokers",
    "kafka_consumer_group_lag",
    "kafka_consumer_group_members",
    "kafka_partition_current_offset",
    "postgresql_backends",
    "postgresql_commits_total",
    "sql_books",
    "sql_outbox_backlog",
    "sql_outbox_oldest_age_seconds",
    "sql_outbox_parked",
    "httpcheck_status",
    "system_cpu_time_seconds_total",
    "otelcol_process_uptime_seconds_total",
    "count_spans_total",
    "count_log_records_total",
    "count_log_errors_total",
    "exceptions_total",
]
"""What the Collector reads or derives by itself."""

ONLY_BY_HAND = {"consumer.replayed"}
"""Metrics that only an operator's command moves; its own tests see to them."""


def spans(system: Observed, key: tuple[str, str, str]) -> list[Span]:
    """The spans of a service, kind and name."""
    service, kind, name = key
    return system.receiver.spans(service=service, kind=kind, name=name)


@pytest.fixture(scope="module", autouse=True)
def _receiver_in_use(tempo_url: str | None, loki_url: str | None) -> None:
    if tempo_url or loki_url:
        pytest.skip("traces and logs went to the given Tempo and Loki, see test_live_backends.py")


@pytest.mark.parametrize("key", SPANS, ids=" ".join)
def test_a_span_arrives_through_the_collector(
    eventful: Observed, key: tuple[str, str, str]
) -> None:
    found = wait_until(lambda: spans(eventful, key), WITHIN, what=f"a span {key}")
    assert found[0].resource["service.name"] == key[0]
    assert "host.name" in found[0].resource


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: f"{edge.source[2]} to {edge.target[2]}")
def test_an_edge_leads_from_span_to_span(eventful: Observed, edge: Edge) -> None:
    def seen() -> bool:
        sources = {(span.trace_id, span.span_id) for span in spans(eventful, edge.source)}
        for target in spans(eventful, edge.target):
            if edge.over == "parent" and (target.trace_id, target.parent_id) in sources:
                return True
            linked = any((link.trace_id, link.span_id) in sources for link in target.links)
            if edge.over == "link" and linked and not target.parent_id:
                return True
        return False

    wait_until(seen, WITHIN, what=f"{edge}")


@pytest.mark.parametrize(("service", "level"), LEVELS)
def test_a_log_record_belongs_to_a_span_that_arrived(
    eventful: Observed, service: str, level: str
) -> None:
    def seen() -> bool:
        logs = [log for log in eventful.receiver.logs(service=service, level=level) if log.trace_id]
        return any(
            span.span_id == log.span_id
            for log in logs
            for span in eventful.receiver.spans(trace_id=log.trace_id)
        )

    wait_until(seen, WITHIN, what=f"a {level} record of {service} with its span")


def prometheus_name(metric: Metric) -> str:
    """What a metric is called once the Collector has handed it to Prometheus.

    Source: OpenTelemetry's "Prometheus and OpenMetrics compatibility"; a unit in braces is left
    out, and the Collector's configuration takes the "1" of our gauges for one of those.
    """
    name = metric.name.replace(".", "_")
    unit = "_seconds" if metric.unit == "s" else ""
    return name + unit + {"counter": "_total", "histogram": "_count"}.get(metric.kind, "")


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_listed_metric_is_in_prometheus_with_no_more_labels_than_listed(
    eventful: Observed, metric: Metric
) -> None:
    if metric.name in ONLY_BY_HAND:
        pytest.skip("moved only by an operator's command")
    name = prometheus_name(metric)
    series = wait_until(lambda: eventful.prometheus.query(name), WITHIN, what=name)
    allowed = {label.replace(".", "_") for label in metric.attributes}
    allowed |= {"__name__", "job", "instance", "service_name"}
    for each in series:
        assert set(each["metric"]) <= allowed


@pytest.mark.parametrize("name", SCRAPED)
def test_what_the_collector_measures_is_in_prometheus(eventful: Observed, name: str) -> None:
    wait_until(lambda: eventful.prometheus.query(name), WITHIN, what=name)


@pytest.mark.parametrize(("client", "server"), CALLS)
def test_the_service_graph_has_an_edge(eventful: Observed, client: str, server: str) -> None:
    query = f'traces_service_graph_request_total{{client="{client}",server="{server}"}}'
    wait_until(lambda: eventful.prometheus.query(query), WITHIN, what=query)


def test_the_service_graph_has_no_edge_that_is_not_there(eventful: Observed) -> None:
    found = eventful.prometheus.query(
        "sum by (client, server) (traces_service_graph_request_total)"
    )
    calls = {
        (each["metric"]["client"], each["metric"]["server"]): float(each["value"][1])
        for each in found
    }
    strays = {edge: count for edge, count in calls.items() if edge not in CALLS}
    # A Collector that was killed (test_outages) took one half of a few calls with it.
    assert strays.keys() <= {("bookapp", "unknown"), ("user", "backend")}
    assert sum(strays.values()) < 0.05 * sum(calls.values())


@pytest.mark.parametrize(
    "histogram",
    [
        "http_server_request_duration_seconds_bucket",
        "http_client_request_duration_seconds_bucket",
        "messaging_process_duration_seconds_bucket",
        "messaging_client_operation_duration_seconds_bucket",
        "traces_spanmetrics_duration_seconds_bucket",
    ],
)
def test_a_histogram_has_exemplars_that_lead_to_traces(eventful: Observed, histogram: str) -> None:
    def seen() -> bool:
        now = time.time()
        found = eventful.prometheus.get(
            "query_exemplars", query=histogram, start=str(now - 300), end=str(now)
        )
        traces = {each["labels"]["trace_id"] for one in found for each in one["exemplars"]}
        return any(eventful.receiver.spans(trace_id=trace_id) for trace_id in list(traces)[-50:])

    wait_until(seen, WITHIN, interval=1, what=f"an exemplar of {histogram} with its trace")


def test_span_names_are_bounded(eventful: Observed) -> None:
    wait_until(lambda: spans(eventful, SPANS[0]), WITHIN)
    names = {span.name for span in eventful.receiver.spans()}
    assert len(names) < 60, names
    assert not [name for name in names if any(part.isdigit() for part in name.split("/"))]


def test_an_error_event_in_bugsink_leads_to_its_span(eventful: Observed) -> None:
    def seen() -> bool:
        events = eventful.bugsink.events(eventful.sentry_project)
        tagged = [event["tags"] for event in events if "otel.trace_id" in event.get("tags", {})]
        return any(
            span.span_id == tags["otel.span_id"]
            for tags in tagged
            for span in eventful.receiver.spans(trace_id=tags["otel.trace_id"])
        )

    wait_until(seen, WITHIN, interval=1, what="a Sentry event with its span")
