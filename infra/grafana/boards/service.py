"""One service: its routes, its calls, its log, and its traces."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from boards.board import board
from boards.links import see_logs, see_traces
from boards.panels import graph, happened, heat, log_lines, trace_metric, traces, verdict

ONE = 'service_name="$service"'
COUNT = f"http_server_request_duration_seconds_count{{{ONE}}}"
BUCKET = f"http_server_request_duration_seconds_bucket{{{ONE}}}"

THIS = 'resource.service.name = "$service"'
REQUESTS = see_traces(f"{{ {THIS} && kind = server }}", "Traces of requests")
SLOW = see_traces(f"{{ {THIS} && duration > 100ms }}", "Slow traces")
LOG = see_logs('{service_name="$service"}', "Log")


def build() -> Dashboard:
    return board(
        "service",
        "One service",
        "Everything about the service that is chosen above.",
        {
            "What it answers": [
                verdict(
                    "Answering: fewer than one request in twenty fails. Fast: nineteen of twenty"
                    " take less than half a second, on each route. No error was logged in five"
                    " minutes.",
                    {
                        "Answering": (
                            f"service:http_errors:ratio_rate5m{{{ONE}}} or vector(0)",
                            0.05,
                        ),
                        "Fast": (f"route:http_duration_seconds:p95_5m{{{ONE}}} or vector(0)", 0.5),
                        "No errors logged": (
                            f"{happened(f'count_log_errors_total{{{ONE}}}', '5m')} or vector(0)",
                            0,
                        ),
                    },
                ),
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
                    see=[REQUESTS],
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
                    see=[SLOW],
                ),
                heat(
                    "Duration",
                    "How long requests take. The dots are exemplars: a click opens the trace.",
                    f"sum by (le) (increase({BUCKET}[$__rate_interval]))",
                    "s",
                    see=[SLOW],
                ),
                graph(
                    "Injected failures",
                    "What rules under /error-injection failed or slowed down, in each interval.",
                    [
                        (
                            happened(
                                f"error_injection_injected_total{{{ONE}}}",
                                "$__rate_interval",
                                "http_route, messaging_destination_name",
                            ),
                            "{{http_route}}{{messaging_destination_name}}",
                        )
                    ],
                    see=[see_traces("{ span.error_injection.rule >= 0 }", "Injected failures")],
                ),
            ],
            "What it does": [
                graph(
                    "Spans by name",
                    "Spans a second: requests, statements, sends, processing.",
                    [
                        (
                            "topk(15, sum by (span_name)"
                            f" (rate(traces_spanmetrics_calls_total{{{ONE}}}[$__rate_interval])))",
                            "{{span_name}}",
                        )
                    ],
                    "ops",
                    see=[see_traces(f"{{ {THIS} }}")],
                ),
                graph(
                    "95th percentile by span",
                    "How long requests, statements, sends and processing take.",
                    [
                        (
                            "topk(15, histogram_quantile(0.95, sum by (span_name, le) (rate("
                            f"traces_spanmetrics_duration_seconds_bucket{{{ONE}}}"
                            "[$__rate_interval]))))",
                            "{{span_name}}",
                        )
                    ],
                    "s",
                    exemplars=True,
                    see=[SLOW],
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
                    see=[see_traces(f"{{ {THIS} && kind = client && span.url.template != nil }}")],
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
                    see=[LOG],
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
