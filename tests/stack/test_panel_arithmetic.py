"""Each panel on a history whose numbers are known: rates, shares, percentiles, counts.

The history is written as OpenMetrics, made into a block by promtool, and asked of a real Prometheus
as Grafana asks it.
"""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from embedded.native.cache import run
from embedded.native.prometheus import Prometheus, program

INFRA = Path(__file__).parents[2] / "infra"
EVERY = 15
"""Seconds between samples."""
LENGTH = 1800
"""Seconds of history; the questions are asked at its end."""
VARIABLES = {"$__rate_interval": "5m", "$__range": "10m", "$service": "bookapp"}


class Series(NamedTuple):
    """One series: where it begins, how much it grows a second, and when in the history it is there.

    `jump` is added to it `jumps` seconds before the end.
    """

    text: str
    begins: float = 0.0
    rate: float = 0.0
    jump: float = 0.0
    jumps: int = 120
    since: int = LENGTH
    until: int = 0

    def lines(self, end: int) -> Iterator[str]:
        for before in range(self.since, self.until - 1, -EVERY):
            value = self.begins + self.rate * (LENGTH - before)
            value += self.jump if before <= self.jumps else 0
            yield f"{self.text} {value} {end - before}\n"


def constant(text: str, value: float) -> Series:
    return Series(text, begins=value)


def growing(text: str, a_second: float) -> Series:
    return Series(text, rate=a_second)


def new(text: str, value: float) -> Series:
    """A counter that begins with its final value, two minutes before the end."""
    return Series(text, begins=value, since=120)


def histogram(name: str, labels: str, a_second: float) -> list[Series]:
    """Eight of ten below 0.1 s, all below 0.25 s: the 95th percentile is 0.2125 s."""
    shares = {"0.1": 0.8, "0.25": 1.0, "+Inf": 1.0}
    return [
        growing(f'{name}_bucket{{{labels},le="{le}"}}', share * a_second)
        for le, share in shares.items()
    ]


BOOKAPP, BACKEND = 'service_name="bookapp"', 'service_name="backend"'
ROUTE = f'{BOOKAPP},http_request_method="GET",http_route="/books"'
TOPIC = 'messaging_destination_name="book_ingestion"'
COUNT = "http_server_request_duration_seconds_count"
CALLS = "traces_spanmetrics_calls_total"
SELECT = f'{BOOKAPP},span_name="SELECT books",span_kind="SPAN_KIND_CLIENT"'
SEND = f'{BOOKAPP},span_name="send book_ingestion",span_kind="SPAN_KIND_PRODUCER",{TOPIC}'
PROCESS = f'{BACKEND},span_name="process book_ingestion",span_kind="SPAN_KIND_CONSUMER",{TOPIC}'
TEMPO, LOKI = 'exporter="otlp/tempo"', 'exporter="otlphttp/loki"'

HISTORY = [
    growing(f'{COUNT}{{{ROUTE},http_response_status_code="200"}}', 9),
    growing(f'{COUNT}{{{ROUTE},http_response_status_code="503"}}', 1),
    *histogram("http_server_request_duration_seconds", ROUTE, 10),
    *histogram("http_client_request_duration_seconds", f'{BOOKAPP},url_template="/books"', 10),
    growing(f"{CALLS}{{{SELECT}}}", 4),
    growing(f"{CALLS}{{{SEND}}}", 3),
    growing(f"{CALLS}{{{PROCESS}}}", 2),
    growing(f'{CALLS}{{{PROCESS},status_code="STATUS_CODE_ERROR"}}', 0.5),
    *histogram("traces_spanmetrics_duration_seconds", SELECT, 4),
    growing(f"traces_spanmetrics_duration_seconds_sum{{{SELECT}}}", 0.3),
    growing('traces_service_graph_request_total{client="user",server="bookapp"}', 10),
    growing('traces_service_graph_request_total{client="bookapp",server="backend"}', 2),
    growing('traces_service_graph_request_failed_total{client="bookapp",server="backend"}', 0.5),
    # The Collector
    constant('up{job="services"}', 1),
    constant('up{job="collector"}', 1),
    constant("otelcol_process_memory_rss_bytes", 1e8),
    constant(f'otelcol_exporter_queue_size{{{TEMPO},data_type="traces"}}', 50),
    constant(f'otelcol_exporter_queue_capacity{{{TEMPO},data_type="traces"}}', 1000),
    growing("otelcol_scraper_errored_metric_points_total", 0.5),
    growing("otelcol_receiver_accepted_spans_total", 20),
    growing("otelcol_receiver_accepted_log_records_total", 5),
    growing("otelcol_receiver_accepted_metric_points_total", 7),
    growing("otelcol_receiver_refused_spans_total", 1),
    growing("otelcol_receiver_refused_log_records_total", 2),
    growing("otelcol_receiver_refused_metric_points_total", 3),
    growing(f"otelcol_exporter_sent_spans_total{{{TEMPO}}}", 20),
    growing(f"otelcol_exporter_sent_log_records_total{{{LOKI}}}", 5),
    growing('otelcol_exporter_sent_metric_points_total{exporter="prometheus"}', 7),
    growing(f"otelcol_exporter_send_failed_spans_total{{{TEMPO}}}", 0.1),
    new(f"otelcol_exporter_enqueue_failed_log_records_total{{{LOKI}}}", 40),
    growing('otelcol_processor_batch_batch_send_size_sum{processor="batch"}', 200),
    growing('otelcol_processor_batch_batch_send_size_count{processor="batch"}', 2),
    growing("otelcol_process_cpu_seconds_total", 0.25),
    growing('system_cpu_time_seconds_total{state="user"}', 1.5),
    growing('system_cpu_time_seconds_total{state="idle"}', 0.5),
    constant('system_memory_usage_bytes{state="used"}', 5e9),
    growing(f"count_log_records_total{{{BOOKAPP}}}", 8),
    growing(f"count_log_warnings_total{{{BOOKAPP}}}", 2),
    growing(f"count_log_errors_total{{{BOOKAPP}}}", 0.25),
    new(f'exceptions_total{{{BOOKAPP},exception_type="ValueError"}}', 3),
    # PostgreSQL
    constant("postgresql_backends", 7),
    constant("postgresql_connection_max", 100),
    constant("postgresql_db_size_bytes", 8e6),
    Series("postgresql_deadlocks_total", begins=5, jump=1),
    constant(f'db_client_connection_count{{{BOOKAPP},db_client_connection_state="used"}}', 3),
    constant(f'db_client_connection_count{{{BOOKAPP},db_client_connection_state="idle"}}', 7),
    constant(f"db_client_connection_max{{{BOOKAPP}}}", 10),
    constant('postgresql_database_locks{mode="AccessShareLock"}', 4),
    growing("postgresql_commits_total", 6),
    growing("postgresql_rollbacks_total", 0.5),
    constant("sql_books", 12),
    # Kafka and what became of records
    constant("kafka_brokers", 1),
    constant('kafka_consumer_group_lag{group="backend",topic="book_ingestion",partition="0"}', 5),
    constant('kafka_consumer_group_lag{group="backend",topic="book_ingestion",partition="1"}', -1),
    constant('kafka_consumer_group_members{group="backend"}', 2),
    growing('kafka_partition_current_offset{topic="book_ingestion",partition="0"}', 3),
    constant(f'consumer_lag{{{TOPIC},messaging_destination_partition_id="0"}}', 5),
    constant(f"consumer_circuit{{{TOPIC}}}", 0),
    constant('sql_dead_letters{state="new"}', 7),
    constant('sql_dead_letters{state="redriven"}', 2),
    new(f'consumer_dead_letters_total{{{TOPIC},error_type="DecodeError"}}', 9),
    Series(f'consumer_retries_total{{{TOPIC},error_type="TimeoutError"}}', begins=3, jump=2),
    # An operator's command: seen for a minute, then gone.
    Series(f"consumer_replayed_total{{{TOPIC}}}", begins=10, since=480, until=420),
    growing(f"messaging_client_sent_messages_total{{{TOPIC}}}", 3),
    growing(f"messaging_client_consumed_messages_total{{{TOPIC}}}", 2.5),
    *histogram("messaging_process_duration_seconds", TOPIC, 2.5),
    *histogram("messaging_client_operation_duration_seconds", TOPIC, 3),
    # The outbox
    constant("sql_outbox_backlog", 4),
    constant("sql_outbox_oldest_age_seconds", 1.5),
    constant("sql_outbox_parked", 1),
    constant("outbox_backlog", 4),
    constant("outbox_oldest_age_seconds", 1.5),
    constant(f'relay_active{{{BOOKAPP},instance="a"}}', 1),
    constant(f'relay_active{{{BOOKAPP},instance="b"}}', 0),
    growing(f"outbox_published_total{{{TOPIC}}}", 3),
    new('outbox_parked_total{error_type="MessageSizeTooLargeError"}', 1),
    # Health, alerts, injected failures, recorded ratios
    constant('httpcheck_status{http_url="a",http_status_class="2xx"}', 1),
    constant('httpcheck_status{http_url="b",http_status_class="2xx"}', 0),
    constant('ALERTS{alertname="OutboxParked",alertstate="firing"}', 1),
    new(f'error_injection_injected_total{{{BOOKAPP},http_route="/books"}}', 4),
    constant(f"service:http_errors:ratio_rate5m{{{BOOKAPP}}}", 0.02),
    constant(f"service:http_errors:ratio_rate30m{{{BOOKAPP}}}", 0.015),
    constant(f"service:http_errors:ratio_rate1h{{{BOOKAPP}}}", 0.01),
    constant(f"service:http_errors:ratio_rate6h{{{BOOKAPP}}}", 0.005),
    constant(f"service:http_slow:ratio_rate1h{{{BOOKAPP}}}", 0.04),
    constant(f"route:http_duration_seconds:p95_5m{{{ROUTE}}}", 0.2125),
]

EDGES = {"bookapp > book_ingestion": 3, "book_ingestion > backend": 2.5}
CALLED = {"user > bookapp": 10, "bookapp > backend": 2}
P95 = 0.2125

SHOWN: dict[tuple[str, str, str], dict[str, float]] = {
    ("collector", "Is it well?", "stat"): {"Nothing refused": 1},
    ("collector", "Up", "stat"): {"": 2},
    ("collector", "Memory", "stat"): {"": 1e8},
    ("collector", "Queue", "stat"): {"": 0.05},
    ("collector", "Failing scrapes", "stat"): {"": 0.5},
    ("collector", "Received", "timeseries"): {"spans": 20, "log records": 5, "metric points": 7},
    ("collector", "Refused", "timeseries"): {"spans": 1, "log records": 2, "metric points": 3},
    ("collector", "Sent", "timeseries"): {
        "spans otlp/tempo": 20,
        "log records otlphttp/loki": 5,
        "metric points prometheus": 7,
    },
    ("collector", "Lost", "timeseries"): {
        "spans send_failed otlp/tempo": 30,
        "log records enqueue_failed otlphttp/loki": 40,
    },
    ("collector", "Queues", "timeseries"): {"otlp/tempo traces": 50},
    ("collector", "Batches", "timeseries"): {"batch": 100},
    ("collector", "CPU", "timeseries"): {"Collector": 0.25, "host": 1.5},
    ("collector", "Memory", "timeseries"): {"Collector": 1e8, "host": 5e9},
    ("database", "Is it well?", "stat"): {"No deadlocks": 1},
    ("database", "Connections", "stat"): {"": 7},
    ("database", "Most allowed", "stat"): {"": 100},
    ("database", "Size", "stat"): {"": 8e6},
    ("database", "Deadlocks", "stat"): {"": 1},
    ("database", "Rate", "timeseries"): {"bookapp SELECT books": 4},
    ("database", "95th percentile", "timeseries"): {"bookapp SELECT books": P95},
    ("database", "What takes the most time", "table"): {"bookapp > SELECT books": 0.3},
    ("database", "Pools", "timeseries"): {
        "bookapp used": 3,
        "bookapp idle": 7,
        "bookapp most": 10,
    },
    ("database", "Locks", "timeseries"): {"AccessShareLock": 4},
    ("database", "Transactions", "timeseries"): {"committed": 6, "rolled back": 0.5},
    ("database", "Books", "timeseries"): {"books": 12},
    ("kafka", "Is it well?", "stat"): {"No dead letters": 1},
    ("kafka", "Lag", "stat"): {"": 5},
    ("kafka", "Workers", "stat"): {"": 2},
    ("kafka", "Dead letters that wait", "stat"): {"": 7},
    ("kafka", "Dead letters", "stat"): {"": 9},
    ("kafka", "Sent back", "stat"): {"": 2},
    ("kafka", "Replayed", "stat"): {"": 10},
    ("kafka", "Lag by group and topic", "timeseries"): {"backend book_ingestion": 5},
    ("kafka", "Lag by partition", "timeseries"): {"book_ingestion 0": 5},
    ("kafka", "Sent and processed", "timeseries"): {
        "sent to book_ingestion": 3,
        "consumed from book_ingestion": 2.5,
    },
    ("kafka", "Offsets", "timeseries"): {"book_ingestion": 3},
    ("kafka", "Duration of processing", "heatmap"): {"0.1": 600, "0.25": 750, "+Inf": 750},
    ("kafka", "Duration of sending", "timeseries"): {"book_ingestion": P95},
    ("kafka", "Dead letters", "timeseries"): {"book_ingestion DecodeError": 9},
    ("kafka", "Retries", "timeseries"): {"book_ingestion TimeoutError": 2},
    ("kafka", "Replays", "timeseries"): {},  # longer ago than the interval
    ("outbox", "Is it well?", "stat"): {"Nothing parked": 1},
    ("outbox", "Backlog", "stat"): {"": 4},
    ("outbox", "Oldest", "stat"): {"": 1.5},
    ("outbox", "Relays", "stat"): {"": 1},
    ("outbox", "Parked", "stat"): {"": 1},
    ("outbox", "Backlog", "timeseries"): {"in the table": 4, "seen by the relay": 4},
    ("outbox", "Age of the oldest record", "timeseries"): {
        "in the table": 1.5,
        "seen by the relay": 1.5,
    },
    ("outbox", "Published", "timeseries"): {"book_ingestion": 3},
    ("outbox", "Parked", "timeseries"): {"MessageSizeTooLargeError": 1},
    ("outbox", "Who relays", "timeseries"): {"a": 1},
    ("service", "Is it well?", "stat"): {"No errors logged": 1},
    ("service", "Rate by route", "timeseries"): {"GET /books": 10},
    ("service", "95th percentile by route", "timeseries"): {"GET /books": P95},
    ("service", "Duration", "heatmap"): {"0.1": 2400, "0.25": 3000, "+Inf": 3000},
    ("service", "Injected failures", "timeseries"): {"/books": 4},
    ("service", "Spans by name", "timeseries"): {"SELECT books": 4, "send book_ingestion": 3},
    ("service", "95th percentile by span", "timeseries"): {"SELECT books": P95},
    ("service", "Calls to others", "timeseries"): {"/books": P95},
    ("service", "Connections to the database", "timeseries"): {"used": 3, "idle": 7, "most": 10},
    ("services", "Is it well?", "stat"): {"Ready": 1, "No alerts": 1},
    ("services", "Requests", "stat"): {"": 10},
    ("services", "Failed", "stat"): {"": 0.1},
    ("services", "95th percentile", "stat"): {"": P95},
    ("services", "Books", "stat"): {"": 12},
    ("services", "Not ready", "stat"): {"": 1},
    ("services", "Alerts", "stat"): {"": 1},
    ("services", "Rate by service", "timeseries"): {"bookapp": 10},
    ("services", "Failures by service and status", "timeseries"): {"bookapp 503": 300},
    ("services", "Duration", "heatmap"): {"0.1": 2400, "0.25": 3000, "+Inf": 3000},
    ("services", "Routes", "table"): {"bookapp GET /books A": 10, "bookapp GET /books B": P95},
    ("services", "Exceptions", "timeseries"): {"bookapp ValueError": 3},
    ("services", "Log records", "timeseries"): {
        "bookapp": 8,
        "bookapp warnings": 2,
        "bookapp errors": 0.25,
    },
    ("slo", "Is it well?", "stat"): {},
    ("slo", "Not failing, last hour", "stat"): {"": 0.99},
    ("slo", "Faster than 250 ms, last hour", "stat"): {"": 0.96},
    ("slo", "Burn rate, 1 h", "stat"): {"": 2},
    ("slo", "Burn rate, 6 h", "stat"): {"": 1},
    ("slo", "Fast: 1 h and 5 min", "timeseries"): {"bookapp 1 h": 2, "bookapp 5 min": 4},
    ("slo", "Slow: 6 h and 30 min", "timeseries"): {"bookapp 6 h": 1, "bookapp 30 min": 3},
    ("slo", "Slower than 250 ms", "timeseries"): {"bookapp": 0.04},
    ("topology", "Is it well?", "stat"): {"Calls": 1, "Records": 1},
    ("topology", "Services, topics, databases", "nodeGraph"): {
        **{"user vertices": 10, "bookapp vertices": 2, "backend vertices": 2},
        "book_ingestion vertices": 3,
        **{f"{edge} edges": rate for edge, rate in {**EDGES, **CALLED}.items()},
    },
    ("topology", "Across the topic", "table"): EDGES,
    ("topology", "Calls and statements", "table"): CALLED,
    ("topology", "Sent and processed, by topic", "timeseries"): EDGES,
    ("topology", "Failures by edge", "timeseries"): {
        "bookapp > backend": 0.5,
        "backend book_ingestion": 0.5,
    },
}


def panels() -> dict[tuple[str, str, str], dict[str, Any]]:
    """Every panel that asks Prometheus, by its board, title and kind."""
    found = {}
    for path in sorted((INFRA / "grafana" / "dashboards").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            if panel.get("datasource", {}).get("type") == "prometheus":
                found[path.stem, panel["title"], panel["type"]] = panel
    return found


def legend(target: dict[str, Any], labels: dict[str, str], alone: bool) -> str:
    """What stands beside a number: the legend filled in, or in a table what tells rows apart."""
    text: str = target.get("legendFormat", "")
    for label, value in labels.items():
        text = text.replace(f"{{{{{label}}}}}", value)
    text = re.sub(r"{{\w+}}", "", text)
    if target.get("format") != "table":
        return text
    for names in (("id",), ("request",), ("source", "target"), ("client", "server")):
        if all(name in labels for name in names):
            row = " > ".join(labels[name] for name in names)
            return row if alone else f"{row} {target['refId']}"
    return f"{labels['service_name']} > {labels['span_name']}"


class History(NamedTuple):
    prometheus: Prometheus
    end: int

    def shown(self, panel: dict[str, Any]) -> dict[str, float]:
        """A panel's numbers at the end of the history, those that are not 0."""
        found = {}
        for target in panel["targets"]:
            query = target["expr"]
            for name, value in VARIABLES.items():
                query = query.replace(name, value)
            answer = self.prometheus.get("query", query=query, time=str(self.end))
            for series in answer["result"]:
                name = legend(target, series["metric"], len(panel["targets"]) == 1)
                found[name] = float(series["value"][1])
        return {name: value for name, value in found.items() if value}


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """A Prometheus that has the history, and scrapes nothing."""
    directory = tmp_path_factory.mktemp("history")
    end = int(time.time()) // EVERY * EVERY - 7200
    lines = [line for series in HISTORY for line in series.lines(end)]
    (directory / "history").write_text("".join([*lines, "# EOF\n"]))
    blocks = ["tsdb", "create-blocks-from", "openmetrics", "history", "data"]
    run([program("promtool"), *blocks], cwd=directory)
    with Prometheus(INFRA / "prometheus", {}, directory=directory) as prometheus:
        yield History(prometheus, end)


@pytest.mark.parametrize("place", SHOWN, ids=" - ".join)
def test_a_panel_shows_the_known_number(history: History, place: tuple[str, str, str]) -> None:
    assert history.shown(panels()[place]) == pytest.approx(SHOWN[place])


def test_every_panel_has_a_known_number() -> None:
    assert set(SHOWN) == set(panels())
