"""The Collector itself: what it takes in, passes on, refuses and loses."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from boards.board import board
from boards.links import see_logs
from boards.panels import graph, happened, number, verdict

SIGNALS = (("spans", "spans"), ("log_records", "log records"), ("metric_points", "metric points"))

LOSSES = ("send_failed", "enqueue_failed")
SERVICES_LOG = see_logs('{service_name=~".+"} |~ "(?i)export"', "What the services say of it")


def _lost(name: str, loss: str) -> str:
    return happened(f"otelcol_exporter_{loss}_{name}_total", "$__rate_interval", "exporter")


def _refused(name: str) -> str:
    return f"(sum(increase(otelcol_receiver_refused_{name}_total[5m])) or vector(0))"


def build() -> Dashboard:
    return board(
        "collector",
        "Collector",
        "The OpenTelemetry Collector, by its own metrics.",
        {
            "Now": [
                verdict(
                    "Scraped: Prometheus reaches all that it reads. Nothing lost, nothing refused,"
                    " and no queue nine tenths full, in the last five minutes.",
                    {
                        "Scraped": ("1 - up", 0),
                        "Nothing lost": (
                            "sum(exporter:telemetry_lost:increase5m) or vector(0)",
                            0,
                        ),
                        "Nothing refused": (
                            " + ".join(_refused(name) for name, _ in SIGNALS),
                            0,
                        ),
                        "Room in the queues": (
                            "otelcol_exporter_queue_size / otelcol_exporter_queue_capacity",
                            0.9,
                        ),
                    },
                ),
                number(
                    "Up",
                    "Targets that Prometheus can scrape.",
                    "sum(up)",
                    width=6,
                ),
                number(
                    "Memory",
                    "Resident. The memory limiter refuses data before it runs out.",
                    "max(otelcol_process_memory_rss_bytes)",
                    "bytes",
                    width=6,
                ),
                number(
                    "Queue",
                    "Fullest sending queue. At 1 data is lost.",
                    "max(otelcol_exporter_queue_size / otelcol_exporter_queue_capacity)",
                    "percentunit",
                    (0.5, 0.9),
                    width=6,
                    see=[SERVICES_LOG],
                ),
                number(
                    "Failing scrapes",
                    "Points that the Collector's own receivers could not read, a second.",
                    "sum(rate(otelcol_scraper_errored_metric_points_total[$__rate_interval]))",
                    "ops",
                    limits=(0.1, 1),
                    width=6,
                ),
            ],
            "In": [
                graph(
                    "Received",
                    "A second, by signal.",
                    [
                        (
                            f"sum(rate(otelcol_receiver_accepted_{name}_total[$__rate_interval]))",
                            label,
                        )
                        for name, label in SIGNALS
                    ],
                    "ops",
                ),
                graph(
                    "Refused",
                    "Because memory is short. Senders try again, then drop.",
                    [
                        (
                            f"sum(rate(otelcol_receiver_refused_{name}_total[$__rate_interval]))",
                            label,
                        )
                        for name, label in SIGNALS
                    ],
                    "ops",
                    see=[SERVICES_LOG],
                ),
            ],
            "Out": [
                graph(
                    "Sent",
                    "A second, by exporter.",
                    [
                        (
                            f"sum by (exporter)"
                            f" (rate(otelcol_exporter_sent_{name}_total[$__rate_interval]))",
                            f"{label} {{{{exporter}}}}",
                        )
                        for name, label in SIGNALS
                    ],
                    "ops",
                ),
                graph(
                    "Lost",
                    "Given up after retries, or for want of room in the queue, in each interval.",
                    [
                        (_lost(name, loss), f"{label} {loss} {{{{exporter}}}}")
                        for name, label in SIGNALS[:2]  # metrics are fetched from it
                        for loss in LOSSES
                    ],
                    see=[SERVICES_LOG],
                ),
                graph(
                    "Queues",
                    "Batches that wait to be sent.",
                    [
                        (
                            "max by (exporter, data_type) (otelcol_exporter_queue_size)",
                            "{{exporter}} {{data_type}}",
                        )
                    ],
                ),
                graph(
                    "Batches",
                    "Items per batch, on average.",
                    [
                        (
                            "sum by (processor)"
                            " (rate(otelcol_processor_batch_batch_send_size_sum[$__rate_interval]))"
                            " / sum by (processor)"
                            " (rate(otelcol_processor_batch_batch_send_size_count"
                            "[$__rate_interval]))",
                            "{{processor}}",
                        )
                    ],
                ),
            ],
            "The host": [
                graph(
                    "CPU",
                    "Cores in use, by the Collector and by everything on its host.",
                    [
                        (
                            "sum(rate(otelcol_process_cpu_seconds_total[$__rate_interval]))",
                            "Collector",
                        ),
                        (
                            'sum(rate(system_cpu_time_seconds_total{state!="idle"}'
                            "[$__rate_interval]))",
                            "host",
                        ),
                    ],
                ),
                graph(
                    "Memory",
                    "In use.",
                    [
                        ("max(otelcol_process_memory_rss_bytes)", "Collector"),
                        ('sum(system_memory_usage_bytes{state="used"})', "host"),
                    ],
                    "bytes",
                ),
            ],
        },
    )
