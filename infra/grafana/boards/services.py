"""Services overview: is anything slow or failing, and where does one look next?"""

from grafana_foundation_sdk.models.dashboard import Dashboard

from boards.board import board
from boards.links import see_logs, see_traces
from boards.panels import (
    graph,
    happened,
    heat,
    log_lines,
    number,
    rows,
    trace_metric,
    traces,
    verdict,
)

COUNT = "http_server_request_duration_seconds_count"
BUCKET = "http_server_request_duration_seconds_bucket"
FAILED = f'{COUNT}{{http_response_status_code=~"5.."}}'

ROUTE = "service_name, http_request_method, http_route"

REQUESTS = see_traces("{ kind = server }", "Traces of requests")
FAILURES = see_traces("{ kind = server && status = error }", "Traces of failed requests")
SLOW = see_traces("{ kind = server && duration > 250ms }", "Traces of slow requests")
WARNINGS = see_logs('{service_name=~".+"} | severity_number >= 13', "Warnings and errors")


def _named(expression: str) -> str:
    """The series with one label more, `request`, on which a table can join them."""
    labels = ", ".join(f'"{label}"' for label in ROUTE.split(", "))
    return f'label_join({expression}, "request", " ", {labels})'


def _logged(name: str) -> str:
    return f"sum by (service_name) (rate(count_log_{name}_total[$__rate_interval]))"


def build() -> Dashboard:
    return board(
        "services",
        "Services overview",
        "Rate, errors and duration of every service's requests.",
        {
            "Now": [
                verdict(
                    "Ready: each service says so. Answering: fewer than one request in twenty"
                    " fails. Fast: nineteen of twenty take less than half a second, on each route."
                    " No alert fires.",
                    {
                        "Ready": ('1 - httpcheck_status{http_status_class="2xx"}', 0),
                        "Answering": ("service:http_errors:ratio_rate5m or vector(0)", 0.05),
                        "Fast": ("route:http_duration_seconds:p95_5m or vector(0)", 0.5),
                        "No alerts": ('count(ALERTS{alertstate="firing"}) or vector(0)', 0),
                    },
                ),
                number(
                    "Requests",
                    "Requests a second, all services.",
                    f"sum(rate({COUNT}[$__rate_interval]))",
                    "reqps",
                    see=[REQUESTS],
                ),
                number(
                    "Failed",
                    "Share of requests answered with a 5xx status.",
                    f"(sum(rate({FAILED}[$__rate_interval])) or vector(0))"
                    f" / sum(rate({COUNT}[$__rate_interval]))",
                    "percentunit",
                    (0.01, 0.05),
                    see=[FAILURES],
                ),
                number(
                    "95th percentile",
                    "Nineteen of twenty requests are faster.",
                    f"histogram_quantile(0.95, sum by (le) (rate({BUCKET}[$__rate_interval])))",
                    "s",
                    (0.25, 0.5),
                    see=[SLOW],
                ),
                number(
                    "Books",
                    "Books in bookapp's table.",
                    "max(sql_books)",
                    see=[see_traces('{ name = "POST /books/add" }', "Traces of added books")],
                ),
                number(
                    "Not ready",
                    "Services whose /health/ready does not say 200.",
                    'count(max by (http_url) (httpcheck_status{http_status_class="2xx"}) == 0)'
                    " or vector(0)",
                    limits=(1, 1),
                    see=[WARNINGS],
                ),
                number(
                    "Alerts",
                    "Alerts that fire.",
                    'count(ALERTS{alertstate="firing"}) or vector(0)',
                    limits=(1, 1),
                    see=[WARNINGS],
                ),
            ],
            "Requests": [
                graph(
                    "Rate by service",
                    "Requests a second.",
                    [
                        (
                            f"sum by (service_name) (rate({COUNT}[$__rate_interval]))",
                            "{{service_name}}",
                        )
                    ],
                    "reqps",
                    see=[REQUESTS],
                ),
                graph(
                    "Failures by service and status",
                    "Requests answered with 4xx or 5xx, in each interval.",
                    [
                        (
                            happened(
                                f'{COUNT}{{http_response_status_code=~"[45].."}}',
                                "$__rate_interval",
                                "service_name, http_response_status_code",
                            ),
                            "{{service_name}} {{http_response_status_code}}",
                        )
                    ],
                    see=[FAILURES],
                ),
                heat(
                    "Duration",
                    "How long requests take. The dots are exemplars: a click opens the trace.",
                    f"sum by (le) (increase({BUCKET}[$__rate_interval]))",
                    "s",
                    see=[SLOW],
                ),
                rows(
                    "Routes",
                    "Requests a second and the 95th percentile in seconds, by route.",
                    {
                        "a second": _named(f"sum by ({ROUTE}) (rate({COUNT}[5m]))"),
                        "p95": _named(
                            f"histogram_quantile(0.95, sum by ({ROUTE}, le) (rate({BUCKET}[5m])))"
                        ),
                    },
                    join_on="request",
                    see=[REQUESTS],
                ),
            ],
            "Spans, logs": [
                graph(
                    "Exceptions",
                    "Exceptions recorded on spans, by type, in each interval.",
                    [
                        (
                            happened(
                                "exceptions_total",
                                "$__rate_interval",
                                "service_name, exception_type",
                            ),
                            "{{service_name}} {{exception_type}}",
                        )
                    ],
                    see=[see_traces("{ status = error }", "Failed traces")],
                ),
                graph(
                    "Log records",
                    "Log records a second; warnings and errors apart.",
                    [
                        (
                            _logged("records"),
                            "{{service_name}}",
                        ),
                        (
                            _logged("warnings"),
                            "{{service_name}} warnings",
                        ),
                        (
                            _logged("errors"),
                            "{{service_name}} errors",
                        ),
                    ],
                    "ops",
                    see=[WARNINGS],
                ),
                trace_metric(
                    "95th percentile, from the traces themselves",
                    "TraceQL metrics: Tempo computes them from spans, by any attribute.",
                    "{ kind = server } | quantile_over_time(duration, 0.95) by (span.http.route)",
                    "s",
                ),
                traces(
                    "Failed traces",
                    "The latest traces with an error in them.",
                    "{ status = error }",
                ),
                log_lines(
                    "Warnings and errors",
                    "From every service.",
                    '{service_name=~".+"} | severity_number >= 13',
                ),
            ],
        },
    )
