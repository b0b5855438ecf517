"""One service: its routes, its calls, its log, and its traces."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from boards.board import board
from boards.panels import graph, heat, log_lines, trace_metric, traces

ONE = 'service_name="$service"'
COUNT = f"http_server_request_duration_seconds_count{{{ONE}}}"
BUCKET = f"http_server_request_duration_seconds_bucket{{{ONE}}}"


def build() -> Dashboard:
    return board(
        "service",
        "One service",
        "Everything about the service that is chosen above.",
        {
            "What it answers": [
                graph(
                    "Rate by route",
                    "Requests a second.",
                    [
                        (
                            "sum by (http_request_method, http_route)"
                            f" (rate({COUNT}[$__rate_interval]))",
                            "{{http_request_method}} {{http_route}}",
                        )
                    ],
                    "reqps",
                ),
                graph(
                    "95th percentile by route",
                    "With exemplars: a click opens the trace.",
                    [
                        (
                            "histogram_quantile(0.95, sum by (http_request_method, http_route, le)"
                            f" (rate({BUCKET}[$__rate_interval])))",
                            "{{http_request_method}} {{http_route}}",
                        )
                    ],
                    "s",
                    exemplars=True,
                ),
                heat(
                    "Duration",
                    "How long requests take. The dots are exemplars: a click opens the trace.",
                    f"sum by (le) (increase({BUCKET}[$__rate_interval]))",
                    "s",
                ),
                graph(
                    "Injected failures",
                    "What the rules under /error-injection failed or slowed down.",
                    [
                        (
                            "sum by (http_route, messaging_destination_name)"
                            f" (rate(error_injection_injected_total{{{ONE}}}[$__rate_interval]))",
                            "{{http_route}}{{messaging_destination_name}}",
                        )
                    ],
                    "ops",
                ),
            ],
            "What it does": [
                graph(
                    "Spans by name",
                    "Spans a second: requests, statements, sends, processing.",
                    [
                        (
                            "topk(15, sum by (span_name)"
                            f" (rate(traces_span_metrics_calls_total{{{ONE}}}[$__rate_interval])))",
                            "{{span_name}}",
                        )
                    ],
                    "ops",
                ),
                graph(
                    "95th percentile by span",
                    "In milliseconds.",
                    [
                        (
                            "topk(15, histogram_quantile(0.95, sum by (span_name, le) (rate("
                            f"traces_span_metrics_duration_milliseconds_bucket{{{ONE}}}"
                            "[$__rate_interval]))))",
                            "{{span_name}}",
                        )
                    ],
                    "ms",
                    exemplars=True,
                ),
                graph(
                    "Calls to others",
                    "95th percentile of HTTP calls that it makes.",
                    [
                        (
                            "histogram_quantile(0.95, sum by (url_template, le) (rate("
                            f"http_client_request_duration_seconds_bucket{{{ONE}}}"
                            "[$__rate_interval])))",
                            "{{url_template}}",
                        )
                    ],
                    "s",
                    exemplars=True,
                ),
                graph(
                    "Connections to the database",
                    "Open connections by state, and the most that are allowed.",
                    [
                        (
                            "sum by (db_client_connection_state)"
                            f" (db_client_connection_count{{{ONE}}})",
                            "{{db_client_connection_state}}",
                        ),
                        (f"sum(db_client_connection_max{{{ONE}}})", "most"),
                    ],
                ),
                trace_metric(
                    "Spans by kind",
                    "TraceQL metrics: spans a second.",
                    '{ resource.service.name = "$service" } | rate() by (kind)',
                    "ops",
                ),
                traces(
                    "Slow traces",
                    "The latest traces in which it took more than 100 ms.",
                    '{ resource.service.name = "$service" && duration > 100ms }',
                ),
                log_lines("Log", "The latest log lines.", '{service_name="$service"}'),
            ],
        },
        {"service": "label_values(http_server_request_duration_seconds_count, service_name)"},
    )
